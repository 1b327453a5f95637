/*
 * html_text: HTML as plain text, for the text part of an e-mail that has none of its own.
 *
 * It works on template source, at compile time: HTML tags become line breaks, dashes and links in brackets, entities
 * become characters, and every Liquid tag stays exactly as written, so that the result is a template again and renders
 * with the same variables. Blocks of Liquid that are opened and closed on different sides of an HTML boundary stay
 * balanced, because nothing between tags is ever reordered.
 */
#ifndef CORE_HTML_TEXT_H
#define CORE_HTML_TEXT_H

#include "base/buf.h"
#include "base/slice.h"

/* Appends the text form of `html` (Liquid source) to `out`. Any bytes are taken; broken HTML gives broken text. Where
 * lines and paragraphs end it holds marks for html_text_tidy(), which knows what Liquid left between them. */
void html_text_convert(struct slice html, struct buf *out);

/* Finishes rendered text and appends it to `out`, which is empty: marks become line breaks, blanks at line ends go, at
 * most one empty line stays in a row, none at start and end; one line break at the end when there is any text. */
void html_text_tidy(struct slice text, struct buf *out);

#endif
