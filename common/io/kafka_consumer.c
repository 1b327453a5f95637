#include "io/kafka_consumer_inside.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/kafka_config.h"
#include "io/kafka_handle.h"

enum { CLOSE_MS = 3000, QUEUE_KIB = 16384 };

/* --- state -------------------------------------------------------------------------------------------------------- */

void consumer_set_state(struct kafka_consumer *consumer, bool is_up, const char *reason)
{
    if (consumer->is_state_known && consumer->is_up == is_up && strcmp(consumer->reason, reason) == 0) {
        return;
    }
    consumer->is_state_known = true;
    consumer->is_up = is_up;
    snprintf(consumer->reason, sizeof(consumer->reason), "%s", reason);
    consumer->events.on_state(consumer->events.arg, is_up, consumer->reason);
}

void consumer_fail(struct kafka_consumer *consumer, const char *reason)
{
    if (!consumer->is_fatal) {
        consumer->is_fatal = true;
        consumer->events.on_fatal(consumer->events.arg, reason);
    }
}

static void fail_with_client(struct kafka_consumer *consumer, const char *fallback)
{
    char reason[256];

    if (rd_kafka_fatal_error(consumer->rk, reason, sizeof(reason)) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        snprintf(reason, sizeof(reason), "%s", fallback);
    }
    consumer_fail(consumer, reason);
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *arg)
{
    struct kafka_consumer *consumer = arg;
    struct err problem = {0};

    if (consumer->is_closing) {
        return;
    }
    switch (code) {
    case RD_KAFKA_RESP_ERR__FATAL:
        fail_with_client(consumer, reason);
        break;
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
        kafka_config_no_answer(rk, code, &problem);
        consumer->questions.is_probe_due = true;
        consumer_set_state(consumer, false, problem.text);
        break;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
        consumer->questions.is_probe_due = true; /* to learn when it is over */
        consumer_set_state(consumer, false, reason);
        break;
    default: /* one connection of several: librdkafka goes on */
        log_event(LOG_DEBUG, "kafka_error", "problem", reason, NULL);
    }
}

/* --- messages ----------------------------------------------------------------------------------------------------- */

/* A record or an end of partition. */
static void accept_message(struct kafka_consumer *consumer, rd_kafka_message_t *message)
{
    struct assigned *assigned = kafka_partitions_find_for(consumer, message);

    if (!assigned) {
        rd_kafka_message_destroy(message); /* of an assignment that is over */
        return;
    }
    if (!message->err && message->offset < assigned->next_offset) {
        consumer->rewound++;
        log_event(LOG_DEBUG, "kafka_rewound", "topic", assigned->id.topic, "partition", log_int(assigned->id.partition),
                  "offset", log_int(message->offset), NULL);
        rd_kafka_message_destroy(message);
        return;
    }
    if (message->offset + !message->err > assigned->next_offset) {
        assigned->next_offset = message->offset + !message->err;
    }
    if (message->err) {
        assigned->read_up_at_ms = clock_mono_ms();
    }
    kafka_partitions_keep(consumer, assigned, message);
    rd_kafka_message_destroy(message);
}

static void accept_error(struct kafka_consumer *consumer, rd_kafka_message_t *message)
{
    const char *text = rd_kafka_message_errstr(message);

    switch (message->err) {
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
        rebalance_on_lost_offset(consumer, message);
        break;
    case RD_KAFKA_RESP_ERR__FATAL:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
        fail_with_client(consumer, text);
        break;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
        consumer_set_state(consumer, true, text);
        break;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
        consumer_set_state(consumer, false, text);
        break;
    default:
        log_event(LOG_WARN, "kafka_error", "topic", message->rkt ? rd_kafka_topic_name(message->rkt) : "", "partition",
                  log_int(message->partition), "offset", log_int(message->offset), "problem", text, NULL);
    }
    rd_kafka_message_destroy(message);
}

/* False: the client has nothing more for now. Rebalances and errors are served from within. */
static bool take_message(struct kafka_consumer *consumer)
{
    rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer->rk, 0);

    if (!message) {
        return false;
    }
    if (message->err && message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        accept_error(consumer, message);
    } else {
        accept_message(consumer, message);
    }
    return true;
}

static void drain(void *arg)
{
    struct kafka_consumer *consumer = arg;
    int budget = KAFKA_TURN_MESSAGES;
    bool has_more;

    consumer->is_in_turn = true;
    while (budget > 0 && take_message(consumer)) {
        budget--;
    }
    has_more = kafka_partitions_deliver(consumer, KAFKA_TURN_MESSAGES) || budget == 0;
    commit_step(consumer);
    rebalance_step(consumer);
    consumer->is_in_turn = false;
    if (has_more) {
        loop_timer_start(consumer->again, 0);
    }
}

static void on_tick(void *arg)
{
    struct kafka_consumer *consumer = arg;

    loop_timer_start(consumer->tick, KAFKA_TICK_MS);
    drain(consumer);
}

/* --- open and close ----------------------------------------------------------------------------------------------- */

static void copy_topics(struct kafka_consumer *consumer, const char *const topics[])
{
    size_t count = 0;

    while (topics[count]) {
        count++;
    }
    consumer->topics = xcalloc(count + 1, sizeof(*consumer->topics));
    for (size_t i = 0; i < count; i++) {
        consumer->topics[i] = xstrdup(topics[i]);
    }
}

