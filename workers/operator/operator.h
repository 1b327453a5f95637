/*
 * operator: what the commands with which people look into the books and put them right (why, dlq, held) have in common:
 * settings, Redis, and a producer that waits for its acknowledgement.
 *
 * One question after the other; nothing here runs beside a worker. Owns its connections.
 */
#ifndef WORKERS_OPERATOR_H
#define WORKERS_OPERATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/settings.h"
#include "io/kafka_producer.h"
#include "io/kafka_settings.h"
#include "run/claims.h"
#include "run/record_source.h"
#include "run/topics.h"

struct redis_ask;

struct operator_settings {
    const char *kafka_brokers, *kafka_config, *kafka_topics, *kafka_topic_prefix, *redis_url, *environment;
};

extern const struct setting operator_settings_table[];

struct operator {
    struct operator_settings settings;
    struct topics topics;
    struct kafka_settings kafka;
    struct redis_ask *redis;
    struct loop *loop;               /* of the producer */
    struct kafka_producer *producer; /* opened at the first need */
};

/* Reads the settings and connects to Redis. False + err: nothing is left to close. */
bool operator_open(struct operator *operator, struct err *err);
void operator_close(struct operator *operator);

/* The record as it stands; state 0: there is none. */
bool operator_look(struct operator *operator, const struct mid *mid, struct claim_record *record, struct err *err);
/* Does Redis have an epoch for this delivery's shard? Without one it has forgotten, or is new. */
bool operator_has_epoch(struct operator *operator, const struct mid *mid, bool *has_epoch, struct err *err);

/* What scripts/resolve.lua answers. */
enum operator_resolved { OPERATOR_RESOLVED, OPERATOR_CHANGED };
/* Makes a delivery that is dead or held under `fence` S or X. *fence is the new one. CHANGED: something else stands. */
bool operator_resolve(struct operator *operator, const struct mid *mid, uint64_t *fence, char state, const char *info,
                      int64_t ttl_ms, enum operator_resolved *resolved, struct err *err);

/* Calls with every record of a topic from a place on, up to what is there at the start; `record` is borrowed. */
typedef void (*operator_record_fn)(void *arg, const struct record *record);
bool operator_read_topic(struct operator *operator, const char *topic, struct record_place from,
                         operator_record_fn take, void *arg, struct err *err);

/* Returns when Kafka has acknowledged it. */
bool operator_produce(struct operator *operator, const struct kafka_message *message, struct err *err);

#endif
