/*
 * event_range: the options with which people say what to read again: a part of a topic, or a file of events, and which
 * of the events in it. The same for every command that reads events again.
 */
#ifndef WORKERS_EVENT_RANGE_H
#define WORKERS_EVENT_RANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/args.h"
#include "base/err.h"
#include "core/record.h"
#include "io/kafka_settings.h"
#include "run/record_source.h"

struct event_range {
    const char *from, *to, *topic, *type, *member, *input; /* as said; borrowed */
    int64_t partition, limit;
    struct record_place start, end; /* what `from` and `to` mean since event_range_check() */
};

#define EVENT_RANGE_DEFAULTS                                                                                           \
    {                                                                                                                  \
        .from = "beginning", .to = "end", .partition = -1                                                              \
    }

/* Rows for the table of options. */
#define EVENT_RANGE_ARGS(range)                                                                                        \
    {"from", ARG_TEXT, &(range)->from, "PLACE",                                                                        \
     "Where to begin: beginning, a time (2026-11-01T00:00Z), a time before now (-7d), an offset (beginning)."},        \
        {"to", ARG_TEXT, &(range)->to, "PLACE", "Where to end, not included: the same, or end (end)."},                \
        {"topic", ARG_TEXT, &(range)->topic, "T", "Topic to read (the first of KAFKA_TOPICS)."},                       \
        {"partition", ARG_INT, &(range)->partition, "N", "Only this partition."},                                      \
        {"type", ARG_TEXT, &(range)->type, "X", "Only events of this type."},                                          \
        {"member", ARG_TEXT, &(range)->member, "ID", "Only events of this member."},                                   \
        {"limit", ARG_INT, &(range)->limit, "N", "At most so many events."},                                           \
    {                                                                                                                  \
        "input", ARG_TEXT, &(range)->input, "FILE", "Read a file of events, one in a line, instead of a topic."        \
    }

/* After the options were read: understands the places, once, so that they mean the same for every opening. */
bool event_range_check(struct event_range *range, int64_t now_ms, struct err *err);
/* Of a topic, in the order of the time stamps: the same order each time. */
struct record_source *event_range_open(const struct event_range *range, const struct kafka_settings *kafka,
                                       const char *default_topic, struct err *err);
/* Is it one of those that are wanted by type and member? */
bool event_range_matches(const struct event_range *range, const struct record *record);

#endif
