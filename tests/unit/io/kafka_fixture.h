/*
 * kafka_fixture: a broker, a topic of its own for each test, and a consumer's owner that writes down what happens.
 *
 * The broker is the embedded one, or a real Apache Kafka when KAFKA_BOOTSTRAP names one (see tests/support/kafka).
 */
#ifndef TESTS_KAFKA_FIXTURE_H
#define TESTS_KAFKA_FIXTURE_H

#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/kafka_broker.h"
#include "io/kafka_consumer.h"
#include "io/kafka_producer.h"

enum { FIXTURE_PATIENCE_MS = 60000, FIXTURE_PARTITIONS = 16 };

struct fixture {
    struct loop *loop;
    struct kafka_broker *broker; /* NULL with a real Kafka */
    struct loop_timer *nudge;    /* so that a wait for something that never comes ends */
    char topic[70];
    char group[80];
    char bootstrap[512];
    struct kafka_settings settings;
};

static inline bool fixture_is_real(void)
{
    return getenv("KAFKA_BOOTSTRAP") != NULL;
}

static inline void fixture_on_nudge(void *arg)
{
    struct fixture *f = arg;

    loop_timer_start(f->nudge, 20);
}

static inline rd_kafka_t *fixture_client(const char *servers)
{
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *rk;

    assert_int_equal(rd_kafka_conf_set(conf, "bootstrap.servers", servers, reason, sizeof(reason)), 0);
    rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason));
    assert_non_null(rk);
    return rk;
}

/* Until a broker knows the topic with all its leaders. */
static inline void fixture_await_topic(const char *server, const char *topic, int partitions)
{
    int64_t end_ms = clock_mono_ms() + FIXTURE_PATIENCE_MS;
    rd_kafka_t *rk = fixture_client(server);
    rd_kafka_topic_t *handle = rd_kafka_topic_new(rk, topic, NULL);
    int ready = 0;

    while (ready < partitions) {
        const struct rd_kafka_metadata *metadata;

        assert_true(clock_mono_ms() < end_ms);
        ready = 0;
        if (rd_kafka_metadata(rk, 0, handle, &metadata, 5000) == RD_KAFKA_RESP_ERR_NO_ERROR) {
            for (int i = 0; i < metadata->topics[0].partition_cnt; i++) {
                ready += metadata->topics[0].partitions[i].leader >= 0;
            }
            rd_kafka_metadata_destroy(metadata);
        }
    }
    rd_kafka_topic_destroy(handle);
    rd_kafka_destroy(rk);
}

static inline void fixture_create_topic(struct fixture *f, const char *topic, int partitions)
{
    char reason[256];
    char servers[sizeof(f->bootstrap)];
    rd_kafka_t *rk = fixture_client(f->bootstrap);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_NewTopic_t *wanted = rd_kafka_NewTopic_new(topic, partitions, 1, reason, sizeof(reason));
    rd_kafka_event_t *event;
    size_t count;

    rd_kafka_CreateTopics(rk, &wanted, 1, NULL, queue);
    event = rd_kafka_queue_poll(queue, FIXTURE_PATIENCE_MS);
    assert_non_null(event);
    assert_int_equal(rd_kafka_event_error(event), 0);
    assert_int_equal(rd_kafka_topic_result_error(
                         rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count)[0]),
                     0);
    rd_kafka_event_destroy(event);
    rd_kafka_NewTopic_destroy(wanted);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(rk);
    /* In a cluster the others learn of it a little later. */
    snprintf(servers, sizeof(servers), "%s", f->bootstrap);
    for (char *server = servers, *comma; server; server = comma ? comma + 1 : NULL) {
        comma = strchr(server, ',');
        if (comma) {
            *comma = '\0';
        }
        fixture_await_topic(server, topic, partitions);
    }
}

static inline void fixture_start(struct fixture *f, int partitions)
{
    static int number;
    struct err err = {""};

    log_set_level(getenv("TEST_LOG") ? LOG_DEBUG : LOG_ERROR);
    *f = (struct fixture){.loop = loop_create()};
    f->nudge = loop_timer_create(f->loop, fixture_on_nudge, f);
    loop_timer_start(f->nudge, 20);
    snprintf(f->topic, sizeof(f->topic), "test-%d-%" PRId64 "-%d", (int)getpid(), clock_wall_ms(), ++number);
    snprintf(f->group, sizeof(f->group), "group-%s", f->topic);
    if (fixture_is_real()) {
        snprintf(f->bootstrap, sizeof(f->bootstrap), "%s", getenv("KAFKA_BOOTSTRAP"));
        fixture_create_topic(f, f->topic, partitions);
    } else {
        struct kafka_broker_topic topic = {f->topic, partitions};

        f->broker = kafka_broker_open(f->loop, NULL, &topic, 1, &err);
        assert_string_equal(err.text, "");
        snprintf(f->bootstrap, sizeof(f->bootstrap), "%s", kafka_broker_bootstrap(f->broker));
    }
    f->settings = (struct kafka_settings){
        .brokers = f->bootstrap, .client_id = "test", .session_timeout_ms = 6000, .queue_kib = 16384};
}

