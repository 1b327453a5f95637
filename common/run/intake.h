/*
 * intake: record -> event -> plan -> parcel, and how much of it at once.
 *
 * Work in flight is bounded by a window. While it is full no record is taken; when it stays full the partitions are
 * paused, never the loop. What is no event goes to the DLQ as a parcel of its own; what nothing is planned for is done.
 */
#ifndef RUN_INTAKE_H
#define RUN_INTAKE_H

#include <stdbool.h>

#include "base/metrics.h"
#include "run/partitions.h"
#include "run/pauses.h"
#include "run/pipeline.h"
#include "run/templates.h"
#include "run/topics.h"

struct intake;

struct intake_parts {
    enum channel channel;
    struct loop *loop;
    struct partitions *partitions;
    struct pipeline *pipeline;
    struct templates *templates;
    struct pauses *pauses;
    struct careful *careful; /* NULL: events are trusted not to kill us */
    const struct topics *topics;
    struct metrics *metrics;
    int64_t window; /* parcels */
};

struct intake *intake_create(const struct intake_parts *parts);
void intake_destroy(struct intake *intake);
void intake_set_consumer(struct intake *intake, struct kafka_consumer *consumer);

void intake_take(struct intake *intake, const struct kafka_record *record);
/* A parcel left the pipeline. */
void intake_parcel_done(struct intake *intake, struct parcel *parcel, bool is_complete);
/* People paused or resumed something: what waits for no other reason any more is taken. */
void intake_look_at_pauses(struct intake *intake);
/* Parcels that wait for their time are forgotten, or stay as nobody's, as pipeline_forget_partition() has it. */
void intake_forget_partition(struct intake *intake, const struct partition *partition, bool is_log_gone);
/* Nothing more is taken. */
void intake_stop(struct intake *intake);
/* The window, and what waits on retry topics. */
void intake_update_metrics(struct intake *intake);

#endif
