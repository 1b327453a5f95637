/*
 * What will this edit change for real members? A captured topic is rendered with two sets of templates, and exactly the
 * messages that differ are listed.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_tree.h"
#include "base/mem.h"
#include "tests/support/command.h"
#include "tests/support/events.h"
#include "tests/support/temp_dir.h"

enum { MEMBERS_A_CASE = 5, MEMBERS = LOYALTY_TYPES * LOYALTY_LOCALES * MEMBERS_A_CASE };

static const char evil_name[] = "<script>alert(1)</script>";

struct world {
    struct system *system;
    char *edited;  /* a folder of templates */
    char *capture; /* of the topic */
};

/* Type and locale of a member of the topic. */
static const char *type_of(int member)
{
    return loyalty_types[member % LOYALTY_TYPES];
}

static const char *locale_of(int member)
{
    return loyalty_locales[member / LOYALTY_TYPES % LOYALTY_LOCALES];
}

static void publish_all(struct system *system)
{
    for (int i = 0; i < MEMBERS; i++) {
        char *text = events_loyalty(type_of(i), locale_of(i), i);
        char key[16];

        snprintf(key, sizeof(key), "m%d", i);
        events_publish(system, key, text);
        events_publish(system, key, text); /* the same delivery */
        free(text);
    }
    kafka_tool_flush(system->kafka);
}

/* The repository's templates, to be edited. */
static void edit(const struct world *world, const char *name, const char *what, const char *by)
{
    struct err err = {0};
    struct file_tree *tree = file_tree_read(world->edited, &err);
    const struct file_entry *entry = tree ? file_tree_find(tree, name) : NULL;
    const char *at = entry ? strstr(entry->data, what) : NULL;
    char *text;

    if (!at) {
        fail_msg("%s: no \"%s\"", name, what);
    }
    text = xasprintf("%.*s%s%s", (int)(at - entry->data), entry->data, by, at + strlen(what));
    temp_dir_write(world->edited, name, text);
    free(text);
    file_tree_destroy(tree);
}

static int set_up_topic(void **state)
{
    const struct system_options options = {.has_repository_templates = true};
    struct world *world = xcalloc(1, sizeof(*world));

    world->system = system_create(&options);
    world->edited = temp_dir_path(world->system->dir, "edited");
    world->capture = temp_dir_path(world->system->dir, "capture.ndjson");
    assert_int_equal(mkdir(world->edited, 0777), 0);
    publish_all(world->system);
    *state = world;
    command_check(world->system, (const char *const[]){"capture", "--out", world->capture, "--yes", NULL}, 0,
                  " events, ");
    return 0;
}

static int tear_down_topic(void **state)
{
    struct world *world = *state;

    system_destroy(world->system);
    free(world->edited);
    free(world->capture);
    free(world);
    return 0;
}

static int set_up(void **state)
{
    const struct world *world = *state;

    temp_dir_copy(world->edited, world->system->templates_dir);
    return 0;
}

/* --- diff --------------------------------------------------------------------------------------------------------- */

static json_t *diff(const struct world *world, const char *input, const char *spec)
{
    return command_run_json(world->system,
                            (const char *const[]){"replay", input ? "--input" : "--from", input ? input : "beginning",
                                                  "--diff", spec, "--json", NULL});
}

