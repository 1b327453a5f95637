/*
 * html_entity: character references of HTML ("&eacute;", "&#233;", "&#xe9;").
 */
#ifndef CORE_HTML_ENTITY_H
#define CORE_HTML_ENTITY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

/* Reads the reference that `text` starts with (at the '&') and returns its length, 0 when it is none that we know.
 * Known are numbers, the Latin-1 names and those of punctuation and arrows that letters use. A number that is no
 * character gives U+FFFD. */
size_t html_entity_parse(struct slice text, uint32_t *code_point);

/* The text as it stands in HTML, also between the quotes of an attribute. */
void html_escape_append(struct buf *out, struct slice text);

#endif
