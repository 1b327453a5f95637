/*
 * demo_events: what the demo publishes: the sample events of all flows, as if they happened now, for several made-up
 * members each, and a few records that are broken in different ways.
 */
#ifndef WORKERS_DEMO_EVENTS_H
#define WORKERS_DEMO_EVENTS_H

#include <stddef.h>

#include "base/err.h"
#include "base/file_tree.h"

struct demo_event {
    char *key;  /* member id; NULL for most broken ones */
    char *value;
    size_t len;
    const char *broken; /* the reason that the DLQ must give; NULL for a good one */
};

struct demo_events {
    struct demo_event *items;
    size_t count;
};

/* `copies`: members for each sample. False + err: there are no samples, or one is no JSON object. */
bool demo_events_make(struct demo_events *events, const struct file_tree *tree, int copies, struct err *err);
void demo_events_finish(struct demo_events *events);

#endif
