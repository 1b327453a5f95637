/* A fault that outlasts the patience of memory (30 s): the delivery waits on a retry topic. Takes two minutes, so only
 * with SLOW=1. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "tests/support/events.h"
#include "tests/support/judge.h"
#include "tests/support/poll.h"

/* So few that the breaker does not take them for an outage. */
enum { MEMBERS = 2, PARKED = 2 * MEMBERS, PATIENCE_MS = 150000 };

static int set_up(void **state)
{
    const struct system_options options = {0};

    *state = getenv("SLOW") ? system_create(&options) : NULL;
    return 0;
}

/* And committed, so that only the retry topic has them. */
static bool are_all_parked(void *arg)
{
    struct system *system = arg;

    return system_lag(system, "events") == 0 &&
           kafka_tool_count(system->kafka, system_topic(system, "retry.1m")) == PARKED;
}

static int64_t count_accepted(const struct system *system)
{
    return system_sandbox_count(system, CHANNEL_EMAIL, "accepted") +
           system_sandbox_count(system, CHANNEL_SMS, "accepted");
}

static bool are_later_ones_sent(void *arg)
{
    return count_accepted(arg) >= PARKED;
}

static void a_long_fault_parks_deliveries_that_outlive_the_worker_and_hold_nobody_up(void **state)
{
    struct system *system = *state;

    if (!system) {
        skip();
    }
    system_set_faults(system, "{\"faults\":[{\"kind\":\"http_425\",\"probability\":1}]}");
    system_start_ready_worker(system, 0, NULL);
    events_publish_notes(system, MEMBERS, 1, 1);
    assert_true(poll_until_within(are_all_parked, system, PATIENCE_MS));
    process_kill(system->workers[0]);
    system_set_faults(system, "{\"faults\":[]}");
    events_publish_notes(system, MEMBERS, 2, 2);
    system_start_ready_worker(system, 0, NULL);
    assert_true(poll_until_within(are_later_ones_sent, system, 30000));
    assert_int_equal(count_accepted(system), PARKED); /* those of the first round still wait */
    judge_all_sent(system, (size_t)2 * MEMBERS, (size_t)2 * MEMBERS, 0);
    assert_int_equal(kafka_tool_count(system->kafka, system_topic(system, "retry.1m")), PARKED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_long_fault_parks_deliveries_that_outlive_the_worker_and_hold_nobody_up, set_up,
                                        system_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
