#include "fake_kafka_log.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/hash_table.h"
#include "base/mem.h"
#include "fake_world.h"
#include "fakes.h"

struct fake_log {
    char topic[256];
    int32_t number;
    int64_t low, end;
    struct kafka_record **records;
    size_t count, capacity;
    struct fake_log *next; /* list: broker.logs */
};

struct committed {
    char group[128], topic[256];
    int32_t partition;
    int64_t offset;
    char *metadata;
    struct committed *next; /* list: broker.committed */
};

static struct {
    struct fake_log *logs;
    struct committed *committed;
    bool is_down;
    size_t most_bytes;
    fake_commit_fn commit_fn;
    void *commit_arg;
    fake_record_fn record_fn;
    void *record_arg;
} broker;

static struct slice copy_slice(struct slice from)
{
    return from.data ? slice_make(xmemdup(from.data, from.len), from.len) : slice_make(NULL, 0);
}

static void free_record(struct kafka_record *record)
{
    for (size_t i = 0; i < record->header_count; i++) {
        free((char *)record->headers[i].name);
        free((char *)record->headers[i].value.data);
    }
    free((struct kafka_header *)record->headers);
    free((char *)record->key.data);
    free((char *)record->value.data);
    free(record);
}

void fake_kafka_begin_world(void)
{
    memset(&broker, 0, sizeof(broker));
    fake_kafka_fail_reader_after(-1);
    fake_consumers_begin_world();
}

static void free_log(struct fake_log *log)
{
    for (size_t i = 0; i < log->count; i++) {
        free_record(log->records[i]);
    }
    free(log->records);
    free(log);
}

void fake_kafka_end_world(void)
{
    struct fake_log *log, *next_log;
    struct committed *committed, *next;

    LL_FOREACH_SAFE(broker.logs, log, next_log)
    {
        free_log(log);
    }
    LL_FOREACH_SAFE(broker.committed, committed, next)
    {
        free(committed->metadata);
        free(committed);
    }
    memset(&broker, 0, sizeof(broker));
}

/* --- records ------------------------------------------------------------------------------------------------------ */

void fake_kafka_add_topic(const char *topic, int32_t partitions)
{
    for (int32_t i = 0; i < partitions; i++) {
        struct fake_log *log = xcalloc(1, sizeof(*log));

        snprintf(log->topic, sizeof(log->topic), "%s", topic);
        log->number = i;
        LL_APPEND(broker.logs, log);
    }
}

struct fake_log *fake_log_find(const char *topic, int32_t partition)
{
    struct fake_log *log;

    LL_FOREACH(broker.logs, log)
    {
        if (log->number == partition && strcmp(log->topic, topic) == 0) {
            return log;
        }
    }
    return NULL;
}

int32_t fake_log_partition_count(const char *topic)
{
    int32_t count = 0;

    while (fake_log_find(topic, count)) {
        count++;
    }
    return count;
}

int32_t fake_log_partition_of_key(const char *topic, struct slice key)
{
    int32_t count = fake_log_partition_count(topic);

    assert(count > 0);
    return (int32_t)(hash_bytes(key.data, key.len) % (unsigned)count);
}

int64_t fake_log_append(struct fake_log *log, struct slice key, struct slice value, const struct kafka_header *headers,
                        size_t header_count)
{
    struct kafka_record *record = xcalloc(1, sizeof(*record));
    struct kafka_header *copies = xcalloc(header_count + 1, sizeof(*copies));

    for (size_t i = 0; i < header_count; i++) {
        copies[i] = (struct kafka_header){xstrdup(headers[i].name), copy_slice(headers[i].value)};
    }
    *record = (struct kafka_record){
        .topic = log->topic,
        .partition = log->number,
        .offset = log->end++,
        .timestamp_ms = fakes_wall_ms(),
        .key = copy_slice(key),
        .value = copy_slice(value),
        .headers = copies,
        .header_count = header_count,
    };
    if (log->count == log->capacity) {
        log->capacity = log->capacity ? 2 * log->capacity : 16;
        log->records = xreallocarray(log->records, log->capacity, sizeof(struct kafka_record *));
    }
    log->records[log->count++] = record;
    if (broker.record_fn) {
        broker.record_fn(broker.record_arg, record);
    }
    fake_log_wake_consumers();
    return record->offset;
}

