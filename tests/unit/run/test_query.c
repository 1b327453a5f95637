/*
 * Deliveries that nobody knows of: asked for at the provider, sent again when it proves that it has none, and never on a
 * mere guess.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "pipeline_fixture.h"

#define PHONE "+36301234567"

static void append(const char *flow, const char *n)
{
    char text[512], time[CLOCK_ISO_SIZE];

    clock_format_iso(fakes_wall_ms(), time);
    snprintf(text, sizeof(text),
             "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"/t\",\"type\":\"test.%s\",\"time\":\"%s\",\"data\":"
             "{\"n\":\"%s\",\"member\":{\"id\":\"m-%s\",\"email\":\"%s@example.com\",\"phone\":\"" PHONE "\"}}}",
             n, flow, time, n, n, n);
    fake_kafka_append("loyalty.events", 0, SLICE("k"), slice_of(text), NULL, 0);
}

static void what_the_provider_has_is_sent(void **state)
{
    struct process *process = *state;

    fake_http_script(PHONE, 1, 1, FAKE_ACCEPT_LOSE_ANSWER);
    append("ask", "1");
    run_until_idle(process);
    assert_int_equal(fake_http_request_count(), 1);
    assert_int_equal(fake_http_message_count(), 1);
    assert_int_equal(fake_http_question_count(), 1);
    assert_true(count_in("loyalty.retry.1m") > 0); /* where it waited to become visible */
    assert_outcome("sent", "found_at_provider");
}

static void what_the_provider_has_not_got_is_sent_once_more(void **state)
{
    struct process *process = *state;

    fake_http_script(PHONE, 1, 2, FAKE_HANG);
    append("ask", "1");
    run_until_idle(process);
    assert_int_equal(fake_http_request_count(), 3);
    assert_int_equal(fake_http_question_count(), 2);
    assert_int_equal(fake_http_message_count(), 1);
    assert_outcome("sent", "accepted");
}

/* The second attempt arrives, and its answer is lost: what was asked before it says nothing about it. */
static void a_second_attempt_has_its_own_time_to_become_visible(void **state)
{
    struct process *process = *state;

    fake_http_script(PHONE, 1, 1, FAKE_HANG);
    fake_http_script(PHONE, 2, 2, FAKE_ACCEPT_LOSE_ANSWER);
    append("ask", "1");
    run_until_idle(process);
    assert_int_equal(fake_http_request_count(), 2);
    assert_int_equal(fake_http_question_count(), 2);
    assert_int_equal(fake_http_message_count(), 1);
    assert_outcome("sent", "found_at_provider");
}

/* Answers to questions that are no answers. */
static void a_question_that_fails_is_asked_again_and_proves_nothing(void **state)
{
    static const enum fake_behaviour failures[] = {FAKE_ANSWER_500, FAKE_ANSWER_429, FAKE_ANSWER_401, FAKE_ANSWER_400,
                                                   FAKE_HANG,       FAKE_NEVER_BEGIN};
    enum { FAILURES = sizeof(failures) / sizeof(failures[0]) };
    struct process *process = *state;

    fake_http_script(PHONE, 1, 1, FAKE_ACCEPT_LOSE_ANSWER);
    for (int i = 0; i < 3 * FAILURES; i++) { /* more than may die over it */
        fake_http_script(FAKE_QUESTION, i + 1, i + 1, failures[i % FAILURES]);
    }
    append("ask", "1");
    run_until_idle(process);
    assert_int_equal(fake_http_request_count(), 1);
    assert_int_equal(fake_http_question_count(), 3 * FAILURES + 1);
    assert_outcome("sent", "found_at_provider");
}

static void a_worker_that_dies_over_a_question_leaves_it_to_the_next(void **state)
{
    struct process *process = *state;

    fake_http_script(PHONE, 1, 1, FAKE_ACCEPT_LOSE_ANSWER);
    append("ask", "1");
    while (fake_http_question_count() == 0) {
        loop_turn(process->loop, true);
    }
    fakes_set_dead(true);
    process_stop(process);
    fakes_set_dead(false);
    process_start(process);
    run_until_idle(process);
    assert_int_equal(fake_http_request_count(), 1);
    assert_int_equal(fake_http_question_count(), 2);
    assert_outcome("sent", "found_at_provider");
}

