/*
 * kafka_wake: wakes the loop when a librdkafka queue has something, through a pipe that librdkafka writes to.
 *
 * librdkafka writes when a queue turns from empty to not empty: whoever is woken drains the queue. Detach the queues
 * before the pipe goes, or librdkafka would write into whatever file gets its number next. Private to io/kafka_*.c.
 */
#ifndef IO_KAFKA_WAKE_H
#define IO_KAFKA_WAKE_H

#include "base/err.h"
#include "io/loop.h"

struct kafka_wake;
struct rd_kafka_queue_s;

struct kafka_wake *kafka_wake_create(struct loop *loop, loop_fn fn, void *arg, struct err *err);
void kafka_wake_destroy(struct kafka_wake *wake);
/* As destroy, but the pipe stays open for threads that may still write to it. */
void kafka_wake_abandon(struct kafka_wake *wake);
void kafka_wake_attach(struct kafka_wake *wake, struct rd_kafka_queue_s *queue);
void kafka_wake_detach(struct rd_kafka_queue_s *queue);
/* Where a byte wakes the loop; never blocks. */
int kafka_wake_fd(const struct kafka_wake *wake);

#endif
