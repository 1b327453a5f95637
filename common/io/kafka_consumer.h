/*
 * kafka_consumer: records from Kafka, in a consumer group or with partitions assigned by setting (librdkafka behind
 * it).
 *
 * Eager rebalancing, no automatic commits, no automatic offset reset. The consumer keeps its own set of paused
 * partitions and resumes only those, and all of them before a revoke: on librdkafka 2.0.2 a resume of a partition
 * that is not paused rewinds it, and a pause survives a reassignment. It is polled at least every 100 ms, also
 * while everything is paused, so that it stays in its group.
 *
 * Partitions take turns, a record each: one with a long lag does not hold up the others. What was read and waits for its
 * turn is bounded by kafka_settings.queue_kib.
 */
#ifndef IO_KAFKA_CONSUMER_H
#define IO_KAFKA_CONSUMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "io/kafka_settings.h"
#include "io/loop.h"

struct kafka_consumer;

struct kafka_header {
    const char *name;
    struct slice value;
};

/* Borrowed until on_record returns. */
struct kafka_record {
    const char *topic;
    int32_t partition;
    int64_t offset;
    int64_t timestamp_ms; /* -1 when there is none */
    struct slice key;     /* data NULL when there is none */
    struct slice value;   /* data NULL for a tombstone */
    const struct kafka_header *headers;
    size_t header_count;
};

struct kafka_partition {
    const char *topic;
    int32_t partition;
};

/* What to commit for one partition: everything below `offset` is done; `metadata` is text (may be ""). */
struct kafka_position {
    const char *topic;
    int32_t partition;
    int64_t offset;
    const char *metadata;
};

struct kafka_consumer_events {
    void (*on_record)(void *arg, const struct kafka_record *record);
    /* A partition is ours from now on. `committed` is the group's offset or -1 when it has none yet; `metadata` is
     * what was committed with it ("" when none). Returns the offset to start at: `committed`, or one of
     * KAFKA_START_*. */
    int64_t (*on_assign)(void *arg, const struct kafka_partition *partition, int64_t committed, const char *metadata);
    /* A partition is about to go. When `can_commit`, fills `position` (offset and metadata; metadata must live until
     * the call after this one) and returns true to have it committed first, with a deadline of 2 s. */
    bool (*on_revoke)(void *arg, const struct kafka_partition *partition, bool can_commit,
                      struct kafka_position *position);
    /* All records up to `next_offset` (exclusive) were delivered and there are no more for now. */
    void (*on_end)(void *arg, const struct kafka_partition *partition, int64_t next_offset);
    /* The committed offset is outside of the log: `missing` records were removed before they were read (0 when the
     * log is shorter than the offset). Reading goes on at `low`. */
    void (*on_out_of_range)(void *arg, const struct kafka_partition *partition, int64_t wanted, int64_t low,
                            int64_t high, int64_t missing);
    /* Brokers reachable or not (all down), with a reason. */
    void (*on_state)(void *arg, bool is_up, const char *reason);
    /* The client cannot go on (fenced, fatal error): the process must exit with status 3. */
    void (*on_fatal)(void *arg, const char *reason);
    void *arg;
};

enum { KAFKA_START_EARLIEST = -2, KAFKA_START_LATEST = -1 };

/* Would kafka_consumer_open() take these? Asks nobody. */
bool kafka_consumer_check(const char *const topics[], const char *assign, struct err *err);
/* `topics`: names or ^regex, NULL-terminated. `assign`: NULL for group mode, or partition numbers "0-3,7" that are
 * assigned statically for every topic of the list. Begins to connect; a broker that is not there is a state. */
struct kafka_consumer *kafka_consumer_open(struct loop *loop, const struct kafka_settings *settings, const char *group,
                                           const char *const topics[], const char *assign,
                                           const struct kafka_consumer_events *events, struct err *err);
/* Leaves the group (waits at most 3 s) and frees. Commit before: on_revoke is not called any more, and a commit that is
 * still open gets no answer. Not from within one of its callbacks. */
void kafka_consumer_close(struct kafka_consumer *consumer);

/* Reads the SASL user and password again; see kafka_config. False + err. */
bool kafka_consumer_renew(struct kafka_consumer *consumer, const struct kafka_settings *settings, struct err *err);

void kafka_consumer_pause(struct kafka_consumer *consumer, const struct kafka_partition *partition);
void kafka_consumer_resume(struct kafka_consumer *consumer, const struct kafka_partition *partition);
/* Stops delivering records at once: for a full window within a turn. While held the consumer is still polled for group
 * events; records that arrive are kept in order, up to the bound. */
void kafka_consumer_hold(struct kafka_consumer *consumer, bool is_held);

typedef void (*kafka_commit_fn)(void *arg, bool is_done, const char *problem);
/* Asynchronous; one at a time (false when one is still open). */
bool kafka_consumer_commit(struct kafka_consumer *consumer, const struct kafka_position positions[], size_t count,
                           kafka_commit_fn fn, void *arg);
/* Records between `next_offset` and the end of the log, as last reported by the broker; -1 when unknown. */
int64_t kafka_consumer_lag(const struct kafka_consumer *consumer, const struct kafka_partition *partition,
                           int64_t next_offset);

#endif
