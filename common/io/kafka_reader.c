#include "io/kafka_reader.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "io/kafka_config.h"
#include "io/kafka_handle.h"

enum { OPEN_MS = 15000, UNKNOWN_MS = 2000, ASK_MS = 2000, RETRY_MS = 100, CLOSE_MS = 3000 };

struct part {
    int64_t low;
    int64_t high;
    int64_t next;
    bool is_started;
    bool is_done;
};

/* Partitions are read with librdkafka's simple consumer into one queue: it knows no group, so none is ever seen by the
 * broker. */
struct kafka_reader {
    rd_kafka_t *rk;
    rd_kafka_topic_t *topic;
    char *name;
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
    return code ? err_set(err, "topic %s: %s", reader->name, rd_kafka_err2str(code)) : true;
}

/* rd_kafka_query_watermark_offsets() is not used: on librdkafka 2.0.2 it waits for ever, whatever its time-out, when the
 * leader that it knows is gone. */
static rd_kafka_resp_err_t ask_end(struct kafka_reader *reader, int32_t number, int64_t which, int64_t wait_ms,
                                   int64_t *offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *answer = rd_kafka_topic_partition_list_add(list, reader->name, number);
    rd_kafka_resp_err_t code;

    answer->offset = which;
    code = rd_kafka_offsets_for_times(reader->rk, list, (int)(wait_ms < 1 ? 1 : wait_ms < ASK_MS ? wait_ms : ASK_MS));
    if (!code) {
        code = answer->err || answer->offset >= 0 ? answer->err : RD_KAFKA_RESP_ERR_UNKNOWN;
    }
    *offset = answer->offset;
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

/* A partition that moves to another leader is found again before the deadline. */
static bool find_range(struct kafka_reader *reader, int32_t number, int64_t deadline_ms, struct err *err)
{
    struct part *part = &reader->parts[number];
    rd_kafka_resp_err_t code;

    for (;;) {
        code = ask_end(reader, number, RD_KAFKA_OFFSET_BEGINNING, deadline_ms - clock_mono_ms(), &part->low);
        if (!code) {
            code = ask_end(reader, number, RD_KAFKA_OFFSET_END, deadline_ms - clock_mono_ms(), &part->high);
        }
        if (!code) {
            return true;
        }
        if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED || clock_mono_ms() >= deadline_ms) {
            return err_set(err, "%s/%d: where the log begins and ends: %s", reader->name, (int)number,
                           rd_kafka_err2str(code));
        }
        rd_kafka_poll(reader->rk, RETRY_MS);
    }
}

static bool start_part(struct kafka_reader *reader, int32_t number, int64_t deadline_ms, struct err *err)
{
    struct part *part = &reader->parts[number];

    if (!find_range(reader, number, deadline_ms, err)) {
        return false;
    }
    part->next = part->low;
    if (part->low >= part->high) {
        part->is_done = true;
        return true;
    }
    if (rd_kafka_consume_start_queue(reader->topic, number, part->low, reader->queue) != 0) {
        return err_set(err, "%s/%d: %s", reader->name, (int)number, rd_kafka_err2str(rd_kafka_last_error()));
    }
    part->is_started = true;
    reader->open_parts++;
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
    if (!find_partitions(reader, deadline_ms, err)) {
        return false;
    }
    reader->parts = xcalloc((size_t)reader->part_count, sizeof(*reader->parts));
    for (int32_t i = 0; i < reader->part_count; i++) {
        if (!start_part(reader, i, deadline_ms, err)) {
            return false;
        }
    }
    return true;
}

struct kafka_reader *kafka_reader_open(const struct kafka_settings *settings, const char *topic, struct err *err)
{
    struct kafka_reader *reader = xcalloc(1, sizeof(*reader));

    reader->name = xstrdup(topic);
    if (!start(reader, settings, err)) {
        kafka_reader_close(reader);
        return NULL;
    }
    return reader;
}

int64_t kafka_reader_total(const struct kafka_reader *reader)
{
    int64_t total = 0;

    for (int32_t i = 0; i < reader->part_count; i++) {
        total += reader->parts[i].high - reader->parts[i].low;
    }
    return total;
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

/* Takes the message. True when it is a record to hand out. */
static bool take_record(struct kafka_reader *reader, rd_kafka_message_t *message)
{
    struct part *part = &reader->parts[message->partition];

    if (message->offset < part->next || message->offset >= part->high) {
        if (message->offset >= part->high) {
            stop_part(reader, message->partition);
        }
        rd_kafka_message_destroy(message);
        return false;
    }
    part->next = message->offset + 1;
    fill_record(reader, message);
    if (part->next >= part->high) {
        stop_part(reader, message->partition);
    }
    return true;
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
