/*
 * status_text: the summary as a page for people.
 */
#ifndef WORKERS_STATUS_STATUS_TEXT_H
#define WORKERS_STATUS_STATUS_TEXT_H

#include <jansson.h>

#include "base/buf.h"

/* Lines, without colours. What came from elsewhere (names, reasons) holds no control characters afterwards. */
void status_text_write(const json_t *summary, struct buf *out);

/* The page cut to a terminal of `columns` and `rows`, as escape sequences that draw it over the one before. */
void status_text_draw(struct slice page, int columns, int rows, struct buf *out);

#endif
