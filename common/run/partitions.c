#include "run/partitions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/crashpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/tracker.h"

enum { COMMIT_MS = 1000 };

static const struct metric_family lag_family = {"perkline_partition_lag", METRIC_GAUGE,
                                                "Records between the next one to read and the end of the partition.",
                                                {"channel", "topic", "partition", NULL}};
static const struct metric_family open_family = {"perkline_partition_open_records", METRIC_GAUGE,
                                                 "Records read and not done.", {"channel", "topic", "partition", NULL}};
static const struct metric_family paused_family = {
    "perkline_partition_paused", METRIC_GAUGE,
    "1 while reading stands still: the window is full, or too much waits for its time.",
    {"channel", "topic", "partition", NULL}};
static const struct metric_family commits_family = {"perkline_commits_total", METRIC_COUNTER,
                                                    "Commits by their result.", {"channel", "result", NULL}};

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
    metrics_declare(metrics, &lag_family);
    metrics_declare(metrics, &open_family);
    metrics_declare(metrics, &paused_family);
    metrics_declare(metrics, &commits_family);
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

static void update_pause(struct partition *partition)
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
        update_pause(partition);
    }
}

void partition_add_waiting(struct partition *partition, int change)
{
    partition->waiting += change;
    update_pause(partition);
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

/* Whoever has the partition now tells about it. */
static void forget_metrics(const struct partition *partition)
{
    char number[16];
    const char *const labels[] = {channel_name(partition->owner->channel), partition->topic, number};

    snprintf(number, sizeof(number), "%d", partition->number);
    metrics_forget(partition->owner->metrics, &lag_family, labels);
    metrics_forget(partition->owner->metrics, &open_family, labels);
    metrics_forget(partition->owner->metrics, &paused_family, labels);
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
    forget_metrics(partition);
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

static void start_tracker(struct partition *partition, int64_t first)
{
    partition->tracker = tracker_create(first, "");
    partition->acknowledged = partition->asked = first;
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
        update_pause(partition);
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

void partitions_restart(struct partitions *partitions, const struct kafka_partition *which, int64_t first)
{
    struct partition *partition = partitions_find(partitions, which->topic, which->partition);

    if (partition) {
        tracker_destroy(partition->tracker);
        start_tracker(partition, first);
    }
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

/* --- commit ------------------------------------------------------------------------------------------------------- */

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
        update_pause(partition);
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
        update_pause(partition);
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

/* --- for people and metrics ---------------------------------------------------------------------------------------- */

static int64_t lag_of(const struct partition *partition)
{
    const struct kafka_partition which = {partition->topic, partition->number};

    if (!partition->tracker || !partition->owner->consumer) {
        return -1;
    }
    return kafka_consumer_lag(partition->owner->consumer, &which, tracker_last(partition->tracker) + 1);
}

int64_t partitions_depth(const struct partitions *partitions, const char *topic)
{
    struct partition *partition;
    int64_t sum = 0;

    DL_FOREACH(partitions->all, partition)
    {
        if (strcmp(partition->topic, topic) == 0) {
            int64_t lag = lag_of(partition);

            sum += lag > 0 ? lag : 0;
            sum += partition->tracker ? (int64_t)tracker_open_count(partition->tracker) : 0;
        }
    }
    return sum;
}

bool partitions_look(const struct partitions *partitions, size_t index, struct partition_facts *facts)
{
    struct partition *partition;

    DL_FOREACH(partitions->all, partition)
    {
        if (index-- == 0) {
            *facts = (struct partition_facts){
                .topic = partition->topic,
                .number = partition->number,
                .lag = lag_of(partition),
                .open = partition->tracker ? (int64_t)tracker_open_count(partition->tracker) : 0,
                .is_paused = partition->is_paused,
            };
            return true;
        }
    }
    return false;
}

int64_t partitions_lag(const struct partitions *partitions)
{
    struct partition *partition;
    int64_t sum = 0;

    DL_FOREACH(partitions->all, partition)
    {
        int64_t lag = lag_of(partition);

        sum += lag > 0 ? lag : 0;
    }
    return sum;
}

void partitions_update_metrics(struct partitions *partitions)
{
    struct partition *partition;

    DL_FOREACH(partitions->all, partition)
    {
        char number[16];
        const char *const labels[] = {channel_name(partitions->channel), partition->topic, number};
        int64_t lag = lag_of(partition);

        snprintf(number, sizeof(number), "%d", partition->number);
        if (lag >= 0) {
            metric_set(metrics_get(partitions->metrics, &lag_family, labels), (double)lag);
        }
        metric_set(metrics_get(partitions->metrics, &open_family, labels),
                   partition->tracker ? (double)tracker_open_count(partition->tracker) : 0);
        metric_set(metrics_get(partitions->metrics, &paused_family, labels), partition->is_paused);
    }
}
