#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/breaker.h"

enum { NOW = 1000000 };

static void report_many(struct breaker *breaker, int64_t now, int count, bool is_failure)
{
    for (int i = 0; i < count; i++) {
        breaker_report(breaker, now, is_failure, false);
    }
}

static struct breaker open_one(void)
{
    struct breaker breaker;

    breaker_init(&breaker);
    breaker_report(&breaker, NOW, true, true);
    assert_int_equal(breaker.state, BREAKER_OPEN);
    return breaker;
}

static void a_new_breaker_lets_everything_through(void **state)
{
    struct breaker breaker;

    (void)state;
    breaker_init(&breaker);
    assert_true(breaker_allows(&breaker, NOW));
    assert_true(breaker_allows(&breaker, NOW));
    assert_int_equal(breaker_wait_ms(&breaker, NOW), 0);
    assert_string_equal(breaker_state_name(BREAKER_CLOSED), "closed");
    assert_string_equal(breaker_state_name(BREAKER_OPEN), "open");
    assert_string_equal(breaker_state_name(BREAKER_HALF_OPEN), "half_open");
}

static void fewer_than_twenty_attempts_never_open_it(void **state)
{
    struct breaker breaker;

    (void)state;
    breaker_init(&breaker);
    report_many(&breaker, NOW, 19, true);
    assert_int_equal(breaker.state, BREAKER_CLOSED);
    report_many(&breaker, NOW, 1, true);
    assert_int_equal(breaker.state, BREAKER_OPEN);
    assert_int_equal(breaker.opened_at, NOW);
}

static void half_of_the_attempts_open_it_and_fewer_do_not(void **state)
{
    struct breaker breaker;

    (void)state;
    breaker_init(&breaker);
    report_many(&breaker, NOW, 11, false);
    report_many(&breaker, NOW, 10, true);
    assert_int_equal(breaker.state, BREAKER_CLOSED);
    report_many(&breaker, NOW, 1, true);
    assert_int_equal(breaker.state, BREAKER_OPEN);
}

static void a_success_never_opens_it(void **state)
{
    struct breaker breaker;

    (void)state;
    breaker_init(&breaker);
    report_many(&breaker, NOW, 19, true);
    report_many(&breaker, NOW, 1, false);
    assert_int_equal(breaker.state, BREAKER_CLOSED);
}

static void failures_are_forgotten_after_ten_seconds(void **state)
{
    struct breaker breaker;

    (void)state;
    breaker_init(&breaker);
    report_many(&breaker, NOW, 19, true);
    report_many(&breaker, NOW + 10000, 1, true);
    assert_int_equal(breaker.state, BREAKER_CLOSED);

    breaker_init(&breaker);
    report_many(&breaker, NOW, 19, true);
    report_many(&breaker, NOW + 9999, 1, true);
    assert_int_equal(breaker.state, BREAKER_OPEN);

    breaker_init(&breaker);
    for (int second = 0; second < 60; second++) {
        report_many(&breaker, NOW + second * 1000, 1, true); /* never twenty in ten seconds */
    }
    assert_int_equal(breaker.state, BREAKER_CLOSED);
}

static void an_answer_about_the_whole_channel_opens_it_at_once(void **state)
{
    struct breaker breaker = open_one();

    (void)state;
    assert_false(breaker_allows(&breaker, NOW));
    assert_int_equal(breaker_wait_ms(&breaker, NOW), BREAKER_PROBE_MS);
}

static void while_it_is_not_closed_one_probe_a_second_leaves(void **state)
{
    struct breaker breaker = open_one();
    int probes = 0;

    (void)state;
    for (int64_t now = NOW; now < NOW + 5000; now += 10) {
        int64_t wait = breaker_wait_ms(&breaker, now);
        bool allowed = breaker_allows(&breaker, now);

        assert_int_equal(allowed, wait == 0);
        probes += allowed;
    }
    assert_int_equal(probes, 4);
    assert_int_equal(breaker.state, BREAKER_HALF_OPEN);
}

static void a_probe_that_succeeds_closes_it_with_a_fresh_window(void **state)
{
    struct breaker breaker;

    (void)state;
    breaker_init(&breaker);
    report_many(&breaker, NOW, 20, true);
    assert_true(breaker_allows(&breaker, NOW + 1000));
    breaker_report(&breaker, NOW + 1100, false, false);
    assert_int_equal(breaker.state, BREAKER_CLOSED);
    assert_true(breaker_allows(&breaker, NOW + 1100));
    report_many(&breaker, NOW + 1200, 19, true);
    assert_int_equal(breaker.state, BREAKER_CLOSED);
}

static void a_probe_that_fails_opens_it_for_another_second(void **state)
{
    struct breaker breaker = open_one();

    (void)state;
    assert_true(breaker_allows(&breaker, NOW + 1000));
    breaker_report(&breaker, NOW + 1500, true, false);
    assert_int_equal(breaker.state, BREAKER_OPEN);
    assert_false(breaker_allows(&breaker, NOW + 2499));
    assert_int_equal(breaker_wait_ms(&breaker, NOW + 2499), 1);
    assert_true(breaker_allows(&breaker, NOW + 2500));
}

static void answers_from_before_it_opened_change_nothing(void **state)
{
    struct breaker breaker = open_one();

    (void)state;
    report_many(&breaker, NOW + 100, 50, false);
    report_many(&breaker, NOW + 900, 50, true);
    assert_int_equal(breaker.state, BREAKER_OPEN);
    assert_int_equal(breaker_wait_ms(&breaker, NOW + 900), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_breaker_lets_everything_through),
        cmocka_unit_test(fewer_than_twenty_attempts_never_open_it),
        cmocka_unit_test(half_of_the_attempts_open_it_and_fewer_do_not),
        cmocka_unit_test(a_success_never_opens_it),
        cmocka_unit_test(failures_are_forgotten_after_ten_seconds),
        cmocka_unit_test(an_answer_about_the_whole_channel_opens_it_at_once),
        cmocka_unit_test(while_it_is_not_closed_one_probe_a_second_leaves),
        cmocka_unit_test(a_probe_that_succeeds_closes_it_with_a_fresh_window),
        cmocka_unit_test(a_probe_that_fails_opens_it_for_another_second),
        cmocka_unit_test(answers_from_before_it_opened_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
