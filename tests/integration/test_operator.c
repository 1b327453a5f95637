/* What operators do with held and dead deliveries, with the real commands beside a running worker; and `why` tells the
 * truth at each step. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/support/books.h"
#include "tests/support/command.h"
#include "tests/support/events.h"
#include "tests/support/poll.h"
#include "tests/support/temp_dir.h"

enum { ARGS_MOST = 12 };

/* --- the commands ------------------------------------------------------------------------------------------------- */

/* Runs `perkline WORDS... --json`, which must succeed; new reference. */
static json_t *ask(struct system *system, const char *const words[])
{
    const char *all[ARGS_MOST] = {NULL};
    int count = 0, status;
    char *output;
    json_t *json;

    for (; words[count]; count++) {
        all[count] = words[count];
    }
    all[count] = "--json";
    output = command_run(system, all, &status);
    json = json_loads(output, 0, NULL);
    if (status != 0 || !json) {
        fail_msg("%s %s: status %d\n%s", words[0], words[1], status, output);
    }
    free(output);
    return json;
}

#define ASK(system, ...) ask((system), (const char *const[]){__VA_ARGS__, NULL})

static int64_t number_of(json_t *answer, const char *name)
{
    int64_t number = json_integer_value(json_object_get(answer, name));

    json_decref(answer);
    return number;
}

