#include "io/kafka_reader_inside.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "io/kafka_handle.h"

enum { CLOSE_MS = 3000 };

/* --- figures ------------------------------------------------------------------------------------------------------- */

int64_t kafka_reader_range_total(const struct kafka_reader *reader, size_t range)
{
    const struct reader_topic *topic = &reader->topics[range];
    int64_t total = 0;

    for (int32_t i = 0; i < topic->part_count; i++) {
        total += topic->parts[i].range.high - topic->parts[i].range.low;
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

    for (size_t n = 0; n < reader->topic_count; n++) {
        const struct reader_topic *topic = &reader->topics[n];

        for (int32_t i = 0; i < topic->part_count; i++) {
            left += topic->parts[i].is_done ? 0 : topic->parts[i].range.high - topic->parts[i].next;
        }
    }
    return left;
}

bool kafka_reader_is_missing(const struct kafka_reader *reader, size_t range)
{
    return reader->topics[range].is_missing;
}

size_t kafka_reader_range_of(const struct kafka_reader *reader)
{
    return reader->range;
}

int32_t kafka_reader_partition_count(const struct kafka_reader *reader)
{
    return reader->topics[0].part_count;
}

bool kafka_reader_is_scan(const struct kafka_reader *reader)
{
    for (size_t n = 0; n < reader->topic_count; n++) {
        const struct reader_topic *topic = &reader->topics[n];

        for (int32_t i = 0; i < topic->part_count; i++) {
            const struct kafka_range *range = &topic->parts[i].range;

            if (range->low < range->high && kafka_range_is_scan(range)) {
                return true;
            }
        }
    }
    return false;
}

/* --- read --------------------------------------------------------------------------------------------------------- */

static void stop_part(struct kafka_reader *reader, struct reader_topic *topic, int32_t number)
{
    struct reader_part *part = &topic->parts[number];

    if (part->is_started) {
        part->is_started = false;
        rd_kafka_consume_stop(topic->handle, number);
    }
    if (!part->is_done) {
        part->is_done = true;
        reader->open_parts--;
    }
}

static void drop_record(struct kafka_reader *reader)
{
    if (reader->message) {
        rd_kafka_message_destroy(reader->message);
        reader->message = NULL;
    }
}

static void read_headers(struct kafka_reader *reader, const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers;
    size_t count;
    const void *value;

    reader->record.header_count = 0;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return;
    }
    count = rd_kafka_header_cnt(headers);
    reader->headers = xreallocarray(reader->headers, count, sizeof(*reader->headers));
    for (size_t i = 0; i < count; i++) {
        struct kafka_header *header = &reader->headers[i];

        rd_kafka_header_get_all(headers, i, &header->name, &value, &header->value.len);
        header->value.data = value;
    }
    reader->record.headers = reader->headers;
    reader->record.header_count = count;
}

static void fill_record(struct kafka_reader *reader, const struct reader_topic *topic, rd_kafka_message_t *message)
{
    reader->message = message;
    reader->range = (size_t)(topic - reader->topics);
    reader->record = (struct kafka_record){
        .topic = topic->name,
        .partition = message->partition,
        .offset = message->offset,
        .timestamp_ms = rd_kafka_message_timestamp(message, NULL),
        .key = {message->key, message->key_len},
        .value = {message->payload, message->len},
    };
    read_headers(reader, message);
}

static struct reader_topic *topic_of(const rd_kafka_message_t *message)
{
    return message->rkt ? rd_kafka_topic_opaque(message->rkt) : NULL;
}

static bool is_part_open(const struct reader_topic *topic, const rd_kafka_message_t *message)
{
    return topic && message->partition >= 0 && message->partition < topic->part_count &&
           !topic->parts[message->partition].is_done;
}

/* Of a record in line. False: its time is outside of the times that are looked for. */
static bool is_wanted(struct reader_part *part, int64_t time_ms, bool *is_past)
{
    *is_past = time_ms >= part->range.to_ms;
    part->is_in_range |= time_ms >= part->range.from_ms;
    return part->is_in_range && !*is_past;
}

/* Takes the message. True when it is a record to hand out. */
static bool take_record(struct kafka_reader *reader, rd_kafka_message_t *message)
{
    struct reader_topic *topic = topic_of(message);
    struct reader_part *part = &topic->parts[message->partition];
    int32_t number = message->partition;
    bool is_past = message->offset >= part->range.high;
    bool is_record = false;

    if (!is_past && message->offset >= part->next) {
        part->next = message->offset + 1;
        is_record = is_wanted(part, rd_kafka_message_timestamp(message, NULL), &is_past);
    }
    if (is_record) {
        fill_record(reader, topic, message);
    } else {
        rd_kafka_message_destroy(message);
    }
    if (is_past || part->next >= part->range.high) {
        stop_part(reader, topic, number);
    }
    return is_record;
}

/* An end of partition, or an error: those of single connections are librdkafka's business. */
static bool take_problem(struct kafka_reader *reader, rd_kafka_message_t *message, struct err *err)
{
    struct reader_topic *topic = topic_of(message);
    bool is_ok = true;

    switch (message->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        if (is_part_open(topic, message)) {
            stop_part(reader, topic, message->partition);
        }
        break;
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
        break;
    default:
        is_ok = err_set(err, "%s/%d: %s", topic ? topic->name : "?", (int)message->partition, rd_kafka_message_errstr(message));
    }
    rd_kafka_message_destroy(message);
    return is_ok;
}

bool kafka_reader_next(struct kafka_reader *reader, int64_t wait_ms, const struct kafka_record **record, bool *is_end,
                       struct err *err)
{
    int64_t deadline_ms = clock_mono_ms() + wait_ms;
    int64_t left_ms = wait_ms;

    *record = NULL;
    *is_end = false;
    drop_record(reader);
    rd_kafka_poll(reader->rk, 0);
    while (reader->open_parts > 0) {
        rd_kafka_message_t *message = rd_kafka_consume_queue(reader->queue, left_ms > 0 ? (int)left_ms : 0);

        if (!message) {
            return true;
        }
        if (message->err) {
            if (!take_problem(reader, message, err)) {
                return false;
            }
        } else if (!is_part_open(topic_of(message), message)) {
            rd_kafka_message_destroy(message);
        } else if (take_record(reader, message)) {
            *record = &reader->record;
            return true;
        }
        left_ms = deadline_ms - clock_mono_ms();
    }
    *is_end = true;
    return true;
}

/* --- close -------------------------------------------------------------------------------------------------------- */

void kafka_reader_close(struct kafka_reader *reader)
{
    if (!reader) {
        return;
    }
    drop_record(reader);
    for (size_t n = 0; n < reader->topic_count; n++) {
        for (int32_t i = 0; reader->topics[n].parts && i < reader->topics[n].part_count; i++) {
            stop_part(reader, &reader->topics[n], i);
        }
    }
    if (reader->queue) {
        rd_kafka_queue_destroy(reader->queue);
    }
    for (size_t n = 0; n < reader->topic_count; n++) {
        if (reader->topics[n].handle) {
            rd_kafka_topic_destroy(reader->topics[n].handle);
        }
    }
    if (reader->rk) {
        kafka_handle_close(reader->rk, false, CLOSE_MS);
    }
    for (size_t n = 0; n < reader->topic_count; n++) {
        free(reader->topics[n].parts);
        free(reader->topics[n].name);
    }
    free(reader->topics);
    free(reader->headers);
    free(reader);
}
