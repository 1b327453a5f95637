/*
 * lint_html: what is wrong with HTML, whether it is template source with its Liquid blanked out or a rendered message.
 */
#ifndef CORE_LINT_HTML_H
#define CORE_LINT_HTML_H

#include <stddef.h>

#include "base/slice.h"
#include "core/html_tags.h"

/* Put around the body of a message, this element keeps body and layout apart: neither closes what the other opened. */
#define LINT_HTML_BODY "messagebody"

/* Gets each fault with the byte of the text where it is. */
typedef void (*lint_html_fn)(void *arg, size_t at, const char *hint, const char *message);

/* One tag alone: links that lead nowhere, pictures without a description, names of attributes given twice. */
void lint_html_check_tag(const struct html_tag *tag, lint_html_fn fn, void *arg);
/* All tags of a whole message: elements that are not closed, or closed and never opened. */
void lint_html_check_balance(struct slice html, lint_html_fn fn, void *arg);

#endif
