#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>

#include "core/backoff.h"

static void delays_spread_over_the_whole_range_of_each_attempt(void **state)
{
    static const struct {
        int attempt;
        int64_t most;
    } rows[] = {
        {1, 2000}, {2, 4000}, {3, 8000}, {10, 1024000}, {14, 16384000}, {15, BACKOFF_CAP_MS}, {16, BACKOFF_CAP_MS},
        {100, BACKOFF_CAP_MS}, {INT_MAX, BACKOFF_CAP_MS},
    };
    struct random random;

    (void)state;
    random_init(&random, 11);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t least_seen = INT64_MAX, most_seen = 0, sum = 0;

        for (int n = 0; n < 2000; n++) {
            int64_t delay = backoff_delay_ms(&random, rows[i].attempt);

            least_seen = delay < least_seen ? delay : least_seen;
            most_seen = delay > most_seen ? delay : most_seen;
            sum += delay;
        }
        assert_true(least_seen >= 50 && least_seen < 50 + rows[i].most / 100);
        assert_true(most_seen <= rows[i].most && most_seen > rows[i].most * 99 / 100);
        assert_in_range(sum / 2000, rows[i].most * 45 / 100, rows[i].most * 55 / 100);
    }
}

static void an_attempt_below_one_waits_at_most_the_base(void **state)
{
    struct random random;

    (void)state;
    random_init(&random, 12);
    for (int n = 0; n < 1000; n++) {
        assert_in_range(backoff_delay_ms(&random, 0), 50, BACKOFF_BASE_MS);
        assert_in_range(backoff_delay_ms(&random, -5), 50, BACKOFF_BASE_MS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delays_spread_over_the_whole_range_of_each_attempt),
        cmocka_unit_test(an_attempt_below_one_waits_at_most_the_base),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
