/*
 * history: what happened, as seen from outside the product, and whether that is allowed. A test adds what it produced,
 * what the provider was asked (the sandbox's log), what the topics hold, what was committed and when, what Redis held at
 * several instants, and which faults it injected when; history_check() then decides.
 *
 *   I1 no loss         every expected delivery is accepted, or has a visible terminal place: an outcome with a reason, and
 *                      for dead and held ones a record on the DLQ or the held topic
 *   I2 no duplicate    the provider accepted no delivery twice
 *   I3 explained       each further request for a delivery, and each held one, follows a fault, and none comes after the outcome
 *   I4 no phantom      each request belongs to an event that was produced, under one mid, with the same bytes every time
 *   I5 watermark       whatever lies below a committed offset had its outcome, or was parked, before that commit
 *   I6 conservation    every expected delivery has one outcome, "sent" says nobody but the provider, and no lag is left
 *   I7 monotone        what was S in Redis stays S, fences of a shard never fall, but over an injected loss
 *   I8 rate            no second holds more requests than the limit and the burst allow
 *
 * A delivery is named by what the customer would see (channel, and the note in it), not by the product's own id.
 */
#ifndef CHAOS_HISTORY_H
#define CHAOS_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/channel.h"

enum { HISTORY_MID_SIZE = 40, HISTORY_NAME_SIZE = 48, HISTORY_WORD_SIZE = 48 };

/* A record of the input topic. `name`: "note-<member>-<seq>"; "" for what is no event: it must be on the DLQ. */
struct history_event {
    char name[HISTORY_NAME_SIZE];
    int32_t partition;
    int64_t offset;
    int64_t at_ms;
};

/* A request that the provider received. */
struct history_request {
    enum channel channel;
    char name[HISTORY_NAME_SIZE];
    char mid[HISTORY_MID_SIZE];
    char body_hash[20];
    char answer[HISTORY_WORD_SIZE]; /* "201", "400 duplicate_parameter"; anything else was a fault */
    bool is_accepted;
    int64_t at_ms;
    int64_t number; /* in the order of arrival */
};

/* A record of the outcomes topic. */
struct history_outcome {
    enum channel channel;
    char name[HISTORY_NAME_SIZE];
    char mid[HISTORY_MID_SIZE];
    char state[16];
    char reason[HISTORY_WORD_SIZE];
    int64_t at_ms;
};

/* A record of a retry topic, the DLQ or the held topic. */
enum history_side { HISTORY_PARKED, HISTORY_DEAD, HISTORY_HELD };
struct history_aside {
    enum history_side side;
    char mid[HISTORY_MID_SIZE];
    int32_t partition; /* where the original record lies */
    int64_t offset;
    int64_t at_ms;
};

/* Everything below `offset` was committed when the test looked. */
struct history_commit {
    enum channel channel;
    int32_t partition;
    int64_t offset;
    int64_t at_ms;
};

struct history_fault {
    const char *what;
    int64_t from_ms, to_ms;
};

/* A record of Redis, or (mid "") the fence of a shard. Numbers of snapshots rise. */
struct history_stored {
    int snapshot;
    char mid[HISTORY_MID_SIZE];
    unsigned shard;
    char state;
    uint64_t fence;
};

struct history;

struct history *history_create(void);
void history_destroy(struct history *history);

void history_add_event(struct history *history, const struct history_event *event);
void history_add_request(struct history *history, const struct history_request *request);
void history_add_outcome(struct history *history, const struct history_outcome *outcome);
void history_add_aside(struct history *history, const struct history_aside *aside);
void history_add_commit(struct history *history, const struct history_commit *commit);
void history_add_fault(struct history *history, const char *what, int64_t from_ms, int64_t to_ms);
void history_add_stored(struct history *history, const struct history_stored *stored);
/* Between the snapshot before and this one Redis was made to forget. */
void history_add_redis_loss(struct history *history, int snapshot);

struct history_rules {
    bool is_channel_used[CHANNEL_COUNT];
    bool may_resend[CHANNEL_COUNT]; /* the flow repeats what nobody knows: duplicates, each explained, up to the number below */
    size_t duplicates_most;
    size_t held_most[CHANNEL_COUNT];
    size_t dead_most;
    size_t suppressed_most; /* and expired */
    int64_t lag;            /* records that are not committed in the end */
    int64_t rate_per_s, burst; /* 0: not looked at */
    int last_snapshot;      /* what was sent must be S in this one; 0: not looked at */
};

struct history_figures {
    size_t expected, requests, accepted, duplicates, further, unexplained;
    size_t sent, held[CHANNEL_COUNT], dead, suppressed, missing;
    size_t commits, snapshots;
    size_t unsettled; /* records of the last snapshot that are W, U or P */
    int64_t busiest_second;
};

/* Everything is added. One line for each violation (some of each kind) is appended to `report`. True: none. */
bool history_check(struct history *history, const struct history_rules *rules, struct history_figures *figures,
                   struct buf *report);

/* After the check, for figures (tests/chaos/history_timing.h): events lie by partition and offset, requests as they came. */
size_t history_count_events(const struct history *history);
const struct history_event *history_get_event(const struct history *history, size_t index);
size_t history_count_requests(const struct history *history);
const struct history_request *history_get_request(const struct history *history, size_t index);
/* When the provider was asked for it for the first time; -1: never. */
int64_t history_first_asked_ms(struct history *history, enum channel channel, const char *name);

#endif
