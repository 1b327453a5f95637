#include "run/topics.h"

#include <regex.h>
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

/* As librdkafka takes it. What is no pattern here might be one there. */
bool topics_means(const char *wanted, const char *name)
{
    regex_t pattern;
    bool is_match;

    if (wanted[0] != '^') {
        return strcmp(wanted, name) == 0;
    }
    if (regcomp(&pattern, wanted, REG_EXTENDED | REG_NOSUB) != 0) {
        return true;
    }
    is_match = regexec(&pattern, name, 0, NULL, 0) == 0;
    regfree(&pattern);
    return is_match;
}

bool topics_check_input(const struct topics *topics, const char *const input[], struct err *err)
{
    const char *own[PARK_TIER_COUNT + 3] = {topics->outcomes, topics->dlq, topics->held};

    for (int tier = 0; tier < PARK_TIER_COUNT; tier++) {
        own[3 + tier] = topics->retry[tier];
    }
    for (; *input; input++) {
        for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
            if (topics_means(*input, own[i])) {
                return err_set(err, "KAFKA_TOPICS: \"%s\" takes in %s, where workers keep records of their own", *input,
                               own[i]);
            }
        }
    }
    return true;
}
