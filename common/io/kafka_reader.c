#include "io/kafka_reader.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "io/kafka_config.h"
#include "io/kafka_handle.h"
#include "io/kafka_range.h"

enum { OPEN_MS = 15000, ASK_MS = 2000, UNKNOWN_MS = 2000, LEAST_UNKNOWN = 2, RETRY_MS = 100, CLOSE_MS = 3000 };

struct part {
    struct kafka_range range;
    int64_t next;
    bool is_in_range; /* of times that are looked for in the records */
    bool is_started;
    bool is_done;
};

struct topic {
    rd_kafka_topic_t *handle; /* its opaque is this struct */
    char *name;
    struct kafka_reader_range wanted; /* its topic is `name` */
    struct part *parts;
    int32_t part_count;
    rd_kafka_resp_err_t code; /* of the last answer about it */
    bool is_missing;
};

/* Partitions are read with librdkafka's simple consumer into one queue: it knows no group, so none is ever seen by the
 * broker. */
struct kafka_reader {
    rd_kafka_t *rk;
    struct topic *topics;
    size_t topic_count;
    rd_kafka_queue_t *queue;
    int32_t open_parts;
    rd_kafka_message_t *message; /* borrowed by the caller until the next call */
    struct kafka_record record;
    size_t range; /* of the record */
    struct kafka_header *headers;
};

/* --- open: which partitions there are ------------------------------------------------------------------------------ */

static void take_metadata(struct kafka_reader *reader, const struct rd_kafka_metadata *metadata)
{
    for (size_t i = 0; i < reader->topic_count; i++) {
        struct topic *topic = &reader->topics[i];

        topic->code = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        for (int n = 0; n < metadata->topic_cnt; n++) {
            const struct rd_kafka_metadata_topic *told = &metadata->topics[n];

            if (strcmp(told->topic, topic->name) == 0) {
                topic->code = told->err ? told->err : told->partition_cnt > 0 ? 0 : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
                topic->part_count = told->partition_cnt;
            }
        }
    }
}

/* Asks for all topics that have a handle. */
static rd_kafka_resp_err_t ask_topics(struct kafka_reader *reader, const struct kafka_patience *patience)
{
    int64_t wait_ms = patience->deadline_ms - clock_mono_ms();
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t code =
        rd_kafka_metadata(reader->rk, 0, NULL, &metadata, (int)(wait_ms < 1 ? 1 : wait_ms < ASK_MS ? wait_ms : ASK_MS));

    if (!code) {
        take_metadata(reader, metadata);
        rd_kafka_metadata_destroy(metadata);
    }
    return code;
}

static bool is_no_answer(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
           code == RD_KAFKA_RESP_ERR__TIMED_OUT;
}

/* A topic that was just created may have no leader for a moment, and not every broker knows of it yet. */
static bool may_change(const struct kafka_reader *reader, bool is_unknown_for_sure)
{
    bool may = false;

    for (size_t i = 0; i < reader->topic_count; i++) {
        rd_kafka_resp_err_t code = reader->topics[i].code;
        bool is_waiting = code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
                          (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART && !is_unknown_for_sure);

        if (code && !is_waiting && code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
            return false;
        }
        may |= is_waiting;
    }
    return may;
}

/* Of the last answer. */
static bool judge_topics(struct kafka_reader *reader, struct err *err)
{
    bool is_any_there = false;

    for (size_t i = 0; i < reader->topic_count; i++) {
        is_any_there |= !reader->topics[i].code;
    }
    for (size_t i = 0; i < reader->topic_count; i++) {
        struct topic *topic = &reader->topics[i];

        topic->is_missing = topic->code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        if (topic->is_missing && !(is_any_there && topic->wanted.may_be_missing)) {
            return err_set(err, "topic %s does not exist", topic->name);
        }
        if (topic->code && !topic->is_missing) {
            return err_set(err, "topic %s: %s", topic->name, rd_kafka_err2str(topic->code));
        }
        topic->part_count = topic->is_missing ? 0 : topic->part_count;
    }
    return true;
}

static bool find_partitions(struct kafka_reader *reader, const struct kafka_patience *patience, struct err *err)
{
    int64_t first_ms = 0; /* when the first answer came */
    struct err over = {0};
    int answers = 0;

    for (;;) {
        rd_kafka_resp_err_t code = ask_topics(reader, patience);
        bool may_wait = kafka_patience_lasts(patience, &over);

        if (!code) {
            first_ms = answers++ ? first_ms : clock_mono_ms();
            if (!may_wait || !may_change(reader, answers >= LEAST_UNKNOWN && clock_mono_ms() >= first_ms + UNKNOWN_MS)) {
                return judge_topics(reader, err);
            }
        } else if (!may_wait || !is_no_answer(code)) {
            return is_no_answer(code) ? kafka_config_no_answer(reader->rk, code, err)
                                      : err_set(err, "topic %s: %s", reader->topics[0].name, rd_kafka_err2str(code));
        }
        rd_kafka_poll(reader->rk, RETRY_MS);
    }
}

/* --- open: from where to where ------------------------------------------------------------------------------------- */

static bool is_wanted_part(const struct topic *topic, int32_t number)
{
    return topic->wanted.partition < 0 || topic->wanted.partition == number;
}

