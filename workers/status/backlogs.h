/*
 * backlogs: how far the group of each channel has come in the topics that workers read, as Kafka tells: it knows of partitions
 * that no worker has, too. Of a pattern (KAFKA_TOPICS ^regex) nothing is asked.
 */
#ifndef WORKERS_STATUS_BACKLOGS_H
#define WORKERS_STATUS_BACKLOGS_H

#include "core/channel.h"
#include "io/kafka_backlog.h"
#include "run/topics.h"
#include "workers/status/summary.h"

struct backlogs {
    struct kafka_backlog *of[CHANNEL_COUNT];
};

/* `kafka_topics` and `kafka_group` are the settings of these names. False + err: one of them is wrong. */
bool backlogs_open(struct backlogs *backlogs, struct loop *loop, const struct kafka_settings *kafka, const char *kafka_topics,
                   const char *kafka_group, const struct topics *topics, int64_t every_ms, struct err *err);
/* Of those that were opened, or zeroed. */
void backlogs_close(struct backlogs *backlogs);
/* What is known now of the partitions of a channel, for the summary; the caller frees its items. */
struct summary_backlog backlogs_take(const struct backlogs *backlogs, enum channel channel);
/* Why the last question had no answer; "" when all had one. */
const char *backlogs_problem(const struct backlogs *backlogs);

#endif
