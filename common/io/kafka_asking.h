/*
 * kafka_asking: the same questions about whole topics again and again (io/kafka_lookup.h), through somebody's client.
 *
 * Asked on a helper thread, at once and then every `every_ms`: the loop never waits, and a Kafka that is away costs nothing but the
 * answer. What was known last stays until the next answer. Private to io/kafka_*.c.
 */
#ifndef IO_KAFKA_ASKING_H
#define IO_KAFKA_ASKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "io/kafka_lookup.h"
#include "io/loop.h"

struct kafka_asking;

enum { KAFKA_ASKING_MOST_PARTITIONS = 256 }; /* of each topic */

/* KAFKA_LOOKUP_EXISTS is always asked. `topics` ends in NULL and is copied. The client must be closed later. */
struct kafka_asking *kafka_asking_begin(struct loop *loop, struct rd_kafka_s *rk, unsigned questions,
                                        const char *const topics[], int64_t every_ms, struct err *err);
/* Waits at most 3 s for a question that is open. False: it goes on by itself, so the client must stay. */
bool kafka_asking_end(struct kafka_asking *asking);
/* Why the last question had no answer; "" when it had one. */
const char *kafka_asking_problem(const struct kafka_asking *asking);
/* Of the last answer, ordered by topic; NULL and 0 before the first. Borrowed until the loop turns. */
const struct kafka_lookup_item *kafka_asking_items(const struct kafka_asking *asking, size_t *count);

#endif
