/* What all commands have in common: how they tell what they take, and what they refuse before they ask anybody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/support/process.h"
#include "tests/support/system.h"
#include "tests/support/temp_dir.h"

enum { WIDEST = 119, MOST_COMMANDS = 40 };

struct scene {
    char *dir;
    int run_count;
};

static int set_up(void **state)
{
    struct scene *scene = xcalloc(1, sizeof(*scene));

    scene->dir = temp_dir_create();
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    temp_dir_destroy(scene->dir);
    free(scene);
    return 0;
}

/* To be freed: what it printed. */
static char *run(struct scene *scene, const char *const words[], const char *const env[], int *status)
{
    const char *argv[8] = {system_binary()};
    char *path = xasprintf("%s/run%d.log", scene->dir, ++scene->run_count);
    struct process *process;
    char *output;

    for (size_t i = 0; words[i]; i++) {
        argv[i + 1] = words[i];
    }
    process = process_start(argv, env, path);
    *status = process_wait(process);
    output = process_output(process);
    process_destroy(process);
    free(path);
    return output;
}

static void assert_help_is_good(const char *command, char *help)
{
    char *rest = NULL;

    if (strncmp(help, "usage: perkline ", 16) != 0 || !strstr(help, "  Show this text.\n")) {
        fail_msg("%s --help is not of the form of the others: %s", command, help);
    }
    for (char *line = strtok_r(help, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (strlen(line) > WIDEST) {
            fail_msg("%s --help has a line of %zu characters: %s", command, strlen(line), line);
        }
    }
}

static void every_command_of_the_list_has_a_help_of_the_same_form(void **state)
{
    static const char *const none[] = {NULL};
    int status;
    char *list = run(*state, (const char *const[]){"--help", NULL}, none, &status);
    char *rest = NULL;
    int count = 0;

    assert_int_equal(status, 0);
    for (char *line = strtok_r(list, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char command[32];

        if (sscanf(line, "  %31[a-z]", command) == 1 && strncmp(line, "  ", 2) == 0) {
            char *help = run(*state, (const char *const[]){command, "--help", NULL}, none, &status);

            assert_int_equal(status, 0);
            assert_help_is_good(command, help);
            free(help);
            count++;
        }
    }
    assert_in_range(count, 17, MOST_COMMANDS);
    free(list);
}

static void no_command_takes_an_environment_that_a_worker_refuses(void **state)
{
    static const char *const env[] = {"ENVIRONMENT=Prod",      "KAFKA_BROKERS=127.0.0.1:1", "REDIS_URL=redis://127.0.0.1:1",
                                      "BREVO_API_KEY=any",     "EMAIL_FROM=shop@example.com", "SMS_FROM=Shop",
                                      "TEMPLATES_DIR=templates", NULL};
    static const char *const commands[][4] = {
        {"worker"}, {"status"},         {"pause"},           {"pause", "all"},           {"resume", "all"},
        {"dlq"},    {"held"},           {"templates"},       {"templates", "rollback"},  {"why", "--member", "42"},
        {"replay"}, {"capture", "--out", "-"},
    };

    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        int status;
        char *output = run(*state, commands[i], env, &status);

        if (status != 1 || !strstr(output, "ENVIRONMENT: \"Prod\" must be")) {
            fail_msg("%s: status %d: %s", commands[i][0], status, output);
        }
        free(output);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_command_of_the_list_has_a_help_of_the_same_form),
        TEST(no_command_takes_an_environment_that_a_worker_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
