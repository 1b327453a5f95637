/*
 * kafka_stats: the statistics that librdkafka tells every few seconds, as far as the watchdog needs them. Pure.
 */
#ifndef IO_KAFKA_STATS_H
#define IO_KAFKA_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/slice.h"

struct kafka_stats {
    json_t *root;
    bool is_any_broker_up;
    bool has_group, is_group_up; /* the client and its coordinator */
    char group_state[32];        /* "up", "wait-broker", ... */
};

/* False: not statistics; nothing is to be finished then. */
bool kafka_stats_parse(struct slice text, struct kafka_stats *stats);
void kafka_stats_finish(struct kafka_stats *stats);

struct kafka_stats_partition {
    int64_t begin;     /* of the log; -1: not known */
    bool is_leader_up; /* the broker that leads it can be talked to */
};

/* False: there is nothing about it. */
bool kafka_stats_find(const struct kafka_stats *stats, const char *topic, int32_t partition,
                      struct kafka_stats_partition *found);

#endif
