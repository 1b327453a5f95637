/*
 * number: whole numbers as text from outside (settings, options, record headers, HTTP headers), read strictly.
 */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* Decimal digits, a '-' before them allowed; no spaces, no '+', nothing behind. False when it is not that or does not
 * fit; *number is untouched then. */
bool number_parse(struct slice text, int64_t *number);

#endif
