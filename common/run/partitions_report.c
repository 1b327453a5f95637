#include "run/partitions_inside.h"

#include <stdio.h>
#include <string.h>

#include <utlist.h>

static const struct metric_family lag_family = {"perkline_partition_lag", METRIC_GAUGE,
                                                "Records between the next one to read and the end of the partition.",
                                                {"channel", "topic", "partition", NULL}};
static const struct metric_family open_family = {"perkline_partition_open_records", METRIC_GAUGE,
                                                 "Records read and not done.", {"channel", "topic", "partition", NULL}};
static const struct metric_family paused_family = {
    "perkline_partition_paused", METRIC_GAUGE,
    "1 while reading stands still: the window is full, or too much waits for its time.",
    {"channel", "topic", "partition", NULL}};

void partitions_declare_report(struct metrics *metrics)
{
    metrics_declare(metrics, &lag_family);
    metrics_declare(metrics, &open_family);
    metrics_declare(metrics, &paused_family);
}

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

void partition_forget_metrics(const struct partition *partition)
{
    char number[16];
    const char *const labels[] = {channel_name(partition->owner->channel), partition->topic, number};

    snprintf(number, sizeof(number), "%d", partition->number);
    metrics_forget(partition->owner->metrics, &lag_family, labels);
    metrics_forget(partition->owner->metrics, &open_family, labels);
    metrics_forget(partition->owner->metrics, &paused_family, labels);
}