static inline void fixture_stop(struct fixture *f)
{
    kafka_broker_close(f->broker);
    loop_timer_destroy(f->nudge);
    loop_destroy(f->loop);
}

/* Turns the loop until the condition holds; fails when that takes unreasonably long. */
#define WAIT_UNTIL(f, condition)                                                                                       \
    do {                                                                                                               \
        int64_t wait_end_ms = clock_mono_ms() + FIXTURE_PATIENCE_MS;                                                   \
        while (!(condition)) {                                                                                         \
            if (clock_mono_ms() > wait_end_ms) {                                                                       \
                fail_msg("never happened: %s", #condition);                                                            \
            }                                                                                                          \
            loop_turn((f)->loop, true);                                                                                \
        }                                                                                                              \
    } while (0)

/* --- producing ---------------------------------------------------------------------------------------------------- */

struct answers {
    int done;
    int refused;
    char problem[256];
};

static inline void fixture_on_produced(void *arg, bool is_done, const char *problem)
{
    struct answers *answers = arg;

    if (is_done) {
        answers->done++;
    } else {
        answers->refused++;
        snprintf(answers->problem, sizeof(answers->problem), "%s", problem);
    }
}

/* Values are "from", "from + 1", ... */
static inline void fixture_produce(struct fixture *f, int32_t partition, int from, int count)
{
    struct err err = {""};
    struct kafka_producer *producer = kafka_producer_open(f->loop, &f->settings, &err);
    struct answers answers = {0};

    assert_string_equal(err.text, "");
    for (int i = 0; i < count; i++) {
        char value[16];
        struct kafka_message message = {.topic = f->topic, .partition = partition, .value = {value, 0}};

        message.value.len = (size_t)snprintf(value, sizeof(value), "%d", from + i);
        kafka_produce(producer, &message, fixture_on_produced, &answers);
    }
    WAIT_UNTIL(f, answers.done + answers.refused == count);
    assert_int_equal(answers.refused, 0);
    kafka_producer_close(producer, 1000);
}

/* --- an owner of a consumer --------------------------------------------------------------------------------------- */

struct observer {
    struct kafka_consumer *consumer;
    int64_t start; /* what on_assign answers when nothing was committed */
    bool ignores_committed;
    const char *revoke_metadata; /* NULL: do not commit at revoke */

    size_t records;
    size_t gaps;     /* a record that is not the next one of its partition */
    size_t repeated; /* a record delivered before in this assignment */
    int64_t next[FIXTURE_PARTITIONS];
    bool is_assigned[FIXTURE_PARTITIONS];
    bool is_paused[FIXTURE_PARTITIONS];
    size_t while_paused;
    size_t while_held;
    bool is_held;
    size_t hold_at; /* hold when that many records are there; 0: never */
    int assigned;
    int revoked;
    int ends;
    int64_t committed[FIXTURE_PARTITIONS];
    char metadata[FIXTURE_PARTITIONS][64];
    int out_of_range;
    int64_t wanted, low, high, missing;
    int states;
    bool is_up;
    char reason[256];
    int fatal;
    int commits;
    int commits_refused;
};

static inline void observer_on_record(void *arg, const struct kafka_record *record)
{
    struct observer *o = arg;
    int32_t p = record->partition;

    o->while_held += o->is_held;
    o->while_paused += o->is_paused[p];
    o->records++;
    if (o->next[p] >= 0) {
        o->gaps += record->offset > o->next[p];
        o->repeated += record->offset < o->next[p];
    }
    o->next[p] = record->offset + 1;
    if (o->hold_at && o->records == o->hold_at) {
        o->is_held = true;
        kafka_consumer_hold(o->consumer, true);
    }
}

static inline int64_t observer_on_assign(void *arg, const struct kafka_partition *partition, int64_t committed,
                                         const char *metadata)
{
    struct observer *o = arg;
    int32_t p = partition->partition;

    assert_false(o->is_assigned[p]);
    o->assigned++;
    o->is_assigned[p] = true;
    o->committed[p] = committed;
    snprintf(o->metadata[p], sizeof(o->metadata[p]), "%s", metadata);
    if (committed < 0 || o->ignores_committed) {
        o->next[p] = o->start >= 0 ? o->start : -1;
        return o->start;
    }
    o->next[p] = committed;
    return committed;
}

static inline bool observer_on_revoke(void *arg, const struct kafka_partition *partition, bool can_commit,
                                      struct kafka_position *position)
{
    struct observer *o = arg;
    int32_t p = partition->partition;

    assert_true(o->is_assigned[p]);
    o->is_assigned[p] = false;
    o->is_paused[p] = false;
    o->revoked++;
    position->offset = o->next[p];
    position->metadata = o->revoke_metadata;
    return can_commit && o->revoke_metadata && o->next[p] >= 0;
}

static inline void observer_on_end(void *arg, const struct kafka_partition *partition, int64_t next_offset)
{
    struct observer *o = arg;

    o->ends++;
    o->while_held += o->is_held;
    o->while_paused += o->is_paused[partition->partition];
    o->gaps += o->next[partition->partition] >= 0 && next_offset != o->next[partition->partition];
}

static inline void observer_on_out_of_range(void *arg, const struct kafka_partition *partition, int64_t wanted,
                                            int64_t low, int64_t high, int64_t missing)
{
    struct observer *o = arg;

    o->out_of_range++;
    o->wanted = wanted;
    o->low = low;
    o->high = high;
    o->missing = missing;
    o->next[partition->partition] = low;
}

static inline void observer_on_state(void *arg, bool is_up, const char *reason)
{
    struct observer *o = arg;

    o->states++;
    o->is_up = is_up;
    snprintf(o->reason, sizeof(o->reason), "%s", reason);
}

static inline void observer_on_fatal(void *arg, const char *reason)
{
    struct observer *o = arg;

    o->fatal++;
    snprintf(o->reason, sizeof(o->reason), "%s", reason);
}

static inline void observer_on_commit(void *arg, bool is_done, const char *problem)
{
    struct observer *o = arg;

    o->commits += is_done;
    o->commits_refused += !is_done;
    if (problem) {
        snprintf(o->reason, sizeof(o->reason), "%s", problem);
    }
}

/* With an assign text: static partitions. */
static inline void observer_open(struct fixture *f, struct observer *o, const char *assign)
{
    const char *topics[] = {f->topic, NULL};
    struct kafka_consumer_events events = {
        .on_record = observer_on_record,
        .on_assign = observer_on_assign,
        .on_revoke = observer_on_revoke,
        .on_end = observer_on_end,
        .on_out_of_range = observer_on_out_of_range,
        .on_state = observer_on_state,
        .on_fatal = observer_on_fatal,
        .arg = o,
    };
    struct err err = {""};

    if (o->start == 0) {
        o->start = KAFKA_START_EARLIEST;
    }
    o->consumer = kafka_consumer_open(f->loop, &f->settings, f->group, topics, assign, &events, &err);
    assert_string_equal(err.text, "");
}

/* How many partitions it has now. */
static inline int observer_has(const struct observer *o)
{
    return o->assigned - o->revoked;
}

static inline void observer_close(struct observer *o)
{
    kafka_consumer_close(o->consumer);
    o->consumer = NULL;
}

static inline void observer_pause(struct fixture *f, struct observer *o, int32_t partition, bool is_paused)
{
    struct kafka_partition id = {f->topic, partition};

    o->is_paused[partition] = is_paused;
    if (is_paused) {
        kafka_consumer_pause(o->consumer, &id);
    } else {
        kafka_consumer_resume(o->consumer, &id);
    }
}

static inline void observer_hold(struct observer *o, bool is_held)
{
    o->is_held = is_held;
    kafka_consumer_hold(o->consumer, is_held);
}

static inline void observer_commit(struct fixture *f, struct observer *o, int32_t partition, int64_t offset,
                                   const char *metadata)
{
    struct kafka_position position = {f->topic, partition, offset, metadata};
    int before = o->commits;

    assert_true(kafka_consumer_commit(o->consumer, &position, 1, observer_on_commit, o));
    WAIT_UNTIL(f, o->commits + o->commits_refused > before);
    assert_int_equal(o->commits, before + 1);
}

#endif
