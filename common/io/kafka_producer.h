/*
 * kafka_producer: records to Kafka with an acknowledgement for each (acks=all; librdkafka behind it).
 *
 * Retried by librdkafka for up to 30 s; after that, or when its queue is full, the answer is "not done" and the caller
 * keeps the work and tries again. Nothing is ever dropped silently.
 */
#ifndef IO_KAFKA_PRODUCER_H
#define IO_KAFKA_PRODUCER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "io/kafka_consumer.h"
#include "io/kafka_settings.h"
#include "io/loop.h"

struct kafka_producer;

typedef void (*kafka_produce_fn)(void *arg, bool is_done, const char *problem);
/* By its address: the problem of a record that the topic takes in no case, however often it is tried. */
extern const char kafka_record_too_large[];

struct kafka_producer *kafka_producer_open(struct loop *loop, const struct kafka_settings *settings, struct err *err);
/* Waits at most `wait_ms` for what is still open; the rest is answered "not done". */
void kafka_producer_close(struct kafka_producer *producer, int64_t wait_ms);

/* Finds out who leads a topic before the first record needs it; without, that record waits for up to a second (librdkafka
 * looks after unknown topics once a second). At most KAFKA_MOST_PREPARED topics. */
void kafka_producer_prepare(struct kafka_producer *producer, const char *topic);
enum { KAFKA_MOST_PREPARED = 16 };

/* Reads the SASL user and password again; see kafka_config. False + err. */
bool kafka_producer_renew(struct kafka_producer *producer, const struct kafka_settings *settings, struct err *err);

struct kafka_message {
    const char *topic;
    int32_t partition;    /* -1: by key (murmur2, as Java clients do) */
    int64_t timestamp_ms; /* 0: now */
    struct slice key;
    struct slice value; /* data NULL: tombstone */
    const struct kafka_header *headers;
    size_t header_count;
};

/* Everything is copied. Answered exactly once, never from within the call. */
void kafka_produce(struct kafka_producer *producer, const struct kafka_message *message, kafka_produce_fn fn,
                   void *arg);
size_t kafka_producer_open_count(const struct kafka_producer *producer);
/* For kafka_depth.c only. Borrowed. */
struct rd_kafka_s *kafka_producer_client(const struct kafka_producer *producer);

#endif
