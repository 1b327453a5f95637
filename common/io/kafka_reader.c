#include "io/kafka_reader.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "io/kafka_config.h"
#include "io/kafka_handle.h"
#include "io/kafka_range.h"

enum { OPEN_MS = 15000, UNKNOWN_MS = 2000, RETRY_MS = 100, CLOSE_MS = 3000 };

struct part {
    struct kafka_range range;
    int64_t next;
    bool is_in_range; /* of times that are looked for in the records */
    bool is_started;
    bool is_done;
};

/* Partitions are read with librdkafka's simple consumer into one queue: it knows no group, so none is ever seen by the
 * broker. */
struct kafka_reader {
    rd_kafka_t *rk;
    rd_kafka_topic_t *topic;
    char *name;
    struct kafka_reader_range wanted; /* its topic is `name` */
    rd_kafka_queue_t *queue;
    struct part *parts;
    int32_t part_count;
    int32_t open_parts;
    rd_kafka_message_t *message; /* borrowed by the caller until the next call */
    struct kafka_record record;
    struct kafka_header *headers;
};

/* --- open --------------------------------------------------------------------------------------------------------- */

static rd_kafka_resp_err_t ask_partitions(struct kafka_reader *reader, int64_t wait_ms)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t code =
        rd_kafka_metadata(reader->rk, 0, reader->topic, &metadata, wait_ms > 1 ? (int)wait_ms : 1);

    if (!code) {
        code = metadata->topics[0].err;
        reader->part_count = metadata->topics[0].partition_cnt;
        rd_kafka_metadata_destroy(metadata);
    }
    return code;
}

/* A topic that was just created may have no leader for a moment, and not every broker knows of it yet. */
static bool find_partitions(struct kafka_reader *reader, int64_t deadline_ms, struct err *err)
{
    int64_t unknown_until_ms = clock_mono_ms() + UNKNOWN_MS;
    rd_kafka_resp_err_t code;

    for (;;) {
        code = ask_partitions(reader, deadline_ms - clock_mono_ms());
        if (!(code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE && clock_mono_ms() < deadline_ms) &&
            !(code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART && clock_mono_ms() < unknown_until_ms)) {
            break;
        }
        rd_kafka_poll(reader->rk, RETRY_MS);
    }
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || (!code && reader->part_count == 0)) {
        return err_set(err, "topic %s does not exist", reader->name);
    }
    if (code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        return kafka_config_no_answer(reader->rk, code, err);
    }
    return code ? err_set(err, "topic %s: %s", reader->name, rd_kafka_err2str(code)) : true;
}

static bool start_part(struct kafka_reader *reader, int32_t number, int64_t deadline_ms, struct err *err)
{
    struct part *part = &reader->parts[number];

    if (!kafka_range_find(reader->rk, &reader->wanted, number, deadline_ms, &part->range, err)) {
        return false;
    }
    part->next = part->range.low;
    if (part->range.low >= part->range.high) {
        part->is_done = true;
        return true;
    }
    if (rd_kafka_consume_start_queue(reader->topic, number, part->range.low, reader->queue) != 0) {
        return err_set(err, "%s/%d: %s", reader->name, (int)number, rd_kafka_err2str(rd_kafka_last_error()));
    }
    part->is_started = true;
    reader->open_parts++;
    return true;
}

static bool start_parts(struct kafka_reader *reader, int64_t deadline_ms, struct err *err)
{
    if (reader->wanted.partition >= reader->part_count) {
        return err_set(err, "topic %s has no partition %d: its partitions are 0 to %d", reader->name,
                       (int)reader->wanted.partition, (int)reader->part_count - 1);
    }
    reader->parts = xcalloc((size_t)reader->part_count, sizeof(*reader->parts));
    for (int32_t i = 0; i < reader->part_count; i++) {
        if (reader->wanted.partition >= 0 && reader->wanted.partition != i) {
            reader->parts[i].is_done = true;
        } else if (!start_part(reader, i, deadline_ms, err)) {
            return false;
        }
    }
    return true;
}

static bool start(struct kafka_reader *reader, const struct kafka_settings *settings, struct err *err)
{
    rd_kafka_conf_t *conf = kafka_config_create(KAFKA_ROLE_READER, settings, NULL, err);
    int64_t deadline_ms = clock_mono_ms() + OPEN_MS;

    if (!conf) {
        return false;
    }
    reader->rk = kafka_handle_open(KAFKA_ROLE_READER, conf, err);
    if (!reader->rk) {
        return false;
    }
    reader->topic = rd_kafka_topic_new(reader->rk, reader->name, NULL);
    if (!reader->topic) {
        return err_set(err, "topic %s: %s", reader->name, rd_kafka_err2str(rd_kafka_last_error()));
    }
    reader->queue = rd_kafka_queue_new(reader->rk);
    return find_partitions(reader, deadline_ms, err) && start_parts(reader, deadline_ms, err);
}