int64_t fake_kafka_append(const char *topic, int32_t partition, struct slice key, struct slice value,
                          const struct kafka_header *headers, size_t header_count)
{
    return fake_log_append(fake_log_find(topic, partition), key, value, headers, header_count);
}

void fake_kafka_set_most_bytes(size_t bytes)
{
    broker.most_bytes = bytes;
}

bool fake_log_takes(size_t bytes)
{
    return broker.most_bytes == 0 || bytes <= broker.most_bytes;
}

int64_t fake_log_end(const struct fake_log *log)
{
    return log->end;
}

int64_t fake_log_low(const struct fake_log *log)
{
    return log->low;
}

/* The oldest `count` records. */
static void drop_records(struct fake_log *log, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free_record(log->records[i]);
    }
    log->count -= count;
    memmove(log->records, log->records + count, log->count * sizeof(log->records[0]));
}

void fake_kafka_remove_below(const char *topic, int32_t partition, int64_t offset)
{
    struct fake_log *log = fake_log_find(topic, partition);
    size_t count = 0;

    while (count < log->count && log->records[count]->offset < offset) {
        count++;
    }
    drop_records(log, count);
    log->low = offset;
    log->end = log->end > offset ? log->end : offset;
}

void fake_kafka_make_anew(const char *topic, int32_t partition)
{
    struct fake_log *log = fake_log_find(topic, partition);

    drop_records(log, log->count);
    log->low = log->end = 0;
}

int64_t fake_kafka_end(const char *topic, int32_t partition)
{
    return fake_log_end(fake_log_find(topic, partition));
}

void fake_kafka_skip(const char *topic, int32_t partition, int64_t count)
{
    fake_log_find(topic, partition)->end += count;
}

const struct kafka_record *fake_log_at(const struct fake_log *log, int64_t offset)
{
    size_t low = 0, high = log->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (log->records[middle]->offset < offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < log->count ? log->records[low] : NULL;
}

const struct kafka_record *fake_kafka_record(const char *topic, int32_t partition, int64_t offset)
{
    return fake_log_at(fake_log_find(topic, partition), offset);
}

/* --- commits ------------------------------------------------------------------------------------------------------ */

static struct committed *find_committed(const char *group, const char *topic, int32_t partition)
{
    struct committed *committed;

    LL_FOREACH(broker.committed, committed)
    {
        if (committed->partition == partition && strcmp(committed->group, group) == 0 &&
            strcmp(committed->topic, topic) == 0) {
            return committed;
        }
    }
    return NULL;
}

int64_t fake_log_committed(const char *group, const char *topic, int32_t partition, const char **metadata)
{
    const struct committed *committed = find_committed(group, topic, partition);

    *metadata = committed ? committed->metadata : "";
    return committed ? committed->offset : -1;
}

int64_t fake_kafka_committed(const char *group, const char *topic, int32_t partition)
{
    const char *metadata;

    return fake_log_committed(group, topic, partition, &metadata);
}

const char *fake_kafka_metadata(const char *group, const char *topic, int32_t partition)
{
    const char *metadata;

    fake_log_committed(group, topic, partition, &metadata);
    return metadata;
}

void fake_log_commit(const char *group, const struct kafka_position *position)
{
    struct committed *committed = find_committed(group, position->topic, position->partition);

    if (!committed) {
        committed = xcalloc(1, sizeof(*committed));
        snprintf(committed->group, sizeof(committed->group), "%s", group);
        snprintf(committed->topic, sizeof(committed->topic), "%s", position->topic);
        committed->partition = position->partition;
        LL_PREPEND(broker.committed, committed);
    }
    free(committed->metadata);
    committed->metadata = xstrdup(position->metadata);
    committed->offset = position->offset;
    if (broker.commit_fn) {
        broker.commit_fn(broker.commit_arg, group, position->topic, position->partition, position->offset);
    }
}

void fake_kafka_watch_commits(fake_commit_fn fn, void *arg)
{
    broker.commit_fn = fn;
    broker.commit_arg = arg;
}

void fake_kafka_watch_records(fake_record_fn fn, void *arg)
{
    broker.record_fn = fn;
    broker.record_arg = arg;
}

void fake_kafka_set_down(bool is_down)
{
    broker.is_down = is_down;
}

bool fake_log_is_down(void)
{
    return broker.is_down;
}
