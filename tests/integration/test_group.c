/* Workers that share the partitions by a consumer group, and come and go while events flow. */
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

enum { MEMBERS = 40, ROUNDS_EACH = 10, CONNECTIONS = 4 };

static const char *const worker_env[] = {"HTTP_CONNECTIONS=4", NULL};
static const char *const sandbox_args[] = {"--latency-ms", "60", NULL};

static int set_up(void **state)
{
    const struct system_options options = {
        .is_group = true, .worker_env = worker_env, .sandbox_args = sandbox_args};

    *state = system_create(&options);
    return 0;
}

static void publish_phase(struct system *system, int phase)
{
    events_publish_notes(system, MEMBERS, phase * ROUNDS_EACH + 1, (phase + 1) * ROUNDS_EACH);
}

static void workers_that_join_and_leave_send_everything_once_and_in_order(void **state)
{
    struct system *system = *state;
    const size_t notes = (size_t)4 * MEMBERS * ROUNDS_EACH;

    publish_phase(system, 0);
    system_start_ready_worker(system, 0, NULL);
    publish_phase(system, 1);
    system_start_worker(system, 1, NULL);
    system_start_worker(system, 2, NULL);
    assert_true(system_wait_ready(system, 1));
    assert_true(system_wait_ready(system, 2));
    publish_phase(system, 2);
    assert_int_equal(system_stop_worker(system, 0), 0);
    publish_phase(system, 3);
    assert_false(system_is_idle(system));
    assert_int_equal(system_stop_worker(system, 1), 0);
    judge_all_sent(system, notes, notes, 0);
    assert_int_equal(books_count_disorder(system), 0);
    assert_int_equal(system_stop_worker(system, 2), 0);
}

static void partitions_of_a_killed_worker_are_taken_over(void **state)
{
    struct system *system = *state;
    const size_t notes = (size_t)2 * MEMBERS * ROUNDS_EACH;

    system_start_worker(system, 0, NULL);
    system_start_worker(system, 1, NULL);
    assert_true(system_wait_ready(system, 0));
    assert_true(system_wait_ready(system, 1));
    publish_phase(system, 0);
    publish_phase(system, 1);
    assert_false(system_is_idle(system));
    process_kill(system->workers[0]);
    judge_all_sent(system, notes, notes, 4 * CONNECTIONS);
}

/* It wakes up when others have its partitions, with requests that it was about to send. */
static void a_worker_that_slept_through_its_session_doubles_nothing(void **state)
{
    struct system *system = *state;
    const size_t notes = (size_t)2 * MEMBERS * ROUNDS_EACH;

    system_start_worker(system, 0, NULL);
    system_start_worker(system, 1, NULL);
    assert_true(system_wait_ready(system, 0));
    assert_true(system_wait_ready(system, 1));
    publish_phase(system, 0);
    publish_phase(system, 1);
    assert_false(system_is_idle(system));
    process_freeze(system->workers[0], true);
    assert_true(system_wait_idle(system));
    process_freeze(system->workers[0], false);
    assert_true(system_wait_ready(system, 0));
    judge_all_sent(system, notes, notes, 4 * CONNECTIONS);
    assert_int_equal(process_status(system->workers[0]), PROCESS_RUNS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, system_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(workers_that_join_and_leave_send_everything_once_and_in_order),
        TEST(partitions_of_a_killed_worker_are_taken_over),
        TEST(a_worker_that_slept_through_its_session_doubles_nothing),
    };

    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
