/*
 * number: whole numbers as text: from outside (settings, options, record headers, HTTP headers) read strictly, and
 * written without the price of printf where every message needs some.
 */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* Decimal digits, a '-' before them allowed; no spaces, no '+', nothing behind. False when it is not that or does not
 * fit; *number is untouched then. */
bool number_parse(struct slice text, int64_t *number);

enum { NUMBER_TEXT_SIZE = 24 };

/* Decimal, NUL-terminated; the slice lies in `text`. */
struct slice number_format(int64_t number, char text[NUMBER_TEXT_SIZE]);

#endif