static void questions_keep_to_their_limit(void **state)
{
    enum { DELIVERIES = 8 };
    struct process *process = *state;
    char n[12];
    int64_t began;

    fake_http_script(PHONE, 1, DELIVERIES, FAKE_ACCEPT_LOSE_ANSWER);
    for (int i = 0; i < DELIVERIES; i++) {
        snprintf(n, sizeof(n), "%d", i);
        append("ask", n);
    }
    while (fake_http_question_count() == 0) {
        loop_turn(process->loop, true);
    }
    began = fakes_wall_ms();
    while (fake_http_question_count() < DELIVERIES) {
        loop_turn(process->loop, true);
    }
    assert_true(fakes_wall_ms() - began >= (DELIVERIES - 1) * 1000 - 20); /* one a second: 3,600 an hour */
    run_until_idle(process);
    assert_int_equal(fake_http_message_count(), DELIVERIES);
    assert_int_equal(count_in("loyalty.outcomes"), DELIVERIES);
}

static void after_a_day_without_an_answer_a_person_decides(void **state)
{
    struct process *process = *state;

    fake_http_script(PHONE, 1, 1, FAKE_ACCEPT_LOSE_ANSWER);
    fake_http_script(FAKE_QUESTION, 1, 1000000, FAKE_ANSWER_500);
    append("ask", "1");
    assert_true(fakes_run(process->loop, 48 * 3600000, is_idle, NULL));
    assert_int_equal(fake_http_request_count(), 1);
    assert_outcome("held", "unknown_and_not_answered");
}

static void a_flow_that_holds_asks_nobody(void **state)
{
    struct process *process = *state;

    fake_http_script(PHONE, 1, 1, FAKE_ACCEPT_LOSE_ANSWER);
    append("order", "1");
    run_until_idle(process);
    assert_int_equal(fake_http_question_count(), 0);
    assert_int_equal(count_in("loyalty.held"), 1);
}

/* The first attempt arrived; then the provider began to refuse such messages. */
static void a_resend_that_is_refused_does_not_make_it_dead(void **state)
{
    struct process *process = *state;

    fake_http_script("1@example.com", 1, 1, FAKE_ACCEPT_LOSE_ANSWER);
    fake_http_script("1@example.com", 2, 1000, FAKE_ANSWER_400);
    append("mail", "1");
    run_until_idle(process);
    assert_int_equal(fake_http_request_count(), 2);
    assert_int_equal(count_in("loyalty.dlq"), 0);
    assert_int_equal(count_in("loyalty.held"), 1);
    assert_outcome("held", "unknown_and_refused");
}

/* Answers of "I do not know" are given by a living worker: they are no crashes. */
static void many_unknown_answers_do_not_count_as_crashes(void **state)
{
    struct process *process = *state;

    fake_http_script("1@example.com", 1, 14, FAKE_ANSWER_500);
    append("mail", "1");
    run_until_idle(process);
    assert_int_equal(fake_http_message_count(), 1);
    assert_outcome("sent", "accepted");
}

/* Its record on the retry topic says that it is unknown, also to a Redis that has forgotten it, and to one that knows an older
 * state. */
static void what_waits_as_unknown_stays_so_when_redis_forgets_it(void **state)
{
    struct process *process = *state;

    fake_http_script(PHONE, 1, 1, FAKE_ACCEPT_LOSE_ANSWER);
    append("ask", "1");
    fakes_run_ms(process->loop, 30000);
    assert_true(count_in("loyalty.retry.1m") > 0);
    fakes_run_ms(process->loop, 40000); /* nobody remembers what was written so long ago */
    append("ask", "2");
    fakes_run_ms(process->loop, 1000);
    fake_redis_empty();
    run_until_idle(process);
    assert_int_equal(fake_http_request_count(), 2);
    assert_int_equal(fake_http_message_count(), 2);
}

static void find_unknown(void *arg, struct slice key, const char *text)
{
    struct buf *found = arg;

    if (slice_starts_with(slice_of(text), "U|")) {
        buf_append(found, key.data, key.len);
    }
}

