/*
 * perkline replay, seen from the other side: what the sandbox, Redis and Kafka notice of it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/mem.h"
#include "tests/support/books.h"
#include "tests/support/command.h"
#include "tests/support/events.h"
#include "tests/support/judge.h"
#include "tests/support/poll.h"
#include "tests/support/temp_dir.h"

enum { MEMBERS = 3, SENT_NOTES = 2 * MEMBERS, NEW_NOTES = MEMBERS, ARGS_MOST = 24 };

/* --- the command -------------------------------------------------------------------------------------------------- */

/* `redis`: REDIS_URL, or NULL for the system's with all rights. With the credentials that it must not use. */
static struct process *start_replay(struct system *system, const char *redis, const char *const args[])
{
    const char *words[ARGS_MOST] = {"replay"};
    char *url = xasprintf("REDIS_URL=%s", redis ? redis : redis_server_url(system->redis));
    const char *const env[] = {url, "SMS_COSTS=+36=0.071 EUR", "BREVO_API_KEY=the-real-key",
                               "BREVO_URL=https://api.brevo.com", NULL};
    struct process *process;

    for (size_t i = 0; args[i] && i < ARGS_MOST - 2; i++) {
        words[i + 1] = args[i];
    }
    process = command_start(system, words, env);
    free(url);
    return process;
}

/* Runs it with --json to its end; a new reference. */
static json_t *run_replay(struct system *system, const char *redis, int status, const char *const args[])
{
    const char *all[ARGS_MOST] = {"--json"};
    struct process *process;
    const char *begin;
    json_t *json;
    char *output;

    for (size_t i = 0; args[i] && i < ARGS_MOST - 2; i++) {
        all[i + 1] = args[i];
    }
    process = start_replay(system, redis, all);
    if (process_wait(process) != status) {
        output = process_output(process);
        fail_msg("status %d: %.200s ... %s", process_status(process), output,
                 strstr(output, "\"reasons\"") ? strstr(output, "\"reasons\"") : "");
    }
    output = process_output(process);
    begin = strncmp(output, "{\"mode\"", 7) == 0 ? output : strstr(output, "\n{\"mode\"");
    assert_non_null(begin);
    json = json_loads(begin, JSON_DISABLE_EOF_CHECK, NULL);
    assert_non_null(json);
    free(output);
    process_destroy(process);
    return json;
}

static int64_t total(json_t *report, const char *what)
{
    return json_integer_value(json_object_get(json_object_get(report, "totals"), what));
}

static int64_t requests(struct system *system)
{
    json_t *stats = system_ask_sandbox(system, "stats");
    int64_t count = json_integer_value(json_object_get(stats, "requests"));

    json_decref(stats);
    return count;
}

/* --- dry run ------------------------------------------------------------------------------------------------------ */

/* A user that may do nothing but look; the URL is the caller's. */
static char *make_reader(struct system *system)
{
    assert_string_equal(redis_server_command(system->redis,
                                             "ACL SETUSER reader on >secret ~n:* -@all +get +hget +role +info"),
                        "+OK");
    return xasprintf("unix://reader:secret@%s", redis_server_socket(system->redis));
}

/* Every command that Redis was asked since CONFIG RESETSTAT is one of those that look. */
static void assert_redis_was_only_looked_at(struct system *system)
{
    static const char *const looks[] = {"get", "hget", "role", "info", "auth", "config|resetstat", "dbsize", NULL};
    char *stats = redis_server_read(system->redis, "INFO commandstats");
    size_t gets = 0;

    for (char *line = strstr(stats, "cmdstat_"); line; line = strstr(line + 1, "cmdstat_")) {
        char *name = line + strlen("cmdstat_");
        size_t len = strcspn(name, ":");
        bool is_look = false;

        for (size_t i = 0; looks[i]; i++) {
            is_look |= strlen(looks[i]) == len && strncmp(name, looks[i], len) == 0;
        }
        if (!is_look) {
            fail_msg("%.*s", (int)len, name);
        }
        gets += strncmp(name, "get:", 4) == 0;
    }
    assert_int_equal(gets, 1);
    free(stats);
}

static char *groups_of(struct system *system)
{
    return getenv("KAFKA_BOOTSTRAP") ? kafka_tool_list_groups(system->kafka, system->prefix) : xstrdup("");
}

static const char *const no_args[] = {NULL};

