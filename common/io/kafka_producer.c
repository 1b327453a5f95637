#include "io/kafka_producer.h"

#include <assert.h>
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/kafka_config.h"
#include "io/kafka_handle.h"
#include "io/kafka_wake.h"

enum {
    CLOSE_MS = 3000,
    TICK_MS = 1000, /* should a wake-up ever be missed */
    MOST_VALUES = 8,
};

const char kafka_record_too_large[] = "the record is larger than the topic takes";

/* One record under way. */
struct open_record {
    struct kafka_producer *producer;
    kafka_produce_fn fn;
    void *arg;
    rd_kafka_resp_err_t refused; /* the client did not take it: answered from the loop */
    struct open_record *prev;
    struct open_record *next;
};

struct kafka_producer {
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    struct kafka_wake *wake;
    struct loop_timer *tick;
    struct loop_timer *again;
    struct open_record *open;    /* the client has them */
    struct open_record *refused; /* to be answered */
    struct open_record *spare;
    rd_kafka_topic_t *prepared[KAFKA_MOST_PREPARED];
    size_t prepared_count;
    size_t open_count;
    bool is_in_turn;
    bool is_closing;
};

/* --- records under way -------------------------------------------------------------------------------------------- */

static struct open_record *take_spare(struct kafka_producer *producer)
{
    struct open_record *record = producer->spare;

    if (record) {
        producer->spare = record->next;
        return record;
    }
    return xcalloc(1, sizeof(*record));
}

static const char *problem_of(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ? kafka_record_too_large : rd_kafka_err2str(code);
}

/* The callback comes last: it may produce again, and get this very entry. */
static void answer(struct kafka_producer *producer, struct open_record *record, rd_kafka_resp_err_t code)
{
    kafka_produce_fn fn = record->fn;
    void *arg = record->arg;

    if (record->refused) {
        DL_DELETE(producer->refused, record);
    } else {
        DL_DELETE(producer->open, record);
    }
    producer->open_count--;
    record->next = producer->spare;
    producer->spare = record;
    fn(arg, !code, code ? problem_of(code) : NULL);
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *arg)
{
    struct open_record *record = message->_private;

    (void)rk;
    (void)arg;
    answer(record->producer, record, message->err);
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *arg)
{
    (void)rk;
    (void)arg;
    log_event(code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ? LOG_WARN : LOG_DEBUG, "kafka_producer_error", "problem",
              reason, NULL);
}

/* What was refused before this turn; what callbacks produce meanwhile is for the next one. */
static void answer_refused(struct kafka_producer *producer)
{
    size_t count;
    struct open_record *record;

    DL_COUNT(producer->refused, record, count);
    while (count-- > 0) {
        answer(producer, producer->refused, producer->refused->refused);
    }
    if (producer->refused) {
        loop_timer_start(producer->again, 0);
    }
}

static void drain(void *arg)
{
    struct kafka_producer *producer = arg;

    producer->is_in_turn = true;
    answer_refused(producer);
    rd_kafka_poll(producer->rk, 0);
    producer->is_in_turn = false;
}

static void on_tick(void *arg)
{
    struct kafka_producer *producer = arg;

    loop_timer_start(producer->tick, TICK_MS);
    drain(producer);
}

/* --- produce ------------------------------------------------------------------------------------------------------ */

static rd_kafka_headers_t *make_headers(const struct kafka_message *message)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(message->header_count);

    for (size_t i = 0; i < message->header_count; i++) {
        const struct kafka_header *header = &message->headers[i];

        rd_kafka_header_add(headers, header->name, -1, header->value.data, (ssize_t)header->value.len);
    }
    return headers;
}

static rd_kafka_resp_err_t hand_over(struct kafka_producer *producer, const struct kafka_message *message,
                                     struct open_record *record)
{
    rd_kafka_headers_t *headers = message->header_count ? make_headers(message) : NULL;
    rd_kafka_vu_t values[MOST_VALUES];
    rd_kafka_error_t *error;
    rd_kafka_resp_err_t code;
    size_t n = 0;

