/* A provider whose answers get lost, and which can be asked: with and without idempotency keys, each message arrives once
 * and nothing is left to a person. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>

#include "tests/support/books.h"
#include "tests/support/events.h"
#include "tests/support/judge.h"
#include "tests/support/poll.h"
#include "tests/support/temp_dir.h"

enum { MEMBERS = 20, ROUNDS = 5, NOTES = MEMBERS * ROUNDS };

static const char *const sandbox_args[] = {"--no-keys", "--visibility-lag-ms", "1000", NULL};
/* As it is told to be: no keys that are trusted, and visible after two seconds. */
static const char *const worker_env[] = {"BREVO_KEY_TTL=0s", "BREVO_VISIBILITY_LAG=2s",
                                         "BREVO_QUESTIONS_PER_HOUR=360000", NULL};

static int set_up(void **state)
{
    const struct system_options options = {.sandbox_args = sandbox_args, .worker_env = worker_env};
    struct system *system = system_create(&options);

    temp_dir_write(system->templates_dir, "note/flow.yaml",
                   "on: test.note\nclass: transactional\ndedupe: [member.id, note.seq]\ndedupe_for: 30d\n"
                   "channels:\n  email: { ambiguous: resend }\n  sms: { ambiguous: query }\n");
    *state = system;
    return 0;
}

static void what_got_lost_on_the_way_is_found_or_sent_again(void **state)
{
    struct system *system = *state;

    system_set_faults(system, "{\"seed\":5,\"faults\":[{\"kind\":\"close_after\",\"probability\":0.1},"
                              "{\"kind\":\"reset_before\",\"probability\":0.1}]}");
    events_publish_notes(system, MEMBERS, 1, ROUNDS);
    system_start_worker(system, 0, NULL);
    judge_all_sent(system, NOTES, NOTES, 0);
    assert_true(system_metric(system, 0, "perkline_provider_questions_total", "answer=\"found\"") > 0);
    assert_true(system_metric(system, 0, "perkline_provider_questions_total", "answer=\"not_found\"") > 0);
}

static bool has_sent_half(void *arg)
{
    return system_sandbox_count(arg, CHANNEL_SMS, "accepted") >= NOTES / 2;
}

static void what_a_dying_worker_had_on_the_wire_is_found(void **state)
{
    struct system *system = *state;

    system_set_faults(system, "{\"seed\":5,\"latency_ms\":100,\"faults\":[]}");
    events_publish_notes(system, MEMBERS, 1, ROUNDS);
    system_start_worker(system, 0, NULL);
    assert_true(poll_until(has_sent_half, system));
    process_signal(system->workers[0], SIGKILL);
    process_wait(system->workers[0]);
    system_start_worker(system, 1, NULL);
    judge_all_sent(system, NOTES, NOTES, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_got_lost_on_the_way_is_found_or_sent_again, set_up, system_tear_down),
        cmocka_unit_test_setup_teardown(what_a_dying_worker_had_on_the_wire_is_found, set_up, system_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
