/*
 * kafka_range: which offsets of a partition lie between two places: an end of the log, an offset, or a time.
 *
 * A time is looked up by the broker. One that cannot (the embedded broker answers "none" whatever the time) leaves the
 * whole log and the times, for the reader to look for them in the records. Private to io/kafka_*.c.
 */
#ifndef IO_KAFKA_RANGE_H
#define IO_KAFKA_RANGE_H

#include <stdbool.h>
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

/* The same partition is asked again before the deadline, also of another leader. */
bool kafka_range_find(struct rd_kafka_s *rk, const struct kafka_reader_range *wanted, int32_t partition,
                      int64_t deadline_ms, struct kafka_range *range, struct err *err);
bool kafka_range_is_scan(const struct kafka_range *range);

#endif
