#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "io/kafka_depth.h"

#include "kafka_fixture.h"

enum { OFTEN_MS = 20, SELDOM_MS = 3600000 };

static struct kafka_producer *open_producer(struct fixture *f)
{
    struct err err = {""};
    struct kafka_producer *producer = kafka_producer_open(f->loop, &f->settings, &err);

    assert_string_equal(err.text, "");
    return producer;
}

static struct kafka_depth *open_depth(struct fixture *f, struct kafka_producer *producer, int64_t every_ms)
{
    const char *const topics[] = {f->topic, NULL};
    struct err err = {""};
    struct kafka_depth *depth = kafka_depth_open(f->loop, producer, topics, every_ms, &err);

    assert_string_equal(err.text, "");
    return depth;
}

static void records_of_all_partitions_are_counted_and_counted_again(void **state)
{
    struct fixture f;
    struct kafka_producer *producer;
    struct kafka_depth *depth;

    (void)state;
    fixture_start(&f, 3);
    fixture_produce(&f, 0, 0, 4);
    fixture_produce(&f, 2, 0, 3);
    producer = open_producer(&f);
    depth = open_depth(&f, producer, OFTEN_MS);
    assert_int_equal(kafka_depth_records(depth, f.topic), -1); /* not known yet */
    assert_string_equal(kafka_depth_problem(depth), "no answer yet");
    WAIT_UNTIL(&f, kafka_depth_records(depth, f.topic) == 7);
    assert_string_equal(kafka_depth_problem(depth), "");
    fixture_produce(&f, 1, 0, 2);
    WAIT_UNTIL(&f, kafka_depth_records(depth, f.topic) == 9);
    assert_int_equal(kafka_depth_records(depth, "not-asked-for"), -1);
    kafka_depth_close(depth);
    kafka_producer_close(producer, 1000);
    fixture_stop(&f);
}

static void it_closes_with_a_question_open_and_no_broker(void **state)
{
    struct fixture f;
    struct kafka_producer *producer;
    struct kafka_depth *depth;

    (void)state;
    fixture_start(&f, 1);
    f.settings.brokers = "127.0.0.1:1";
    producer = open_producer(&f);
    depth = open_depth(&f, producer, SELDOM_MS);
    for (int i = 0; i < 5; i++) {
        loop_turn(f.loop, true);
    }
    assert_int_equal(kafka_depth_records(depth, f.topic), -1);
    kafka_depth_close(depth);
    kafka_producer_close(producer, 0);
    fixture_stop(&f);
}

static void it_says_that_no_broker_answers(void **state)
{
    struct fixture f;
    struct kafka_producer *producer;
    struct kafka_depth *depth;

    (void)state;
    fixture_start(&f, 1);
    f.settings.brokers = "127.0.0.1:1";
    producer = open_producer(&f);
    depth = open_depth(&f, producer, SELDOM_MS);
    WAIT_UNTIL(&f, strcmp(kafka_depth_problem(depth), "no answer yet") != 0);
    assert_true(kafka_depth_problem(depth)[0]);
    kafka_depth_close(depth);
    kafka_producer_close(producer, 0);
    fixture_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_of_all_partitions_are_counted_and_counted_again),
        cmocka_unit_test(it_closes_with_a_question_open_and_no_broker),
        cmocka_unit_test(it_says_that_no_broker_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
