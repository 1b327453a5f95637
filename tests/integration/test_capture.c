/*
 * A part of a topic becomes a fixture: nobody of the original can be found in it, and it makes as many messages as the
 * original would.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/support/command.h"
#include "tests/support/events.h"
#include "tests/support/temp_dir.h"

enum { MEMBERS_A_CASE = 3, MEMBERS = LOYALTY_TYPES * LOYALTY_LOCALES * MEMBERS_A_CASE, RECORDS = MEMBERS + 1 };

static const char key_text[] = "a key that has more than sixteen bytes\n";

struct world {
    struct system *system;
    char *out, *key;
};

/* --- the topic ---------------------------------------------------------------------------------------------------- */

/* In binary mode, with a note that names another member. */
static void publish_binary(struct system *system)
{
    const struct kafka_header headers[] = {
        {"ce_specversion", SLICE("1.0")},   {"ce_id", SLICE("b1")},
        {"ce_source", SLICE("/test")},      {"ce_type", SLICE("test.other")},
        {"ce_subject", SLICE("member/m7")}, {"x-note", SLICE("for member7@example.com")}};
    const struct kafka_tool_message message = {
        .partition = -1,
        .key = SLICE("m7"),
        .value = SLICE(
            "{\"member\":{\"id\":\"m7\",\"name\":\"Ilona Secretname\"},\"text\":\"Dear Ilona, call +36200000007\"}"),
        .headers = headers,
        .header_count = sizeof(headers) / sizeof(headers[0])};

    kafka_tool_publish(system->kafka, system_topic(system, "events"), &message);
}

static void publish_all(struct system *system)
{
    for (int i = 0; i < MEMBERS; i++) {
        char *text =
            events_loyalty(loyalty_types[i % LOYALTY_TYPES], loyalty_locales[i / LOYALTY_TYPES % LOYALTY_LOCALES], i);
        char key[16];

        snprintf(key, sizeof(key), "m%d", i);
        events_publish(system, key, text);
        free(text);
    }
    publish_binary(system);
    events_publish(system, "m1", "no JSON at all: Ilona");
    kafka_tool_flush(system->kafka);
}

static int set_up(void **state)
{
    const struct system_options options = {.has_repository_templates = true};
    struct world *world = xcalloc(1, sizeof(*world));

    world->system = system_create(&options);
    world->out = temp_dir_path(world->system->dir, "capture.ndjson");
    world->key = temp_dir_path(world->system->dir, "key");
    temp_dir_write(world->system->dir, "key", key_text);
    publish_all(world->system);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    system_destroy(world->system);
    free(world->out);
    free(world->key);
    free(world);
    return 0;
}

static void capture(const struct world *world)
{
    command_check(world->system,
                  (const char *const[]){"capture", "--out", world->out, "--key", world->key, "--yes", NULL}, 0,
                  " events, ");
}

static void check(const struct world *world, int status, const char *expected)
{
    command_check(world->system, (const char *const[]){"capture", "--check", world->out, NULL}, status, expected);
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = xcalloc(1, 1 << 20);

    assert_non_null(file);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    return text;
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;

    for (; (text = strchr(text, '\n')); text++) {
        lines++;
    }
    return lines;
}

static void no_original_is_left_and_a_planted_one_is_found(void **state)
{
    static const char *const originals[] = {"Ilona", "Secretname", "member7@", "member70@",
                                            "+3620", "\"m7\"",     "/m7",      NULL};
    const struct world *world = *state;
    FILE *file;
    char *text, *place;

    capture(world);
    text = read_file(world->out);
    assert_int_equal(count_lines(text), RECORDS);
    for (int i = 0; originals[i]; i++) {
        if (strstr(text, originals[i])) {
            fail_msg("%s is in the capture", originals[i]);
        }
    }
    assert_non_null(strstr(text, "\"loyalty-7\"")); /* the id of an event is nobody's */
    free(text);
    check(world, 0, "0 originals of ");
    file = fopen(world->out, "a");
    fputs("{\"key\":\"x\",\"value\":{\"data\":{\"note\":\"from member70@example.com\"}}}\n", file);
    fclose(file);
    place =
        xasprintf("%s:%d: holds an original of the source (e-mail address) in data.note\n", world->out, RECORDS + 1);
    check(world, 1, place);
    check(world, 1, "1 originals of ");
    free(place);
}

