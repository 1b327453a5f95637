#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "workers/replay/pace.h"

static void rates_and_speeds_are_read_strictly(void **state)
{
    static const struct {
        const char *rate, *speed;
        double expected_rate, expected_speed;
        bool is_fine;
    } cases[] = {
        {NULL, NULL, 0, 0, true},       {"500/s", NULL, 500, 0, true}, {"500", NULL, 500, 0, true},
        {"0.5/s", NULL, 0.5, 0, true},  {NULL, "10x", 0, 10, true},    {NULL, "10", 0, 10, true},
        {NULL, "0.25x", 0, 0.25, true}, {"1/s", "1x", 0, 0, false},    {"0/s", NULL, 0, 0, false},
        {"-1", NULL, 0, 0, false},      {"10x", NULL, 0, 0, false},    {NULL, "10/s", 0, 0, false},
        {"", NULL, 0, 0, false},        {"inf", NULL, 0, 0, false},    {"1e12", NULL, 0, 0, false},
        {NULL, "nan", 0, 0, false},     {" 5", NULL, 0, 0, false},     {"5 /s", NULL, 0, 0, false},
        {"0x10", NULL, 0, 0, false},    {"5e", NULL, 0, 0, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pace pace;
        struct err err = {0};

        assert_int_equal(pace_init(&pace, cases[i].rate, cases[i].speed, &err), cases[i].is_fine);
        if (cases[i].is_fine) {
            assert_true(pace.rate == cases[i].expected_rate && pace.speed == cases[i].expected_speed);
        } else {
            assert_true(err_is_set(&err));
        }
    }
}

static struct pace make(const char *rate, const char *speed)
{
    struct pace pace;
    struct err err = {0};

    assert_true(pace_init(&pace, rate, speed, &err));
    return pace;
}

static void without_a_pace_everything_is_due_now(void **state)
{
    struct pace pace = make(NULL, NULL);

    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(pace_next_us(&pace, i * 1000, 77 + i), 77 + i);
    }
}

static void a_rate_spreads_records_evenly(void **state)
{
    struct pace pace = make("1000/s", NULL);
    int64_t now_us = 5000000, last_us = 0;

    (void)state;
    for (int i = 0; i < 3000; i++) {
        last_us = pace_next_us(&pace, -1, now_us);
        assert_int_equal(last_us, 5000000 + i * 1000);
        now_us = last_us > now_us ? last_us : now_us; /* the loop waits until it is due */
    }
}

static void what_was_missed_is_not_made_up_for(void **state)
{
    struct pace pace = make("10/s", NULL);
    int64_t now_us = 0;

    (void)state;
    assert_int_equal(pace_next_us(&pace, -1, now_us), 0);
    assert_int_equal(pace_next_us(&pace, -1, now_us), 100000);
    now_us = 60000000; /* the broker was away for a minute */
    assert_int_equal(pace_next_us(&pace, -1, now_us), 60000000);
    assert_int_equal(pace_next_us(&pace, -1, now_us), 60100000);
    assert_int_equal(pace_next_us(&pace, -1, now_us), 60200000);
}

static void a_speed_keeps_the_distances(void **state)
{
    static const struct {
        int64_t timestamp_ms, due_us;
    } records[] = {
        {1000000, 500},          {1000100, 500 + 10000},   {1010000, 500 + 1000000},
        {1005000, 500 + 500000}, {1020000, 500 + 2000000},
    };
    struct pace pace = make(NULL, "10x");

    (void)state;
    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
        assert_int_equal(pace_next_us(&pace, records[i].timestamp_ms, 500), records[i].due_us);
    }
    assert_int_equal(pace_next_us(&pace, -1, 777), 777);
    assert_int_equal(pace_next_us(&pace, 999999, 888), 888); /* older than the first */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_and_speeds_are_read_strictly), cmocka_unit_test(without_a_pace_everything_is_due_now),
        cmocka_unit_test(a_rate_spreads_records_evenly),      cmocka_unit_test(what_was_missed_is_not_made_up_for),
        cmocka_unit_test(a_speed_keeps_the_distances),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
