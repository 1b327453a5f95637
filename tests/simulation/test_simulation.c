/*
 * The simulation in its short form, and the proof that it sees: the same seed is the same run, many seeds pass, and each
 * planted bug is found.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "tests/simulation/simulation.h"

enum { SEEDS = 500, SEEDS_FOR_A_BUG = 3000, SEEDS_TWICE = 20 };

static struct simulation_result run(uint64_t seed, enum fake_bug bug, struct coverage *coverage, struct buf *report)
{
    buf_init(report, 0);
    return simulation_run(seed, bug, coverage, NULL, report);
}

static void the_same_seed_is_the_same_run(void **state)
{
    struct coverage *coverage = coverage_create();
    uint64_t before = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS_TWICE; seed++) {
        struct buf report;
        struct simulation_result first = run(seed, FAKE_BUG_NONE, coverage, &report), second;

        buf_finish(&report);
        second = run(seed, FAKE_BUG_NONE, coverage, &report);
        buf_finish(&report);
        assert_int_equal(first.digest, second.digest);
        assert_int_equal(first.steps, second.steps);
        assert_int_equal(first.points, second.points);
        assert_int_not_equal(first.digest, before);
        before = first.digest;
    }
    coverage_destroy(coverage);
}

static void count_row(void *arg, const char *name, uint64_t count)
{
    size_t *rows = arg;

    (void)name;
    *rows += count > 0;
}

static void nothing_is_lost_or_doubled_whatever_the_seed(void **state)
{
    struct coverage *coverage = coverage_create();
    size_t rows = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct buf report;

        if (!run(seed, FAKE_BUG_NONE, coverage, &report).is_fine) {
            fail_msg("seed %" PRIu64 ":\n%s", seed, buf_text(&report));
        }
        buf_finish(&report);
    }
    coverage_each(coverage, count_row, &rows);
    assert_true(rows > 70); /* kinds of faults, answers and outcomes */
    coverage_destroy(coverage);
}

static void each_planted_bug_is_found(void **state)
{
    struct coverage *coverage = coverage_create();

    (void)state;
    for (int bug = FAKE_BUG_NONE + 1; bug < FAKE_BUG_COUNT; bug++) {
        uint64_t seed = 0;
        bool is_fine = true;

        while (is_fine && seed < SEEDS_FOR_A_BUG) {
            struct buf report;

            is_fine = run(++seed, (enum fake_bug)bug, coverage, &report).is_fine;
            buf_finish(&report);
        }
        print_message("%-22s %s after %" PRIu64 " seeds\n", fake_bug_name((enum fake_bug)bug),
                      is_fine ? "NOT found" : "found", seed);
        assert_false(is_fine);
    }
    coverage_destroy(coverage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_is_the_same_run),
        cmocka_unit_test(nothing_is_lost_or_doubled_whatever_the_seed),
        cmocka_unit_test(each_planted_bug_is_found),
    };

    log_set_fd(-1);
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
