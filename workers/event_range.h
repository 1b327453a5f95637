/*
 * event_range: the options with which people say what to read again: a part of a topic, or a file of events, and which of
 * the events in it. The same for every command that reads events again.
 */
#ifndef WORKERS_EVENT_RANGE_H
#define WORKERS_EVENT_RANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/args.h"
#include "base/err.h"
#include "core/event.h"
#include "run/record_source.h"
#include "run/worker_settings.h"

struct event_range {
    const char *from, *to, *topic, *type, *member, *input; /* as given; NULL when they were not; borrowed */
    int64_t partition;              /* -1: all */
    int64_t limit;                  /* 0: no limit */
    bool is_by_time;                /* see record_range */
    struct record_place start, end; /* what `from` and `to` mean since event_range_check() */
};

#define EVENT_RANGE_DEFAULTS {.partition = -1}

/* Rows for the table of options. */
#define EVENT_RANGE_ARGS(range)                                                                                        \
    {"from", ARG_TEXT, &(range)->from, "PLACE", "Where to begin (beginning)."},                                        \
    {"to", ARG_TEXT, &(range)->to, "PLACE", "Where to end; not part of it (end)."},                                    \
    {"topic", ARG_TEXT, &(range)->topic, "TOPIC", "The topic, instead of the setting KAFKA_TOPICS."},                  \
    {"partition", ARG_INT, &(range)->partition, "N", "One partition instead of all."},                                 \
    {"input", ARG_TEXT, &(range)->input, "FILE",                                                                       \
     "A file instead of a topic, - for stdin: an event, or a captured record, a line."},                               \
    {"type", ARG_TEXT, &(range)->type, "TYPE", "Events of one type: loyalty.signup."},                                 \
    {"member", ARG_TEXT, &(range)->member, "ID", "Events of one member, by data.member.id."},                          \
    {"limit", ARG_INT, &(range)->limit, "N", "End after so many records that the filters let through."}

/* Names of the settings that it reads, for the list of a command's. */
#define EVENT_RANGE_SETTINGS "KAFKA_BROKERS", "KAFKA_TOPICS", "KAFKA_TOPIC_PREFIX", "KAFKA_CONFIG", "KAFKA_QUEUE_KIB"

/* After the options were read: understands the places, once, so that they mean the same for every opening. */
bool event_range_check(struct event_range *range, int64_t now_ms, struct err *err);
/* `topic` NULL: the one that was given, or the one of the settings. *name (borrowed): topic, path, or "stdin". NULL + err. */
struct record_source *event_range_open(const struct event_range *range, const struct worker_settings *settings,
                                       const char *client_id, const char *topic, const char **name, struct err *err);
/* Are there events that are not wanted? */
bool event_range_has_filter(const struct event_range *range);
/* Is it one of those that are wanted by type and member? */
bool event_range_wants(const struct event_range *range, const struct event *event);

#endif
