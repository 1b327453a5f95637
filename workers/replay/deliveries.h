/*
 * deliveries: events into deliveries, through a pipeline for each channel, into the report. What dry_run.c and trial.c
 * have in common; they differ in the pipelines that they make.
 */
#ifndef WORKERS_REPLAY_DELIVERIES_H
#define WORKERS_REPLAY_DELIVERIES_H

#include "base/metrics.h"
#include "run/pipeline.h"
#include "workers/replay/message_files.h"
#include "workers/replay/mid_set.h"
#include "workers/replay/replay.h"
#include "workers/replay/report.h"

struct deliveries {
    struct replay_sink sink; /* the sink's struct begins with all of this */
    const struct replay_parts *parts;
    struct metrics *metrics;
    struct templates *templates;
    struct claims *claims; /* NULL: what is done already is not known */
    struct pipeline *pipelines[CHANNEL_COUNT];
    struct sms_costs costs;
    struct report report;
    struct mid_set seen;         /* of this run */
    struct message_files *files; /* of --out; NULL without */
    struct err problem;          /* with them */
    int64_t not_ready_since;     /* monotonic ms; 0: claims are ready */
};

/* Templates, costs, metrics, --out. False + err; deliveries_finish() in both cases. */
bool deliveries_init(struct deliveries *deliveries, const struct replay_parts *parts, struct err *err);
/* The pipeline of a channel; the parts that are of the run itself are filled in here. */
void deliveries_add_pipeline(struct deliveries *deliveries, const struct pipeline_parts *parts);
/* Waits until the claims can be used. False + err: not within `wait_ms`. */
bool deliveries_wait_ready(struct deliveries *deliveries, int64_t wait_ms, struct err *err);
/* Pipelines and claims, before what they use; then the rest. */
void deliveries_close_io(struct deliveries *deliveries);
void deliveries_finish(struct deliveries *deliveries);

bool deliveries_take(struct replay_sink *sink, const struct replay_item *item, struct err *err);
/* Writes what --out is to show. */
bool deliveries_complete(struct replay_sink *sink, struct err *err);
bool deliveries_count_open(struct replay_sink *sink, int64_t *open, bool *is_full, struct err *err);

/* Prints the report; false when something is broken. */
bool deliveries_report(struct deliveries *deliveries, const struct replay_tally *tally, struct report_facts *facts,
                       FILE *to);

#endif
