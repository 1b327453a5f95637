#include "run/partitions_inside.h"

#include <stdlib.h>

#include <utlist.h>

#include "base/crashpoint.h"
#include "base/log.h"
#include "base/mem.h"

static const struct metric_family commits_family = {"perkline_commits_total", METRIC_COUNTER,
                                                    "Commits by their result.", {"channel", "result", NULL}};

void partitions_declare_commits(struct metrics *metrics)
{
    metrics_declare(metrics, &commits_family);
}

static void on_committed(void *arg, bool is_done, const char *problem)
{
    struct partitions *partitions = arg;
    struct partition *partition;
    loop_fn fn = partitions->committed_fn;
    void *fn_arg = partitions->committed_arg;

    CRASHPOINT("commit_answered");
    partitions->is_committing = false;
    partitions->committed_fn = NULL;
    metrics_count(partitions->metrics, &commits_family,
                  (const char *const[]){channel_name(partitions->channel), is_done ? "ok" : "failed"});
    if (!is_done) {
        log_event(LOG_WARN, "commit_failed", "channel", channel_name(partitions->channel), "reason", problem, NULL);
    }
    DL_FOREACH(partitions->all, partition)
    {
        if (is_done) {
            partition->acknowledged = partition->asked;
        } else {
            partition->asked = partition->acknowledged;
        }
        partition_update_pause(partition);
    }
    if (fn) {
        fn(fn_arg);
    }
    if (partitions->waiting_fn) {
        fn = partitions->waiting_fn;
        partitions->waiting_fn = NULL;
        partitions_commit(partitions, fn, partitions->waiting_arg);
    }
}

static size_t collect(struct partitions *partitions, struct kafka_position *positions)
{
    struct partition *partition;
    size_t count = 0;

    DL_FOREACH(partitions->all, partition)
    {
        if (!partition->tracker || tracker_watermark(partition->tracker) <= partition->acknowledged) {
            continue;
        }
        buf_clear(&partition->metadata);
        tracker_format_metadata(partition->tracker, &partition->metadata);
        partition->asked = tracker_watermark(partition->tracker);
        positions[count++] = (struct kafka_position){partition->topic, partition->number, partition->asked,
                                                     buf_text(&partition->metadata)};
    }
    return count;
}

void partitions_commit(struct partitions *partitions, loop_fn fn, void *arg)
{
    struct kafka_position *positions;
    struct partition *partition;
    size_t count;

    DL_FOREACH(partitions->all, partition)
    {
        partition_update_pause(partition);
    }
    if (partitions->is_committing && fn) {
        partitions->waiting_fn = fn;
        partitions->waiting_arg = arg;
    }
    if (partitions->is_committing) {
        return;
    }
    positions = xcalloc(partitions_count(partitions) + 1, sizeof(*positions));
    count = partitions->consumer ? collect(partitions, positions) : 0;
    if (count > 0) {
        partitions->is_committing = true;
        partitions->committed_fn = fn;
        partitions->committed_arg = arg;
        CRASHPOINT("commit_not_asked");
        if (!kafka_consumer_commit(partitions->consumer, positions, count, on_committed, partitions)) {
            on_committed(partitions, false, "a commit is still open");
        }
        CRASHPOINT("commit_asked");
    } else if (fn) {
        fn(arg);
    }
    free(positions);
}
