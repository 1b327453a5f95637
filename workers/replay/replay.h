/*
 * replay: records read again, and what is done with them.
 *
 * replay.c reads the command line, replay_run.c the records: it filters them and hands each to the one sink that the
 * options chose. A sink is a file of this folder; adding one is that file and a row in the table of replay.c.
 */
#ifndef WORKERS_REPLAY_REPLAY_H
#define WORKERS_REPLAY_REPLAY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "core/event.h"
#include "core/record.h"
#include "io/loop.h"
#include "run/record_source.h"
#include "run/topics.h"
#include "run/worker_settings.h"
#include "workers/event_range.h"

/* As given; texts are NULL when they were not. */
struct replay_options {
    struct event_range range; /* its limit: records handed to the sink */
    const char *as_of, *out, *sandbox, *id;
    const char *diff, *produce, *rate, *speed;
    bool is_dlq, is_json, is_offline, is_yes;
    bool is_as_of_event; /* of as_of */
};

/* What a sink may use; all borrowed, and alive as long as the sink. */
struct replay_parts {
    const struct replay_options *options;
    const struct worker_settings *settings;
    const struct topics *topics;
    struct loop *loop;
    const char *source_name; /* topic, or path of a file */
};

/* A record that the filters let through. */
struct replay_item {
    const struct record *record;
    bool is_event;
    struct event event;  /* when it is one */
    const char *reason;  /* when it is none: the stable word, */
    const char *problem; /* and the sentence */
};

enum { REPLAY_PLACE_SIZE = 320, REPLAY_ID_SIZE = 13 };

/* "loyalty.events/3@1017", or "events.ndjson:12". */
void replay_format_place(const struct replay_parts *parts, const struct record *record, char text[REPLAY_PLACE_SIZE]);

/* What the run came to, beside what the sink knows. */
struct replay_tally {
    int64_t records;    /* read */
    int64_t taken;      /* handed to the sink */
    int64_t left_out;   /* by --type and --member */
    int64_t unreadable; /* no events, so that --type and --member could not be asked */
    int64_t spent_ms;
    bool is_interrupted; /* by a signal */
    bool is_limited;     /* --limit was reached */
    const char *note;    /* on how it was read, or "" */
};

/* First member of each sink's struct. */
struct replay_sink {
    const struct replay_sink_type *type;
};

struct replay_sink_type {
    /* NULL + err: it cannot be used. */
    struct replay_sink *(*open)(const struct replay_parts *parts, struct err *err);
    void (*close)(struct replay_sink *sink);
    /* False + err: the run ends. */
    bool (*take)(struct replay_sink *sink, const struct replay_item *item, struct err *err);
    /* Work that goes on in the loop: how much there is, and whether it is too much to take more. False + err: it cannot
     * go on, and the run ends. NULL: everything is done when take() returns. */
    bool (*count_open)(struct replay_sink *sink, int64_t *open, bool *is_full, struct err *err);
    /* After the last record, with nothing open. May be NULL. */
    bool (*finish)(struct replay_sink *sink, struct err *err);
    /* To `to`, as text or as one JSON object. False: not all was well, and the command ends with status 1. */
    bool (*report)(struct replay_sink *sink, const struct replay_tally *tally, FILE *to);
    bool needs_events; /* records are decoded for it */
};

extern const struct replay_sink_type replay_dry_run, replay_trial;

extern const struct replay_sink_type replay_diff, replay_produce;

/* Reads all records into the sink and reports. Exit status. */
int replay_run(const struct replay_parts *parts, struct record_source *source, const struct replay_sink_type *type);

#endif