/* Not a word of it is left in Redis, and nothing tells that it was there. */
static void a_note_alone_says_that_it_is_unknown(void **state)
{
    struct process *process = *state;
    struct buf key;

    fake_http_script(PHONE, 1, 1, FAKE_ACCEPT_LOSE_ANSWER);
    append("ask", "1");
    fakes_run_ms(process->loop, 30000);
    assert_true(count_in("loyalty.retry.1m") > 0);
    buf_init(&key, 0);
    fake_redis_each(find_unknown, &key);
    assert_true(key.len > 0);
    fake_redis_call((const struct slice[]){SLICE("DEL"), buf_slice(&key)}, 2);
    buf_finish(&key);
    run_until_idle(process);
    assert_int_equal(fake_http_request_count(), 1);
    assert_outcome("sent", "found_at_provider");
}

/* A person found nothing at the provider in haste, and deleted the key: it is asked all the same. */
static void a_note_keeps_what_it_knows_beside_a_broken_record(void **state)
{
    struct process *process = *state;
    struct buf key;

    fake_http_script(PHONE, 1, 1, FAKE_ACCEPT_LOSE_ANSWER);
    append("ask", "1");
    fakes_run_ms(process->loop, 30000);
    assert_true(count_in("loyalty.retry.1m") > 0);
    buf_init(&key, 0);
    fake_redis_each(find_unknown, &key);
    assert_true(key.len > 0);
    fake_redis_set(buf_slice(&key), SLICE("S|"));
    fakes_run_ms(process->loop, 4 * 60000);
    assert_true(count_in("loyalty.retry.1m") > 2);
    assert_int_equal(fake_http_request_count(), 1);
    fake_redis_call((const struct slice[]){SLICE("DEL"), buf_slice(&key)}, 2);
    buf_finish(&key);
    run_until_idle(process);
    assert_int_equal(fake_http_request_count(), 1);
    assert_outcome("sent", "found_at_provider");
}

static void a_note_whose_claim_is_not_understood_is_refused(void **state)
{
    struct process *process = *state;
    const struct kafka_record *parked;
    struct kafka_header headers[32];

    fake_http_script(PHONE, 1, 1, FAKE_ACCEPT_LOSE_ANSWER);
    append("ask", "1");
    fakes_run_ms(process->loop, 30000);
    parked = fake_kafka_record("loyalty.retry.1m", 0, 0);
    parked = parked ? parked : fake_kafka_record("loyalty.retry.1m", 1, 0);
    assert_non_null(parked);
    for (size_t i = 0; i < parked->header_count; i++) {
        headers[i] = parked->headers[i];
        if (strcmp(headers[i].name, "perkline-claim") == 0) {
            assert_true(slice_starts_with(headers[i].value, "U|"));
            headers[i].value = SLICE("S|1|nobody said so");
        }
    }
    fake_kafka_append("loyalty.retry.1m", 0, parked->key, parked->value, headers, parked->header_count);
    run_until_idle(process);
    assert_int_equal(count_in("loyalty.dlq"), 1);
    assert_int_equal(fake_http_request_count(), 1);
    assert_outcome("sent", "found_at_provider");
}

#define query_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        query_test(what_the_provider_has_is_sent),
        query_test(what_the_provider_has_not_got_is_sent_once_more),
        query_test(a_second_attempt_has_its_own_time_to_become_visible),
        query_test(a_question_that_fails_is_asked_again_and_proves_nothing),
        query_test(a_worker_that_dies_over_a_question_leaves_it_to_the_next),
        query_test(what_waits_as_unknown_stays_so_when_redis_forgets_it),
        query_test(a_note_alone_says_that_it_is_unknown),
        query_test(a_note_keeps_what_it_knows_beside_a_broken_record),
        query_test(a_note_whose_claim_is_not_understood_is_refused),
        query_test(questions_keep_to_their_limit),
        query_test(after_a_day_without_an_answer_a_person_decides),
        query_test(a_flow_that_holds_asks_nobody),
        query_test(a_resend_that_is_refused_does_not_make_it_dead),
        query_test(many_unknown_answers_do_not_count_as_crashes),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