static bool check_topics(const char *const topics[], const char *assign, struct err *err)
{
    size_t count = 0;

    for (size_t i = 0; topics[i]; i++, count++) {
        size_t len = strlen(topics[i]);

        if (len == 0 || (topics[i][0] != '^' && len > 249)) {
            return err_set(err, "\"%.64s\" is not the name of a topic", topics[i]);
        }
        if (assign && topics[i][0] == '^') {
            return err_set(err, "topic %s: a pattern needs a consumer group, not static partitions", topics[i]);
        }
    }
    return count > 0 ? true : err_set(err, "no topic to read");
}

static bool start(struct kafka_consumer *consumer, const struct kafka_settings *settings, const char *group,
                  struct err *err)
{
    rd_kafka_conf_t *conf = kafka_config_create(KAFKA_ROLE_CONSUMER, settings, group, err);

    if (!conf) {
        return false;
    }
    rd_kafka_conf_set_opaque(conf, consumer);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_rebalance_cb(conf, rebalance_on_change);
    rd_kafka_conf_set_stats_cb(conf, consumer_watch_stats);
    consumer->rk = kafka_handle_open(KAFKA_ROLE_CONSUMER, conf, err);
    if (!consumer->rk) {
        return false;
    }
    rd_kafka_poll_set_consumer(consumer->rk);
    consumer->queue = rd_kafka_queue_get_consumer(consumer->rk);
    consumer->commit_queue = rd_kafka_queue_new(consumer->rk);
    consumer->wake = kafka_wake_create(consumer->loop, drain, consumer, err);
    if (!consumer->wake) {
        return false;
    }
    kafka_wake_attach(consumer->wake, consumer->queue);
    kafka_wake_attach(consumer->wake, consumer->commit_queue);
    consumer->questions.is_probe_due = true;
    return consumer->static_partitions || rebalance_subscribe(consumer, err);
}

bool kafka_consumer_check(const char *const topics[], const char *assign, struct err *err)
{
    struct kafka_consumer nobody = {.static_partitions = NULL};
    bool is_fine = check_topics(topics, assign, err) && (!assign || rebalance_parse_static(&nobody, assign, err));

    free(nobody.static_partitions);
    return is_fine;
}

struct kafka_consumer *kafka_consumer_open(struct loop *loop, const struct kafka_settings *settings, const char *group,
                                           const char *const topics[], const char *assign,
                                           const struct kafka_consumer_events *events, struct err *err)
{
    struct kafka_consumer *consumer = xcalloc(1, sizeof(*consumer));

    consumer->loop = loop;
    consumer->events = *events;
    consumer->waiting_most_bytes = (size_t)(settings->queue_kib ? settings->queue_kib : QUEUE_KIB) << 10;
    consumer->tick = loop_timer_create(loop, on_tick, consumer);
    consumer->again = loop_timer_create(loop, drain, consumer);
    consumer_watch_init(consumer);
    copy_topics(consumer, topics);
    if (!check_topics(topics, assign, err) || (assign && !rebalance_parse_static(consumer, assign, err)) ||
        !start(consumer, settings, group, err)) {
        kafka_consumer_close(consumer);
        return NULL;
    }
    loop_timer_start(consumer->tick, 0);
    return consumer;
}

static void free_consumer(struct kafka_consumer *consumer)
{
    for (char **topic = consumer->topics; topic && *topic; topic++) {
        free(*topic);
    }
    free(consumer->topics);
    free(consumer->static_partitions);
    free(consumer);
}

/* True when nothing of the client is left that could call or write. */
static bool close_client(struct kafka_consumer *consumer)
{
    int64_t deadline_ms = clock_mono_ms() + CLOSE_MS;
    bool is_free;
    int64_t left_ms;

    if (consumer->queue) {
        kafka_wake_detach(consumer->queue);
        kafka_wake_detach(consumer->commit_queue);
        rd_kafka_queue_destroy(consumer->queue);
        rd_kafka_queue_destroy(consumer->commit_queue);
    }
    is_free = rebalance_finish(consumer, CLOSE_MS);
    if (!is_free) {
        return false; /* a question under way uses the client */
    }
    left_ms = deadline_ms - clock_mono_ms();
    return !consumer->rk || kafka_handle_close(consumer->rk, true, left_ms > 100 ? left_ms : 100);
}

void kafka_consumer_close(struct kafka_consumer *consumer)
{
    if (!consumer) {
        return;
    }
    assert(!consumer->is_in_turn);
    loop_timer_destroy(consumer->tick);
    loop_timer_destroy(consumer->again);
    kafka_partitions_clear(consumer);
    consumer->is_closing = true;
    if (close_client(consumer)) {
        kafka_wake_destroy(consumer->wake);
        free_consumer(consumer);
    } else {
        kafka_wake_abandon(consumer->wake);
    }
}

bool kafka_consumer_renew(struct kafka_consumer *consumer, const struct kafka_settings *settings, struct err *err)
{
    return kafka_config_renew(consumer->rk, settings, err);
}

int64_t kafka_consumer_lag(const struct kafka_consumer *consumer, const struct kafka_partition *partition,
                           int64_t next_offset)
{
    int64_t low;
    int64_t high;

    if (rd_kafka_get_watermark_offsets(consumer->rk, partition->topic, partition->partition, &low, &high) !=
            RD_KAFKA_RESP_ERR_NO_ERROR ||
        high < 0) {
        return -1;
    }
    return high > next_offset ? high - next_offset : 0;
}
