/* Many at once from one partition, and yet each member in order. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "tests/support/books.h"
#include "tests/support/events.h"
#include "tests/support/judge.h"
#include "tests/support/poll.h"

enum { MEMBERS = 200, ROUNDS = 5, NOTES = MEMBERS * ROUNDS, AT_ONCE = 50 };

static const char *const sandbox_args[] = {"--latency-ms", "200", NULL};
/* So that no request times out on a busy machine: its outcome would be unknown, and an SMS held. */
static const char *const patient[] = {"REQUEST_TIMEOUT=30s", "CLAIM_LEASE=40s", NULL};

static int set_up(void **state)
{
    const struct system_options options = {.sandbox_args = sandbox_args, .worker_env = patient};

    *state = system_create(&options);
    return 0;
}

static void publish_to_one_partition(struct system *system)
{
    for (int seq = 1; seq <= ROUNDS; seq++) {
        for (int member = 1; member <= MEMBERS; member++) {
            char *text = events_note(member, seq);
            const struct kafka_tool_message message = {.partition = 2, .key = SLICE("one"), .value = slice_of(text)};

            kafka_tool_publish(system->kafka, system_topic(system, "events"), &message);
            free(text);
        }
    }
    kafka_tool_flush(system->kafka);
}

struct most {
    struct system *system;
    double in_flight;
};

/* Looks at the worker again and again; the greatest number counts. */
static bool was_wide(void *arg)
{
    struct most *most = arg;
    double now = system_metric(most->system, 0, "perkline_requests_in_flight", "");

    most->in_flight = now > most->in_flight ? now : most->in_flight;
    return most->in_flight > AT_ONCE;
}

static void a_slow_provider_gets_many_requests_at_once_and_members_stay_in_order(void **state)
{
    struct system *system = *state;
    struct most most = {system, 0};

    publish_to_one_partition(system);
    system_start_worker(system, 0, NULL);
    assert_true(poll_until(was_wide, &most));
    judge_all_sent(system, NOTES, NOTES, 0);
    assert_int_equal(books_count_disorder(system), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_slow_provider_gets_many_requests_at_once_and_members_stay_in_order, set_up,
                                        system_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
