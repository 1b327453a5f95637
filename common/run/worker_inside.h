/*
 * worker_inside: what worker.c (start, work, drain) and worker_report.c (what it says of itself) share.
 */
#ifndef RUN_WORKER_INSIDE_H
#define RUN_WORKER_INSIDE_H

#include "io/heartbeat.h"
#include "io/kafka_depth.h"
#include "run/careful.h"
#include "run/channel_report.h"
#include "run/health.h"
#include "run/pool.h"
#include "run/recovery.h"
#include "run/retention_check.h"
#include "run/trace_export.h"
#include "run/worker.h"

struct worker {
    struct worker_settings *settings;
    const struct provider *const *providers;
    struct topics topics;
    struct kafka_settings kafka;
    struct metrics *metrics;
    struct loop *loop;
    struct templates *templates;
    struct kafka_producer *producer;
    struct claims *claims;
    struct recovery *recovery;
    struct careful *careful;
    struct pool *pool;
    struct retention_check *retention;
    struct heartbeat *heartbeat;
    struct channel_worker *channels[CHANNEL_COUNT];
    struct channel_report reports[CHANNEL_COUNT];
    struct kafka_depth *depth;
    struct trace_export *traces; /* NULL: nobody looks at them */
    struct health *health;
    struct loop_signal *on_term, *on_int, *on_hup;
    struct loop_timer *drain_timer;
    int64_t drain_until;
    bool is_draining;
    int exit_status;
};

/* Declares its families and sets what never changes: version and start. */
void worker_report_begin(struct worker *worker);
/* Why it is not ready, a line each; nothing when it is. For struct health_parts. */
void worker_report_problems(void *worker, struct buf *out);
/* Counts that are kept elsewhere, before somebody reads the metrics. For struct health_parts. */
void worker_report_metrics(void *worker);
/* The worker's part of the beat. For struct pool_parts. */
void worker_report_beat(void *worker, struct json_text *j);

#endif
