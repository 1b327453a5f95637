/*
 * witness_inside: what the files of the witness share: witness.c (life, faults, Redis), witness_topics.c (records and
 * commits), witness_requests.c (what reaches the provider) and witness_judge.c (the end).
 */
#ifndef SIMULATION_WITNESS_INSIDE_H
#define SIMULATION_WITNESS_INSIDE_H

#include "core/mid.h"
#include "tests/chaos/history.h"
#include "tests/simulation/witness.h"
#include "tests/support/fakes.h"

enum { WITNESS_MOST_FAULTS = 512, WITNESS_MOST_PARKED = 1024, WITNESS_TICK = 100, WITNESS_MOST_TIMED = 4096 };

/* What one note asks for on one channel. */
struct expected {
    int note;
    enum channel channel;
    enum note_flow flow;
    enum note_kind kind;
    struct mid mid;
    char mid_text[MID_TEXT_SIZE];
    char name[32];
    char state[16], reason[HISTORY_WORD_SIZE]; /* of the last outcome */
    int requests, accepted;
    int64_t accepted_wall_ms; /* the last time */
    bool is_accepted_again;   /* while its key was known, or without one */
    unsigned text_hash;       /* of what may be with the provider; 0: nothing is */
    int64_t parked_tick;      /* the last time; 0: never */
    int64_t requested_tick;
    bool is_of_thawed;        /* a worker may have stood still between its claim and a request */
    bool was_in_flight;       /* when Redis was made to forget, or soon after: see witness_is_promised() */
};

/* What lies on a retry topic, for I5. */
struct parked {
    char topic[32];
    int32_t partition;
    int64_t offset, tick;
    size_t expected;
};

struct seen_fault {
    char what[32];
    int64_t from, to; /* -1: goes on */
};

struct witness {
    const struct scenario *scenario;
    struct coverage *coverage;
    FILE *trace;
    struct expected expected[SCENARIO_MOST_NOTES * CHANNEL_COUNT];
    size_t expected_count;
    struct history *histories[FLOW_COUNT][CHANNEL_COUNT];
    struct seen_fault faults[WITNESS_MOST_FAULTS];
    int fault_count;
    struct parked parked[WITNESS_MOST_PARKED];
    size_t parked_count;
    int snapshots;
    int64_t tick, requests;
    uint64_t digest;
    int64_t thawed_ms;        /* when a worker stood still the last time; 0: never */
    int64_t lost_ms;          /* when Redis was made to forget the last time; 0: never */
    int64_t quiet_ms;         /* when the last fault began or ended */
    int open_faults;
    int64_t request_ms[CHANNEL_COUNT][WITNESS_MOST_TIMED]; /* where nothing had delayed what has its token */
    int timed[CHANNEL_COUNT]; /* of those */
    bool has_commits;
    bool has_suspect; /* kills from outside happened to hit one event's mark three times (run/careful.h) */
    struct buf complaints;
};

void witness_complain(struct witness *witness, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* One more line of what happened; returns its place in the order, as histories know it. */
int64_t witness_see(struct witness *witness, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* How often that happened, over all seeds. */
void witness_count(struct witness *witness, const char *kind, const char *name);
struct history *witness_history(struct witness *witness, const struct expected *expected);
/* NULL: nobody asked for it. */
struct expected *witness_find_expected(struct witness *witness, struct slice mid_text);
/* Records that ask for the same: one finds that the other has settled it, and is done; the other is not, before the outcome is
 * on its topic. */
bool witness_has_several_events(const struct witness *witness, const struct expected *expected);
/* A worker that was sending, or had not published yet what came of it, when Redis forgot, and is dead or stands still: nobody
 * knows any more. Then only the key keeps the promise. */
bool witness_is_promised(const struct witness *witness, const struct expected *expected);

/* witness_topics.c: for fake_kafka_watch_records() and _commits(). */
void witness_on_record(void *witness, const struct kafka_record *record);
void witness_on_commit(void *witness, const char *group, const char *topic, int32_t partition, int64_t offset);

#endif
