#include "workers/status/backlogs.h"

#include <stdlib.h>

#include "base/mem.h"
#include "run/worker_settings.h"

enum { GROUP_SIZE = 160 };

bool backlogs_open(struct backlogs *backlogs, struct loop *loop, const struct kafka_settings *kafka, const char *kafka_topics,
                   const char *kafka_group, const struct topics *topics, int64_t every_ms, struct err *err)
{
    const char *wanted[MOST_TOPICS + 1], *names[MOST_TOPICS + PARK_TIER_COUNT + 1];
    char *store = NULL;
    size_t count = 0;
    bool is_open = worker_settings_split_topics(kafka_topics, &store, wanted, err);

    for (size_t i = 0; is_open && wanted[i]; i++) {
        if (wanted[i][0] != '^') {
            names[count++] = wanted[i];
        }
    }
    for (int tier = 0; tier < PARK_TIER_COUNT; tier++) {
        names[count++] = topics->retry[tier];
    }
    names[count] = NULL;
    for (int channel = 0; channel < CHANNEL_COUNT && is_open; channel++) {
        char group[GROUP_SIZE];

        worker_format_group(kafka_group, (enum channel)channel, group, sizeof(group));
        backlogs->of[channel] = kafka_backlog_open(loop, kafka, group, names, every_ms, err);
        is_open = backlogs->of[channel] != NULL;
    }
    free(store);
    return is_open;
}

void backlogs_close(struct backlogs *backlogs)
{
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        kafka_backlog_close(backlogs->of[channel]);
    }
}

struct summary_backlog backlogs_take(const struct backlogs *backlogs, enum channel channel)
{
    struct kafka_backlog_partition *items = NULL, item;
    size_t count = 0;

    while (backlogs->of[channel] && kafka_backlog_look(backlogs->of[channel], count, &item)) {
        items = xreallocarray(items, count + 1, sizeof(*items));
        items[count++] = item;
    }
    return (struct summary_backlog){items, count};
}

const char *backlogs_problem(const struct backlogs *backlogs)
{
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        const char *problem = backlogs->of[channel] ? kafka_backlog_problem(backlogs->of[channel]) : "";

        if (problem[0]) {
            return problem;
        }
    }
    return "";
}
