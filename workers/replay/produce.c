/*
 * --produce: records copied to another topic with their keys, headers and time stamps. The time stamp also stands in a
 * header, because a topic may be set to replace it.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "base/number.h"
#include "io/kafka_producer.h"
#include "workers/replay/pace.h"
#include "workers/replay/produce_guard.h"
#include "workers/replay/replay.h"

enum { MOST_OPEN = 10000, CLOSE_MS = 5000 };

static const char timestamp_header[] = "perkline-original-timestamp";

/* A record whose time has not come. The texts are copies. */
struct waiting {
    bool is_there;
    int64_t due_us;
    char *key, *value;
    struct kafka_header *headers;
    struct kafka_message message;
};

struct produce {
    struct replay_sink sink; /* first member */
    const struct replay_parts *parts;
    struct kafka_producer *producer;
    struct loop_timer *timer;
    struct loop_signal *on_int, *on_term;
    struct pace pace;
    struct waiting waiting;
    int64_t done, failed;
    char problem[160]; /* of the first that failed */
};

/* --- life --------------------------------------------------------------------------------------------------------- */

static void forget_waiting(struct waiting *waiting)
{
    for (size_t i = 0; waiting->headers && i < waiting->message.header_count; i++) {
        free((void *)(uintptr_t)waiting->headers[i].name);
        free((void *)(uintptr_t)waiting->headers[i].value.data);
    }
    free(waiting->headers);
    free(waiting->key);
    free(waiting->value);
    *waiting = (struct waiting){.is_there = false};
}

static void close_sink(struct replay_sink *sink)
{
    struct produce *produce = (struct produce *)sink;

    if (produce->producer) {
        kafka_producer_close(produce->producer, CLOSE_MS);
    }
    if (produce->timer) {
        loop_timer_destroy(produce->timer);
        loop_signal_destroy(produce->on_int);
        loop_signal_destroy(produce->on_term);
    }
    forget_waiting(&produce->waiting);
    free(produce);
}

static void on_time(void *arg)
{
    (void)arg; /* the turn of the loop ends, and count_open() looks what is due */
}

/* Nobody waits for what is not due yet when the run is to end. */
static void on_stop(void *arg)
{
    struct produce *produce = arg;

    forget_waiting(&produce->waiting);
}

static bool check_topic(const struct replay_parts *parts, struct err *err)
{
    struct err who = {0};

    if (parts->options->is_yes || produce_guard_check(parts, parts->options->produce, &who)) {
        return true;
    }
    return err_set(err, "%s: what they have not sent yet would be sent; say --yes when that is meant", who.text);
}

static bool open_parts(struct produce *produce, struct err *err)
{
    const struct replay_parts *parts = produce->parts;
    struct kafka_settings kafka = worker_kafka_settings(parts->settings, "perkline-replay");

    if (!pace_init(&produce->pace, parts->options->rate, parts->options->speed, err)) {
        return false;
    }
    if (!kafka.brokers && !kafka.properties_file) {
        return err_set(err, "KAFKA_BROKERS is not set");
    }
    if (!check_topic(parts, err)) {
        return false;
    }
    produce->timer = loop_timer_create(parts->loop, on_time, produce);
    produce->on_int = loop_signal_create(parts->loop, SIGINT, on_stop, produce);
    produce->on_term = loop_signal_create(parts->loop, SIGTERM, on_stop, produce);
    produce->producer = kafka_producer_open(parts->loop, &kafka, err);
    return produce->producer != NULL;
}

static struct replay_sink *open_sink(const struct replay_parts *parts, struct err *err)
{
    struct produce *produce = xcalloc(1, sizeof(*produce));

    produce->parts = parts;
    if (!open_parts(produce, err)) {
        close_sink(&produce->sink);
        return NULL;
    }
    return &produce->sink;
}

/* --- records ------------------------------------------------------------------------------------------------------ */

static void on_produced(void *arg, bool is_done, const char *problem)
{
    struct produce *produce = arg;

    produce->done += is_done;
    produce->failed += !is_done;
    if (!is_done && !produce->problem[0]) {
        snprintf(produce->problem, sizeof(produce->problem), "%s", problem ? problem : "no answer");
    }
}

/* A copy of a copy keeps the first time stamp. The caller frees the array, not what it points to. */
static struct kafka_header *make_headers(const struct record *record, char timestamp[NUMBER_TEXT_SIZE], size_t *count)
{
    struct kafka_header *headers = xcalloc(record->header_count + 1, sizeof(*headers));

    for (size_t i = 0; i < record->header_count; i++) {
        headers[i] = (struct kafka_header){record->headers[i].name, record->headers[i].value};
    }
    *count = record->header_count;
    if (record->timestamp_ms >= 0 && !record_find_header(record, timestamp_header)) {
        headers[(*count)++] = (struct kafka_header){timestamp_header, number_format(record->timestamp_ms, timestamp)};
    }
    return headers;
}

