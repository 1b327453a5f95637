/*
 * kafka_depth: how many records some topics hold, between the beginning and the end of their logs. For topics that this
 * process only writes to, so that nothing else tells their size.
 *
 * Asked through the producer's client on a helper thread, at once and then every `every_ms`: the loop never waits, and a
 * Kafka that is away costs nothing but the answer. What was known last stays until the next answer.
 */
#ifndef IO_KAFKA_DEPTH_H
#define IO_KAFKA_DEPTH_H

#include <stdint.h>

#include "base/err.h"
#include "io/kafka_producer.h"
#include "io/loop.h"

struct kafka_depth;

/* `topics` ends in NULL and is copied. The producer must be closed later. */
struct kafka_depth *kafka_depth_open(struct loop *loop, struct kafka_producer *producer, const char *const topics[],
                                     int64_t every_ms, struct err *err);
/* Waits at most 3 s for a question that is open. */
void kafka_depth_close(struct kafka_depth *depth);
/* Why the last question had no answer; "" when it had one. */
const char *kafka_depth_problem(const struct kafka_depth *depth);
/* -1: not known, or there is no such topic. */
int64_t kafka_depth_records(const struct kafka_depth *depth, const char *topic);

#endif
