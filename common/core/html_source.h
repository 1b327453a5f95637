/*
 * html_source: the HTML in a template's source, apart from the Liquid between it. For lint, which wants to name the
 * place in a file where something wrong was written, also when it only shows in the rendered message.
 */
#ifndef CORE_HTML_SOURCE_H
#define CORE_HTML_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"

enum {
    HTML_SOURCE_OUTPUT = '\x01', /* in place of each byte of an output {{ }} */
    HTML_SOURCE_TAG = '\x02',    /* in place of each byte of a tag {% %} and of comments */
};

/* The same length with Liquid blanked out as above, so that offsets stay. */
void html_source_blank(struct slice source, struct buf *out);

/* The same template with a mark in front of each literal HTML tag that survives rendering and names the place:
 * html_source_find_mark(). `file` is any number, `base` is added to the offsets. */
void html_source_mark(struct slice source, size_t file, size_t base, struct buf *out);
/* The mark that ends at `at` in rendered text. False when there is none. */
bool html_source_find_mark(struct slice text, size_t at, size_t *file, size_t *offset);
/* Appends `text` without marks and without HTML_SOURCE_TAG bytes. */
void html_source_clean(struct slice text, struct buf *out);

#endif