static char *copy_bytes(struct slice *bytes)
{
    char *copy = bytes->data ? xmemdup(bytes->data, bytes->len) : NULL;

    bytes->data = copy;
    return copy;
}

static void put_aside(struct waiting *waiting, const struct kafka_message *message, int64_t due_us)
{
    *waiting = (struct waiting){.is_there = true, .due_us = due_us, .message = *message};
    waiting->key = copy_bytes(&waiting->message.key);
    waiting->value = copy_bytes(&waiting->message.value);
    waiting->headers = xcalloc(message->header_count + 1, sizeof(*waiting->headers));
    for (size_t i = 0; i < message->header_count; i++) {
        waiting->headers[i] = message->headers[i];
        waiting->headers[i].name = xstrdup(message->headers[i].name);
        copy_bytes(&waiting->headers[i].value);
    }
    waiting->message.headers = waiting->headers;
}

static bool take(struct replay_sink *sink, const struct replay_item *item, struct err *err)
{
    struct produce *produce = (struct produce *)sink;
    const struct record *record = item->record;
    int64_t now_us = clock_mono_us();
    int64_t due_us = pace_next_us(&produce->pace, record->timestamp_ms, now_us);
    char timestamp[NUMBER_TEXT_SIZE];
    struct kafka_message message = {.topic = produce->parts->options->produce,
                                    .partition = -1,
                                    .timestamp_ms = record->timestamp_ms > 0 ? record->timestamp_ms : 0,
                                    .key = record->key,
                                    .value = record->value};
    struct kafka_header *headers = make_headers(record, timestamp, &message.header_count);

    (void)err;
    message.headers = headers;
    if (due_us > now_us) {
        put_aside(&produce->waiting, &message, due_us);
    } else {
        kafka_produce(produce->producer, &message, on_produced, produce);
    }
    free(headers);
    return true;
}

static void produce_waiting(struct produce *produce)
{
    struct waiting *waiting = &produce->waiting;
    int64_t left_us = waiting->is_there ? waiting->due_us - clock_mono_us() : 0;

    if (!waiting->is_there) {
        return;
    }
    if (left_us > 0) {
        loop_timer_start(produce->timer, (left_us + 999) / 1000);
        return;
    }
    kafka_produce(produce->producer, &waiting->message, on_produced, produce);
    forget_waiting(waiting);
}

static bool count_open(struct replay_sink *sink, int64_t *open, bool *is_full, struct err *err)
{
    struct produce *produce = (struct produce *)sink;

    (void)err;
    produce_waiting(produce);
    *open = (int64_t)kafka_producer_open_count(produce->producer) + produce->waiting.is_there;
    *is_full = produce->waiting.is_there || *open >= MOST_OPEN;
    return true;
}

/* --- report ------------------------------------------------------------------------------------------------------- */

static void print_json(const struct produce *produce, const struct replay_tally *tally, FILE *to)
{
    struct json_text j;
    struct buf out;

    buf_init(&out, 0);
    json_text_init(&j, &out);
    json_text_open(&j, '{');
    json_text_member(&j, "mode", "produce");
    json_text_member(&j, "topic", produce->parts->options->produce);
    json_text_member_int(&j, "records", tally->records);
    json_text_member_int(&j, "left_out", tally->left_out + tally->unreadable);
    json_text_member_int(&j, "produced", produce->done);
    json_text_member_int(&j, "failed", produce->failed);
    json_text_member_if(&j, "problem", produce->problem);
    json_text_member_int(&j, "spent_ms", tally->spent_ms);
    json_text_key(&j, "interrupted");
    json_text_bool(&j, tally->is_interrupted);
    json_text_close(&j, '}');
    fprintf(to, "%s\n", buf_text(&out));
    buf_finish(&out);
}

static bool report(struct replay_sink *sink, const struct replay_tally *tally, FILE *to)
{
    const struct produce *produce = (const struct produce *)sink;
    int64_t open = tally->taken - produce->done - produce->failed;

    if (produce->parts->options->is_json) {
        print_json(produce, tally, to);
        return produce->failed == 0 && open == 0;
    }
    fprintf(to, "%s → %s: %" PRId64 " produced, %" PRId64 " failed", produce->parts->source_name,
            produce->parts->options->produce, produce->done, produce->failed);
    if (open) {
        fprintf(to, ", %" PRId64 " not produced", open);
    }
    fprintf(to, " (%" PRId64 " records read, %" PRId64 " left out, %.1f s)\n", tally->records,
            tally->left_out + tally->unreadable, (double)tally->spent_ms / 1000);
    if (produce->problem[0]) {
        fprintf(to, "the first that failed: %s\n", produce->problem);
    }
    fprintf(to, "%s%s", tally->note, tally->note[0] ? "\n" : "");
    return produce->failed == 0 && open == 0;
}

const struct replay_sink_type replay_produce = {
    .open = open_sink,
    .close = close_sink,
    .take = take,
    .count_open = count_open,
    .report = report,
};
