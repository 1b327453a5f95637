/*
 * kafka_broker: the embedded broker (librdkafka's mock cluster) for development, demo and tests.
 *
 * Lives in memory, on loopback, as long as the process. Limits of librdkafka 2.0.2: it chooses its own port; a first
 * join of a group takes 3 s; a partition keeps 5 MiB or 100,000 records; look-up of offsets by time and
 * transactions do not work; no admin requests. `listen` (when given) also accepts bootstrap connections on that
 * address and passes them on byte by byte.
 */
#ifndef IO_KAFKA_BROKER_H
#define IO_KAFKA_BROKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "io/loop.h"

struct kafka_broker;

struct kafka_broker_topic {
    const char *name;
    int32_t partitions;
};

struct kafka_broker *kafka_broker_open(struct loop *loop, const char *listen, const struct kafka_broker_topic *topics,
                                       int topic_count, struct err *err);
void kafka_broker_close(struct kafka_broker *broker);
/* "127.0.0.1:37421" */
const char *kafka_broker_bootstrap(const struct kafka_broker *broker);

#endif
