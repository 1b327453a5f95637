/*
 * percent: %XX in texts that come as parts of addresses, or as if they were.
 */
#ifndef BASE_PERCENT_H
#define BASE_PERCENT_H

#include "base/slice.h"

/* Heap memory; NULL when an escape is malformed or means NUL. */
char *percent_decode(struct slice text);

#endif
