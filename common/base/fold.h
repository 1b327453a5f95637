/*
 * fold: text for people in a column: where a line would become too long it goes on in the next one, below its own
 * beginning. What `--help` prints is made with it.
 */
#ifndef BASE_FOLD_H
#define BASE_FOLD_H

#include <stddef.h>
#include <stdio.h>

enum { FOLD_WIDTH = 112 };

/* Prints `text` from column `at`, where the line stands already, broken between words; a word is never broken. Ends the line. */
void fold_print(FILE *to, size_t at, const char *text);

#endif
