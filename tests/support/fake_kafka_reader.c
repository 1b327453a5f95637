#include <stdlib.h>

#include "base/mem.h"
#include "fake_kafka_log.h"
#include "fakes.h"
#include "io/kafka_reader.h"

struct kafka_reader {
    char *topic;
    int32_t partition, count;
    int64_t next;
    int64_t from_ms; /* 0: from the beginning */
};

static int64_t fail_after = -1;

void fake_kafka_fail_reader_after(int64_t records)
{
    fail_after = records;
}

struct kafka_reader *kafka_reader_open(const struct kafka_settings *settings, const char *topic, struct err *err)
{
    struct kafka_reader *reader;

    (void)settings;
    if (fake_log_partition_count(topic) == 0 || fake_log_is_down()) {
        err_set(err, "topic %s cannot be read", topic);
        return NULL;
    }
    reader = xcalloc(1, sizeof(*reader));
    reader->topic = xstrdup(topic);
    reader->count = fake_log_partition_count(topic);
    return reader;
}

static int64_t find_time(const char *topic, int32_t partition, int64_t from_ms)
{
    const struct fake_log *log = fake_log_find(topic, partition);
    const struct kafka_record *record = log ? fake_log_at(log, 0) : NULL;

    while (record && record->timestamp_ms < from_ms) {
        record = fake_log_at(log, record->offset + 1);
    }
    return record ? record->offset : log ? fake_log_end(log) : 0;
}

/* From a time on, or all of it, whatever the range. */
struct kafka_reader *kafka_reader_open_range(const struct kafka_settings *settings,
                                             const struct kafka_reader_range *range, struct err *err)
{
    struct kafka_reader *reader = kafka_reader_open(settings, range->topic, err);

    if (reader && range->from.offset == KAFKA_READER_TIME) {
        reader->from_ms = range->from.time_ms;
        reader->next = find_time(reader->topic, 0, reader->from_ms);
    }
    return reader;
}

void kafka_reader_close(struct kafka_reader *reader)
{
    if (reader) {
        free(reader->topic);
        free(reader);
    }
}

bool kafka_reader_next(struct kafka_reader *reader, int64_t wait_ms, const struct kafka_record **record, bool *is_end,
                       struct err *err)
{
    (void)wait_ms;
    *record = NULL;
    *is_end = false;
    if (fail_after == 0) {
        return err_set(err, "reading failed");
    }
    fail_after -= fail_after > 0;
    while (reader->partition < reader->count) {
        *record = fake_log_at(fake_log_find(reader->topic, reader->partition), reader->next);
        if (*record) {
            reader->next = (*record)->offset + 1;
            return true;
        }
        reader->partition++;
        reader->next = find_time(reader->topic, reader->partition, reader->from_ms);
    }
    *is_end = true;
    return true;
}

int64_t kafka_reader_total(const struct kafka_reader *reader)
{
    int64_t total = 0;

    for (int32_t i = 0; i < reader->count; i++) {
        const struct fake_log *log = fake_log_find(reader->topic, i);

        total += fake_log_end(log) - (reader->from_ms ? find_time(reader->topic, i, reader->from_ms) : fake_log_low(log));
    }
    return total;
}

int64_t kafka_reader_left(const struct kafka_reader *reader)
{
    int64_t left = 0;

    for (int32_t i = reader->partition; i < reader->count; i++) {
        left += fake_log_end(fake_log_find(reader->topic, i)) - (i == reader->partition ? reader->next : 0);
    }
    return left;
}

bool kafka_reader_is_scan(const struct kafka_reader *reader)
{
    (void)reader;
    return false;
}

int32_t kafka_reader_partition_count(const struct kafka_reader *reader)
{
    return reader->count;
}
