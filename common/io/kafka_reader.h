/*
 * kafka_reader: reads topics from a start to an end without a group and without leaving a trace: no commits, no
 * group on the broker. For rebuilding Redis from the outcomes topic, for replay and for the tools. Opening and closing
 * block for seconds where Kafka is slow: kafka_opening.h does both beside the loop of a worker. Reading waits as long as it is
 * told to.
 */
#ifndef IO_KAFKA_READER_H
#define IO_KAFKA_READER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "io/kafka_consumer.h"
#include "io/kafka_settings.h"

struct kafka_reader;

/* A place in a partition: an offset, or one of these. */
enum { KAFKA_READER_END = -1, KAFKA_READER_BEGINNING = -2, KAFKA_READER_TIME = -3 };

struct kafka_reader_place {
    int64_t offset;
    int64_t time_ms; /* of KAFKA_READER_TIME: the first record of that time or later */
};

struct kafka_reader_range {
    const char *topic;
    int32_t partition;                  /* -1: all */
    struct kafka_reader_place from, to; /* `to` is not part of it; what lies outside of the log is cut off */
    bool may_be_missing;                /* a topic that does not exist is empty; never all of them */
};

/* Reads all partitions of `topic`, each from its low to its present high watermark. A topic that does not exist is an
 * error. */
struct kafka_reader *kafka_reader_open(const struct kafka_settings *settings, const char *topic, struct err *err);
/* The part of a topic that lies between two places when it is opened. */
struct kafka_reader *kafka_reader_open_range(const struct kafka_settings *settings,
                                             const struct kafka_reader_range *range, struct err *err);
/* Several topics, each named once; below, `range` is an index of theirs. Stops waiting when another thread sets *is_unwanted
 * (NULL: nobody does). */
struct kafka_reader *kafka_reader_open_ranges(const struct kafka_settings *settings,
                                              const struct kafka_reader_range ranges[], size_t count,
                                              const atomic_bool *is_unwanted, struct err *err);
void kafka_reader_close(struct kafka_reader *reader);
/* Next record (borrowed until the next call) in *record; *is_end when all partitions are through. Waits at most
 * `wait_ms`, then returns true with neither. False + err when reading failed. */
bool kafka_reader_next(struct kafka_reader *reader, int64_t wait_ms, const struct kafka_record **record, bool *is_end,
                       struct err *err);
/* How many offsets lie between the start and the end found at open. */
int64_t kafka_reader_total(const struct kafka_reader *reader);
int64_t kafka_reader_range_total(const struct kafka_reader *reader, size_t range);
/* Kafka said more than once that there is no such topic, in answers that know of another one of ours: so it was not a broker
 * that has just begun, and not one that could not be asked. */
bool kafka_reader_is_missing(const struct kafka_reader *reader, size_t range);
/* Of a record that was just read. */
size_t kafka_reader_range_of(const struct kafka_reader *reader);
/* How many of them are still to come. */
int64_t kafka_reader_left(const struct kafka_reader *reader);
/* Of the (first) topic, whatever part of it is read. */
int32_t kafka_reader_partition_count(const struct kafka_reader *reader);
/* The broker could not look up times: all records are read, and those of other times left out. */
bool kafka_reader_is_scan(const struct kafka_reader *reader);

#endif
