/* io/kafka_reader.h and io/kafka_opening.h over the fake's log: one topic after the other, each from a time on or all of it. */
#include <stdlib.h>

#include "base/mem.h"
#include "fake_kafka_log.h"
#include "fakes.h"
#include "io/kafka_opening.h"

struct part {
    const char *topic;
    size_t range;
    int32_t number;
    int64_t from, next, end;
};

struct kafka_reader {
    char **topics;
    bool *are_missing;
    size_t topic_count;
    struct part *parts;
    size_t part_count, current;
    size_t range; /* of the last record */
};

static int64_t fail_after = -1;
static int64_t opening_ms;

void fake_kafka_fail_reader_after(int64_t records)
{
    fail_after = records;
}

void fake_kafka_set_opening_ms(int64_t ms)
{
    opening_ms = ms;
}

/* --- open --------------------------------------------------------------------------------------------------------- */

static int64_t find_time(const struct fake_log *log, int64_t from_ms)
{
    const struct kafka_record *record = log ? fake_log_at(log, 0) : NULL;

    while (record && record->timestamp_ms < from_ms) {
        record = fake_log_at(log, record->offset + 1);
    }
    return record ? record->offset : log ? fake_log_end(log) : 0;
}

static void add_parts(struct kafka_reader *reader, size_t range, const struct kafka_reader_range *wanted)
{
    int32_t count = fake_log_partition_count(wanted->topic);

    reader->parts = xreallocarray(reader->parts, reader->part_count + (size_t)count + 1, sizeof(*reader->parts));
    for (int32_t i = 0; i < count; i++) {
        const struct fake_log *log = fake_log_find(wanted->topic, i);
        int64_t from = wanted->from.offset == KAFKA_READER_TIME ? find_time(log, wanted->from.time_ms) : fake_log_low(log);

        reader->parts[reader->part_count++] =
            (struct part){reader->topics[range], range, i, from, from, fake_log_end(log)};
    }
}

struct kafka_reader *kafka_reader_open_ranges(const struct kafka_settings *settings,
                                              const struct kafka_reader_range ranges[], size_t count,
                                              const atomic_bool *is_unwanted, struct err *err)
{
    struct kafka_reader *reader = xcalloc(1, sizeof(*reader));

    (void)settings;
    (void)is_unwanted;
    reader->topics = xcalloc(count, sizeof(*reader->topics));
    reader->are_missing = xcalloc(count, sizeof(*reader->are_missing));
    reader->topic_count = count;
    for (size_t i = 0; i < count; i++) {
        reader->topics[i] = xstrdup(ranges[i].topic);
        reader->are_missing[i] = fake_log_partition_count(ranges[i].topic) == 0;
        if (fake_log_is_down() || (reader->are_missing[i] && !ranges[i].may_be_missing)) {
            err_set(err, "topic %s cannot be read", ranges[i].topic);
            kafka_reader_close(reader);
            return NULL;
        }
        add_parts(reader, i, &ranges[i]);
    }
    return reader;
}

struct kafka_reader *kafka_reader_open_range(const struct kafka_settings *settings,
                                             const struct kafka_reader_range *range, struct err *err)
{
    return kafka_reader_open_ranges(settings, range, 1, NULL, err);
}

struct kafka_reader *kafka_reader_open(const struct kafka_settings *settings, const char *topic, struct err *err)
{
    const struct kafka_reader_range range = {topic, -1, {KAFKA_READER_BEGINNING, 0}, {KAFKA_READER_END, 0}, false};

    return kafka_reader_open_range(settings, &range, err);
}

void kafka_reader_close(struct kafka_reader *reader)
{
    if (!reader) {
        return;
    }
    for (size_t i = 0; i < reader->topic_count; i++) {
        free(reader->topics[i]);
    }
    free(reader->topics);
    free(reader->are_missing);
    free(reader->parts);
    free(reader);
}

