/* kill -9 is a normal shutdown: nothing is lost, nothing is sent twice. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "tests/support/events.h"
#include "tests/support/judge.h"
#include "tests/support/poll.h"

enum { MEMBERS = 40, ROUNDS = 25, NOTES = MEMBERS * ROUNDS, KILLS = 10, CONNECTIONS = 16 };

static const char *const worker_env[] = {"HTTP_CONNECTIONS=16", NULL};
static const char *const sandbox_args[] = {"--latency-ms", "40", NULL};

static int set_up(void **state)
{
    const struct system_options options = {.worker_env = worker_env, .sandbox_args = sandbox_args};

    *state = system_create(&options);
    return 0;
}

struct progress {
    struct system *system;
    int64_t wanted;
};

static int64_t count_accepted(const struct system *system)
{
    return system_sandbox_count(system, CHANNEL_EMAIL, "accepted") +
           system_sandbox_count(system, CHANNEL_SMS, "accepted");
}

static bool has_progressed(void *arg)
{
    const struct progress *progress = arg;

    return count_accepted(progress->system) >= progress->wanted;
}

static void wait_for_progress(struct system *system, int64_t more)
{
    struct progress progress = {system, count_accepted(system) + more};

    assert_true(poll_until(has_progressed, &progress));
}

/* Each kill strikes while requests are on the wire: those are e-mails that are sent again under their key, and SMS that
 * nobody can know about. What waits for Redis' answer at that moment comes on top of the connections. */
static void ten_kills_in_mid_stream_lose_nothing_and_double_nothing(void **state)
{
    struct system *system = *state;
    size_t held;

    events_publish_notes(system, MEMBERS, 1, ROUNDS);
    for (int i = 0; i < KILLS; i++) {
        system_start_worker(system, 0, NULL);
        wait_for_progress(system, 2 * NOTES / (KILLS + 5));
        assert_true(count_accepted(system) < 2 * NOTES);
        process_kill(system->workers[0]);
    }
    system_start_worker(system, 0, NULL);
    held = judge_all_sent(system, NOTES, NOTES, KILLS * 2 * CONNECTIONS);
    assert_true(held > 0); /* the kills did strike */
    assert_int_equal(system_stop_worker(system, 0), 0);
}

static void a_killed_worker_commits_nothing_that_is_not_done(void **state)
{
    struct system *system = *state;

    /* The provider takes everything and answers nothing: no delivery can be done. */
    system_set_faults(system, "{\"faults\":[{\"kind\":\"hang_after_accept\",\"probability\":1}]}");
    events_publish_notes(system, MEMBERS, 1, 1);
    system_start_worker(system, 0, NULL);
    wait_for_progress(system, CONNECTIONS);
    process_kill(system->workers[0]);
    assert_false(system_is_idle(system));
    system_set_faults(system, "{\"faults\":[]}");
    system_start_worker(system, 0, NULL);
    judge_all_sent(system, MEMBERS, MEMBERS, MEMBERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ten_kills_in_mid_stream_lose_nothing_and_double_nothing, set_up, system_tear_down),
        cmocka_unit_test_setup_teardown(a_killed_worker_commits_nothing_that_is_not_done, set_up, system_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
