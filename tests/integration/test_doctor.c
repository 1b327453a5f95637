/* perkline doctor: a healthy system has no fault, and each thing that is broken on purpose is named by its check. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>

#include "base/mem.h"
#include "tests/support/system.h"
#include "tests/support/temp_dir.h"

static int set_up(void **state)
{
    const struct system_options options = {.sandbox_args = (const char *const[]){"--api-key", "key-of-a-test", NULL}};

    *state = system_create(&options);
    return 0;
}

/* New reference. */
static json_t *examine(struct system *system, const char *const env[], int *status)
{
    const char *const words[] = {"doctor", "--json", NULL};
    char *output = system_run_command(system, words, env, status);
    char *start = strchr(output, '{');
    json_t *all = start ? json_loads(start, JSON_DISABLE_EOF_CHECK, NULL) : NULL;

    if (!all) {
        fail_msg("no JSON: %s", output);
    }
    free(output);
    return all;
}

static const json_t *find(const json_t *all, const char *check, const char *level)
{
    size_t i;
    json_t *one;

    json_array_foreach(json_object_get(all, "findings"), i, one) {
        if (strcmp(json_string_value(json_object_get(one, "check")), check) == 0 &&
            strcmp(json_string_value(json_object_get(one, "level")), level) == 0) {
            return one;
        }
    }
    return NULL;
}

static void a_healthy_system_has_no_fault(void **state)
{
    int status;
    json_t *all = examine(*state, NULL, &status);
    size_t i;
    json_t *one;

    json_array_foreach(json_object_get(all, "findings"), i, one) {
        if (strcmp(json_string_value(json_object_get(one, "level")), "FAIL") == 0 && !getenv("KAFKA_BOOTSTRAP")) {
            fail_msg("%s: %s", json_string_value(json_object_get(one, "check")),
                     json_string_value(json_object_get(one, "text")));
        }
    }
    assert_non_null(find(all, "provider", "ok"));
    assert_non_null(find(all, "Redis", "ok"));
    assert_non_null(find(all, "Kafka groups", "ok"));
    assert_non_null(find(all, "Redis user", "ok")); /* the tests' Redis has the rules of deploy/redis.acl */
    assert_null(find(all, "provider", "skip"));
    json_decref(all);
}

/* One thing is wrong at a time: a setting, and the check that must tell it, with a word of what it says. */
static const struct {
    const char *setting;
    const char *check, *level, *word;
} faults[] = {
    {"KAFKA_BROKERS=127.0.0.1:1", "Kafka brokers", "FAIL", "no broker answers at 127.0.0.1:1"},
    {"KAFKA_TOPIC_PREFIX=not-made", "Kafka topics", "FAIL", "not-made.outcomes"},
    {"KAFKA_TOPICS=^nothing-matches", "Kafka topics", "FAIL", "^nothing-matches"},
    {"REDIS_URL=unix:///nowhere", "Redis", "FAIL", "Redis /nowhere: "},
    {"REDIS_URL=redis://127.0.0.1:1", "Redis", "FAIL", "Redis 127.0.0.1:1: Connection refused"},
    {"BREVO_API_KEY=another", "provider", "FAIL", "unauthorized"},
    {"BREVO_URL=http://127.0.0.1:1", "provider", "FAIL", "at http://127.0.0.1:1: Brevo cannot be reached"},
    {"TEMPLATES_DIR=/nowhere", "templates", "FAIL", "/nowhere"},
    {"EMAIL_FROM=no address", "settings", "FAIL", "EMAIL_FROM"},
    {"SMS_RATE=fast", "settings", "FAIL", "SMS_RATE"},
    {"DEFAULT_LOCALE=xx", "languages and zones", "FAIL", "xx"},
    {"KAFKA_TOPICZ=a", "misspelt settings", "warn", "KAFKA_TOPICS"},
    {"BREVO_API_KEY=key-of-a-test", "secrets", "warn", "environment"},
};

