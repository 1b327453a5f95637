/*
 * As marketing works: change a text, check it, look at it, have it live in running workers, take it back. And what must
 * not happen: a message made of a broken change, or of another version than its first attempt.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tests/support/books.h"
#include "tests/support/events.h"
#include "tests/support/judge.h"
#include "tests/support/command.h"
#include "tests/support/poll.h"
#include "tests/support/temp_dir.h"

enum { MEMBERS = 40, BROKEN_CHANGES = 10, NOTES_A_CHANGE = 5, CYCLES = 3, PROMISED_MS = 2000, VERSION_SIZE = 17 };

static const char template_name[] = "note/email.en.liquid";
static const char *const email_env[] = {"CHANNELS=email", NULL};
static const char *const sms_env[] = {"CHANNELS=sms", NULL};

/* --- the commands ------------------------------------------------------------------------------------------------- */

/* What is done with templates needs no Kafka. */
static char *run(const struct system *system, const char *const words[], int *status)
{
    static const char *const env[] = {"KAFKA_BROKERS=127.0.0.1:1", "BREVO_API_KEY=any", "EMAIL_FROM=shop@example.com",
                                      "SMS_FROM=Shop", NULL};

    return command_run_with(system, words, env, status);
}

static void run_well(const struct system *system, const char *const words[], const char *expected)
{
    int status;
    char *output = run(system, words, &status);

    if (status != 0 || !strstr(output, expected)) {
        fail_msg("%s: status %d, without \"%s\": %s", words[0], status, expected, output);
    }
    free(output);
}

