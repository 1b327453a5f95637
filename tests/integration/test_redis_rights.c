/* deploy/redis.acl: what a worker must not be able to do in Redis, even when somebody has taken it over. That it can do
 * what it must is shown by all other tests of this folder, which run with the same rules. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "run/redis_ask.h"
#include "tests/support/redis_server.h"

enum { MOST_WORDS = 8 };

static const struct {
    const char *words[MOST_WORDS];
} forbidden[] = {
    {{"FLUSHALL"}},
    {{"FLUSHDB"}},
    {{"KEYS", "*"}},
    {{"SCAN", "0"}},
    {{"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"}},
    {{"CONFIG", "REWRITE"}},
    {{"SCRIPT", "FLUSH"}},
    {{"SCRIPT", "KILL"}},
    {{"FUNCTION", "LIST"}},
    {{"SAVE"}},
    {{"BGREWRITEAOF"}},
    {{"SHUTDOWN", "NOSAVE"}},
    {{"MONITOR"}},
    {{"CLIENT", "LIST"}},
    {{"CLIENT", "KILL", "TYPE", "normal"}},
    {{"REPLICAOF", "127.0.0.1", "1"}},
    {{"MIGRATE", "127.0.0.1", "1", "n:x", "0", "1"}},
    {{"MODULE", "LIST"}},
    {{"ACL", "LIST"}},
    {{"ACL", "SETUSER", "other", "on"}},
    {{"PUBLISH", "channel", "x"}},
    {{"RENAME", "n:a", "n:b"}},
    {{"UNLINK", "n:a"}},
    {{"EXPIRE", "n:a", "1"}},
    /* keys that are not ours */
    {{"GET", "other"}},
    {{"SET", "other", "x"}},
    {{"DEL", "other"}},
    {{"HSET", "other", "f", "x"}},
    {{"EVAL", "return redis.call('GET', KEYS[1])", "1", "other"}},
    {{"EVAL", "return redis.call('SET', 'other', 'x')", "0"}},
    {{"EVAL", "return redis.call('FLUSHALL')", "0"}},
};

static json_t *say(struct redis_ask *ask, const char *const words[MOST_WORDS], struct err *err)
{
    struct slice args[MOST_WORDS];
    size_t count = 0;

    for (; count < MOST_WORDS && words[count]; count++) {
        args[count] = slice_of(words[count]);
    }
    return redis_ask_call(ask, args, count, err);
}

static void what_is_not_needed_is_denied(void **state)
{
    struct redis_server *server = redis_server_start_guarded();
    struct err err = {0};
    struct redis_ask *ask = redis_ask_open(redis_server_url(server), &err);
    size_t wrong = 0;

    (void)state;
    assert_string_equal(err.text, "");
    assert_string_equal(redis_server_command(server, "SET other mine"), "+OK");
    for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
        json_t *answer;

        err_clear(&err);
        answer = say(ask, forbidden[i].words, &err);
        if (answer || (!strstr(err.text, "NOPERM") && !strstr(err.text, "can't run this command or subcommand") &&
                       !strstr(err.text, "can't access") && !strstr(err.text, "ACL failure in script"))) {
            print_error("%s %s: %s\n", forbidden[i].words[0], forbidden[i].words[1] ? forbidden[i].words[1] : "",
                        answer ? "is allowed" : err.text);
            wrong++;
        }
        json_decref(answer);
    }
    assert_string_equal(redis_server_command(server, "DBSIZE"), ":1");
    assert_int_equal(wrong, 0);
    redis_ask_close(ask);
    redis_server_destroy(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_not_needed_is_denied)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