static void each_fault_is_named_by_its_check(void **state)
{
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        const char *const env[] = {faults[i].setting, NULL};
        int status;
        json_t *all = examine(*state, env, &status);
        const json_t *finding = find(all, faults[i].check, faults[i].level);

        if (!finding || !strstr(json_string_value(json_object_get(finding, "text")), faults[i].word) ||
            (strcmp(faults[i].level, "FAIL") == 0 && status != 1)) {
            char *text = json_dumps(all, JSON_INDENT(1));

            print_error("%s: status %d, %s\n", faults[i].setting, status, text);
            free(text);
            fail();
        }
        json_decref(all);
    }
}

static void a_redis_that_may_evict_is_told(void **state)
{
    struct system *system = *state;
    json_t *all;
    int status;

    redis_server_command(system->redis, "CONFIG SET maxmemory-policy allkeys-lru");
    all = examine(system, NULL, &status);
    assert_int_equal(status, 1);
    assert_non_null(find(all, "Redis eviction", "FAIL"));
    assert_non_null(find(all, "Redis persistence", "warn"));
    json_decref(all);
}

static void a_secret_that_everyone_may_read_is_told(void **state)
{
    struct system *system = *state;
    char *path = temp_dir_path(system->dir, "key");
    char *setting = xasprintf("BREVO_API_KEY_FILE=%s", path);
    char *redis = xasprintf("REDIS_URL=unix://%s", redis_server_socket(system->redis)); /* no password in it */
    const char *const env[] = {"BREVO_API_KEY", setting, redis, NULL};
    json_t *all;
    int status;

    temp_dir_write(system->dir, "key", "key-of-a-test\n");
    chmod(path, 0444);
    all = examine(system, env, &status);
    assert_int_equal(status, 1);
    assert_non_null(find(all, "secrets", "FAIL"));
    assert_non_null(strstr(json_string_value(json_object_get(find(all, "secrets", "FAIL"), "mend")), "0440"));
    json_decref(all);
    chmod(path, 0400);
    all = examine(system, env, &status);
    assert_non_null(find(all, "secrets", "ok"));
    json_decref(all);
    free(path);
    free(setting);
    free(redis);
}

/* The rules of deploy/redis.acl with one command less are told, with the command. */
static void a_user_with_too_few_rights_or_all_of_them_is_told(void **state)
{
    struct system *system = *state;
    char *almighty = xasprintf("REDIS_URL=unix://%s", redis_server_socket(system->redis));
    const char *const env[] = {almighty, NULL};
    json_t *all;
    int status;

    all = examine(system, env, &status);
    assert_non_null(find(all, "Redis user", "warn"));
    json_decref(all);
    assert_string_equal(redis_server_command(system->redis, "ACL SETUSER perkline -hincrby"), "+OK");
    all = examine(system, NULL, &status);
    assert_int_equal(status, 1);
    assert_non_null(strstr(json_string_value(json_object_get(find(all, "Redis user", "FAIL"), "text")), "HINCRBY"));
    json_decref(all);
    assert_string_equal(redis_server_command(system->redis, "ACL SETUSER perkline +hincrby -zadd"), "+OK");
    all = examine(system, NULL, &status);
    assert_non_null(strstr(json_string_value(json_object_get(find(all, "Redis user", "FAIL"), "text")), "not ZADD"));
    json_decref(all);
    free(almighty);
}

/* Nothing may be left behind: no request that sends, no key, no offset. */
static void nothing_is_sent_or_written(void **state)
{
    struct system *system = *state;
    json_t *all;
    int status;

    all = examine(system, NULL, &status);
    assert_string_equal(redis_server_command(system->redis, "DBSIZE"), ":0");
    assert_int_equal(system_sandbox_count(system, CHANNEL_EMAIL, "requests"), 0);
    assert_int_equal(system_sandbox_count(system, CHANNEL_SMS, "requests"), 0);
    assert_int_equal(kafka_tool_count(system->kafka, system_topic(system, "outcomes")), 0);
    json_decref(all);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, system_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_healthy_system_has_no_fault),
        TEST(each_fault_is_named_by_its_check),
        TEST(a_redis_that_may_evict_is_told),
        TEST(a_secret_that_everyone_may_read_is_told),
        TEST(a_user_with_too_few_rights_or_all_of_them_is_told),
        TEST(nothing_is_sent_or_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
