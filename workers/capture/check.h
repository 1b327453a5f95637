/*
 * check: does any original value of a source stand in a file? The last look before a capture is given to others.
 */
#ifndef WORKERS_CAPTURE_CHECK_H
#define WORKERS_CAPTURE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"
#include "core/pseudonym.h"
#include "workers/capture/personal.h"

struct check {
    const struct personal_rules *rules;
    const struct pseudonym_set *set; /* has learnt the source */
    FILE *to;                        /* one line for each place: file, line, what kind of value; never the value */
    size_t files, lines, found;
};

/* A file, or all files in a folder and below. Lines of a capture and events are looked into field by field, everything
 * else as text. False + err: something cannot be read. */
bool check_path(struct check *check, const char *path, struct err *err);

#endif