static void a_dry_run_tells_what_would_be_sent_and_nothing_notices_it(void **state)
{
    struct system *system = *state;
    char *reader = make_reader(system);
    char *groups, *groups_after, *keys;
    int64_t asked, outcomes, lag;
    json_t *report;

    events_publish_notes(system, MEMBERS, 1, 2);
    system_start_worker(system, 0, NULL);
    judge_all_sent(system, SENT_NOTES, SENT_NOTES, 0);
    assert_int_equal(system_stop_worker(system, 0), 0);
    events_publish_notes(system, MEMBERS, 3, 3);

    asked = requests(system);
    outcomes = kafka_tool_count(system->kafka, system_topic(system, "outcomes"));
    lag = system_lag(system, "events");
    groups = groups_of(system);
    keys = xstrdup(redis_server_command(system->redis, "DBSIZE"));
    assert_string_equal(redis_server_command(system->redis, "CONFIG RESETSTAT"), "+OK");
    for (int i = 0; i < 2; i++) {
        report = run_replay(system, reader, 0, no_args);
        assert_int_equal(json_integer_value(json_object_get(report, "records")), SENT_NOTES + NEW_NOTES);
        assert_int_equal(total(report, "send"), 2 * NEW_NOTES);
        assert_int_equal(total(report, "already"), 2 * SENT_NOTES);
        assert_int_equal(total(report, "segments"), NEW_NOTES);
        assert_string_equal(json_string_value(json_object_get(json_object_get(report, "totals"), "cost")), "0.213 EUR");
        json_decref(report);
    }
    assert_redis_was_only_looked_at(system);
    assert_string_equal(redis_server_command(system->redis, "DBSIZE"), keys);
    assert_int_equal(requests(system), asked);
    assert_int_equal(kafka_tool_count(system->kafka, system_topic(system, "outcomes")), outcomes);
    assert_int_equal(system_lag(system, "events"), lag);
    groups_after = groups_of(system);
    assert_string_equal(groups_after, groups);

    /* And the worker sends exactly what it told. */
    system_start_worker(system, 0, NULL);
    judge_all_sent(system, SENT_NOTES + NEW_NOTES, SENT_NOTES + NEW_NOTES, 0);
    report = run_replay(system, reader, 0, no_args);
    assert_int_equal(total(report, "send"), 0);
    assert_int_equal(total(report, "already"), 2 * (SENT_NOTES + NEW_NOTES));
    json_decref(report);
    free(groups);
    free(groups_after);
    free(keys);
    free(reader);
}

static void the_range_and_the_filters_choose_what_is_read(void **state)
{
    static const struct {
        const char *args[8];
        int64_t records, notes;
    } rows[] = {
        {{"--offline"}, 6, 6},
        {{"--offline", "--member", "m2"}, 6, 2},
        {{"--offline", "--type", "test.note", "--limit", "4"}, 4, 4},
        {{"--offline", "--type", "test.other"}, 6, 0},
        {{"--offline", "--partition", "0", "--from", "1", "--to", "3"}, 2, 2},
        {{"--offline", "--partition", "1"}, 0, 0},
        {{"--offline", "--from", "-1h", "--to", "end"}, 6, 6},
        {{"--offline", "--from", "2026-01-01", "--to", "-1h"}, 0, 0},
    };
    struct system *system = *state;

    for (int seq = 1; seq <= 2; seq++) {
        for (int member = 1; member <= MEMBERS; member++) {
            char *text = events_note(member, seq);
            const struct kafka_tool_message message = {.partition = 0, .key = SLICE("k"), .value = slice_of(text)};

            kafka_tool_publish(system->kafka, system_topic(system, "events"), &message);
            free(text);
        }
    }
    kafka_tool_flush(system->kafka);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *report = run_replay(system, NULL, 0, rows[i].args);

        assert_int_equal(json_integer_value(json_object_get(report, "records")), rows[i].records);
        assert_int_equal(total(report, "send"), 2 * rows[i].notes);
        json_decref(report);
    }
}

static void what_went_to_the_dlq_is_read_as_it_came_in(void **state)
{
    struct system *system = *state;
    char *from = xasprintf("%s.events/", system->prefix);
    const char *const args[] = {"--dlq", NULL};
    json_t *report, *example;

    events_publish(system, "k", "no event");
    kafka_tool_flush(system->kafka);
    system_start_worker(system, 0, NULL);
    assert_true(system_wait_idle(system));
    report = run_replay(system, NULL, 1, args); /* 1: it is broken still */
    example = json_array_get(json_object_get(report, "examples"), 0);
    assert_int_equal(json_integer_value(json_object_get(report, "records")), 1);
    assert_int_equal(total(report, "broken"), 1);
    assert_string_equal(json_string_value(json_object_get(example, "reason")), "not_json");
    assert_int_equal(strncmp(json_string_value(json_object_get(example, "place")), from, strlen(from)), 0);
    json_decref(report);
    free(from);
}

