/*
 * Events that kill whoever reads or renders them end in the DLQ after a few deaths, the others are sent, and kills from
 * outside blame nobody.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "process.h"

enum { MOST_DEATHS = 6, LIMIT_MS = 3600000 };

static int set_up(void **state)
{
    static struct process process;

    fakes_begin();
    fake_catalog_set_version("v1");
    process_add_topics();
    *state = &process;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fakes_end();
    return 0;
}

static void append(int32_t partition, const char *type, const char *n, const char *more)
{
    char text[512], time[CLOCK_ISO_SIZE];

    clock_format_iso(fakes_wall_ms(), time);
    snprintf(text, sizeof(text),
             "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"/t\",\"type\":\"test.%s\",\"time\":\"%s\",\"data\":"
             "{\"n\":\"%s\"%s,\"member\":{\"id\":\"m-%s\",\"email\":\"%s@example.com\",\"phone\":\"+36301234567\"}}}",
             n, type, time, n, more, n, n);
    fake_kafka_append("loyalty.events", partition, SLICE("k"), slice_of(text), NULL, 0);
}

static bool is_idle(void *arg)
{
    (void)arg;
    return fake_kafka_is_idle();
}

/* Runs processes, each after the death of the one before, until all is done; how many died. */
static int run(struct process *process)
{
    int deaths = 0;

    for (;; deaths++) {
        bool is_done;

        fakes_set_dead(false);
        process_start(process);
        is_done = fakes_run(process->loop, LIMIT_MS, is_idle, NULL);
        process_stop(process);
        if (is_done || deaths > 20) {
            return deaths;
        }
    }
}

static int64_t count_in(const char *topic)
{
    return fake_kafka_end(topic, 0) + fake_kafka_end(topic, 1);
}

static int count_suspects(void)
{
    int count = 0;

    for (int32_t partition = 0; partition < 2; partition++) {
        for (int64_t offset = 0; offset < fake_kafka_end("loyalty.dlq", partition); offset++) {
            const struct kafka_record *record = fake_kafka_record("loyalty.dlq", partition, offset);

            for (size_t i = 0; i < record->header_count; i++) {
                count += strcmp(record->headers[i].name, "perkline-reason") == 0 &&
                         slice_is(record->headers[i].value, "crash_suspect");
            }
        }
    }
    return count;
}

static void append_around(const char *type, const char *more)
{
    append(0, "mail", "before", "");
    append(0, type, "killer", more);
    append(0, "mail", "after", "");
    append(1, "mail", "elsewhere", "");
}

static void what_kills_its_readers_ends_unread_in_the_dlq(void **state)
{
    int deaths;

    append_around("killer", "");
    deaths = run(*state);
    assert_in_range(deaths, 3, MOST_DEATHS);
    assert_int_equal(count_suspects(), 1); /* once over both channels */
    assert_int_equal(count_in("loyalty.dlq"), 1);
    assert_int_equal(fake_http_message_count(), 3);
    assert_int_equal(count_in("loyalty.outcomes"), 3);
}

static void what_kills_its_renderers_ends_in_the_dlq_with_an_outcome(void **state)
{
    int deaths;

    append_around("mail", ",\"killer\":true");
    deaths = run(*state);
    assert_in_range(deaths, 3, MOST_DEATHS);
    assert_int_equal(count_suspects(), 1);
    assert_int_equal(fake_http_message_count(), 3);
    assert_int_equal(count_in("loyalty.outcomes"), 4);
}

static void two_killers_end_one_after_the_other(void **state)
{
    append(0, "killer", "first", "");
    append(0, "mail", "between", "");
    append(0, "killer", "second", "");
    append(1, "mail", "elsewhere", "");
    assert_in_range(run(*state), 3, 2 * MOST_DEATHS);
    assert_int_equal(count_suspects(), 2);
    assert_int_equal(fake_http_message_count(), 2);
}

/* Killed twenty times at any moment, at the same offset more often than not. */
static void kills_from_outside_blame_nobody(void **state)
{
    struct process *process = *state;
    struct random random;
    char n[12];

    random_init(&random, 11);
    for (int i = 0; i < 10; i++) {
        snprintf(n, sizeof(n), "%d", i);
        append(i % 2, "order", n, "");
    }
    for (int i = 0; i < 20; i++) {
        fakes_set_dead(false);
        process_start(process);
        fakes_plan(FAKE_FAULT_CRASH, 60 + random_below(&random, 60));
        fakes_run(process->loop, LIMIT_MS, is_idle, NULL);
        process_stop(process);
    }
    fakes_plan(FAKE_FAULT_NONE, 0);
    run(process);
    assert_int_equal(count_in("loyalty.dlq"), 0);
    assert_int_equal(count_in("loyalty.held") + count_in("loyalty.outcomes") >= 20, 1);
}

/* A worker that stops when it is told to leaves no count behind, so the next is not careful. */
static void restarts_in_good_order_are_no_deaths(void **state)
{
    struct process *process = *state;
    double most = -1;

    for (int i = 0; i < 5; i++) {
        process_start(process);
        fakes_run_ms(process->loop, 500);
        most = fmax(most, process_metric_of(process, "perkline_careful_partitions"));
        for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
            channel_worker_drain(process->channels[channel]);
        }
        fakes_run_ms(process->loop, 100);
        process_stop(process);
    }
    assert_true(most == 0);
}

static void lose_the_answer(void *arg, const char *script, const char *word)
{
    int *left = arg;

    (void)word;
    if (strcmp(script, "hold") == 0 && (*left)-- > 0) {
        fake_redis_break(); /* it was executed, and is said again */
    }
}

static void a_lost_answer_is_no_death(void **state)
{
    struct process *process = *state;
    double most = -1;
    int left = 100;

    fake_redis_watch(lose_the_answer, &left);
    process_start(process);
    for (int i = 0; i < 50; i++) {
        fakes_run_ms(process->loop, 200);
        most = fmax(most, process_metric_of(process, "perkline_careful_partitions"));
    }
    process_stop(process);
    assert_true(left < 0);
    assert_true(most == 0);
}

static void after_deaths_one_is_careful_for_a_while(void **state)
{
    struct process *process = *state;
    double before, after;
    bool is_done;

    for (int i = 0; i < 2; i++) {
        process_start(process);
        fakes_run_ms(process->loop, 500);
        fakes_set_dead(true);
        process_stop(process);
        fakes_set_dead(false);
    }
    process_start(process);
    fakes_run_ms(process->loop, 500);
    before = process_metric_of(process, "perkline_careful_partitions");
    for (int i = 0; i < 2100; i++) {
        append(0, "other", "x", "");
    }
    append(0, "mail", "1", "");
    is_done = fakes_run(process->loop, LIMIT_MS, is_idle, NULL);
    after = process_metric_of(process, "perkline_careful_partitions");
    process_stop(process);
    assert_true(is_done);
    assert_int_equal(fake_http_message_count(), 1);
    assert_true(after < before); /* that partition is as usual again, for both channels */
}

#define careful_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        careful_test(what_kills_its_readers_ends_unread_in_the_dlq),
        careful_test(what_kills_its_renderers_ends_in_the_dlq_with_an_outcome),
        careful_test(two_killers_end_one_after_the_other),
        careful_test(kills_from_outside_blame_nobody),
        careful_test(restarts_in_good_order_are_no_deaths),
        careful_test(a_lost_answer_is_no_death),
        careful_test(after_deaths_one_is_careful_for_a_while),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
