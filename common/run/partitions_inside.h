/*
 * partitions_inside: what partitions.c (ours, and how far each is), partitions_commit.c and partitions_report.c (for
 * people and metrics) share.
 */
#ifndef RUN_PARTITIONS_INSIDE_H
#define RUN_PARTITIONS_INSIDE_H

#include "base/buf.h"
#include "core/tracker.h"
#include "run/partitions.h"

struct partition {
    struct partition *prev, *next; /* list: partitions->all */
    struct partitions *owner;
    char *topic;
    int32_t number;
    struct tracker *tracker;
    int64_t acknowledged;  /* watermark of the last commit that Kafka confirmed */
    int64_t asked;         /* watermark of the commit under way */
    int64_t suspect_until; /* records below may have been in flight with an earlier owner */
    int waiting;
    bool is_paused;
    struct buf metadata; /* of the commit under way */
};

struct partitions {
    struct loop *loop;
    enum channel channel;
    struct metrics *metrics;
    struct kafka_consumer *consumer;
    struct partition *all;
    struct partition *gone; /* the last one revoked */
    struct loop_timer *timer;
    bool is_all_paused;
    bool is_committing;
    loop_fn committed_fn; /* of the commit under way */
    void *committed_arg;
    loop_fn waiting_fn; /* of the next one: what was done meanwhile */
    void *waiting_arg;
};

/* Pauses or resumes the partition as its window, what waits, and partitions_pause_all() want it. */
void partition_update_pause(struct partition *partition);

void partitions_declare_commits(struct metrics *metrics);
void partitions_declare_report(struct metrics *metrics);
/* Whoever has the partition now tells about it. */
void partition_forget_metrics(const struct partition *partition);

#endif
