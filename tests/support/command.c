#include "tests/support/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { MOST_WORDS = 30 };

char *command_run(const struct system *system, const char *const words[], int *status)
{
    static int number;
    const char *argv[MOST_WORDS + 2] = {system_binary()};
    char *log_path = xasprintf("%s/run%d.log", system->dir, ++number);
    char *brokers = xasprintf("KAFKA_BROKERS=%s", system->bootstrap);
    char *topics = xasprintf("KAFKA_TOPICS=%s", system_topic(system, "events"));
    char *prefix = xasprintf("KAFKA_TOPIC_PREFIX=%s", system->prefix);
    char *redis = xasprintf("REDIS_URL=%s", redis_server_url(system->redis));
    char *templates = xasprintf("TEMPLATES_DIR=%s", system->templates_dir);
    const char *const env[] = {brokers, topics, prefix, redis, templates, "ENVIRONMENT=test", NULL};
    struct process *process;
    char *output;

    for (size_t i = 0; words[i]; i++) {
        assert_true(i < MOST_WORDS);
        argv[i + 1] = words[i];
    }
    process = process_start(argv, env, log_path);
    *status = process_wait(process);
    output = process_output(process);
    process_destroy(process);
    free(log_path);
    free(brokers);
    free(topics);
    free(prefix);
    free(redis);
    free(templates);
    return output;
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
