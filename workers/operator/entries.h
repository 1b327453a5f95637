/*
 * entries: what lies in the DLQ or the held topic, one entry for each delivery, with what the outcomes topic and Redis
 * say of it now. Topics only grow, so whether an entry is still open is not written in them: it is open while Redis
 * says D (or H) of it and no newer outcome says otherwise; where Redis has forgotten it, while its newest outcome says so.
 */
#ifndef WORKERS_OPERATOR_ENTRIES_H
#define WORKERS_OPERATOR_ENTRIES_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "core/side_note.h"
#include "run/claims.h"
#include "run/record_source.h"
#include "workers/operator/operator.h"

struct entry {
    struct side_note note;
    struct record *record; /* the newest of the topic; owned */
    int64_t count;         /* records of this delivery in the topic */
    json_t *outcome;       /* the newest; NULL: none; owned */
    struct claim_record claim;
    bool is_of_record;     /* no delivery: a record that could not become one */
    bool is_open;
    uint64_t fence;        /* under which it ended */
};

/* What is wanted; NULL and zero: all. */
struct entry_filter {
    const struct mid *mid;
    const char *flow, *reason, *channel;
    struct record_place since;
};

struct entries {
    struct entry *items; /* in the order in which they left */
    size_t count;
    int64_t records, unreadable; /* of the topic */
};

/* `state`: 'D' for the DLQ, 'H' for the held topic. */
bool entries_read(struct operator *operator, char state, const struct entry_filter *filter, struct entries *entries,
                  struct err *err);
void entries_finish(struct entries *entries);

/* A text of the newest outcome; "" when it has none. */
const char *entry_outcome_text(const struct entry *entry, const char *name);
/* An operator's word is on its way to a worker. */
bool entry_is_under_way(const struct entry *entry);

#endif
