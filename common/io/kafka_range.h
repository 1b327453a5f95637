/*
 * kafka_range: which offsets of partitions lie between two places: an end of the log, an offset, or a time.
 *
 * All partitions are asked for at once, so that a broker that is far away costs a handful of round trips and not some for each
 * of them. A time is looked up by the broker. One that cannot (the embedded broker answers "none" whatever the time) leaves the
 * whole log and the times, for the reader to look for them in the records. Private to io/kafka_*.c.
 */
#ifndef IO_KAFKA_RANGE_H
#define IO_KAFKA_RANGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "io/kafka_reader.h"

struct rd_kafka_s;

static const int64_t KAFKA_RANGE_ANY_FROM_MS = INT64_MIN, KAFKA_RANGE_ANY_TO_MS = INT64_MAX;

struct kafka_range {
    int64_t low, high;      /* offsets; `high` is not part of it */
    int64_t from_ms, to_ms; /* KAFKA_RANGE_ANY_*, or what the records are to be searched for: it begins with the first
                               record of from_ms or later and ends before the first of to_ms or later */
};

/* Which part of a partition; no two questions are about the same one. */
struct kafka_range_question {
    const struct kafka_reader_range *wanted; /* topic and places */
    int32_t partition;
    struct kafka_range range; /* the answer */
};

/* How long somebody waits for answers. */
struct kafka_patience {
    int64_t deadline_ms;            /* clock_mono_ms() */
    const atomic_bool *is_unwanted; /* NULL, or: set by another thread when nobody waits any more */
};

/* False + err when it is over. */
bool kafka_patience_lasts(const struct kafka_patience *patience, struct err *err);

/* What has no answer is asked for again, also of another leader. */
bool kafka_range_find_all(struct rd_kafka_s *rk, struct kafka_range_question questions[], size_t count,
                          const struct kafka_patience *patience, struct err *err);
bool kafka_range_is_scan(const struct kafka_range *range);

#endif