    values[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = message->topic};
    values[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = message->partition};
    values[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY};
    values[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = record};
    values[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = message->timestamp_ms};
    values[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_KEY,
                                  .u.mem = {.ptr = (void *)message->key.data, .size = message->key.len}};
    values[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_VALUE,
                                  .u.mem = {.ptr = (void *)message->value.data, .size = message->value.len}};
    if (headers) {
        values[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers};
    }
    assert(n <= MOST_VALUES);
    error = rd_kafka_produceva(producer->rk, values, n);
    if (!error) {
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    code = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    if (headers) {
        rd_kafka_headers_destroy(headers);
    }
    return code ? code : RD_KAFKA_RESP_ERR__FAIL;
}

void kafka_produce(struct kafka_producer *producer, const struct kafka_message *message, kafka_produce_fn fn, void *arg)
{
    struct open_record *record = take_spare(producer);

    assert(fn);
    record->producer = producer;
    record->fn = fn;
    record->arg = arg;
    record->refused = producer->is_closing ? RD_KAFKA_RESP_ERR__DESTROY : hand_over(producer, message, record);
    producer->open_count++;
    if (record->refused) {
        DL_APPEND(producer->refused, record);
        loop_timer_start(producer->again, 0);
    } else {
        DL_APPEND(producer->open, record);
    }
}

void kafka_producer_prepare(struct kafka_producer *producer, const char *topic)
{
    assert(producer->prepared_count < KAFKA_MOST_PREPARED);
    producer->prepared[producer->prepared_count] = rd_kafka_topic_new(producer->rk, topic, NULL);
    producer->prepared_count += producer->prepared[producer->prepared_count] != NULL;
}

size_t kafka_producer_open_count(const struct kafka_producer *producer)
{
    return producer->open_count;
}

struct rd_kafka_s *kafka_producer_client(const struct kafka_producer *producer)
{
    return producer->rk;
}

/* --- open and close ----------------------------------------------------------------------------------------------- */

struct kafka_producer *kafka_producer_open(struct loop *loop, const struct kafka_settings *settings, struct err *err)
{
    rd_kafka_conf_t *conf = kafka_config_create(KAFKA_ROLE_PRODUCER, settings, NULL, err);
    struct kafka_producer *producer;

    if (!conf) {
        return NULL;
    }
    producer = xcalloc(1, sizeof(*producer));
    producer->wake = kafka_wake_create(loop, drain, producer, err);
    if (!producer->wake) {
        rd_kafka_conf_destroy(conf);
        free(producer);
        return NULL;
    }
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_error_cb(conf, on_error);
    producer->rk = kafka_handle_open(KAFKA_ROLE_PRODUCER, conf, err);
    if (!producer->rk) {
        kafka_wake_destroy(producer->wake);
        free(producer);
        return NULL;
    }
    producer->queue = rd_kafka_queue_get_main(producer->rk);
    kafka_wake_attach(producer->wake, producer->queue);
    producer->tick = loop_timer_create(loop, on_tick, producer);
    producer->again = loop_timer_create(loop, drain, producer);
    loop_timer_start(producer->tick, TICK_MS);
    return producer;
}

/* Callbacks may produce once more while we wait; that counts against the same deadline. */
static void finish_open(struct kafka_producer *producer, int64_t wait_ms)
{
    int64_t deadline_ms = clock_mono_ms() + wait_ms;
    int64_t left_ms;

    while (producer->open && (left_ms = deadline_ms - clock_mono_ms()) > 0) {
        rd_kafka_flush(producer->rk, (int)left_ms);
    }
    rd_kafka_purge(producer->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_poll(producer->rk, 100);
    rd_kafka_poll(producer->rk, 0);
}

/* The rest is answered, and what the callbacks produce in turn once more: whoever goes on trying is not heard. */
static void answer_rest(struct kafka_producer *producer)
{
    for (size_t most = 2 * producer->open_count; most > 0 && producer->open_count > 0; most--) {
        struct open_record *record = producer->open ? producer->open : producer->refused;

        answer(producer, record, record->refused ? record->refused : RD_KAFKA_RESP_ERR__PURGE_QUEUE);
    }
}

static void free_records(struct open_record *first)
{
    while (first) {
        struct open_record *next = first->next;

        free(first);
        first = next;
    }
}

void kafka_producer_close(struct kafka_producer *producer, int64_t wait_ms)
{
    if (!producer) {
        return;
    }
    assert(!producer->is_in_turn);
    producer->is_in_turn = true;
    finish_open(producer, wait_ms);
    producer->is_closing = true;
    for (size_t i = 0; i < producer->prepared_count; i++) {
        rd_kafka_topic_destroy(producer->prepared[i]);
    }
    kafka_wake_detach(producer->queue);
    rd_kafka_queue_destroy(producer->queue);
    kafka_handle_close(producer->rk, false, CLOSE_MS); /* reports nothing any more */
    answer_rest(producer);
    kafka_wake_destroy(producer->wake);
    loop_timer_destroy(producer->tick);
    loop_timer_destroy(producer->again);
    free_records(producer->spare);
    free_records(producer->refused);
    free(producer);
}

bool kafka_producer_renew(struct kafka_producer *producer, const struct kafka_settings *settings, struct err *err)
{
    return kafka_config_renew(producer->rk, settings, err);
}