static size_t count_open(struct system *system, const char *command)
{
    json_t *list = ASK(system, command, "list");
    size_t count = json_array_size(list);

    json_decref(list);
    return count;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

/* What Redis says now, and the last thing that the timeline tells, must be these. */
static void assert_why(struct system *system, const char *mid, const char *state, const char *what, const char *reason)
{
    json_t *story = ASK(system, "why", "--mid", mid);
    const json_t *delivery = json_array_get(json_object_get(story, "deliveries"), 0);
    const json_t *timeline = json_object_get(delivery, "timeline");
    const json_t *last = json_array_get(timeline, json_array_size(timeline) - 1);

    if (strcmp(text_of(json_object_get(delivery, "now"), "state"), state) != 0 || strcmp(text_of(last, "what"), what) != 0 ||
        strcmp(text_of(last, "reason"), reason) != 0) {
        char *text = json_dumps(story, JSON_INDENT(1));

        fail_msg("%s", text);
    }
    json_decref(story);
}

/* --- held --------------------------------------------------------------------------------------------------------- */

static bool are_three_held(void *arg)
{
    return count_open(arg, "held") == 3;
}

/* Three SMS that were taken, and whose answers got lost. */
static void let_three_be_held(struct system *system, char mids[3][64])
{
    json_t *list;

    system_set_faults(system, "{\"faults\":[{\"kind\":\"close_after\",\"channel\":\"sms\",\"probability\":1,\"times\":3}]}");
    events_publish_notes(system, 3, 1, 1);
    system_start_ready_worker(system, 0, NULL);
    assert_true(poll_until(are_three_held, system));
    assert_true(system_wait_idle(system));
    list = ASK(system, "held", "list");
    for (size_t i = 0; i < 3; i++) {
        const json_t *entry = json_array_get(list, i);

        snprintf(mids[i], 64, "%s", text_of(entry, "mid"));
        assert_string_equal(text_of(entry, "flow"), "note");
        assert_string_equal(text_of(entry, "channel"), "sms");
        assert_string_equal(text_of(json_object_get(entry, "outcome"), "state"), "held");
    }
    json_decref(list);
}

static void assert_last_outcome(struct system *system, const char *mid, const char *state, const char *reason, int accepted)
{
    struct books *books = books_read(system);
    const struct book_entry *entry = books_find(books, mid);
    char found[160];
    int found_accepted = entry ? entry->accepted : -1;

    snprintf(found, sizeof(found), "%s %s", entry ? entry->state : "none", entry ? entry->reason : "");
    books_destroy(books);
    assert_non_null(strstr(found, state));
    assert_non_null(strstr(found, reason));
    assert_int_equal(found_accepted, accepted);
}

static void a_held_delivery_ends_as_the_operator_says(void **state)
{
    static const char *const verbs[] = {"sent", "resend", "drop"};
    struct system *system = *state;
    char mids[3][64];

    let_three_be_held(system, mids);
    assert_why(system, mids[0], "H", "outcome", "empty");
    assert_int_equal(number_of(ASK(system, "held", "sent", mids[0]), "done"), 1);
    assert_int_equal(number_of(ASK(system, "held", "resend", mids[1]), "done"), 1);
    assert_int_equal(number_of(ASK(system, "held", "drop", "--mid", mids[2]), "done"), 1);
    assert_true(system_wait_idle(system));
    assert_last_outcome(system, mids[0], "sent", "operator_sent", 1);
    assert_last_outcome(system, mids[1], "sent", "accepted", 2); /* the first had arrived: that is what resend risks */
    assert_last_outcome(system, mids[2], "suppressed", "operator_drop", 1);
    assert_why(system, mids[0], "S", "outcome", "operator_sent");
    assert_why(system, mids[1], "S", "outcome", "accepted");
    assert_why(system, mids[2], "X", "outcome", "operator_drop");
    assert_int_equal(count_open(system, "held"), 0);
    for (int i = 0; i < 3; i++) { /* what was decided is not decided again ... */
        for (int verb = 0; verb < 3; verb++) {
            assert_int_equal(number_of(ASK(system, "held", verbs[verb], mids[i]), "done"), 0);
        }
    }
    events_publish_notes(system, 3, 1, 1); /* ... and a replay changes nothing */
    assert_true(system_wait_idle(system));
    assert_int_equal(system_sandbox_count(system, CHANNEL_SMS, "accepted"), 4);
    assert_last_outcome(system, mids[2], "suppressed", "operator_drop", 1);
}

/* The outcomes topic alone tells what was decided. */
static void a_decision_outlives_redis(void **state)
{
    struct system *system = *state;
    char mids[3][64];

    let_three_be_held(system, mids);
    json_decref(ASK(system, "held", "sent", mids[0]));
    json_decref(ASK(system, "held", "drop", mids[1]));
    redis_server_kill(system->redis);
    redis_server_restart(system->redis); /* empty */
    assert_int_equal(count_open(system, "held"), 1);
    assert_true(system_wait_ready(system, 0)); /* which rebuilds it */
    assert_int_equal(count_open(system, "held"), 1);
    assert_why(system, mids[0], "S", "outcome", "operator_sent");
    assert_why(system, mids[1], "X", "outcome", "operator_drop");
    assert_why(system, mids[2], "H", "outcome", "empty");
}

static void more_than_one_needs_a_yes(void **state)
{
    struct system *system = *state;
    char mids[3][64];
    int status;
    char *output;

    let_three_be_held(system, mids);
    output = command_run(system, (const char *const[]){"held", "drop", NULL}, &status);
    assert_int_equal(status, 2);
    free(output);
    output = command_run(system, (const char *const[]){"held", "drop", "--flow", "note", NULL}, &status);
    assert_int_equal(status, 0);
    assert_non_null(strstr(output, "3 would be dropped; nothing was done"));
    free(output);
    assert_int_equal(count_open(system, "held"), 3);
    assert_int_equal(number_of(ASK(system, "held", "drop", "--flow", "another", "--yes"), "done"), 0);
    assert_int_equal(number_of(ASK(system, "held", "drop", "--reason", "empty", "--since", "-1h", "--yes"), "done"), 3);
    assert_int_equal(count_open(system, "held"), 0);
}

/* --- dead --------------------------------------------------------------------------------------------------------- */

static const char broken_text[] = "---\nsubject: \"{{ note.seq }}\"\n---\n<p>{{ note.title }}</p>\n";
static const char mended_text[] = "---\nsubject: \"{{ note.seq }}\"\n---\n<p>Note {{ note.seq }}</p>\n";

static bool are_two_dead(void *arg)
{
    return count_open(arg, "dlq") == 2;
}

static bool is_none_dead(void *arg)
{
    return count_open(arg, "dlq") == 0;
}

static const char original_key[] = "not the member";

static void count_original_key(void *arg, const struct kafka_record *record)
{
    *(int *)arg += slice_is(record->key, original_key);
}

static int count_original_keys(struct system *system, const char *topic)
{
    int count = 0;

    kafka_tool_read(system->kafka, system_topic(system, topic), count_original_key, &count);
    return count;
}

static void publish_notes_of_two(struct system *system)
{
    for (int member = 1; member <= 2; member++) {
        char *text = events_note(member, 1);

        events_publish(system, original_key, text);
        free(text);
    }
    kafka_tool_flush(system->kafka);
}

static void a_dead_delivery_is_sent_once_when_its_template_is_mended(void **state)
{
    struct system *system = *state;
    char mid[64];
    json_t *list;

    temp_dir_write(system->templates_dir, "note/email.en.liquid", broken_text);
    publish_notes_of_two(system);
    system_start_ready_worker(system, 0, NULL);
    assert_true(poll_until(are_two_dead, system));
    assert_true(system_wait_idle(system));
    list = ASK(system, "dlq", "list");
    snprintf(mid, sizeof(mid), "%s", text_of(json_array_get(list, 0), "mid"));
    assert_non_null(strstr(text_of(json_array_get(list, 0), "detail"), "note.title"));
    json_decref(list);
    assert_why(system, mid, "D", "outcome", "undefined_variable");

    assert_int_equal(number_of(ASK(system, "dlq", "redrive", mid), "done"), 1); /* not mended yet: dead again */
    assert_true(system_wait_idle(system));
    assert_why(system, mid, "D", "outcome", "undefined_variable");
    assert_int_equal(system_sandbox_count(system, CHANNEL_EMAIL, "accepted"), 0);

    temp_dir_write(system->templates_dir, "note/email.en.liquid", mended_text);
    system_stop_worker(system, 0);
    system_start_ready_worker(system, 0, NULL);
    assert_int_equal(number_of(ASK(system, "dlq", "redrive", "--all", "--yes"), "done"), 2);
    assert_int_equal(count_original_keys(system, "retry.1m"), 3);
    assert_true(poll_until(is_none_dead, system));
    assert_true(system_wait_idle(system));
    assert_why(system, mid, "S", "outcome", "accepted");
    assert_int_equal(system_sandbox_count(system, CHANNEL_EMAIL, "accepted"), 2);

    assert_int_equal(number_of(ASK(system, "dlq", "redrive", mid), "done"), 0);
    assert_int_equal(number_of(ASK(system, "dlq", "redrive", "--all", "--yes"), "done"), 0);
    events_publish_notes(system, 2, 1, 1);
    assert_true(system_wait_idle(system));
    assert_int_equal(system_sandbox_count(system, CHANNEL_EMAIL, "accepted"), 2);
    assert_int_equal(system_sandbox_count(system, CHANNEL_EMAIL, "duplicates"), 0);
}

static bool is_one_dead(void *arg)
{
    return count_open(arg, "dlq") == 1;
}

/* What is no event goes back to the input, dies again at its new place, and can be dropped. */
static void a_record_that_is_no_event_can_be_redriven_and_dropped(void **state)
{
    struct system *system = *state;
    char first[64];
    json_t *list;

    events_publish(system, original_key, "{\"specversion\":");
    kafka_tool_flush(system->kafka);
    system_start_ready_worker(system, 0, NULL);
    assert_true(poll_until(is_one_dead, system));
    assert_true(system_wait_idle(system));
    list = ASK(system, "dlq", "list");
    snprintf(first, sizeof(first), "%s", text_of(json_array_get(list, 0), "mid"));
    assert_true(json_is_false(json_object_get(json_array_get(list, 0), "is_delivery")));
    json_decref(list);
    assert_int_equal(number_of(ASK(system, "dlq", "redrive", first), "done"), 1);
    assert_int_equal(number_of(ASK(system, "dlq", "redrive", first), "done"), 0);
    assert_int_equal(count_original_keys(system, "events"), 2);
    assert_true(poll_until(is_one_dead, system)); /* at another place */
    assert_true(system_wait_idle(system));
    list = ASK(system, "dlq", "list");
    assert_string_not_equal(text_of(json_array_get(list, 0), "mid"), first);
    json_decref(list);
    assert_int_equal(number_of(ASK(system, "dlq", "drop", "--all", "--yes"), "done"), 1);
    assert_int_equal(count_open(system, "dlq"), 0);
}

/* --- why ---------------------------------------------------------------------------------------------------------- */

/* Nothing that a customer could be known by. */
static void why_tells_a_members_story_and_no_secrets(void **state)
{
    struct system *system = *state;
    int status;
    char *text;

    events_publish_notes(system, 2, 1, 1);
    system_start_ready_worker(system, 0, NULL);
    assert_true(system_wait_idle(system));
    text = command_run(system, (const char *const[]){"why", "--member", "m1", "--input", NULL}, &status);
    assert_int_equal(status, 0);
    assert_non_null(strstr(text, "event note-1-1 (test.note) of member m1 came into"));
    assert_non_null(strstr(text, "note by email to member m1"));
    assert_non_null(strstr(text, "note by sms to member m1"));
    assert_non_null(strstr(text, "rendered in \"en\" from template version "));
    assert_non_null(strstr(text, "sent through brevo, provider id "));
    assert_null(strstr(text, "m2"));
    assert_null(strstr(text, "example.com"));
    assert_null(strstr(text, "Secretname"));
    assert_null(strstr(text, "+3620"));
    free(text);
    text = command_run(system, (const char *const[]){"why", "--event", "note-2-1", NULL}, &status);
    assert_int_equal(status, 0);
    assert_non_null(strstr(text, "to member m2"));
    assert_null(strstr(text, "member m1"));
    free(text);
    text = command_run(system, (const char *const[]){"why", "--member", "nobody", NULL}, &status);
    assert_int_equal(status, 0);
    assert_non_null(strstr(text, "No topic tells of any delivery"));
    assert_non_null(strstr(text, "The input topic was not read"));
    free(text);
}

/* The likeliest reason for a Redis that knows nothing is that it was looked at with another ENVIRONMENT. */
static void of_another_environment_it_is_said_once_that_redis_knows_nothing(void **state)
{
    static const char *const env[] = {"ENVIRONMENT=other", NULL};
    static const char sentence[] = "Redis remembers nothing of environment \"other\"";
    struct system *system = *state;
    char mids[3][64];
    const char *at;
    char *text;
    int status;

    let_three_be_held(system, mids);
    text = command_run_with(system, (const char *const[]){"why", "--event", "note-1-1", NULL}, env, &status);
    assert_int_equal(status, 0);
    at = strstr(text, sentence);
    assert_non_null(at);
    assert_null(strstr(at + 1, sentence));
    assert_null(strstr(text, "Redis does not remember it"));
    free(text);
    text = command_run_with(system, (const char *const[]){"held", "sent", mids[0], NULL}, env, &status);
    assert_int_equal(status, 1);
    assert_non_null(strstr(text, sentence));
    free(text);
}

static void wrong_words_are_told_in_one_line(void **state)
{
    static const struct {
        const char *words[ARGS_MOST];
        int status;
        const char *complaint;
    } cases[] = {
        {{"why"}, 2, "give one of"},
        {{"why", "--member", "1", "--event", "2"}, 2, "give one of"},
        {{"why", "--mid", "xyz"}, 2, "is no mid"},
        {{"why", "--member", "1", "--since", "yesterday"}, 2, "--since"},
        {{"dlq", "redrve", "--all"}, 2, "did you mean \"redrive\"?"},
        {{"dlq", "resend", "--all"}, 2, "there is no \"resend\""},
        {{"dlq", "redrive"}, 2, "needs a mid, a filter"},
        {{"dlq", "show"}, 2, "needs a mid"},
        {{"dlq", "show", "00112233445566778899aabbccddeeff"}, 1, "no record of"},
        {{"held", "drop", "00112233445566778899aabbccddeeff", "--all"}, 2, "not both"},
        {{"held", "list", "--channel", "fax"}, 2, "is no channel"},
    };
    struct system *system = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int status;
        char *text = command_run(system, cases[i].words, &status);
        size_t len = strlen(text);

        if (status != cases[i].status || !strstr(text, cases[i].complaint) || strchr(text, '\n') != text + len - 1) {
            fail_msg("case %d: status %d: %s", (int)i, status, text);
        }
        free(text);
    }
}

#define operator_test(name) cmocka_unit_test_setup_teardown(name, system_set_up, system_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        operator_test(a_held_delivery_ends_as_the_operator_says),
        operator_test(a_decision_outlives_redis),
        operator_test(more_than_one_needs_a_yes),
        operator_test(a_dead_delivery_is_sent_once_when_its_template_is_mended),
        operator_test(a_record_that_is_no_event_can_be_redriven_and_dropped),
        operator_test(why_tells_a_members_story_and_no_secrets),
        operator_test(of_another_environment_it_is_said_once_that_redis_knows_nothing),
        operator_test(wrong_words_are_told_in_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
