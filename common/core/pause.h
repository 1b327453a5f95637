/*
 * pause: what people have stopped on purpose, as one list for all workers of an installation.
 *
 * A list has a serial; one with a higher serial replaces one with a lower, whoever brings it. So workers can give an
 * emptied Redis its list back, and an old one never comes back.
 */
#ifndef CORE_PAUSE_H
#define CORE_PAUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum pause_scope { PAUSE_ALL, PAUSE_CHANNEL, PAUSE_FLOW, PAUSE_PROVIDER, PAUSE_SCOPE_COUNT };

enum { PAUSE_NAME_SIZE = 64, PAUSE_BY_SIZE = 65, PAUSE_REASON_SIZE = 201, PAUSE_MOST = 64 };

struct pause {
    enum pause_scope scope;
    char name[PAUSE_NAME_SIZE]; /* "" with PAUSE_ALL */
    char by[PAUSE_BY_SIZE];     /* who did it, "" when not told */
    char reason[PAUSE_REASON_SIZE];
    int64_t since_ms; /* wall clock of Redis */
};

struct pause_list {
    int64_t serial; /* 0: nobody ever paused anything */
    struct pause items[PAUSE_MOST];
    size_t count;
};

const char *pause_scope_name(enum pause_scope scope); /* "flow" */
bool pause_scope_parse(struct slice name, enum pause_scope *scope);

/* "<serial> <JSON array>"; "" for serial 0. */
void pause_list_format(const struct pause_list *list, struct buf *out);
/* "" is serial 0. False + err: no such text; *list is untouched. */
bool pause_list_parse(struct slice text, struct pause_list *list, struct err *err);

/* NULL: not paused. */
const struct pause *pause_list_find(const struct pause_list *list, enum pause_scope scope, const char *name);
/* One that is there already keeps its time and gets the new reason. False + err: there are PAUSE_MOST. */
bool pause_list_add(struct pause_list *list, const struct pause *pause, struct err *err);
/* False: it was not there. */
bool pause_list_remove(struct pause_list *list, enum pause_scope scope, const char *name);

/* Fit for name, by or reason: UTF-8 without control characters, shorter than `size`. */
bool pause_text_is_fit(struct slice text, size_t size);

#endif
