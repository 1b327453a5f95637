#include "io/kafka_stats.h"

#include <stdio.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static int64_t number_of(const json_t *object, const char *name, int64_t missing)
{
    const json_t *value = json_object_get(object, name);

    return json_is_integer(value) ? (int64_t)json_integer_value(value) : missing;
}

/* Negative ids are the addresses of the settings, and the coordinator's second connection. */
static bool is_up(const json_t *broker)
{
    return number_of(broker, "nodeid", -1) >= 0 && strcmp(text_of(broker, "state"), "UP") == 0;
}

static const json_t *find_broker(const struct kafka_stats *stats, int64_t id)
{
    const char *name;
    json_t *broker;

    json_object_foreach(json_object_get(stats->root, "brokers"), name, broker) {
        if (number_of(broker, "nodeid", -1) == id && strcmp(text_of(broker, "source"), "logical") != 0) {
            return broker;
        }
    }
    return NULL;
}

bool kafka_stats_parse(struct slice text, struct kafka_stats *stats)
{
    const json_t *group;
    const char *name;
    json_t *broker;

    memset(stats, 0, sizeof(*stats));
    stats->root = json_loadb(text.data, text.len, 0, NULL);
    if (!json_is_object(json_object_get(stats->root, "brokers"))) {
        json_decref(stats->root);
        return false;
    }
    json_object_foreach(json_object_get(stats->root, "brokers"), name, broker) {
        stats->is_any_broker_up |= is_up(broker);
    }
    group = json_object_get(stats->root, "cgrp");
    stats->has_group = json_is_object(group);
    snprintf(stats->group_state, sizeof(stats->group_state), "%s", text_of(group, "state"));
    stats->is_group_up = strcmp(stats->group_state, "up") == 0;
    return true;
}

void kafka_stats_finish(struct kafka_stats *stats)
{
    json_decref(stats->root);
    stats->root = NULL;
}

bool kafka_stats_find(const struct kafka_stats *stats, const char *topic, int32_t partition,
                      struct kafka_stats_partition *found)
{
    const json_t *topics = json_object_get(stats->root, "topics");
    char number[16];
    const json_t *one;
    const json_t *leader;

    snprintf(number, sizeof(number), "%d", (int)partition);
    one = json_object_get(json_object_get(json_object_get(topics, topic), "partitions"), number);
    if (!json_is_object(one)) {
        return false;
    }
    found->begin = number_of(one, "lo_offset", -1);
    found->begin = found->begin < 0 ? -1 : found->begin;
    leader = find_broker(stats, number_of(one, "leader", -1));
    found->is_leader_up = leader && is_up(leader);
    return true;
}