/* Everything a member is stands in the same way wherever it stands. */
static void a_member_is_one_member_in_all_of_it(void **state)
{
    const struct world *world = *state;
    char *text, *line, *end;
    const json_t *binary = NULL, *member = NULL;
    json_t *lines[RECORDS] = {0};
    size_t count = 0;

    capture(world);
    text = read_file(world->out);
    for (line = text; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        lines[count] = json_loads(line, 0, NULL);
        assert_non_null(lines[count++]);
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_object_get(lines[i], "value");
        const char *id = json_string_value(json_object_get(value, "id"));

        binary = !id ? lines[i] : binary;
        member = id && strcmp(id, "loyalty-7") == 0 ? lines[i] : member;
    }
    assert_true(binary && member);
    assert_string_equal(json_string_value(json_object_get(binary, "key")),
                        json_string_value(json_object_get(member, "key")));
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(json_object_get(binary, "value"), "member"), "id")),
        json_string_value(json_object_get(member, "key")));
    for (size_t i = 0; i < count; i++) {
        json_decref(lines[i]);
    }
    free(text);
}

static void the_same_key_makes_the_same_file(void **state)
{
    const struct world *world = *state;
    char *first, *second;

    capture(world);
    first = read_file(world->out);
    capture(world);
    second = read_file(world->out);
    assert_string_equal(first, second);
    free(second);
    command_check(world->system, (const char *const[]){"capture", "--out", world->out, "--yes", NULL}, 0,
                  "the key was made for this run");
    second = read_file(world->out);
    assert_string_not_equal(first, second);
    free(first);
    free(second);
}

static void nothing_is_written_before_the_list_was_seen(void **state)
{
    const struct world *world = *state;

    unlink(world->out);
    command_check(world->system, (const char *const[]){"capture", "--out", world->out, NULL}, 1,
                  "nothing was written: look at the list, and say --yes");
    assert_int_not_equal(access(world->out, F_OK), 0);
    command_check(world->system, (const char *const[]){"capture", "--type", "no.such", "--out", world->out, NULL}, 1,
                  "nothing was written: no event lies in this range");
    assert_int_not_equal(access(world->out, F_OK), 0);
    command_check(world->system, (const char *const[]){"capture", "--list", NULL}, 0, "data.bonus.points ");
    command_check(world->system, (const char *const[]){"capture", "--list", NULL}, 0,
                  "left out: 1 records whose value is no JSON");
    assert_int_not_equal(access(world->out, F_OK), 0);
}

static int64_t count_sendable(const struct world *world, const char *const words[])
{
    json_t *report = command_run_json(world->system, words);
    int64_t count = json_integer_value(json_object_get(report, "messages"));

    json_decref(report);
    return count;
}

/* A comparison of the templates with themselves counts the messages. */
static void the_capture_makes_as_many_messages_as_the_topic(void **state)
{
    const struct world *world = *state;
    int64_t of_topic, of_file;

    capture(world);
    of_topic =
        count_sendable(world, (const char *const[]){"replay", "--diff", world->system->templates_dir, "--json", NULL});
    of_file = count_sendable(world, (const char *const[]){"replay", "--input", world->out, "--diff",
                                                          world->system->templates_dir, "--json", NULL});
    assert_int_equal(of_topic, 2 * MEMBERS);
    assert_int_equal(of_file, of_topic);
}

static void wrong_usage_is_one_clear_line(void **state)
{
    const struct world *world = *state;
    const struct {
        const char *words[8];
        int status;
        const char *expected;
    } cases[] = {
        {{"capture", NULL}, 2, "say one of --out FILE, --list, --check PATH"},
        {{"capture", "--list", "--out", "x", NULL}, 2, "say one of"},
        {{"capture", "--list", "--from", "yesterday", NULL}, 2, "--from: \"yesterday\" is no place"},
        {{"capture", "--list", "--personel", "x", NULL}, 2, "did you mean --personal"},
        {{"capture", "--list", "--keep", "a,,b", NULL}, 2, "an empty path"},
        {{"capture", "--list", "--input", "-", NULL}, 2, "the source is read twice"},
        {{"capture", "--list", "--input", "/nowhere/at-all", NULL}, 1, "/nowhere/at-all"},
        {{"capture", "--list", "--key", "/nowhere/at-all", NULL}, 1, "--key"},
        {{"capture", "--check", "/nowhere/at-all", NULL}, 1, "/nowhere/at-all"},
        {{"capture", "--out", "/nowhere/at-all", "--yes", NULL}, 1, "/nowhere/at-all"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        command_check(world->system, cases[i].words, cases[i].status, cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_original_is_left_and_a_planted_one_is_found),
        cmocka_unit_test(a_member_is_one_member_in_all_of_it),
        cmocka_unit_test(the_same_key_makes_the_same_file),
        cmocka_unit_test(nothing_is_written_before_the_list_was_seen),
        cmocka_unit_test(the_capture_makes_as_many_messages_as_the_topic),
        cmocka_unit_test(wrong_usage_is_one_clear_line),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