static bool add_parts(struct topic *topic, struct kafka_range_question questions[], size_t *count, struct err *err)
{
    if (topic->wanted.partition >= topic->part_count && !topic->is_missing) {
        return err_set(err, "topic %s has no partition %d: its partitions are 0 to %d", topic->name,
                       (int)topic->wanted.partition, (int)topic->part_count - 1);
    }
    topic->parts = xcalloc((size_t)topic->part_count + 1, sizeof(*topic->parts));
    for (int32_t i = 0; i < topic->part_count; i++) {
        if (is_wanted_part(topic, i)) {
            questions[(*count)++] = (struct kafka_range_question){.wanted = &topic->wanted, .partition = i};
        } else {
            topic->parts[i].is_done = true;
        }
    }
    return true;
}

static bool start_part(struct kafka_reader *reader, struct topic *topic, const struct kafka_range_question *answer,
                       struct err *err)
{
    struct part *part = &topic->parts[answer->partition];

    part->range = answer->range;
    part->next = part->range.low;
    if (part->range.low >= part->range.high) {
        part->is_done = true;
        return true;
    }
    if (rd_kafka_consume_start_queue(topic->handle, answer->partition, part->range.low, reader->queue) != 0) {
        return err_set(err, "%s/%d: %s", topic->name, (int)answer->partition, rd_kafka_err2str(rd_kafka_last_error()));
    }
    part->is_started = true;
    reader->open_parts++;
    return true;
}

static bool start_parts(struct kafka_reader *reader, const struct kafka_patience *patience, struct err *err)
{
    struct kafka_range_question *questions;
    size_t most = 0, count = 0, next = 0;
    bool is_fine = true;

    for (size_t i = 0; i < reader->topic_count; i++) {
        most += (size_t)reader->topics[i].part_count;
    }
    questions = xcalloc(most + 1, sizeof(*questions));
    for (size_t i = 0; i < reader->topic_count && is_fine; i++) {
        is_fine = add_parts(&reader->topics[i], questions, &count, err);
    }
    is_fine = is_fine && kafka_range_find_all(reader->rk, questions, count, patience, err);
    for (size_t i = 0; i < reader->topic_count; i++) {
        for (; is_fine && next < count && questions[next].wanted == &reader->topics[i].wanted; next++) {
            is_fine = start_part(reader, &reader->topics[i], &questions[next], err);
        }
    }
    free(questions);
    return is_fine;
}

/* --- open ---------------------------------------------------------------------------------------------------------- */

static bool open_topic(struct kafka_reader *reader, struct topic *topic, struct err *err)
{
    rd_kafka_topic_conf_t *conf = rd_kafka_default_topic_conf_dup(reader->rk);

    rd_kafka_topic_conf_set_opaque(conf, topic);
    topic->handle = rd_kafka_topic_new(reader->rk, topic->name, conf);
    return topic->handle || err_set(err, "topic %s: %s", topic->name, rd_kafka_err2str(rd_kafka_last_error()));
}

static bool start(struct kafka_reader *reader, const struct kafka_settings *settings, const atomic_bool *is_unwanted,
                  struct err *err)
{
    rd_kafka_conf_t *conf = kafka_config_create(KAFKA_ROLE_READER, settings, NULL, err);
    const struct kafka_patience patience = {clock_mono_ms() + OPEN_MS, is_unwanted};

    if (!conf) {
        return false;
    }
    reader->rk = kafka_handle_open(KAFKA_ROLE_READER, conf, err);
    if (!reader->rk) {
        return false;
    }
    for (size_t i = 0; i < reader->topic_count; i++) {
        if (!open_topic(reader, &reader->topics[i], err)) {
            return false;
        }
    }
    reader->queue = rd_kafka_queue_new(reader->rk);
    return find_partitions(reader, &patience, err) && start_parts(reader, &patience, err);
}

struct kafka_reader *kafka_reader_open_ranges(const struct kafka_settings *settings,
                                              const struct kafka_reader_range ranges[], size_t count,
                                              const atomic_bool *is_unwanted, struct err *err)
{
    struct kafka_reader *reader = xcalloc(1, sizeof(*reader));

    reader->topic_count = count;
    reader->topics = xcalloc(count, sizeof(*reader->topics));
    for (size_t i = 0; i < count; i++) {
        reader->topics[i].name = xstrdup(ranges[i].topic);
        reader->topics[i].wanted = ranges[i];
        reader->topics[i].wanted.topic = reader->topics[i].name;
    }
    if (!start(reader, settings, is_unwanted, err)) {
        kafka_reader_close(reader);
        return NULL;
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

/* --- figures ------------------------------------------------------------------------------------------------------- */

int64_t kafka_reader_range_total(const struct kafka_reader *reader, size_t range)
{
    const struct topic *topic = &reader->topics[range];
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
        const struct topic *topic = &reader->topics[n];

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
        const struct topic *topic = &reader->topics[n];

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

static void stop_part(struct kafka_reader *reader, struct topic *topic, int32_t number)
{
    struct part *part = &topic->parts[number];

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

static void fill_record(struct kafka_reader *reader, const struct topic *topic, rd_kafka_message_t *message)
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

static struct topic *topic_of(const rd_kafka_message_t *message)
{
    return message->rkt ? rd_kafka_topic_opaque(message->rkt) : NULL;
}

static bool is_part_open(const struct topic *topic, const rd_kafka_message_t *message)
{
    return topic && message->partition >= 0 && message->partition < topic->part_count &&
           !topic->parts[message->partition].is_done;
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
    struct topic *topic = topic_of(message);
    struct part *part = &topic->parts[message->partition];
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
    struct topic *topic = topic_of(message);
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
