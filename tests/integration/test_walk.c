/*
 * The five minutes of a new developer: the lines of README.md, run as they stand there, in two terminals.
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
#include "base/settings.h"
#include "tests/support/system.h"
#include "tests/support/temp_dir.h"
#include "tests/support/terminal.h"

enum { ENV_COUNT = 3 };

struct world {
    char *dir;
    char *readme;
    char *env[ENV_COUNT + 1];
    struct terminal *first, *second;
};

static char *read_file(const char *path)
{
    struct err err = {0};
    char *text = settings_read_file(path, 1 << 20, NULL, &err);

    if (!text) {
        fail_msg("%s", err.text);
    }
    return text;
}

static int set_up(void **state)
{
    struct world *world = xcalloc(1, sizeof(*world));
    char *binary = realpath(system_binary(), NULL);
    char *copy;

    assert_non_null(binary);
    *strrchr(binary, '/') = '\0';
    world->dir = temp_dir_create();
    world->readme = read_file("README.md");
    copy = temp_dir_path(world->dir, "templates");
    temp_dir_copy(copy, "templates");
    temp_dir_write(world->dir, "editor", "sed -i 's/^<h1>.*/<h1>What was edited<\\/h1>/' \"$1\"\n");
    world->env[0] = xasprintf("PATH=%s:%s", binary, getenv("PATH"));
    world->env[1] = xasprintf("EDITOR=sh %s/editor", world->dir);
    world->env[2] = xstrdup("TERM=xterm");
    *state = world;
    free(copy);
    free(binary);
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    terminal_close(world->second);
    terminal_close(world->first);
    temp_dir_destroy(world->dir);
    for (int i = 0; i < ENV_COUNT; i++) {
        free(world->env[i]);
    }
    free(world->readme);
    free(world);
    return 0;
}

/* Opens a terminal with the lines of the first fenced block behind `text` in the README. */
static struct terminal *open_terminal(const struct world *world, const char *text)
{
    const char *at = strstr(world->readme, text);
    const char *begin = at ? strstr(at, "\n```\n") : NULL;
    const char *end = begin ? strstr(begin + 5, "\n```\n") : NULL;
    struct terminal *terminal;
    char *lines;

    if (!end) {
        fail_msg("the README has no block of commands behind \"%s\"", text);
    }
    lines = xasprintf("%.*s\n", (int)(end - begin - 5), begin + 5);
    terminal = terminal_open(lines, world->dir, (const char *const *)world->env);
    free(lines);
    return terminal;
}

static void assert_shows(struct terminal *terminal, const char *text)
{
    if (!terminal_wait_for(terminal, text)) {
        fail_msg("no \"%s\" in: %s", text, terminal_shown(terminal));
    }
}

static void a_new_developer_finds_what_an_edit_changes(void **state)
{
    struct world *world = *state;
    char *mail = temp_dir_path(world->dir, "changes/mail/0.after.html");
    char *settings = temp_dir_path(world->dir, "demo.env");
    char *text;

    world->first = open_terminal(world, "the first one:");
    assert_shows(world->first, "the books balance");
    assert_shows(world->first, "Ctrl-C ends the demo");

    world->second = open_terminal(world, "The second, when the first shows the table:");
    assert_shows(world->second, "not recognised as personal");
    assert_shows(world->second, "[y/N] ");
    terminal_type(world->second, "yes\n");
    assert_shows(world->second, "0 originals of 1002 events");
    assert_shows(world->second, "+What was edited");
    assert_shows(world->second, "messages change (3 changed)");
    assert_shows(world->second, "signup by email to member 1042-1");
    assert_int_equal(terminal_wait_for_end(world->second), 0);
    text = read_file(mail);
    assert_non_null(strstr(text, "<h1>What was edited</h1>"));
    free(text);

    terminal_type(world->first, "\003");
    assert_int_not_equal(terminal_wait_for_end(world->first), -1);
    assert_int_not_equal(access(settings, F_OK), 0);
    free(settings);
    free(mail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_new_developer_finds_what_an_edit_changes, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
