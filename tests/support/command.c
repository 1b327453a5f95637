#include "tests/support/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { MOST_WORDS = 30, MOST_ENV = 20 };

struct process *command_start(const struct system *system, const char *const words[], const char *const env[])
{
    static int number;
    const char *argv[MOST_WORDS + 2] = {system_binary()};
    char *log_path = xasprintf("%s/run%d.log", system->dir, ++number);
    char *const own[] = {xasprintf("KAFKA_BROKERS=%s", system->bootstrap),
                         xasprintf("KAFKA_TOPICS=%s", system_topic(system, "events")),
                         xasprintf("KAFKA_TOPIC_PREFIX=%s", system->prefix),
                         xasprintf("REDIS_URL=%s", redis_server_url(system->redis)),
                         xasprintf("TEMPLATES_DIR=%s", system->templates_dir)};
    const size_t own_count = sizeof(own) / sizeof(own[0]);
    const char *all[MOST_ENV + 1] = {"ENVIRONMENT=test"};
    struct process *process;
    size_t count = 1;

    for (size_t i = 0; i < own_count; i++) {
        all[count++] = own[i];
    }
    for (size_t i = 0; env && env[i]; i++) {
        assert_true(count < MOST_ENV);
        all[count++] = env[i];
    }
    for (size_t i = 0; words[i]; i++) {
        assert_true(i < MOST_WORDS);
        argv[i + 1] = words[i];
    }
    process = process_start(argv, all, log_path);
    for (size_t i = 0; i < own_count; i++) {
        free(own[i]);
    }
    free(log_path);
    return process;
}

char *command_run_with(const struct system *system, const char *const words[], const char *const env[], int *status)
{
    struct process *process = command_start(system, words, env);
    char *output;

    *status = process_wait(process);
    output = process_output(process);
    process_destroy(process);
    return output;
}

char *command_run(const struct system *system, const char *const words[], int *status)
{
    return command_run_with(system, words, NULL, status);
}

void command_check(const struct system *system, const char *const words[], int status, const char *expected)
{
    int got;
    char *output = command_run(system, words, &got);

    if (got != status || !strstr(output, expected)) {
        fail_msg("%s: status %d instead of %d, or without \"%s\": %s", words[0], got, status, expected, output);
    }
    free(output);
}

json_t *command_run_json(const struct system *system, const char *const words[])
{
    int status;
    char *output = command_run(system, words, &status);
    const char *start = strchr(output, '{');
    json_t *json = start ? json_loads(start, JSON_DISABLE_EOF_CHECK, NULL) : NULL;

    if (status != 0 || !json) {
        fail_msg("%s: status %d: %s", words[0], status, output);
    }
    free(output);
    return json;
}