/* --- sandbox ------------------------------------------------------------------------------------------------------ */

static void assert_no_request_has(struct system *system, const char *text)
{
    json_t *list = system_ask_sandbox(system, "messages");
    json_t *messages = json_is_array(list) ? list : json_object_get(list, "messages");
    char path[64];

    assert_true(json_array_size(messages) > 0);
    snprintf(path, sizeof(path), "messages/%lld",
             (long long)json_integer_value(json_object_get(json_array_get(messages, 0), "id")));
    json_decref(list);
    list = system_ask_sandbox(system, path);
    char *whole = json_dumps(list, 0);
    assert_non_null(strstr(whole, "api-key"));
    assert_null(strstr(whole, text));
    free(whole);
    json_decref(list);
}

static void a_sandbox_gets_each_message_once_and_production_knows_nothing_of_it(void **state)
{
    struct system *system = *state;
    const char *const args[] = {"--sandbox", system->sandbox_url, "--id", "t1", NULL};
    const char *const other[] = {"--sandbox", system->sandbox_url, NULL};
    json_t *report;

    events_publish_notes(system, MEMBERS, 1, 2);
    report = run_replay(system, NULL, 0, args);
    assert_int_equal(total(report, "send"), 2 * SENT_NOTES);
    assert_string_equal(json_string_value(json_object_get(report, "environment")), "test-replay-t1");
    json_decref(report);
    assert_int_equal(requests(system), 2 * SENT_NOTES);
    assert_no_request_has(system, "the-real-key");

    report = run_replay(system, NULL, 0, args);
    assert_int_equal(total(report, "send"), 0);
    assert_int_equal(total(report, "already"), 2 * SENT_NOTES);
    json_decref(report);
    assert_int_equal(requests(system), 2 * SENT_NOTES);

    report = run_replay(system, NULL, 0, other); /* another replay is another name space */
    assert_int_equal(total(report, "send"), 2 * SENT_NOTES);
    json_decref(report);
    assert_int_equal(kafka_tool_count(system->kafka, system_topic(system, "outcomes")), 0);

    report = run_replay(system, NULL, 0, no_args);
    assert_int_equal(total(report, "send"), 2 * SENT_NOTES);
    json_decref(report);
    assert_true(strncmp(redis_server_command(system->redis, "TTL n:{test-replay-t1.00}:guard"), ":-", 2) != 0);
}

static void what_fails_in_the_sandbox_is_told(void **state)
{
    struct system *system = *state;
    const char *const args[] = {"--sandbox", system->sandbox_url, NULL};
    json_t *report;

    events_publish_notes(system, 1, 1, 1);
    system_set_faults(system, "{\"faults\":[{\"kind\":\"http_400\",\"probability\":1}]}");
    report = run_replay(system, NULL, 1, args);
    assert_int_equal(total(report, "send"), 0);
    assert_int_equal(total(report, "broken"), 2);
    json_decref(report);
}

/* Also the text of a second attempt is there at the end, to be written. */
static void what_fails_for_a_moment_is_tried_again(void **state)
{
    struct system *system = *state;
    char *dir = temp_dir_path(system->dir, "out");
    const char *const args[] = {"--sandbox", system->sandbox_url, "--out", dir, NULL};
    char *lines = temp_dir_path(system->dir, "out/messages.ndjson");
    char line[4096];
    json_t *report;
    FILE *file;
    int count = 0;

    events_publish_notes(system, 1, 1, 1);
    system_set_faults(system, "{\"faults\":[{\"kind\":\"http_429\",\"probability\":1,\"times\":2}]}");
    report = run_replay(system, NULL, 0, args);
    assert_int_equal(total(report, "send"), 2);
    assert_int_equal(requests(system), 4);
    json_decref(report);
    file = fopen(lines, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file)) {
        assert_non_null(strstr(line, "\"text\":\""));
        count++;
    }
    assert_int_equal(count, 2);
    fclose(file);
    free(lines);
    free(dir);
}

/* --- use ---------------------------------------------------------------------------------------------------------- */

