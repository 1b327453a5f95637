/*
 * input: files that a person names on the command line; "-" is standard input.
 */
#ifndef WORKERS_RENDER_INPUT_H
#define WORKERS_RENDER_INPUT_H

#include <stddef.h>

#include "base/err.h"

/* Heap memory with a NUL behind it, at most 16 MiB; caller frees. NULL + err, which names the file. */
char *input_read(const char *path, size_t *len, struct err *err);
/* For messages: the path, or "stdin". */
const char *input_name(const char *path);

#endif