static int64_t number_at(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static const char *text_at(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

/* Index of "m17"; -1 when it is none. */
static int member_of(const json_t *change)
{
    const char *id = text_at(change, "member_id");

    return id[0] == 'm' ? (int)strtol(id + 1, NULL, 10) : -1;
}

static void check_changes(const json_t *report, const char *type, const char *locale, const char *kind,
                          const char *part)
{
    bool has[MEMBERS] = {false};
    const json_t *group = json_array_get(json_object_get(report, "groups"), 0);
    const json_t *changes = json_object_get(group, "changes");

    assert_int_equal(number_at(report, "messages"), 2 * MEMBERS);
    assert_int_equal(json_array_size(json_object_get(report, "groups")), 1);
    assert_string_equal(text_at(group, "channel"), "email");
    for (size_t i = 0; i < json_array_size(changes); i++) {
        const json_t *change = json_array_get(changes, i);
        int member = member_of(change);

        assert_in_range(member, 0, MEMBERS - 1);
        assert_false(has[member]);
        has[member] = true;
        assert_string_equal(text_at(change, "change"), kind);
        assert_string_equal(text_at(json_array_get(json_object_get(change, "parts"), 0), "part"), part);
    }
    for (int i = 0; i < MEMBERS; i++) {
        assert_int_equal(has[i], strcmp(type_of(i), type) == 0 && strcmp(locale_of(i), locale) == 0);
    }
}

static void exactly_the_messages_of_the_edit_are_listed(void **state)
{
    const struct world *world = *state;
    json_t *report;

    edit(world, "signup/email.hu.liquid", "subject: \"", "subject: \"Edited: ");
    report = diff(world, NULL, world->edited);
    check_changes(report, "loyalty.signup", "hu-HU", "changed", "subject");
    assert_int_equal(number_at(report, "changed"), MEMBERS_A_CASE);
    json_decref(report);
    report = diff(world, world->capture, world->edited);
    assert_int_equal(number_at(report, "changed"), MEMBERS_A_CASE);
    assert_int_equal(number_at(report, "messages"), 2 * MEMBERS);
    json_decref(report);
}

static void nothing_is_listed_when_nothing_changed(void **state)
{
    const struct world *world = *state;

    command_check(world->system,
                  (const char *const[]){"replay", "--input", world->capture, "--diff", world->edited, NULL}, 0,
                  ": 0 of 240 messages change\n240 records read");
}

static void what_newly_breaks_and_what_is_mended_is_told(void **state)
{
    const struct world *world = *state;
    json_t *report;

    edit(world, "tier_upgrade/email.ro.liquid", "<h1>", "<h1>{{ tier.no_such_thing }}");
    report = diff(world, NULL, world->edited);
    assert_int_equal(number_at(report, "changed"), MEMBERS_A_CASE);
    assert_string_equal(
        text_at(json_array_get(json_object_get(json_array_get(json_object_get(report, "groups"), 0), "changes"), 0),
                "change"),
        "newly broken");
    json_decref(report);
    command_check(world->system,
                  (const char *const[]){"replay", "--input", world->capture, "--diff", world->edited, NULL}, 0,
                  "! undefined_variable: tier_upgrade/email.ro.liquid:");
}

static void a_flow_that_is_switched_off_is_no_longer_sent(void **state)
{
    const struct world *world = *state;
    json_t *report;

    edit(world, "redemption_ready/flow.yaml", "on: loyalty.redemption_ready", "on: loyalty.nothing");
    report = diff(world, NULL, world->edited);
    assert_int_equal(number_at(report, "changed"), 2 * LOYALTY_LOCALES * MEMBERS_A_CASE);
    assert_string_equal(
        text_at(json_array_get(json_object_get(json_array_get(json_object_get(report, "groups"), 0), "changes"), 0),
                "change"),
        "no longer sent");
    json_decref(report);
}

static void templates_with_an_error_are_refused_with_the_place(void **state)
{
    const struct world *world = *state;

    edit(world, "signup/email.en.liquid", "<h1>", "<h1>{% if %}");
    command_check(world->system,
                  (const char *const[]){"replay", "--input", world->capture, "--diff", world->edited, NULL}, 1,
                  "signup/email.en.liquid:");
    command_check(world->system,
                  (const char *const[]){"replay", "--input", world->capture, "--diff", "/nowhere/at-all", NULL}, 1,
                  "/nowhere/at-all");
    command_check(world->system,
                  (const char *const[]){"replay", "--input", world->capture, "--diff", "version:0000", NULL}, 1,
                  "there is no version 0000");
    command_check(world->system, (const char *const[]){"replay", "--input", world->capture, "--diff", "git:-x", NULL},
                  1, "is no revision");
}

static char *read_file(const char *dir, const char *name)
{
    char *path = temp_dir_path(dir, name), *text = xcalloc(1, 4 << 20);
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    assert_true(fread(text, 1, (4 << 20) - 1, file) > 0);
    fclose(file);
    free(path);
    return text;
}

static void the_page_shows_both_sides_and_runs_nothing(void **state)
{
    const struct world *world = *state;
    char *out = temp_dir_path(world->system->dir, "page");
    char *event = events_loyalty("loyalty.signup", "en-GB", 9000), *line = strstr(event, "Ilona");
    char *evil = xasprintf("%.*s%s%s\n", (int)(line - event), event, evil_name, line + strlen("Ilona"));
    char *input = temp_dir_path(world->system->dir, "evil.ndjson"), *page, *mail;

    temp_dir_write(world->system->dir, "evil.ndjson", evil);
    edit(world, "signup/email.en.liquid", "subject: \"", "subject: \"{{ member.first_name }} & Edited: ");
    command_check(world->system,
                  (const char *const[]){"replay", "--input", input, "--diff", world->edited, "--out", out, NULL}, 0,
                  "side by side: ");
    page = read_file(out, "index.html");
    mail = read_file(out, "mail/0.after.html");
    assert_null(strstr(page, "<script"));
    assert_non_null(strstr(page, "&lt;"));
    assert_non_null(strstr(page, "<ins>"));
    assert_non_null(strstr(page, "<iframe sandbox "));
    assert_null(strstr(page, "http://"));
    assert_null(strstr(mail, "<script>"));
    free(page);
    free(mail);
    free(out);
    free(event);
    free(evil);
    free(input);
}

/* --- versions and revisions --------------------------------------------------------------------------------------- */

static void a_version_that_workers_used_is_the_past(void **state)
{
    const struct world *world = *state;
    char *own = xasprintf("TEMPLATES_DIR=%s", world->edited);
    char *spec;
    json_t *templates, *report;

    system_start_ready_worker(world->system, 0, (const char *const[]){own, NULL});
    templates = command_run_json(world->system, (const char *const[]){"templates", "--json", NULL});
    spec = xasprintf("version:%.8s", text_at(templates, "active"));
    json_decref(templates);
    assert_int_equal(system_stop_worker(world->system, 0), 0);
    free(own);
    report = diff(world, world->capture, spec);
    assert_string_equal(text_at(report, "before"), spec);
    assert_int_equal(number_at(report, "messages"), 2 * MEMBERS);
    assert_int_equal(number_at(report, "changed"), 0);
    json_decref(report);
    free(spec);
}

static int git(const struct world *world, const char *const words[])
{
    const char *argv[16] = {"git", "-C", world->edited, "-c", "user.name=t", "-c", "user.email=t@example.com"};
    char *log = temp_dir_path(world->system->dir, "git.log");
    struct process *process;
    int status;

    for (size_t i = 0; words[i]; i++) {
        argv[7 + i] = words[i];
    }
    process = process_start(argv, (const char *const[]){NULL}, log);
    status = process_wait(process);
    process_destroy(process);
    free(log);
    return status;
}

static void a_revision_of_git_is_the_past(void **state)
{
    struct world *world = *state;
    char *own = world->system->templates_dir;
    json_t *report;

    if (access("/usr/bin/git", X_OK) != 0) {
        skip();
    }
    assert_int_equal(git(world, (const char *const[]){"init", "-q", NULL}), 0);
    assert_int_equal(git(world, (const char *const[]){"add", ".", NULL}), 0);
    assert_int_equal(git(world, (const char *const[]){"commit", "-qm", "first", NULL}), 0);
    edit(world, "signup/sms.fa.liquid", "{{", "Edited {{");
    world->system->templates_dir = world->edited;
    report = diff(world, world->capture, "git:HEAD");
    world->system->templates_dir = own;
    assert_string_equal(text_at(report, "before"), "git:HEAD");
    assert_int_equal(number_at(report, "changed"), MEMBERS_A_CASE);
    json_decref(report);
}

/* --- usage -------------------------------------------------------------------------------------------------------- */

static void wrong_usage_is_one_clear_line(void **state)
{
    const struct world *world = *state;
    const struct {
        const char *words[8];
        const char *expected;
        int status;
    } cases[] = {
        {{"replay", "--diff", "x", "--produce", "y", NULL}, "choose one", 2},
        {{"replay", "--rate", "5", NULL}, "are for --produce", 2},
        {{"replay", "--produce", "t", "--rate", "fast", NULL},
         "--rate takes records a second (500/s), not \"fast\"",
         2},
        {{"replay", "--produce", "t", "--rate", "5", "--speed", "2x", NULL}, "--rate and --speed: choose one", 2},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        command_check(world->system, cases[i].words, cases[i].status, cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(exactly_the_messages_of_the_edit_are_listed, set_up),
        cmocka_unit_test_setup(nothing_is_listed_when_nothing_changed, set_up),
        cmocka_unit_test_setup(what_newly_breaks_and_what_is_mended_is_told, set_up),
        cmocka_unit_test_setup(a_flow_that_is_switched_off_is_no_longer_sent, set_up),
        cmocka_unit_test_setup(templates_with_an_error_are_refused_with_the_place, set_up),
        cmocka_unit_test_setup(the_page_shows_both_sides_and_runs_nothing, set_up),
        cmocka_unit_test_setup(a_version_that_workers_used_is_the_past, set_up),
        cmocka_unit_test_setup(a_revision_of_git_is_the_past, set_up),
        cmocka_unit_test(wrong_usage_is_one_clear_line),
    };

    return cmocka_run_group_tests(tests, set_up_topic, tear_down_topic);
}
