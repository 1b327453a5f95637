/*
 * diff_change: one delivery, as two sets of templates make it of the same event, and what is different.
 */
#ifndef WORKERS_REPLAY_DIFF_CHANGE_H
#define WORKERS_REPLAY_DIFF_CHANGE_H

#include <stdbool.h>

#include "core/catalog.h"
#include "core/event.h"
#include "core/plan.h"

/* What changed for the member. */
#define DIFF_CHANGES(X)                                                                                                \
    X(SAME, "the same")                                                                                                \
    X(OTHER, "changed")                                                                                                \
    X(NEW, "newly sent")                                                                                               \
    X(GONE, "no longer sent")                                                                                          \
    X(BREAKS, "newly broken")                                                                                          \
    X(MENDS, "mended")

enum diff_change_kind {
#define X(name, text) DIFF_##name,
    DIFF_CHANGES(X)
#undef X
        DIFF_CHANGE_KIND_COUNT
};

const char *diff_change_kind_name(enum diff_change_kind kind);

/* With one set of templates. */
struct diff_side {
    bool is_sent;              /* there is a message */
    bool is_broken;            /* there should be one */
    struct message message;    /* of is_sent */
    struct render_error error; /* of is_broken */
};

struct diff_change {
    enum diff_change_kind kind;
    bool is_message; /* at least one of the sides sends or should */
    struct diff_side before, after;
};

/* A part of a message that people see. */
struct diff_part {
    const char *name;           /* "subject", "html", ... */
    const char *before, *after; /* "" when there is none; borrowed */
};

enum { DIFF_MOST_PARTS = 8 };

/* What a side makes of the event: its flow is NULL when it asks for nothing. */
struct diff_way {
    const struct catalog *catalog;
    const struct flow *flow;
    const char *plan_problem; /* the event could not be planned; NULL: it could */
};

/* The caller finishes the change. */
void diff_change_make(struct diff_change *change, const struct diff_way *before, const struct diff_way *after,
                      enum channel channel, const struct event *event);
void diff_change_finish(struct diff_change *change);
/* Those that differ; how many. */
size_t diff_change_parts(const struct diff_change *change, struct diff_part parts[DIFF_MOST_PARTS]);

#endif
