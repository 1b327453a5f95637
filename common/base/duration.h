/*
 * duration: "90s", "48h", "400d" as people write them in flow files and settings.
 */
#ifndef BASE_DURATION_H
#define BASE_DURATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

/* Whole number followed by one of ms s m h d w. At most 100 years. */
bool duration_parse_ms(struct slice text, int64_t *ms, struct err *err);
/* The same form, in the largest unit up to days that is exact: "7d", "90m". Returns `text`. */
enum { DURATION_TEXT_SIZE = 24 };
const char *duration_format(int64_t ms, char text[DURATION_TEXT_SIZE]);

#endif
