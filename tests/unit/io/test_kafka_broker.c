#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>

#include "kafka_fixture.h"

static struct kafka_broker *open_broker(struct fixture *f, const char *listen)
{
    struct kafka_broker_topic topics[] = {{"one", 1}, {"four", 4}};
    struct err err = {""};
    struct kafka_broker *broker = kafka_broker_open(f->loop, listen, topics, 2, &err);

    assert_string_equal(err.text, "");
    return broker;
}

/* Clients block here while the relay runs in the loop: asked on another thread. */
struct question {
    char bootstrap[512];
    rd_kafka_resp_err_t code;
    int partitions[2];
    volatile bool is_done;
};

static void *ask_for_topics(void *arg)
{
    struct question *question = arg;
    const struct rd_kafka_metadata *metadata;
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    rd_kafka_conf_set(conf, "bootstrap.servers", question->bootstrap, reason, sizeof(reason));
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason));
    question->code = rd_kafka_metadata(rk, 1, NULL, &metadata, 20000);
    if (!question->code) {
        for (int i = 0; i < metadata->topic_cnt; i++) {
            bool is_one = strcmp(metadata->topics[i].topic, "one") == 0;

            question->partitions[is_one ? 0 : 1] = metadata->topics[i].partition_cnt;
        }
        rd_kafka_metadata_destroy(metadata);
    }
    rd_kafka_destroy(rk);
    __atomic_store_n(&question->is_done, true, __ATOMIC_SEQ_CST);
    return NULL;
}

static void ask_through(struct fixture *f, const char *bootstrap)
{
    struct question question = {.is_done = false};
    pthread_t thread;

    snprintf(question.bootstrap, sizeof(question.bootstrap), "%s", bootstrap);
    assert_int_equal(pthread_create(&thread, NULL, ask_for_topics, &question), 0);
    WAIT_UNTIL(f, __atomic_load_n(&question.is_done, __ATOMIC_SEQ_CST));
    pthread_join(thread, NULL);
    assert_int_equal(question.code, 0);
    assert_int_equal(question.partitions[0], 1);
    assert_int_equal(question.partitions[1], 4);
}

static void topics_are_there_with_their_partitions(void **state)
{
    struct fixture f;

    (void)state;
    fixture_start(&f, 1);
    struct kafka_broker *broker = open_broker(&f, NULL);
    ask_through(&f, kafka_broker_bootstrap(broker));
    kafka_broker_close(broker);
    fixture_stop(&f);
}

static void clients_find_the_broker_at_the_address_that_was_asked_for(void **state)
{
    struct fixture f;

    (void)state;
    fixture_start(&f, 1);
    struct kafka_broker *broker = open_broker(&f, "127.0.0.1:0");
    assert_int_equal(strncmp(kafka_broker_bootstrap(broker), "127.0.0.1:", 10), 0);
    assert_string_not_equal(kafka_broker_bootstrap(broker), "127.0.0.1:0");
    ask_through(&f, kafka_broker_bootstrap(broker));
    kafka_broker_close(broker);
    fixture_stop(&f);
}

static void closing_cuts_connections_that_are_open(void **state)
{
    struct fixture f;
    struct observer o = {0};

    (void)state;
    fixture_start(&f, 1);
    struct kafka_broker *broker = open_broker(&f, "127.0.0.1:0");
    f.settings.brokers = kafka_broker_bootstrap(broker);
    snprintf(f.topic, sizeof(f.topic), "one");
    observer_open(&f, &o, "0");
    WAIT_UNTIL(&f, o.ends == 1);
    kafka_broker_close(broker);
    WAIT_UNTIL(&f, !o.is_up);
    observer_close(&o);
    fixture_stop(&f);
}

static void an_address_that_cannot_be_is_one_clear_error(void **state)
{
    struct fixture f;

    (void)state;
    fixture_start(&f, 1);
    struct kafka_broker *broker = open_broker(&f, "127.0.0.1:0");
    const struct {
        const char *listen;
        const char *says;
    } cases[] = {
        {"nowhere", "expected HOST:PORT"},
        {"127.0.0.1:", "expected HOST:PORT"},
        {"127.0.0.1:70000", "expected HOST:PORT"},
        {"127.0.0.1:80x", "expected HOST:PORT"},
        {"[::1]:80", "expected HOST:PORT"},
        {":80", "expected HOST:PORT"},
        {"203.0.113.1:80", "cannot listen on 203.0.113.1:80"},
        {kafka_broker_bootstrap(broker), "address already in use"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err = {""};

        assert_null(kafka_broker_open(f.loop, cases[i].listen, NULL, 0, &err));
        if (!strstr(err.text, cases[i].says)) {
            fail_msg("%s: %s", cases[i].listen, err.text);
        }
    }
    kafka_broker_close(broker);
    fixture_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topics_are_there_with_their_partitions),
        cmocka_unit_test(clients_find_the_broker_at_the_address_that_was_asked_for),
        cmocka_unit_test(closing_cuts_connections_that_are_open),
        cmocka_unit_test(an_address_that_cannot_be_is_one_clear_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
