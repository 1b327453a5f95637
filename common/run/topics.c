#include "run/topics.h"

#include <stdio.h>
#include <string.h>

enum { MOST_PREFIX = 200 };

bool topics_init(struct topics *topics, const char *prefix, struct err *err)
{
    size_t len = strlen(prefix);

    if (len == 0 || len > MOST_PREFIX ||
        strspn(prefix, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != len) {
        return err_set(err, "KAFKA_TOPIC_PREFIX: \"%.40s\" cannot begin a topic name (letters, digits, '.', '_', '-')",
                       prefix);
    }
    snprintf(topics->outcomes, sizeof(topics->outcomes), "%s.outcomes", prefix);
    snprintf(topics->dlq, sizeof(topics->dlq), "%s.dlq", prefix);
    snprintf(topics->held, sizeof(topics->held), "%s.held", prefix);
    for (int tier = 0; tier < PARK_TIER_COUNT; tier++) {
        snprintf(topics->retry[tier], sizeof(topics->retry[tier]), "%s.retry.%s", prefix,
                 park_tier_name((enum park_tier)tier));
    }
    return true;
}

bool topics_find_tier(const struct topics *topics, const char *name, enum park_tier *tier)
{
    for (int i = 0; i < PARK_TIER_COUNT; i++) {
        if (strcmp(name, topics->retry[i]) == 0) {
            *tier = (enum park_tier)i;
            return true;
        }
    }
    return false;
}
