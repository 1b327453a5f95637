/* What the worker depends on goes away in mid-run, and comes back with or without its memory. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/support/books.h"
#include "tests/support/events.h"
#include "tests/support/judge.h"
#include "tests/support/poll.h"

enum { MEMBERS = 40, ROUNDS = 10, NOTES = MEMBERS * ROUNDS, CONNECTIONS = 16 };

static const char *const worker_env[] = {"HTTP_CONNECTIONS=16", NULL};

static int set_up_with(void **state, const char *const sandbox_args[])
{
    const struct system_options options = {.worker_env = worker_env, .sandbox_args = sandbox_args};

    *state = system_create(&options);
    return 0;
}

static int set_up(void **state)
{
    return set_up_with(state, NULL);
}

static int set_up_slow_provider(void **state)
{
    static const char *const args[] = {"--latency-ms", "40", NULL};

    return set_up_with(state, args);
}

struct progress {
    struct system *system;
    int64_t wanted;
};

static bool has_accepted(void *arg)
{
    const struct progress *progress = arg;

    return system_sandbox_count(progress->system, CHANNEL_EMAIL, "accepted") >= progress->wanted;
}

static void wait_for_accepted(struct system *system, int64_t emails)
{
    struct progress progress = {system, emails};

    assert_true(poll_until(has_accepted, &progress));
}

static bool is_unready(void *arg)
{
    return system_ask_worker(arg, 0, "/readyz", NULL) == 503;
}

/* --- Redis -------------------------------------------------------------------------------------------------------- */

static void redis_stands_still_for_a_while_and_nothing_is_sent_meanwhile(void **state)
{
    struct system *system = *state;
    int64_t before;

    system_start_ready_worker(system, 0, NULL);
    events_publish_notes(system, MEMBERS, 1, ROUNDS);
    wait_for_accepted(system, NOTES / 4);
    redis_server_freeze(system->redis, true);
    assert_true(poll_until(is_unready, system));
    before = system_sandbox_count(system, CHANNEL_EMAIL, "requests");
    poll_pause_ms(1500);
    assert_int_equal(system_sandbox_count(system, CHANNEL_EMAIL, "requests"), before);
    redis_server_freeze(system->redis, false);
    judge_all_sent(system, NOTES, NOTES, 2 * CONNECTIONS);
}

/* The restarted server is empty: what was sent is known from the outcomes topic, and, while this worker lives, from what
 * it wrote itself. */
static void redis_killed_in_mid_run_loses_and_doubles_nothing(void **state)
{
    struct system *system = *state;

    system_start_ready_worker(system, 0, NULL);
    events_publish_notes(system, MEMBERS, 1, ROUNDS);
    wait_for_accepted(system, NOTES / 4);
    redis_server_kill(system->redis);
    assert_true(poll_until(is_unready, system));
    redis_server_restart(system->redis);
    judge_all_sent(system, NOTES, NOTES, 2 * CONNECTIONS);
}

static void republish(struct system *system)
{
    events_publish_notes(system, MEMBERS, 1, ROUNDS);
}

static void an_emptied_redis_is_rebuilt_so_that_a_replay_sends_nothing(void **state)
{
    struct system *system = *state;
    int64_t requests;

    system_start_ready_worker(system, 0, NULL);
    events_publish_notes(system, MEMBERS, 1, ROUNDS);
    judge_all_sent(system, NOTES, NOTES, 0);
    requests = system_sandbox_count(system, CHANNEL_EMAIL, "requests");
    assert_int_equal(system_stop_worker(system, 0), 0);
    assert_string_equal(redis_server_command(system->redis, "FLUSHALL"), "+OK");
    assert_string_equal(redis_server_command(system->redis, "DBSIZE"), ":0");
    system_start_ready_worker(system, 0, NULL);
    assert_true(process_has_printed(system->workers[0], "\"recovery_done\""));
    republish(system);
    judge_all_sent(system, NOTES, NOTES, 0);
    assert_int_equal(system_sandbox_count(system, CHANNEL_EMAIL, "requests"), requests);
}

/* An idle worker does not notice; the next claim does. */
static void redis_emptied_under_a_running_worker_is_rebuilt_too(void **state)
{
    struct system *system = *state;
    int64_t requests;

    system_start_ready_worker(system, 0, NULL);
    events_publish_notes(system, MEMBERS, 1, ROUNDS);
    judge_all_sent(system, NOTES, NOTES, 0);
    requests = system_sandbox_count(system, CHANNEL_EMAIL, "requests");
    assert_string_equal(redis_server_command(system->redis, "FLUSHALL"), "+OK");
    republish(system);
    judge_all_sent(system, NOTES, NOTES, 0);
    assert_int_equal(system_sandbox_count(system, CHANNEL_EMAIL, "requests"), requests);
    assert_int_equal(process_count_output(system->workers[0], "\"recovery_done\""), 2); /* at the start, and now */
}