/* --- read --------------------------------------------------------------------------------------------------------- */

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
    for (; reader->current < reader->part_count; reader->current++) {
        struct part *part = &reader->parts[reader->current];

        *record = part->next < part->end ? fake_log_at(fake_log_find(part->topic, part->number), part->next) : NULL;
        if (*record && (*record)->offset < part->end) {
            part->next = (*record)->offset + 1;
            reader->range = part->range;
            return true;
        }
    }
    *record = NULL;
    *is_end = true;
    return true;
}

/* --- figures ------------------------------------------------------------------------------------------------------ */

int64_t kafka_reader_range_total(const struct kafka_reader *reader, size_t range)
{
    int64_t total = 0;

    for (size_t i = 0; i < reader->part_count; i++) {
        total += reader->parts[i].range == range ? reader->parts[i].end - reader->parts[i].from : 0;
    }
    return total;
}

int64_t kafka_reader_total(const struct kafka_reader *reader)
{
    int64_t total = 0;

    for (size_t i = 0; i < reader->topic_count; i++) {
        total += kafka_reader_range_total(reader, i);
    }
    return total;
}

int64_t kafka_reader_left(const struct kafka_reader *reader)
{
    int64_t left = 0;

    for (size_t i = reader->current; i < reader->part_count; i++) {
        left += reader->parts[i].end - reader->parts[i].next;
    }
    return left;
}

size_t kafka_reader_range_of(const struct kafka_reader *reader)
{
    return reader->range;
}

bool kafka_reader_is_missing(const struct kafka_reader *reader, size_t range)
{
    return reader->are_missing[range];
}

bool kafka_reader_is_scan(const struct kafka_reader *reader)
{
    (void)reader;
    return false;
}

int32_t kafka_reader_partition_count(const struct kafka_reader *reader)
{
    return fake_log_partition_count(reader->topics[0]);
}

/* --- beside the loop ---------------------------------------------------------------------------------------------- */

struct kafka_opening {
    struct loop_timer *timer;
    const struct kafka_settings *settings;
    struct kafka_reader_range *ranges;
    size_t count;
    kafka_opened_fn fn;
    void *arg;
};

static void forget(struct kafka_opening *opening)
{
    for (size_t i = 0; i < opening->count; i++) {
        free((char *)opening->ranges[i].topic);
    }
    free(opening->ranges);
    loop_timer_destroy(opening->timer);
    free(opening);
}

static void on_time(void *arg)
{
    struct kafka_opening *opening = arg;
    kafka_opened_fn fn = opening->fn;
    void *fn_arg = opening->arg;
    struct err err = {0};
    struct kafka_reader *reader =
        kafka_reader_open_ranges(opening->settings, opening->ranges, opening->count, NULL, &err);

    forget(opening);
    fn(fn_arg, reader, err.text);
}

struct kafka_opening *kafka_opening_begin(struct loop *loop, const struct kafka_settings *settings,
                                          const struct kafka_reader_range ranges[], size_t count, kafka_opened_fn fn,
                                          void *arg)
{
    struct kafka_opening *opening = xcalloc(1, sizeof(*opening));

    opening->settings = settings;
    opening->ranges = xcalloc(count, sizeof(*ranges));
    opening->count = count;
    for (size_t i = 0; i < count; i++) {
        opening->ranges[i] = ranges[i];
        opening->ranges[i].topic = xstrdup(ranges[i].topic);
    }
    opening->fn = fn;
    opening->arg = arg;
    opening->timer = loop_timer_create(loop, on_time, opening);
    loop_timer_start(opening->timer, opening_ms);
    return opening;
}

void kafka_opening_give_up(struct kafka_opening *opening)
{
    if (opening) {
        forget(opening);
    }
}

void kafka_opening_close(struct loop *loop, struct kafka_reader *reader)
{
    (void)loop;
    kafka_reader_close(reader);
}
