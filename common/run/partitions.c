#include "run/partitions_inside.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/crashpoint.h"
#include "base/log.h"
#include "base/mem.h"

enum { COMMIT_MS = 1000 };

static void on_timer(void *arg)
{
    struct partitions *partitions = arg;

    partitions_commit(partitions, NULL, NULL);
    loop_timer_start(partitions->timer, CHAOS_HURRY(COMMIT_MS));
}

struct partitions *partitions_create(struct loop *loop, enum channel channel, struct metrics *metrics)
{
    struct partitions *partitions = xcalloc(1, sizeof(*partitions));

    partitions->loop = loop;
    partitions->channel = channel;
    partitions->metrics = metrics;
    partitions_declare_report(metrics);
    partitions_declare_commits(metrics);
    partitions->timer = loop_timer_create(loop, on_timer, partitions);
    loop_timer_start(partitions->timer, CHAOS_HURRY(COMMIT_MS));
    return partitions;
}

static void partition_destroy(struct partition *partition)
{
    if (partition) {
        tracker_destroy(partition->tracker);
        buf_finish(&partition->metadata);
        free(partition->topic);
        free(partition);
    }
}

void partitions_destroy(struct partitions *partitions)
{
    struct partition *partition, *next;

    if (!partitions) {
        return;
    }
    DL_FOREACH_SAFE(partitions->all, partition, next)
    {
        partition_destroy(partition);
    }
    partition_destroy(partitions->gone);
    loop_timer_destroy(partitions->timer);
    free(partitions);
}

void partitions_set_consumer(struct partitions *partitions, struct kafka_consumer *consumer)
{
    partitions->consumer = consumer;
}

struct partition *partitions_find(struct partitions *partitions, const char *topic, int32_t number)
{
    struct partition *partition;

    DL_FOREACH(partitions->all, partition)
    {
        if (partition->number == number && strcmp(partition->topic, topic) == 0) {
            return partition;
        }
    }
    return NULL;
}

size_t partitions_count(const struct partitions *partitions)
{
    struct partition *partition;
    size_t count = 0;

    DL_COUNT(partitions->all, partition, count);
    return count;
}

/* --- pause: a partition's own reasons, and everybody's ------------------------------------------------------------ */

static bool is_window_full(const struct partition *partition)
{
    return partition->tracker && tracker_last(partition->tracker) + 1 - partition->acknowledged >= PARTITION_WINDOW;
}

static bool is_window_half_free(const struct partition *partition)
{
    return !partition->tracker || tracker_last(partition->tracker) + 1 - partition->acknowledged <= PARTITION_WINDOW / 2;
}

void partition_update_pause(struct partition *partition)
{
    struct partitions *owner = partition->owner;
    const struct kafka_partition which = {partition->topic, partition->number};
    bool must = owner->is_all_paused || is_window_full(partition) || partition->waiting >= PARTITION_MOST_WAITING;
    bool may_resume = !owner->is_all_paused && is_window_half_free(partition) &&
                      partition->waiting <= PARTITION_MOST_WAITING / 2;

    if (!owner->consumer) {
        return;
    }
    if (must && !partition->is_paused) {
        partition->is_paused = true;
        kafka_consumer_pause(owner->consumer, &which);
    } else if (partition->is_paused && may_resume) {
        partition->is_paused = false;
        kafka_consumer_resume(owner->consumer, &which);
    }
}

void partitions_pause_all(struct partitions *partitions, bool is_paused)
{
    struct partition *partition;

    if (partitions->is_all_paused == is_paused) {
        return;
    }
    partitions->is_all_paused = is_paused;
    DL_FOREACH(partitions->all, partition)
    {
        partition_update_pause(partition);
    }
}

void partition_add_waiting(struct partition *partition, int change)
{
    partition->waiting += change;
    partition_update_pause(partition);
}

/* --- assign and revoke -------------------------------------------------------------------------------------------- */

