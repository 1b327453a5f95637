/*
 * As ops works: stop a flow or a channel under load, see it in status and metrics, restart everything, go on; and look at
 * the pool while a part of it is away. Two real workers, each with half of the partitions.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/support/command.h"
#include "tests/support/events.h"
#include "tests/support/judge.h"
#include "tests/support/poll.h"
#include "tests/support/temp_dir.h"

enum { WORKERS = 2, MEMBERS = 40, ROUNDS = 5, PROMISED_MS = 1000 };

static const char *const halves[WORKERS][2] = {{"KAFKA_ASSIGN=0-1", NULL}, {"KAFKA_ASSIGN=2-3", NULL}};

/* Every note asks for an e-mail and an SMS of flow `note`, and for an e-mail of flow `reminder` to the same member. */
static int set_up(void **state)
{
    static const char *const slowly[] = {"EMAIL_RATE=100", NULL}; /* so that there is load for some seconds */
    const struct system_options options = {.worker_env = slowly};
    struct system *system = system_create(&options);

    temp_dir_write(system->templates_dir, "reminder/flow.yaml",
                   "on: test.note\nclass: transactional\ndedupe: [member.email, note.seq]\ndedupe_for: 30d\n"
                   "channels:\n  email: { ambiguous: resend }\n");
    temp_dir_write(system->templates_dir, "reminder/email.en.liquid",
                   "---\nsubject: \"Reminder {{ note.seq }}\"\n---\n<p>Reminder for {{ member.id }}</p>\n");
    for (int i = 0; i < WORKERS; i++) {
        system_start_ready_worker(system, i, halves[i]);
    }
    *state = system;
    return 0;
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

static int64_t count_reminders(struct system *system)
{
    json_t *all = system_ask_sandbox(system, "messages?limit=1000&channel=email");
    const json_t *message;
    int64_t count = 0;
    size_t i;

    json_array_foreach (json_object_get(all, "messages"), i, message) {
        const char *subject = json_string_value(json_object_get(message, "subject"));

        count += subject && strncmp(subject, "Reminder", 8) == 0;
    }
    json_decref(all);
    return count;
}

static int64_t count_notes(struct system *system)
{
    return system_sandbox_count(system, CHANNEL_EMAIL, "accepted") - count_reminders(system);
}

struct goal {
    struct system *system;
    int64_t notes;
};

static bool are_notes_sent(void *arg)
{
    const struct goal *goal = arg;

    return count_notes(goal->system) >= goal->notes;
}

static void wait_for_notes(struct system *system, int64_t notes)
{
    struct goal goal = {system, notes};

    assert_true(poll_until(are_notes_sent, &goal));
}

static bool are_reminders_sent(void *arg)
{
    const struct goal *goal = arg;

    return count_reminders(goal->system) >= goal->notes;
}

/* They say the same on every worker. */
static void check_paused(struct system *system, const char *name, double expected)
{
    for (int i = 0; i < WORKERS; i++) {
        assert_true(system_metric(system, i, "perkline_paused", name) == expected);
        assert_int_equal(system_ask_worker(system, i, "/readyz", NULL), 200);
    }
}

static const json_t *find_by(const json_t *array, const char *key, const char *value)
{
    const json_t *item;
    size_t i;

    json_array_foreach (array, i, item) {
        const char *text = json_string_value(json_object_get(item, key));

        if (text && strcmp(text, value) == 0) {
            return item;
        }
    }
    return NULL;
}

static int64_t int_of(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

/* Those that were killed are silent, and forgotten. */
static bool are_two_there(void *arg)
{
    json_t *status = command_run_json(arg, (const char *const[]){"status", "--json", NULL});
    bool are_two = json_array_size(json_object_get(status, "workers")) == WORKERS;

    json_decref(status);
    return are_two;
}

/* Of the worker that left. */
static bool is_half_without_owner(void *arg)
{
    struct system *system = arg;
    json_t *status = command_run_json(system, (const char *const[]){"status", "--json", NULL});
    const json_t *topic = find_by(json_object_get(status, "topics"), "topic", system_topic(system, "events"));
    size_t unowned = json_array_size(json_object_get(topic, "unowned"));

    json_decref(status);
    return unowned == SYSTEM_PARTITIONS / 2;
}

static void restart_workers(struct system *system)
{
    assert_int_equal(system_stop_worker(system, 0), 0);
    assert_true(poll_until(is_half_without_owner, system));
    process_kill(system->workers[1]);
    for (int i = 0; i < WORKERS; i++) {
        system_start_ready_worker(system, i, halves[i]);
    }
    assert_true(poll_until(are_two_there, system));
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void a_paused_flow_stops_everywhere_while_others_go_on_and_loses_nothing(void **state)
{
    struct system *system = *state;
    struct goal all = {system, (int64_t)MEMBERS * ROUNDS}, first = {system, 1};
    int64_t before, at_pause, notes, ms;

    events_publish_notes(system, MEMBERS, 1, 3);
    assert_true(poll_until(are_reminders_sent, &first));
    ms = clock_mono_ms();
    command_check(system, (const char *const[]){"pause", "flow", "reminder", "--reason", "wrong text", "--by", "ann", NULL},
                  0, "flow reminder is paused: 2 of 2 workers have heard it");
    ms = clock_mono_ms() - ms;
    poll_pause_ms(PROMISED_MS); /* what was on the wire */
    at_pause = count_reminders(system);
    notes = count_notes(system);
    wait_for_notes(system, (int64_t)3 * MEMBERS);
    check_paused(system, "scope=\"flow\",name=\"reminder\"", 1);
    restart_workers(system);
    events_publish_notes(system, MEMBERS, 4, ROUNDS);
    wait_for_notes(system, (int64_t)ROUNDS * MEMBERS);
    check_paused(system, "scope=\"flow\",name=\"reminder\"", 1);
    before = count_reminders(system);
    print_message("heard after %lld ms; a second later %lld reminders and %lld notes were out, at the end %lld reminders\n",
                  (long long)ms, (long long)at_pause, (long long)notes, (long long)before);
    assert_int_equal(before, at_pause);
    assert_true(at_pause < (int64_t)3 * MEMBERS);
    assert_true(kafka_tool_count(system->kafka, system_topic(system, "retry.1m")) >= all.notes - before);
    ms = clock_mono_ms();
    command_check(system, (const char *const[]){"resume", "flow", "reminder", NULL}, 0, "2 of 2 workers");
    assert_true(poll_until_within(are_reminders_sent, &all, 30000)); /* long before a minute is over */
    print_message("all sent %lld ms after they were resumed\n", (long long)(clock_mono_ms() - ms));
    judge_all_sent(system, (size_t)2 * MEMBERS * ROUNDS, (size_t)MEMBERS * ROUNDS, 0);
    check_paused(system, "scope=\"flow\",name=\"reminder\"", 0);
}

static void check_status(struct system *system)
{
    json_t *status = command_run_json(system, (const char *const[]){"status", "--json", NULL});
    const json_t *channels = json_object_get(status, "channels"), *paused = json_object_get(status, "paused");
    const json_t *email = find_by(channels, "channel", "email"), *topic;

    assert_int_equal(json_array_size(json_object_get(status, "workers")), WORKERS);
    assert_true(json_is_true(json_object_get(json_object_get(status, "redis"), "is_ok")));
    assert_true(json_is_true(json_object_get(json_object_get(status, "kafka"), "is_ok")));
    assert_int_equal(int_of(email, "workers"), WORKERS);
    assert_int_equal(int_of(json_object_get(email, "totals"), "sent"), 2 * MEMBERS);
    assert_int_equal(int_of(json_object_get(email, "breakers"), "closed"), WORKERS);
    assert_int_equal(int_of(email, "in_flight"), 0);
    topic = find_by(json_object_get(status, "topics"), "topic", system_topic(system, "events"));
    assert_int_equal(int_of(topic, "partitions"), SYSTEM_PARTITIONS);
    assert_null(json_object_get(topic, "unowned"));
    assert_int_equal(json_array_size(paused), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(paused, 0), "name")), "sms");
    assert_string_equal(json_string_value(json_object_get(json_array_get(paused, 0), "reason")), "too dear");
    assert_int_equal(int_of(json_object_get(status, "waiting"), "dlq"), 1);
    json_decref(status);
}

static bool is_dlq_filled(void *arg)
{
    struct system *system = arg;

    return kafka_tool_count(system->kafka, system_topic(system, "dlq")) == 1;
}

/* The workers have said it in their beats. */
static bool is_email_quiet(void *arg)
{
    json_t *status = command_run_json(arg, (const char *const[]){"status", "--json", NULL});
    const json_t *email = find_by(json_object_get(status, "channels"), "channel", "email");
    bool is_quiet = int_of(email, "in_flight") == 0 && int_of(email, "lag") == 0 &&
                    int_of(json_object_get(email, "totals"), "sent") == 2 * MEMBERS;

    json_decref(status);
    return is_quiet;
}

static void a_paused_channel_is_remembered_by_an_emptied_redis_and_seen_in_status(void **state)
{
    struct system *system = *state;

    command_check(system, (const char *const[]){"pause", "channel", "sms", "--reason", "too dear", NULL}, 0,
                  "2 of 2 workers");
    events_publish(system, "x", "{\"specversion\":");
    events_publish_notes(system, MEMBERS, 1, 1);
    wait_for_notes(system, MEMBERS);
    assert_true(poll_until(is_dlq_filled, system));
    assert_true(poll_until(is_email_quiet, system));
    check_status(system);
    redis_server_kill(system->redis);
    redis_server_restart(system->redis);
    assert_true(system_wait_ready(system, 0) && system_wait_ready(system, 1));
    events_publish_notes(system, MEMBERS, 2, 2);
    wait_for_notes(system, (int64_t)2 * MEMBERS);
    check_paused(system, "scope=\"channel\",name=\"sms\"", 1);
    assert_int_equal(system_sandbox_count(system, CHANNEL_SMS, "accepted"), 0);
    command_check(system, (const char *const[]){"pause", NULL}, 0, "channel sms since ");
    command_check(system, (const char *const[]){"resume", "channel", "sms", NULL}, 0, "2 of 2 workers");
    assert_true(system_wait_idle(system));
    assert_int_equal(system_sandbox_count(system, CHANNEL_SMS, "accepted"), 2 * MEMBERS);
    assert_int_equal(system_sandbox_count(system, CHANNEL_SMS, "duplicates"), 0);
    command_check(system, (const char *const[]){"pause", NULL}, 0, "nothing is paused");
}

static const struct {
    const char *words[5];
    int status;
    const char *expected;
} mistakes[] = {
    {{"pause", "flow", "remnider"}, 1, "there is no flow \"remnider\"; did you mean \"reminder\"?"},
    {{"pause", "channel", "emial"}, 1, "there is no channel \"emial\"; did you mean \"email\"?"},
    {{"pause", "provider", "bravo"}, 1, "there is no provider \"bravo\"; did you mean \"brevo\"?"},
    {{"pause", "flwo", "note"}, 2, "did you mean \"flow\"?"},
    {{"pause", "flow"}, 2, "which flow?"},
    {{"pause", "all", "note"}, 2, "\"all\" takes no name"},
    {{"pause", "all", "--reason", "two\nlines"}, 2, "--reason: one line"},
    {{"resume"}, 2, "all, channel NAME"},
    {{"resume", "flow", "note"}, 1, "not paused: flow \"note\""},
    {{"resume", "all"}, 1, "\"all\" is not paused"},
    {{"status", "--watch", "-5"}, 2, "--watch takes 0 to"},
};

static void a_mistake_is_named_and_changes_nothing(void **state)
{
    struct system *system = *state;

    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        command_check(system, mistakes[i].words, mistakes[i].status, mistakes[i].expected);
    }
    command_check(system, (const char *const[]){"pause", NULL}, 0, "nothing is paused");
}

static void status_says_which_part_is_away_and_shows_the_rest(void **state)
{
    struct system *system = *state;
    const char *const words[] = {"status", NULL};

    command_check(system, words, 0, "2 workers  Redis ok  Kafka ok");
    if (system->broker) { /* ours to freeze */
        process_freeze(system->broker, true);
        command_check(system, words, 1, "2 workers  Redis ok  Kafka DOWN");
        process_freeze(system->broker, false);
    }
    redis_server_kill(system->redis);
    command_check(system, words, 1, "? workers  Redis DOWN  Kafka ok");
    redis_server_restart(system->redis);
}

#define pause_test(name) cmocka_unit_test_setup_teardown(name, set_up, system_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        pause_test(a_paused_flow_stops_everywhere_while_others_go_on_and_loses_nothing),
        pause_test(a_paused_channel_is_remembered_by_an_emptied_redis_and_seen_in_status),
        pause_test(a_mistake_is_named_and_changes_nothing),
        pause_test(status_says_which_part_is_away_and_shows_the_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