static void wrong_use_is_one_clear_line(void **state)
{
    struct system *system = *state;
    char *not_a_sandbox = xasprintf("%s/v3", system->sandbox_url);
    const struct {
        const char *args[6];
        int status;
        const char *text;
    } rows[] = {
        {{"--form", "-7d"}, 2, "unknown option --form (did you mean --from?)"},
        {{"--from", "yesterday"}, 2, "--from: \"yesterday\" is no place in a topic"},
        {{"--from", "5", "--to", "5"}, 2, "--from is not before --to"},
        {{"--from", "-1h", "--to", "-2h"}, 2, "--from is not before --to"},
        {{"--from", "end"}, 2, "--from is not before --to"},
        {{"--input", "x", "--from", "-1h"}, 2, "--input reads a whole file"},
        {{"--as-of", "then"}, 2, "--as-of takes now or event"},
        {{"--id", "x"}, 2, "--id goes with --sandbox"},
        {{"--sandbox", "http://x", "--offline"}, 2, "--sandbox needs Redis"},
        {{"--sandbox", "http://x", "--id", "A b"}, 2, "--id takes 1 to 12 of a-z and 0-9"},
        {{"--limit", "-1"}, 2, "--limit takes 1 or more"},
        {{"--partition", "99"}, 1, "has no partition 99: its partitions are 0 to 3"},
        {{"--input", "/nowhere"}, 1, "/nowhere: No such file or directory"},
        {{"--sandbox", not_a_sandbox}, 1, "is no perkline sandbox: it answers"},
        {{"--sandbox", "https://127.0.0.1:1"}, 1, "is no perkline sandbox: it does not answer"},
        {{"--sandbox", "ftp://127.0.0.1"}, 1, "--sandbox"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct process *process = start_replay(system, NULL, rows[i].args);
        int status = process_wait(process);
        char *output = process_output(process);

        if (status != rows[i].status || !strstr(output, rows[i].text) ||
            strchr(output, '\n') != output + strlen(output) - 1) {
            fail_msg("%s: status %d: %s", rows[i].args[0], status, output);
        }
        free(output);
        process_destroy(process);
    }
    assert_int_equal(requests(system), 0);
    free(not_a_sandbox);
}

static void an_interrupt_ends_it_with_the_report_so_far(void **state)
{
    struct system *system = *state;
    char *pipe = temp_dir_path(system->dir, "pipe");
    const char *const args[] = {"--input", pipe, "--offline", "--json", NULL};
    struct process *process;
    char *note = events_note(1, 1);
    int fd;

    assert_int_equal(mkfifo(pipe, 0600), 0);
    fd = open(pipe, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    process = start_replay(system, NULL, args);
    assert_true(dprintf(fd, "%s\n{}\n", note) > 0);
    assert_true(process_wait_for_output(process, "2 records"));
    process_signal(process, SIGINT);
    assert_int_equal(process_wait(process), 1); /* {} is no event */
    assert_true(process_has_printed(process, "\"interrupted\":true"));
    assert_true(process_has_printed(process, "\"records\":2"));
    process_destroy(process);
    close(fd);
    free(note);
    free(pipe);
}

static void messages_are_written_to_a_folder_that_is_its_owners_alone(void **state)
{
    struct system *system = *state;
    char *dir = temp_dir_path(system->dir, "out");
    const char *const args[] = {"--offline", "--out", dir, NULL};
    char *lines = temp_dir_path(system->dir, "out/messages.ndjson");
    char *page = temp_dir_path(system->dir, "out/index.html");
    struct stat info;
    json_t *report, *message;
    FILE *file;

    events_publish_notes(system, 1, 7, 7);
    report = run_replay(system, NULL, 0, args);
    json_decref(report);
    assert_int_equal(stat(dir, &info), 0);
    assert_int_equal(info.st_mode & 0077, 0);
    assert_int_equal(stat(page, &info), 0);
    file = fopen(lines, "r");
    assert_non_null(file);
    message = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL);
    assert_string_equal(json_string_value(json_object_get(message, "subject")), "7");
    json_decref(message);
    fclose(file);
    free(page);
    free(lines);
    free(dir);
}

int main(void)
{
#define replay_test(name) cmocka_unit_test_setup_teardown(name, system_set_up, system_tear_down)
    const struct CMUnitTest tests[] = {
        replay_test(a_dry_run_tells_what_would_be_sent_and_nothing_notices_it),
        replay_test(the_range_and_the_filters_choose_what_is_read),
        replay_test(what_went_to_the_dlq_is_read_as_it_came_in),
        replay_test(a_sandbox_gets_each_message_once_and_production_knows_nothing_of_it),
        replay_test(what_fails_in_the_sandbox_is_told),
        replay_test(what_fails_for_a_moment_is_tried_again),
        replay_test(wrong_use_is_one_clear_line),
        replay_test(an_interrupt_ends_it_with_the_report_so_far),
        replay_test(messages_are_written_to_a_folder_that_is_its_owners_alone),
    };

    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
