/*
 * nearest: what was probably meant by a misspelt word.
 */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

enum { NEAREST_MOST_DISTANCE = 2, NEAREST_MOST_LEN = 64 };

/* How many letters must be inserted, dropped, replaced or swapped with their neighbour to make one of the other;
 * NEAREST_MOST_DISTANCE + 1 for more than that, or when a word is longer than NEAREST_MOST_LEN. */
size_t nearest_distance(const char *a, const char *b);

/* Of the NULL-terminated names, the one at the least distance, the first of equals; NULL when none is within
 * NEAREST_MOST_DISTANCE or what they have in common is less than one letter. Borrowed. */
const char *nearest_find(const char *name, const char *const names[]);

#endif