int64_t partitions_assign(struct partitions *partitions, const struct kafka_partition *which, int64_t committed,
                          const char *metadata, int64_t start)
{
    struct partition *partition = xcalloc(1, sizeof(*partition));

    partition->owner = partitions;
    partition->topic = xstrdup(which->topic);
    partition->number = which->partition;
    partition->acknowledged = partition->asked = committed;
    partition->suspect_until = committed < 0 ? INT64_MAX : committed + PARTITION_WINDOW;
    buf_init(&partition->metadata, 0);
    if (committed >= 0) {
        partition->tracker = tracker_create(committed, metadata);
    }
    DL_APPEND(partitions->all, partition);
    log_event(LOG_INFO, "assigned", "channel", channel_name(partitions->channel), "topic", which->topic, "partition",
              log_int(which->partition), "offset", log_int(committed), NULL);
    if (partitions->is_all_paused) {
        loop_timer_start(partitions->timer, 0); /* paused once the assignment stands */
    }
    return committed >= 0 ? committed : start;
}

struct partition *partitions_revoke(struct partitions *partitions, const struct kafka_partition *which, bool can_commit,
                                    struct kafka_position *position, bool *must_commit)
{
    struct partition *partition = partitions_find(partitions, which->topic, which->partition);

    *must_commit = false;
    partition_destroy(partitions->gone);
    partitions->gone = partition;
    if (!partition) {
        return NULL;
    }
    CRASHPOINT("revoke_begun");
    DL_DELETE(partitions->all, partition);
    partition_forget_metrics(partition);
    log_event(LOG_INFO, "revoked", "channel", channel_name(partitions->channel), "topic", which->topic, "partition",
              log_int(which->partition), NULL);
    if (can_commit && partition->tracker) {
        buf_clear(&partition->metadata);
        tracker_format_metadata(partition->tracker, &partition->metadata);
        *position = (struct kafka_position){partition->topic, partition->number, tracker_watermark(partition->tracker),
                                            buf_text(&partition->metadata)};
        *must_commit = position->offset > partition->acknowledged || partition->metadata.len > 0;
    }
    CRASHPOINT("revoke_decided");
    return partition;
}

/* --- records ------------------------------------------------------------------------------------------------------ */

/* Nothing of it was committed yet: that we began here is to be committed, too, or the next start might begin elsewhere. */
static void start_tracker(struct partition *partition, int64_t first)
{
    partition->tracker = tracker_create(first, "");
    partition->acknowledged = partition->asked = first - 1;
    partition->suspect_until = first + PARTITION_WINDOW;
}

bool partition_open(struct partition *partition, int64_t offset)
{
    bool is_new;

    if (!partition->tracker) {
        start_tracker(partition, offset);
    }
    if (offset <= tracker_last(partition->tracker)) {
        log_event(LOG_WARN, "rewound", "topic", partition->topic, "partition", log_int(partition->number), "offset",
                  log_int(offset), NULL);
        return false;
    }
    is_new = tracker_open(partition->tracker, offset);
    if (is_window_full(partition)) {
        partition_update_pause(partition);
        partitions_commit(partition->owner, NULL, NULL);
    }
    return is_new;
}

void partition_close(struct partition *partition, int64_t offset)
{
    tracker_close(partition->tracker, offset);
    CRASHPOINT("offset_closed");
    if (tracker_watermark(partition->tracker) - partition->asked >= PARTITION_WINDOW / 2) {
        partitions_commit(partition->owner, NULL, NULL);
    }
}

bool partition_is_suspect(const struct partition *partition, int64_t offset)
{
    return offset < partition->suspect_until;
}

struct partition *partitions_restart(struct partitions *partitions, const struct kafka_partition *which, int64_t wanted,
                                     int64_t first)
{
    struct partition *partition = partitions_find(partitions, which->topic, which->partition);

    if (!partition || wanted < first) {
        return NULL;
    }
    tracker_destroy(partition->tracker);
    start_tracker(partition, first);
    partition->waiting = 0;
    return partition;
}

void partitions_reach_end(struct partitions *partitions, const struct kafka_partition *which, int64_t next_offset)
{
    struct partition *partition = partitions_find(partitions, which->topic, which->partition);

    if (!partition) {
        return;
    }
    if (!partition->tracker) {
        start_tracker(partition, next_offset);
    }
    tracker_reach(partition->tracker, next_offset);
}