struct kafka_reader *kafka_reader_open_range(const struct kafka_settings *settings,
                                             const struct kafka_reader_range *range, struct err *err)
{
    struct kafka_reader *reader = xcalloc(1, sizeof(*reader));

    reader->name = xstrdup(range->topic);
    reader->wanted = *range;
    reader->wanted.topic = reader->name;
    if (!start(reader, settings, err)) {
        kafka_reader_close(reader);
        return NULL;
    }
    return reader;
}

struct kafka_reader *kafka_reader_open(const struct kafka_settings *settings, const char *topic, struct err *err)
{
    const struct kafka_reader_range range = {topic, -1, {KAFKA_READER_BEGINNING, 0}, {KAFKA_READER_END, 0}};

    return kafka_reader_open_range(settings, &range, err);
}

int64_t kafka_reader_total(const struct kafka_reader *reader)
{
    int64_t total = 0;

    for (int32_t i = 0; i < reader->part_count; i++) {
        total += reader->parts[i].range.high - reader->parts[i].range.low;
    }
    return total;
}

int64_t kafka_reader_left(const struct kafka_reader *reader)
{
    int64_t left = 0;

    for (int32_t i = 0; i < reader->part_count; i++) {
        left += reader->parts[i].is_done ? 0 : reader->parts[i].range.high - reader->parts[i].next;
    }
    return left;
}

int32_t kafka_reader_partition_count(const struct kafka_reader *reader)
{
    return reader->part_count;
}

bool kafka_reader_is_scan(const struct kafka_reader *reader)
{
    for (int32_t i = 0; i < reader->part_count; i++) {
        const struct kafka_range *range = &reader->parts[i].range;

        if (range->low < range->high && kafka_range_is_scan(range)) {
            return true;
        }
    }
    return false;
}

/* --- read --------------------------------------------------------------------------------------------------------- */

static void stop_part(struct kafka_reader *reader, int32_t number)
{
    struct part *part = &reader->parts[number];

    if (part->is_started) {
        part->is_started = false;
        rd_kafka_consume_stop(reader->topic, number);
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

static void fill_record(struct kafka_reader *reader, rd_kafka_message_t *message)
{
    reader->message = message;
    reader->record = (struct kafka_record){
        .topic = reader->name,
        .partition = message->partition,
        .offset = message->offset,
        .timestamp_ms = rd_kafka_message_timestamp(message, NULL),
        .key = {message->key, message->key_len},
        .value = {message->payload, message->len},
    };
    read_headers(reader, message);
}

static bool is_part_open(const struct kafka_reader *reader, const rd_kafka_message_t *message)
{
    return message->partition >= 0 && message->partition < reader->part_count &&
           !reader->parts[message->partition].is_done;
}

/* Of a record in line. False: its time is outside of the times that are looked for. */
static bool is_wanted(struct part *part, int64_t time_ms, bool *is_past)
{
    *is_past = time_ms >= part->range.to_ms;
    part->is_in_range |= time_ms >= part->range.from_ms;
    return part->is_in_range && !*is_past;
}

/* Takes the message. True when it is a record to hand out. */
static bool take_record(struct kafka_reader *reader, rd_kafka_message_t *message)
{
    struct part *part = &reader->parts[message->partition];
    int32_t number = message->partition;
    bool is_past = message->offset >= part->range.high;
    bool is_record = false;

    if (!is_past && message->offset >= part->next) {
        part->next = message->offset + 1;
        is_record = is_wanted(part, rd_kafka_message_timestamp(message, NULL), &is_past);
    }
    if (is_record) {
        fill_record(reader, message);
    } else {
        rd_kafka_message_destroy(message);
    }
    if (is_past || part->next >= part->range.high) {
        stop_part(reader, number);
    }
    return is_record;
}

/* An end of partition, or an error: those of single connections are librdkafka's business. */
static bool take_problem(struct kafka_reader *reader, rd_kafka_message_t *message, struct err *err)
{
    bool is_ok = true;

    switch (message->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        if (is_part_open(reader, message)) {
            stop_part(reader, message->partition);
        }
        break;
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
        break;
    default:
        is_ok = err_set(err, "%s/%d: %s", reader->name, (int)message->partition, rd_kafka_message_errstr(message));
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
        } else if (!is_part_open(reader, message)) {
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
    for (int32_t i = 0; reader->parts && i < reader->part_count; i++) {
        stop_part(reader, i);
    }
    if (reader->queue) {
        rd_kafka_queue_destroy(reader->queue);
    }
    if (reader->topic) {
        rd_kafka_topic_destroy(reader->topic);
    }
    if (reader->rk) {
        kafka_handle_close(reader->rk, false, CLOSE_MS);
    }
    free(reader->parts);
    free(reader->headers);
    free(reader->name);
    free(reader);
}
