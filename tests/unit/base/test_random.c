#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"

static void a_seed_gives_the_published_sequence(void **state)
{
    /* splitmix64 with seed 1234567, the test vector that its implementations share. */
    static const uint64_t expected[] = {6457827717110365317U, 3203168211198807973U, 9817491932198370423U,
                                        4593380528125082431U, 16408922859458223821U};
    struct random random;

    (void)state;
    random_init(&random, 1234567);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        assert_true(random_next(&random) == expected[i]);
    }
}

static void below_stays_below_and_reaches_every_value_about_equally(void **state)
{
    struct random random;
    int counts[10] = {0};

    (void)state;
    random_init(&random, 1);
    assert_int_equal(random_below(&random, 0), 0);
    assert_int_equal(random_below(&random, 1), 0);
    for (int i = 0; i < 10000; i++) {
        uint64_t n = random_below(&random, 10);

        assert_true(n < 10);
        counts[n]++;
    }
    for (int i = 0; i < 10; i++) {
        assert_in_range(counts[i], 850, 1150);
    }
    for (int i = 0; i < 1000; i++) {
        assert_true(random_below(&random, UINT64_MAX) < UINT64_MAX);
    }
}

static void unit_is_at_least_0_and_less_than_1(void **state)
{
    struct random random;
    double sum = 0;

    (void)state;
    random_init(&random, 2);
    for (int i = 0; i < 10000; i++) {
        double u = random_unit(&random);

        assert_true(u >= 0 && u < 1);
        sum += u;
    }
    assert_true(sum > 4800 && sum < 5200);
}

static void the_kernel_gives_other_bytes_each_time(void **state)
{
    uint8_t a[300] = {0}, b[300] = {0};

    (void)state;
    random_bytes_from_system(a, sizeof(a));
    random_bytes_from_system(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
    assert_memory_not_equal(a + 256, b + 256, 44);
    assert_true(random_seed_from_system() != random_seed_from_system());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_gives_the_published_sequence),
        cmocka_unit_test(below_stays_below_and_reaches_every_value_about_equally),
        cmocka_unit_test(unit_is_at_least_0_and_less_than_1),
        cmocka_unit_test(the_kernel_gives_other_bytes_each_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
