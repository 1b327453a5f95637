/*
 * kafka_backlog: how far a consumer group has come in some topics, seen from outside: which partitions there are, what it committed
 * there, and how much lies behind that. The group is asked about, never joined.
 *
 * What is told is as old as the last answer; io/kafka_asking.h asks.
 */
#ifndef IO_KAFKA_BACKLOG_H
#define IO_KAFKA_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "io/kafka_settings.h"
#include "io/loop.h"

struct kafka_backlog;

struct kafka_backlog_partition {
    const char *topic; /* borrowed until the loop turns */
    int32_t partition;
    int64_t lag; /* -1: the group committed nothing there */
};

/* `topics` ends in NULL and is copied. */
struct kafka_backlog *kafka_backlog_open(struct loop *loop, const struct kafka_settings *settings, const char *group,
                                         const char *const topics[], int64_t every_ms, struct err *err);
/* Waits a few seconds at most. */
void kafka_backlog_close(struct kafka_backlog *backlog);
/* Why the last question had no answer; "" when it had one. */
const char *kafka_backlog_problem(const struct kafka_backlog *backlog);
/* The partitions that there are, by index. False: no more. */
bool kafka_backlog_look(const struct kafka_backlog *backlog, size_t index, struct kafka_backlog_partition *partition);

#endif
