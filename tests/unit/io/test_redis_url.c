#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "io/redis_refusal.h"
#include "io/redis_url.h"

static void assert_text(const char *name, const char *got, const char *expected)
{
    if ((got == NULL) != (expected == NULL) || (got && strcmp(got, expected) != 0)) {
        fail_msg("%s: got %s, expected %s", name, got ? got : "nothing", expected ? expected : "nothing");
    }
}

static void a_message_names_the_server_and_no_secret(void **state)
{
    static const char *const cases[][2] = {
        {"redis://joe:s3cret@cache.example.com:1234/7", "cache.example.com:1234"},
        {"rediss://h", "h:6379"},
        {"redis://[fe80::1]:99", "[fe80::1]:99"},
        {"unix://u:s3cret@/run/r.sock", "/run/r.sock"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct redis_url url;
        char text[64];

        assert_true(redis_url_parse(cases[i][0], &url, NULL));
        redis_url_format_address(&url, text, sizeof(text));
        assert_string_equal(text, cases[i][1]);
        redis_url_finish(&url);
    }
}

static void urls_are_taken_apart(void **state)
{
    static const struct {
        const char *text;
        struct {
            const char *host;
            int port;
            const char *path;
            const char *user;
            const char *password;
            int db;
            bool is_tls;
        } expected;
    } cases[] = {
        {"redis://h", {.host = "h", .port = 6379}},
        {"redis://h:1234/", {.host = "h", .port = 1234}},
        {"redis://h:1234/7", {.host = "h", .port = 1234, .db = 7}},
        {"redis://[::1]:99/2", {.host = "::1", .port = 99, .db = 2}},
        {"redis://[fe80::1]", {.host = "fe80::1", .port = 6379}},
        {"redis://:pw@h", {.host = "h", .port = 6379, .password = "pw"}},
        {"redis://joe:p%40w%3a@h:1", {.host = "h", .port = 1, .user = "joe", .password = "p@w:"}},
        {"redis://joe:a:b@h", {.host = "h", .port = 6379, .user = "joe", .password = "a:b"}},
        {"rediss://h:6380", {.host = "h", .port = 6380, .is_tls = true}},
        {"unix:///run/r.sock", {.path = "/run/r.sock"}},
        {"unix:///run/r@1.sock?db=3", {.path = "/run/r@1.sock", .db = 3}},
        {"unix://u:p@/run/r.sock", {.path = "/run/r.sock", .user = "u", .password = "p"}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct redis_url url;
        struct err err = {0};

        if (!redis_url_parse(cases[i].text, &url, &err)) {
            fail_msg("%s: %s", cases[i].text, err.text);
        }
        assert_text(cases[i].text, url.host, cases[i].expected.host);
        assert_text(cases[i].text, url.path, cases[i].expected.path);
        assert_text(cases[i].text, url.user, cases[i].expected.user);
        assert_text(cases[i].text, url.password, cases[i].expected.password);
        assert_int_equal(url.port, cases[i].expected.port);
        assert_int_equal(url.db, cases[i].expected.db);
        assert_int_equal(url.is_tls, cases[i].expected.is_tls);
        redis_url_finish(&url);
    }
}

static void bad_urls_are_refused_with_a_reason_that_tells_no_secret(void **state)
{
    static const struct {
        const char *text;
        const char *reason;
    } cases[] = {
        {"", "must begin with"},
        {"http://secret@h", "must begin with"},
        {"redis://", "no host"},
        {"redis://:6379", "no host"},
        {"redis://h:", "bad port"},
        {"redis://h:0", "bad port"},
        {"redis://h:65536", "bad port"},
        {"redis://h:12x", "bad port"},
        {"redis://h/x", "bad database"},
        {"redis://h/1234567", "bad database"},
        {"redis://[::1", "without ']'"},
        {"redis://[::1]x", "bad port"},
        {"redis://secret@h", "without a password"},
        {"redis://secret:@h", "without a password"},
        {"redis://u:secret%4@h", "%-escape"},
        {"redis://u:secret%zz@h", "%-escape"},
        {"redis://u:secret%00@h", "%-escape"},
        {"unix://", "no absolute path"},
        {"unix://u:secret@run", "no absolute path"},
        {"unix:///r?x=1", "?db="},
        {"unix:///r?db=", "?db="},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct redis_url url;
        struct err err = {0};

        if (redis_url_parse(cases[i].text, &url, &err)) {
            fail_msg("%s was accepted", cases[i].text);
        }
        if (!strstr(err.text, cases[i].reason) || strstr(err.text, "secret")) {
            fail_msg("%s: %s", cases[i].text, err.text);
        }
    }
}

static void errors_of_the_servers_state_are_told_from_errors_of_the_command(void **state)
{
    static const struct {
        const char *text;
        enum redis_refusal expected;
    } cases[] = {
        {"OOM command not allowed when used memory > 'maxmemory'.", REDIS_REFUSAL_FOR_NOW},
        {"OOM", REDIS_REFUSAL_FOR_NOW},
        {"NOREPLICAS Not enough good replicas to write.", REDIS_REFUSAL_FOR_NOW},
        {"MISCONF Redis is configured to save RDB snapshots", REDIS_REFUSAL_FOR_NOW},
        {"CLUSTERDOWN Hash slot not served", REDIS_REFUSAL_FOR_NOW},
        {"TRYAGAIN Multiple keys request during rehashing of slot", REDIS_REFUSAL_FOR_NOW},
        {"BUSY Redis is busy running a script.", REDIS_REFUSAL_FOR_NOW},
        {"MOVED 866 127.0.0.1:6381", REDIS_REFUSAL_FOR_NOW},
        {"BUSYKEY Target key name already exists.", REDIS_REFUSAL_OF_COMMAND},
        {"BUSYGROUP Consumer Group name already exists", REDIS_REFUSAL_OF_COMMAND},
        {"READONLY You can't write against a read only replica.", REDIS_REFUSAL_OF_CONNECTION},
        {"LOADING Redis is loading the dataset in memory", REDIS_REFUSAL_OF_CONNECTION},
        {"MASTERDOWN Link with MASTER is down", REDIS_REFUSAL_OF_CONNECTION},
        {"NOAUTH Authentication required.", REDIS_REFUSAL_OF_CONNECTION},
        {"NOPERM this user has no permissions", REDIS_REFUSAL_OF_COMMAND},
        {"WRONGTYPE Operation against a key", REDIS_REFUSAL_OF_COMMAND},
        {"ERR unknown command", REDIS_REFUSAL_OF_COMMAND},
        {"ERR Error running script (call to f_1): @user_script:1: @user_script: 1: -OOM command not allowed",
         REDIS_REFUSAL_FOR_NOW},
        {"ERR Error running script (call to f_1): @user_script:1: @user_script: 1: -READONLY You can't write",
         REDIS_REFUSAL_OF_CONNECTION},
        {"ERR Error running script (call to f_1): attempt to index a nil value", REDIS_REFUSAL_OF_COMMAND},
        {"", REDIS_REFUSAL_OF_COMMAND},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (redis_refusal_of(slice_of(cases[i].text)) != cases[i].expected) {
            fail_msg("%s: not %d", cases[i].text, cases[i].expected);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_taken_apart),
        cmocka_unit_test(a_message_names_the_server_and_no_secret),
        cmocka_unit_test(bad_urls_are_refused_with_a_reason_that_tells_no_secret),
        cmocka_unit_test(errors_of_the_servers_state_are_told_from_errors_of_the_command),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
