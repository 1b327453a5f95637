/*
 * summary: what `perkline status` shows, as one JSON object: the same for --json and for people.
 *
 *     {"at": "...", "now_ms": 1, "environment": "...", "redis": {"is_ok": true, "problem": ""}, "kafka": {...},
 *      "paused": [{"scope", "name", "since", "by", "reason"}],
 *      "channels": [{"channel", "workers", "in_flight", "window", "on_wire", "connections", "rate_limit", "lag",
 *                    "breakers": {"closed": 2}, "rates": {"sent": 41.5, ...}, "totals": {...}}],
 *      "topics": [{"topic", "channel", "partitions", "paused_partitions", "open", "lag", "largest_lag",
 *                  "largest_partition", "unowned": [2, 3], "unowned_lag"}],
 *      "waiting": {"retry.1m": 3, ..., "held": 0, "dlq": 2}, "workers": [{"worker", "silent_ms", "has_heard", ...}]}
 *
 * `unowned`: partitions that no worker has; their lag counts, too. What nobody knows now is null. Workers are as run/pool.c and run/channel_report.h write them; has_heard: it keeps to
 * `paused` as that stands.
 */
#ifndef WORKERS_STATUS_SUMMARY_H
#define WORKERS_STATUS_SUMMARY_H

#include <jansson.h>

#include "core/channel.h"
#include "io/kafka_backlog.h"
#include "run/topics.h"
#include "workers/pool_view.h"

/* How far the group of a channel has come. */
struct summary_backlog {
    const struct kafka_backlog_partition *items;
    size_t count;
};

/* What was found out. */
struct summary_parts {
    const char *environment;
    int64_t now_ms; /* wall clock of this machine: for the case that Redis does not say */
    const struct topics *topics;
    const struct pool_view *view;       /* NULL: Redis does not answer */
    const char *redis_problem;          /* "" when it does */
    const char *kafka_problem;          /* likewise */
    int64_t held, dlq;                  /* records in those topics; -1: not known */
    struct summary_backlog backlogs[CHANNEL_COUNT];
};

/* A new reference. */
json_t *summary_make(const struct summary_parts *parts);

#endif