/* --- the provider ------------------------------------------------------------------------------------------------- */

static bool has_open_breaker(void *arg)
{
    return system_metric(arg, 0, "perkline_breaker_state", "") > 0;
}

static void assert_nobody_lost_patience(struct system *system)
{
    assert_int_equal(kafka_tool_count(system->kafka, system_topic(system, "retry.1m")), 0);
    assert_int_equal(kafka_tool_count(system->kafka, system_topic(system, "dlq")), 0);
}

/* Attempts that an outage refused do not count: the first that is taken is number one, but for those whose failure
 * opened the breaker. */
static void assert_attempts_are_not_burned(struct system *system)
{
    struct books *books = books_read(system);
    size_t patient = 0;

    for (size_t i = 0; i < books->count; i++) {
        int64_t attempts = json_integer_value(json_object_get(books->entries[i].outcome, "attempts"));

        assert_in_range(attempts, 1, 5);
        patient += attempts == 1;
    }
    assert_true(patient > books->count / 2);
    books_destroy(books);
}

static void a_provider_that_is_down_opens_the_breaker_and_burns_no_attempts(void **state)
{
    struct system *system = *state;

    system_start_ready_worker(system, 0, NULL);
    process_kill(system->sandbox); /* nothing was sent yet, so that it forgets nothing */
    events_publish_notes(system, MEMBERS, 1, ROUNDS);
    assert_true(poll_until(has_open_breaker, system));
    poll_pause_ms(5000);
    assert_nobody_lost_patience(system);
    system_start_sandbox(system);
    judge_all_sent(system, NOTES, NOTES, 0);
    assert_nobody_lost_patience(system);
    assert_attempts_are_not_burned(system);
}

static void an_outage_of_one_channel_does_not_delay_the_other(void **state)
{
    struct system *system = *state;

    system_set_faults(system, "{\"faults\":[{\"kind\":\"http_401\",\"probability\":1,\"channel\":\"sms\"}]}");
    system_start_ready_worker(system, 0, NULL);
    events_publish_notes(system, MEMBERS, 1, ROUNDS);
    wait_for_accepted(system, NOTES);
    assert_int_equal(system_sandbox_count(system, CHANNEL_SMS, "accepted"), 0);
    assert_nobody_lost_patience(system);
    system_set_faults(system, "{\"faults\":[]}");
    judge_all_sent(system, NOTES, NOTES, 0);
}

static void a_refused_api_key_stops_the_channel_until_it_is_good_again(void **state)
{
    struct system *system = *state;
    int64_t requests;

    system_set_faults(system, "{\"faults\":[{\"kind\":\"http_401\",\"probability\":1}]}");
    system_start_ready_worker(system, 0, NULL);
    events_publish_notes(system, MEMBERS, 1, ROUNDS);
    assert_true(poll_until(has_open_breaker, system));
    poll_pause_ms(3000);
    requests = system_sandbox_count(system, CHANNEL_EMAIL, "requests");
    assert_in_range(requests, 1, CONNECTIONS + 10); /* what was on the wire, then a probe a second */
    assert_nobody_lost_patience(system);
    assert_int_equal(kafka_tool_count(system->kafka, system_topic(system, "outcomes")), 0);
    system_set_faults(system, "{\"faults\":[]}");
    judge_all_sent(system, NOTES, NOTES, 0);
}

int main(void)
{
#define TEST(name, set_up) cmocka_unit_test_setup_teardown(name, set_up, system_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(redis_stands_still_for_a_while_and_nothing_is_sent_meanwhile, set_up_slow_provider),
        TEST(redis_killed_in_mid_run_loses_and_doubles_nothing, set_up_slow_provider),
        TEST(an_emptied_redis_is_rebuilt_so_that_a_replay_sends_nothing, set_up),
        TEST(redis_emptied_under_a_running_worker_is_rebuilt_too, set_up),
        TEST(a_provider_that_is_down_opens_the_breaker_and_burns_no_attempts, set_up),
        TEST(an_outage_of_one_channel_does_not_delay_the_other, set_up),
        TEST(a_refused_api_key_stops_the_channel_until_it_is_good_again, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
