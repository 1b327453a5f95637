/*
 * kafka_reader: reads topics from a start to an end without a group and without leaving a trace: no commits, no
 * group on the broker. For rebuilding Redis from the outcomes topic, for replay and for the tools. Blocking; not for
 * the loop of a worker that is sending.
 */
#ifndef IO_KAFKA_READER_H
#define IO_KAFKA_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "io/kafka_consumer.h"
#include "io/kafka_settings.h"

struct kafka_reader;

/* Reads all partitions of `topic`, each from its low to its present high watermark. A topic that does not exist is an
 * error. */
struct kafka_reader *kafka_reader_open(const struct kafka_settings *settings, const char *topic, struct err *err);
void kafka_reader_close(struct kafka_reader *reader);
/* Next record (borrowed until the next call) in *record; *is_end when all partitions are through. Waits at most
 * `wait_ms`, then returns true with neither. False + err when reading failed. */
bool kafka_reader_next(struct kafka_reader *reader, int64_t wait_ms, const struct kafka_record **record, bool *is_end,
                       struct err *err);
/* How many records lie between the low and the high watermarks taken at open. */
int64_t kafka_reader_total(const struct kafka_reader *reader);

#endif
