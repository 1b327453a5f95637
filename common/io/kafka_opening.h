/*
 * kafka_opening: a kafka_reader opened and closed on a thread of its own, since both ask Kafka and wait for the answers, for
 * seconds where it is slow or gone, while the loop of a worker has leases to renew and questions to answer.
 *
 * The reader belongs to whoever was told of it. Until then the opening owns everything, also after it was given up.
 */
#ifndef IO_KAFKA_OPENING_H
#define IO_KAFKA_OPENING_H

#include "io/kafka_reader.h"
#include "io/loop.h"

struct kafka_opening;

/* NULL, and why not. */
typedef void (*kafka_opened_fn)(void *arg, struct kafka_reader *reader, const char *problem);

/* As kafka_reader_open_ranges(); told on the loop's thread, exactly once, and never before this returns. `settings` and what
 * they point to stay as they are until then, or until the loop is destroyed; the ranges are copied. */
struct kafka_opening *kafka_opening_begin(struct loop *loop, const struct kafka_settings *settings,
                                          const struct kafka_reader_range ranges[], size_t count, kafka_opened_fn fn,
                                          void *arg);
/* Nobody is told any more. It ends by itself within a few seconds, for which loop_destroy() waits. */
void kafka_opening_give_up(struct kafka_opening *opening);
/* kafka_reader_close(), beside the loop. */
void kafka_opening_close(struct loop *loop, struct kafka_reader *reader);

#endif
