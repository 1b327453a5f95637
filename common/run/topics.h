/*
 * topics: the names of the topics beside the input, from one prefix.
 */
#ifndef RUN_TOPICS_H
#define RUN_TOPICS_H

#include <stdbool.h>

#include "base/err.h"
#include "core/park.h"

enum { TOPIC_NAME_SIZE = 250 };

struct topics {
    char outcomes[TOPIC_NAME_SIZE];
    char retry[PARK_TIER_COUNT][TOPIC_NAME_SIZE];
    char dlq[TOPIC_NAME_SIZE];
    char held[TOPIC_NAME_SIZE];
};

/* False + err: the prefix is no part of a Kafka topic name. */
bool topics_init(struct topics *topics, const char *prefix, struct err *err);
/* True when the topic is one of the retry topics. */
bool topics_find_tier(const struct topics *topics, const char *name, enum park_tier *tier);
/* Does KAFKA_TOPICS mean this topic by `wanted`, a name or a pattern that begins with '^'? */
bool topics_means(const char *wanted, const char *name);
/* False + err: one of the names or patterns (NULL-terminated) means a topic of our own. What goes there would come back as an
 * event, and each record that is none would make another one. */
bool topics_check_input(const struct topics *topics, const char *const input[], struct err *err);

#endif
