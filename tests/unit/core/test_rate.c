#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/rate.h"

static void one_sample_is_no_rate(void **state)
{
    struct rate rate = {.used = 0};

    (void)state;
    assert_float_equal(rate_per_s(&rate), 0, 0);
    rate_note(&rate, 1000, 500);
    assert_float_equal(rate_per_s(&rate), 0, 0);
    rate_note(&rate, 1000, 600);
    assert_float_equal(rate_per_s(&rate), 0, 0);
}

static void a_steady_count_has_its_rate(void **state)
{
    struct rate rate = {.used = 0};

    (void)state;
    for (int i = 0; i < 100; i++) {
        rate_note(&rate, 500 * i, 20 * i);
    }
    assert_float_equal(rate_per_s(&rate), 40, 0.001);
}

static void what_is_long_ago_does_not_count(void **state)
{
    struct rate rate = {.used = 0};

    (void)state;
    rate_note(&rate, 0, 0);
    rate_note(&rate, 500, 1000000);
    for (int i = 0; i <= 22; i++) {
        rate_note(&rate, 1000 + 500 * i, 1000000 + i);
    }
    assert_float_equal(rate_per_s(&rate), 2, 0.001);
}

static void a_pause_between_samples_is_part_of_the_rate(void **state)
{
    struct rate rate = {.used = 0};

    (void)state;
    rate_note(&rate, 0, 0);
    rate_note(&rate, 100000, 100);
    assert_float_equal(rate_per_s(&rate), 1, 0.001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_sample_is_no_rate),
        cmocka_unit_test(a_steady_count_has_its_rate),
        cmocka_unit_test(what_is_long_ago_does_not_count),
        cmocka_unit_test(a_pause_between_samples_is_part_of_the_rate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
