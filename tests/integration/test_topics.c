/* perkline topics, against the embedded broker, which tells names and partitions only, and against a real Kafka. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/support/poll.h"
#include "tests/support/system.h"
#include "tests/support/temp_dir.h"

static bool has_real_kafka(void)
{
    const char *bootstrap = getenv("KAFKA_BOOTSTRAP");

    return bootstrap && *bootstrap;
}

/* New reference: the array of --json. */
static json_t *ask(struct system *system, const char *const words[], const char *const env[], int expected_status)
{
    int status;
    char *output = system_run_command(system, words, env, &status);
    char *start = strchr(output, '[');
    json_t *all = start ? json_loads(start, JSON_DISABLE_EOF_CHECK, NULL) : NULL;

    if (!json_is_array(all) || status != expected_status) {
        fail_msg("status %d: %s", status, output);
    }
    free(output);
    return all;
}

static const char *text_of(const json_t *all, const char *topic, const char *name)
{
    size_t i;
    json_t *one;

    json_array_foreach(all, i, one) {
        if (strcmp(json_string_value(json_object_get(one, "topic")), topic) == 0) {
            return json_string_value(json_object_get(one, name));
        }
    }
    return "";
}

static void topics_that_are_there_are_told_with_their_partitions(void **state)
{
    struct system *system = *state;
    const char *const words[] = {"topics", NULL};
    char *line = xasprintf("%s.events", system->prefix);
    int status;
    char *output = system_run_command(system, words, NULL, &status);

    assert_non_null(strstr(output, line));
    assert_non_null(strstr(output, "4 partitions"));
    assert_null(strstr(output, "missing"));
    if (!has_real_kafka()) {
        assert_int_equal(status, 0);
        assert_non_null(strstr(output, "this broker does not tell them"));
    }
    free(output);
    free(line);
}

static void a_topic_that_is_missing_fails_the_check(void **state)
{
    struct system *system = *state;
    char *prefix = xasprintf("KAFKA_TOPIC_PREFIX=%s-new", system->prefix);
    char *name = xasprintf("%s-new.outcomes", system->prefix);
    const char *const words[] = {"topics", "--json", NULL};
    const char *const env[] = {prefix, NULL};
    json_t *all = ask(system, words, env, 1);

    assert_int_equal(json_array_size(all), 8);
    assert_string_equal(text_of(all, name, "result"), "missing");
    json_decref(all);
    free(prefix);
    free(name);
}

struct asked {
    struct system *system;
    const char *const *env;
};

static bool is_all_fine(void *arg)
{
    const struct asked *asked = arg;
    const char *const words[] = {"topics", NULL};
    int status;

    free(system_run_command(asked->system, words, asked->env, &status));
    return status == 0;
}

/* Only a real Kafka can make topics on demand. */
static void missing_topics_are_made_once_and_wrong_ones_changed_only_when_told(void **state)
{
    struct system *system = *state;
    char *prefix = xasprintf("KAFKA_TOPIC_PREFIX=%s-new", system->prefix);
    char *topics = xasprintf("KAFKA_TOPICS=%s-new.events", system->prefix);
    char *outcomes = xasprintf("%s-new.outcomes", system->prefix);
    const char *const create[] = {"topics", "--create", "--partitions", "6", "--json", NULL};
    const char *const look[] = {"topics", "--json", NULL};
    const char *const alter[] = {"topics", "--alter", "--json", NULL};
    const char *const env[] = {prefix, topics, NULL};
    /* Without flows to read outcomes are taken to be kept for 400 days, with them for ever (the flow of tests: 30 d). */
    const char *const longer[] = {prefix, topics, "TEMPLATES_DIR=templates", NULL};
    struct asked asked = {system, env};
    json_t *all = ask(system, create, env, has_real_kafka() ? 0 : 1);

    if (!has_real_kafka()) {
        assert_non_null(strstr(text_of(all, outcomes, "problem"), "cannot be asked"));
    } else {
        assert_string_equal(text_of(all, outcomes, "result"), "created");
        assert_true(poll_until(is_all_fine, &asked));
        json_decref(all);
        all = ask(system, create, env, 0); /* nothing to do */
        assert_string_equal(text_of(all, outcomes, "result"), "ok");
        json_decref(all);
        all = ask(system, look, longer, 1); /* other flows want outcomes for ever */
        assert_string_equal(text_of(all, outcomes, "result"), "differs");
        json_decref(all);
        all = ask(system, create, longer, 1); /* --create changes nothing that is there */
        assert_string_equal(text_of(all, outcomes, "result"), "differs");
        json_decref(all);
        all = ask(system, alter, longer, 0);
        assert_string_equal(text_of(all, outcomes, "result"), "changed");
        asked.env = longer;
        assert_true(poll_until(is_all_fine, &asked));
    }
    json_decref(all);
    free(prefix);
    free(topics);
    free(outcomes);
}

static void without_a_broker_it_says_so_and_ends(void **state)
{
    struct system *system = *state;
    const char *const words[] = {"topics", NULL};
    const char *const env[] = {"KAFKA_BROKERS=127.0.0.1:1", NULL};
    int status;
    char *output = system_run_command(system, words, env, &status);

    assert_int_equal(status, 1);
    assert_non_null(strstr(output, "perkline topics: no broker answers"));
    free(output);
}

/* The topic of a real Kafka keeps its events for 7 days by default; the embedded broker does not tell. */
static void a_worker_whose_flow_forgets_too_early_does_not_start(void **state)
{
    struct system *system = *state;
    struct process *worker;
    char *output;

    if (!has_real_kafka()) {
        skip();
    }
    temp_dir_write(system->templates_dir, "note/flow.yaml",
                   "on: test.note\nclass: transactional\ndedupe: [member.id, note.seq]\ndedupe_for: 14d\n"
                   "channels:\n  email: { ambiguous: resend }\n  sms: { ambiguous: hold }\n");
    worker = system_start_worker(system, 0, NULL);
    assert_int_equal(process_wait(worker), 1);
    output = process_output(worker);
    assert_non_null(strstr(output, "perkline worker: flow note remembers its deliveries for 14d"));
    assert_non_null(strstr(output, "set dedupe_for: 15d or more"));
    free(output);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, system_set_up, system_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(topics_that_are_there_are_told_with_their_partitions),
        TEST(a_topic_that_is_missing_fails_the_check),
        TEST(missing_topics_are_made_once_and_wrong_ones_changed_only_when_told),
        TEST(without_a_broker_it_says_so_and_ends),
        TEST(a_worker_whose_flow_forgets_too_early_does_not_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