/* New reference. */
static json_t *ask_templates(const struct system *system)
{
    int status;
    char *output = run(system, (const char *const[]){"templates", "--json", NULL}, &status);
    json_t *json = json_loads(output, 0, NULL);

    if (status != 0 || !json) {
        fail_msg("templates --json: status %d: %s", status, output);
    }
    free(output);
    return json;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static void find_active(const struct system *system, char version[VERSION_SIZE])
{
    json_t *json = ask_templates(system);

    snprintf(version, VERSION_SIZE, "%s", text_of(json, "active"));
    assert_int_equal(strlen(version), VERSION_SIZE - 1);
    json_decref(json);
}

/* --- what workers use --------------------------------------------------------------------------------------------- */

struct expected_use {
    const struct system *system;
    size_t workers;
    const char *not_version; /* all use one other than this; "" for any */
    char version[VERSION_SIZE];
};

static bool is_used_by_all(void *arg)
{
    struct expected_use *use = arg;
    json_t *json = ask_templates(use->system);
    json_t *workers = json_object_get(json, "workers");
    bool is_fine = json_array_size(workers) == use->workers;

    snprintf(use->version, sizeof(use->version), "%s", text_of(json, "active"));
    for (size_t i = 0; i < json_array_size(workers); i++) {
        const char *version = text_of(json_array_get(workers, i), "version");

        is_fine = is_fine && strcmp(version, use->version) == 0 && strcmp(version, use->not_version) != 0;
    }
    json_decref(json);
    return is_fine;
}

/* Waits until the workers agree on another version. Milliseconds that it took. */
static int64_t wait_for_change(const struct system *system, size_t workers, char version[VERSION_SIZE])
{
    struct expected_use use = {system, workers, version, ""};
    int64_t started = clock_mono_ms();

    assert_true(poll_until(is_used_by_all, &use));
    memcpy(version, use.version, VERSION_SIZE);
    return clock_mono_ms() - started;
}

static void write_subject(const struct system *system, const char *words)
{
    char *text =
        xasprintf("---\nsubject: \"%s {{ note.seq }}\"\n---\n<p>Note {{ note.seq }} for {{ member.id }}</p>\n", words);

    temp_dir_write(system->templates_dir, template_name, text);
    free(text);
}

/* Sends one note and returns the subject that the provider got; the caller frees it. */
static char *send_one(struct system *system, int seq)
{
    json_t *all;
    char *subject = NULL;

    events_publish_note(system, 1, seq);
    kafka_tool_flush(system->kafka);
    assert_true(system_wait_idle(system));
    all = system_ask_sandbox(system, "messages?limit=1000&channel=email");
    for (size_t i = 0; i < json_array_size(json_object_get(all, "messages")); i++) {
        const char *text = text_of(json_array_get(json_object_get(all, "messages"), i), "subject");
        const char *last = strrchr(text, ' ');

        if (strtol(last ? last : text, NULL, 10) == seq) {
            free(subject);
            subject = xstrdup(text);
        }
    }
    json_decref(all);
    assert_non_null(subject);
    return subject;
}

static void check_subject(struct system *system, int seq, const char *words)
{
    char *expected = xasprintf("%s%s%d", words, *words ? " " : "", seq);
    char *subject = send_one(system, seq);

    assert_string_equal(subject, expected);
    free(subject);
    free(expected);
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void look_at_the_change(const struct system *system, const char *expected)
{
    char *event = events_note(7, 99);
    char *path = temp_dir_path(system->dir, "event.json");

    temp_dir_write(system->dir, "event.json", event);
    run_well(system, (const char *const[]){"lint", NULL}, "");
    run_well(system, (const char *const[]){"render", "note", "--event", path, "--part", "subject", NULL}, expected);
    free(path);
    free(event);
}

/* The promise is 2 s. Other work of the machine may slow down one of the cycles, not all. */
static void a_changed_text_is_checked_seen_live_and_taken_back(void **state)
{
    struct system *system = *state;
    int64_t fastest_live = INT64_MAX, fastest_back = INT64_MAX;
    char first[VERSION_SIZE], version[VERSION_SIZE], before[VERSION_SIZE];

    system_start_ready_worker(system, 0, email_env);
    system_start_ready_worker(system, 1, sms_env);
    find_active(system, first);
    check_subject(system, 1, "");
    for (int i = 0; i < CYCLES; i++) {
        char words[32];
        int64_t live_ms, back_ms;

        snprintf(words, sizeof(words), "Changed %d:", i);
        memcpy(version, first, sizeof(version));
        write_subject(system, words);
        live_ms = wait_for_change(system, 2, version);
        look_at_the_change(system, words);
        check_subject(system, 10 * i + 10, words);
        memcpy(before, version, sizeof(before));
        back_ms = clock_mono_ms();
        run_well(system, (const char *const[]){"templates", "rollback", NULL}, first);
        back_ms = clock_mono_ms() - back_ms;
        check_subject(system, 10 * i + 11, "");
        print_message("live after %lld ms, taken back after %lld ms\n", (long long)live_ms, (long long)back_ms);
        fastest_live = live_ms < fastest_live ? live_ms : fastest_live;
        fastest_back = back_ms < fastest_back ? back_ms : fastest_back;
    }
    assert_in_range(fastest_live, 0, PROMISED_MS);
    assert_in_range(fastest_back, 0, PROMISED_MS);
    run_well(system, (const char *const[]){"templates", "activate", before, NULL}, before);
    check_subject(system, 100, "Changed 2:");
}

static void a_worker_that_starts_later_uses_what_was_chosen(void **state)
{
    struct system *system = *state;
    char first[VERSION_SIZE], version[VERSION_SIZE];

    system_start_ready_worker(system, 0, email_env);
    find_active(system, first);
    memcpy(version, first, sizeof(version));
    write_subject(system, "Regretted:");
    wait_for_change(system, 1, version);
    run_well(system, (const char *const[]){"templates", "rollback", NULL}, first);
    assert_int_equal(system_stop_worker(system, 0), 0);
    system_start_ready_worker(system, 0, email_env);
    system_start_ready_worker(system, 1, sms_env);
    memcpy(version, "", 1);
    wait_for_change(system, 2, version);
    assert_string_equal(version, first);
    check_subject(system, 1, "");
    write_subject(system, "Mended:");
    wait_for_change(system, 2, version);
    check_subject(system, 2, "Mended:");
    run_well(system, (const char *const[]){"templates", "rollback", NULL}, first);
}

static void an_emptied_redis_learns_the_choice_again(void **state)
{
    struct system *system = *state;
    char first[VERSION_SIZE], version[VERSION_SIZE];

    system_start_ready_worker(system, 0, email_env);
    find_active(system, first);
    memcpy(version, first, sizeof(version));
    write_subject(system, "Regretted:");
    wait_for_change(system, 1, version);
    run_well(system, (const char *const[]){"templates", "rollback", NULL}, first);
    redis_server_kill(system->redis);
    redis_server_restart(system->redis);
    assert_true(system_wait_ready(system, 0));
    system_start_ready_worker(system, 1, sms_env);
    memcpy(version, "", 1);
    wait_for_change(system, 2, version);
    assert_string_equal(version, first);
}

static const char *const broken_texts[] = {
    "---\nsubject: \"{{ note.seq \"\n---\n<p>broken</p>\n",
    "---\nsubject: broken\n---\n<p>{{ note.seq | no_such_filter }}</p>\n",
    "---\nsubject: broken\n---\n{% if note.seq %}<p>broken</p>\n",
    "---\nsubjekt: broken\n---\n<p>broken</p>\n",
    "<p>broken: no subject</p>\n",
};

struct refusals {
    struct system *system;
    double wanted;
};

static bool are_refused(void *arg)
{
    const struct refusals *refusals = arg;

    return system_metric(refusals->system, 0, "perkline_template_reloads_total", "refused") >= refusals->wanted;
}

static void a_broken_change_offered_ten_times_under_load_touches_no_message(void **state)
{
    struct system *system = *state;
    const size_t notes = MEMBERS * BROKEN_CHANGES * NOTES_A_CHANGE;
    char good[VERSION_SIZE];
    struct books *books;
    int64_t slowest = 0;

    system_start_ready_worker(system, 0, NULL);
    find_active(system, good);
    for (int i = 0; i < BROKEN_CHANGES; i++) {
        struct refusals refusals = {system, i + 1};

        events_publish_notes(system, MEMBERS, i * NOTES_A_CHANGE + 1, (i + 1) * NOTES_A_CHANGE);
        temp_dir_write(system->templates_dir, template_name, broken_texts[i % 5]);
        assert_true(poll_until(are_refused, &refusals));
    }
    judge_all_sent(system, notes, notes, 0);
    books = books_read(system);
    for (size_t i = 0; i < books->count; i++) {
        const json_t *outcome = books->entries[i].outcome;
        int64_t total = json_integer_value(json_object_get(json_object_get(outcome, "timings_ms"), "total"));

        assert_string_equal(text_of(outcome, "template_version"), good);
        assert_int_equal(json_integer_value(json_object_get(outcome, "attempts")), 1);
        slowest = total > slowest ? total : slowest;
    }
    print_message("%zu messages, the slowest took %lld ms\n", books->count, (long long)slowest);
    books_destroy(books);
    run_well(system, (const char *const[]){"templates", NULL}, "refused the last change: note/email.en.liquid");
}

static bool has_accepted_one(void *arg)
{
    return system_sandbox_count(arg, CHANNEL_EMAIL, "accepted") == 1;
}

/* The worker dies while nobody knows whether the message is out; the next one has another text in its folder. Sent
 * again under the same key must be the same bytes, or the message is held. */
static void a_message_is_finished_with_the_version_of_its_first_attempt(void **state)
{
    struct system *system = *state;
    char first[VERSION_SIZE];
    struct books *books;

    system_start_ready_worker(system, 0, email_env);
    find_active(system, first);
    system_set_faults(system, "{\"faults\":[{\"kind\":\"hang_after_accept\",\"times\":1}]}");
    events_publish_note(system, 1, 1);
    kafka_tool_flush(system->kafka);
    assert_true(poll_until(has_accepted_one, system));
    process_kill(system->workers[0]);
    write_subject(system, "Newer:");
    system_start_ready_worker(system, 0, email_env);
    system_start_ready_worker(system, 1, sms_env);
    judge_all_sent(system, 1, 1, 0);
    books = books_read(system);
    for (size_t i = 0; i < books->count; i++) {
        bool is_email = books->entries[i].channel == CHANNEL_EMAIL;
        const char *version = text_of(books->entries[i].outcome, "template_version");

        assert_true((strcmp(version, first) == 0) == is_email);
    }
    books_destroy(books);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_changed_text_is_checked_seen_live_and_taken_back, system_set_up, system_tear_down),
        cmocka_unit_test_setup_teardown(a_worker_that_starts_later_uses_what_was_chosen, system_set_up, system_tear_down),
        cmocka_unit_test_setup_teardown(an_emptied_redis_learns_the_choice_again, system_set_up, system_tear_down),
        cmocka_unit_test_setup_teardown(a_broken_change_offered_ten_times_under_load_touches_no_message, system_set_up,
                                        system_tear_down),
        cmocka_unit_test_setup_teardown(a_message_is_finished_with_the_version_of_its_first_attempt, system_set_up, system_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
