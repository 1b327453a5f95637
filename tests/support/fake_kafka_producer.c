/*
 * fake_kafka_producer: a record reaches the log a millisecond after its turn, its acknowledgement comes one later; both
 * are points.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/mem.h"
#include "fake_kafka_log.h"
#include "fake_world.h"
#include "fakes.h"
#include "io/kafka_producer.h"

enum { LATENCY_MS = 1 };

const char kafka_record_too_large[] = "too large";

struct pending {
    struct fake_log *log; /* NULL: there is no such topic */
    struct slice key, value;
    struct kafka_header *headers;
    size_t header_count;
    kafka_produce_fn fn;
    void *arg;
    bool is_through, is_refused;
    struct pending *prev, *next; /* list: producer->pending */
};

struct kafka_producer {
    struct loop_timer *send_timer, *ack_timer;
    struct pending *pending;
    size_t count;
};

static struct slice copy_slice(struct slice from)
{
    return from.data ? slice_make(xmemdup(from.data, from.len), from.len) : slice_make(NULL, 0);
}

static void free_pending(struct pending *pending)
{
    for (size_t i = 0; i < pending->header_count; i++) {
        free((char *)pending->headers[i].name);
        free((char *)pending->headers[i].value.data);
    }
    free(pending->headers);
    free((char *)pending->key.data);
    free((char *)pending->value.data);
    free(pending);
}

static bool is_too_large(const struct pending *pending)
{
    size_t bytes = pending->key.len + pending->value.len;

    for (size_t i = 0; i < pending->header_count; i++) {
        bytes += strlen(pending->headers[i].name) + pending->headers[i].value.len;
    }
    return !fake_log_takes(bytes);
}

/* A bug, when it is planted. */
static bool is_forgotten(const struct pending *pending)
{
    return fakes_has_bug(FAKE_BUG_OUTCOME_LOST) && pending->key.len == MID_TEXT_SIZE - 1 && pending->key.data[0] == 'a';
}

static void on_send(void *arg)
{
    struct kafka_producer *producer = arg;
    struct pending *pending;

    DL_FOREACH(producer->pending, pending)
    {
        if (pending->is_through) {
            continue;
        }
        pending->is_refused = !pending->log || is_too_large(pending) || fake_log_is_down() || !fakes_reach(FAKE_PRODUCE);
        if (fakes_is_dead()) {
            return;
        }
        if (!pending->is_refused && !is_forgotten(pending)) {
            fake_log_append(pending->log, pending->key, pending->value, pending->headers, pending->header_count);
        }
        pending->is_through = true;
    }
    loop_timer_start(producer->ack_timer, LATENCY_MS);
}

static void on_ack(void *arg)
{
    struct kafka_producer *producer = arg;

    while (producer->pending && producer->pending->is_through) {
        struct pending *pending = producer->pending;
        bool is_done = !pending->is_refused && fakes_reach(FAKE_PRODUCE_ACK);

        if (fakes_is_dead()) {
            return;
        }
        DL_DELETE(producer->pending, pending);
        producer->count--;
        pending->fn(pending->arg, is_done,
                    is_done ? "" : is_too_large(pending) ? kafka_record_too_large : "not acknowledged");
        free_pending(pending);
        if (fakes_is_dead()) {
            return;
        }
    }
}

struct kafka_producer *kafka_producer_open(struct loop *loop, const struct kafka_settings *settings, struct err *err)
{
    struct kafka_producer *producer = xcalloc(1, sizeof(*producer));

    (void)settings, (void)err;
    producer->send_timer = loop_timer_create(loop, on_send, producer);
    producer->ack_timer = loop_timer_create(loop, on_ack, producer);
    return producer;
}

void kafka_producer_close(struct kafka_producer *producer, int64_t wait_ms)
{
    (void)wait_ms;
    if (!producer) {
        return;
    }
    while (producer->pending) {
        struct pending *pending = producer->pending;

        DL_DELETE(producer->pending, pending);
        pending->fn(pending->arg, false, "closed");
        free_pending(pending);
    }
    loop_timer_destroy(producer->send_timer);
    loop_timer_destroy(producer->ack_timer);
    free(producer);
}

void kafka_produce(struct kafka_producer *producer, const struct kafka_message *message, kafka_produce_fn fn, void *arg)
{
    struct pending *pending = xcalloc(1, sizeof(*pending));
    int32_t partition = message->partition;

    if (partition < 0 && fake_log_partition_count(message->topic) > 0) {
        partition = fake_log_partition_of_key(message->topic, message->key);
    }
    pending->log = fake_log_find(message->topic, partition);
    pending->key = copy_slice(message->key);
    pending->value = copy_slice(message->value);
    pending->headers = xcalloc(message->header_count + 1, sizeof(*pending->headers));
    pending->header_count = message->header_count;
    for (size_t i = 0; i < message->header_count; i++) {
        pending->headers[i] =
            (struct kafka_header){xstrdup(message->headers[i].name), copy_slice(message->headers[i].value)};
    }
    pending->fn = fn;
    pending->arg = arg;
    DL_APPEND(producer->pending, pending);
    producer->count++;
    if (!loop_timer_is_active(producer->send_timer)) {
        loop_timer_start(producer->send_timer, LATENCY_MS);
    }
}

void kafka_producer_prepare(struct kafka_producer *producer, const char *topic)
{
    (void)producer;
    (void)topic;
}

size_t kafka_producer_open_count(const struct kafka_producer *producer)
{
    return producer->count;
}

bool kafka_producer_renew(struct kafka_producer *producer, const struct kafka_settings *settings, struct err *err)
{
    (void)producer, (void)settings, (void)err;
    return true;
}
