/*
 * record_source_inside: what a kind of source is to record_source.c. Private to run/record_source*.c.
 */
#ifndef RUN_RECORD_SOURCE_INSIDE_H
#define RUN_RECORD_SOURCE_INSIDE_H

#include <stddef.h>

#include "run/record_source.h"

struct record_source_type {
    void (*close)(struct record_source *source);
    bool (*next)(struct record_source *source, int64_t wait_ms, const struct record **record, bool *is_end,
                 struct err *err);
    int64_t (*total)(const struct record_source *source);
    double (*share)(const struct record_source *source);
    const char *(*note)(const struct record_source *source);
};

/* First member of each kind. */
struct record_source {
    const struct record_source_type *type;
};

/* Takes the sources over: always the record with the least time stamp next, of equals that of the first source. */
struct record_source *record_source_merge(struct record_source **sources, size_t count);

#endif
