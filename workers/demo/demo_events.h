/*
 * demo_events: what the demo publishes: the sample events of all flows, as if they happened now or one after the other in
 * the time before, for several made-up members each, and a few records that are broken in different ways.
 */
#ifndef WORKERS_DEMO_EVENTS_H
#define WORKERS_DEMO_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/file_tree.h"

struct demo_event {
    char *key;  /* member id; NULL for most broken ones */
    char *value;
    size_t len;
    int64_t at_ms;      /* when it happened */
    const char *broken; /* the reason that the DLQ must give; NULL for a good one */
};

struct demo_events {
    struct demo_event *items;
    size_t count;
};

struct demo_time {
    int64_t now_ms, span_ms; /* the events happen evenly in the `span_ms` before `now_ms` */
};

/* `copies`: members for each sample. False + err: there are no samples, or one is no JSON object. */
bool demo_events_make(struct demo_events *events, const struct file_tree *tree, int copies, struct demo_time time,
                      struct err *err);
void demo_events_finish(struct demo_events *events);

#endif
