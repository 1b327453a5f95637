/* Connections that break, stand still or lead to a server that is none: every call is answered once. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "io/redis_link.h"
#include "redis_fixture.h"

/* --- breaking ---------------------------------------------------------------------------------------------------- */

static void a_deadline_that_passes_drops_the_connection(void **state)
{
    struct client client = {0};
    struct answer answers[2] = {0};

    (void)state;
    open_ready(&client, 50);
    redis_server_freeze(server, true);
    call(client.redis, "PING", &answers[0]);
    call(client.redis, "PING", &answers[1]);
    assert_true(wait_for_count(client.loop, &answers[1].count, 1));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(answers[i].count, 1);
        assert_int_equal(answers[i].status, REDIS_UNAVAILABLE);
        assert_non_null(strstr(answers[i].text, "timed out"));
    }
    assert_int_equal(client.down_count, 1);
    assert_int_equal(redis_stats(client.redis).timeouts, 1);
    redis_server_freeze(server, false);
    assert_true(wait_for_count(client.loop, &client.ready_count, 2));
    assert_false(client.is_new_server);
    expect(&client, "PING", REDIS_OK, "PONG");
    assert_int_equal(redis_stats(client.redis).reconnects, 1);
    finish(&client);
}

static void a_process_that_stood_still_itself_takes_the_reply_that_is_there(void **state)
{
    struct client client = {0};
    struct answer answer = {0};

    (void)state;
    open_ready(&client, 30);
    call(client.redis, "PING", &answer);
    loop_turn(client.loop, false); /* sent */
    for (int64_t until_ms = clock_mono_ms() + 60; clock_mono_ms() < until_ms;) {
    }
    redis_server_command(server, "PING"); /* by now the other one was answered, too */
    assert_true(wait_for_count(client.loop, &answer.count, 1));
    assert_int_equal(answer.status, REDIS_OK);
    assert_int_equal(client.down_count, 0);
    finish(&client);
}

static void a_killed_server_answers_for_open_commands_and_is_new_when_back(void **state)
{
    struct client client = {0};
    struct answer answers[3] = {0};

    (void)state;
    open_ready(&client, TIMEOUT_MS);
    redis_server_freeze(server, true);
    for (int i = 0; i < 3; i++) {
        call(client.redis, "PING", &answers[i]);
    }
    loop_turn(client.loop, false);
    redis_server_kill(server);
    assert_true(wait_for_count(client.loop, &answers[2].count, 1));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(answers[i].count, 1);
        assert_int_equal(answers[i].status, REDIS_UNAVAILABLE);
    }
    redis_server_restart(server);
    assert_true(wait_for_count(client.loop, &client.ready_count, 2));
    assert_true(client.is_new_server);
    finish(&client);
}

static void every_call_is_answered_once_wherever_the_connection_is_dropped(void **state)
{
    enum { COUNT = 100 };
    struct client client = {0};

    (void)state;
    open_ready(&client, TIMEOUT_MS);
    for (int turns = 0; turns < 12; turns++) {
        struct answer answers[COUNT] = {0};
        int ready_before = client.ready_count;

        for (int i = 0; i < COUNT; i++) {
            call(client.redis, "PING", &answers[i]);
            if (i == turns * 8) {
                loop_turn(client.loop, false);
            }
        }
        for (int i = 0; i < turns; i++) {
            loop_turn(client.loop, false);
        }
        redis_reconnect(client.redis, "test");
        assert_false(redis_is_ready(client.redis));
        assert_true(wait_for_count(client.loop, &client.ready_count, ready_before + 1));
        for (int i = 0; i < COUNT; i++) {
            assert_int_equal(answers[i].count, 1);
        }
    }
    finish(&client);
}

struct stubborn {
    struct client *client;
    int tries;
    int answered;
    struct answer last;
};

static void try_again(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct stubborn *stubborn = arg;

    (void)reply;
    stubborn->answered++;
    if (status == REDIS_UNAVAILABLE && stubborn->tries < 5) {
        const struct slice ping[] = {SLICE("PING")};

        stubborn->tries++;
        redis_call(stubborn->client->redis, ping, 1, try_again, stubborn);
        assert_int_equal(stubborn->answered, stubborn->tries); /* not answered from within the call */
    }
}

static void a_refused_caller_may_call_again_from_its_answer(void **state)
{
    struct client client = {0};
    struct stubborn stubborn = {.client = &client};
    const struct slice ping[] = {SLICE("PING")};

    (void)state;
    open_ready(&client, TIMEOUT_MS);
    redis_server_freeze(server, true);
    redis_call(client.redis, ping, 1, try_again, &stubborn);
    loop_turn(client.loop, false);
    redis_reconnect(client.redis, "test");
    assert_true(wait_for_count(client.loop, &stubborn.answered, 6));
    redis_server_freeze(server, false);
    finish(&client);
}

static void close_at_first_answer(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct client *client = arg;

    (void)status;
    (void)reply;
    client->own.count++;
    if (client->redis) {
        struct redis *redis = client->redis;

        client->redis = NULL;
        redis_close(redis);
    }
}

static void the_client_may_be_closed_from_an_answer_and_all_others_are_still_answered(void **state)
{
    const struct slice ping[] = {SLICE("PING")};

    (void)state;
    for (int is_broken = 0; is_broken < 2; is_broken++) {
        struct client client = {0};

        open_ready(&client, TIMEOUT_MS);
        for (int i = 0; i < 5; i++) {
            redis_call(client.redis, ping, 1, close_at_first_answer, &client);
        }
        if (is_broken) {
            redis_reconnect(client.redis, "test");
        }
        assert_true(wait_for_count(client.loop, &client.own.count, 5));
        wait_turns_ms(client.loop, 10);
        assert_int_equal(client.own.count, 5);
        finish(&client);
    }
}

static void the_client_may_be_closed_from_on_connect(void **state)
{
    struct client client = {.is_closing = true};

    (void)state;
    open_url(&client, redis_server_url(server), TIMEOUT_MS);
    assert_true(wait_for_count(client.loop, &client.connects, 1));
    wait_turns_ms(client.loop, 10);
    assert_int_equal(client.connects, 1);
    finish(&client);
}

/* --- a server that is none --------------------------------------------------------------------------------------- */

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

struct visitor {
    int listener;
    int fd;
};

static bool has_come(void *arg)
{
    struct visitor *visitor = arg;

    visitor->fd = accept4(visitor->listener, NULL, NULL, SOCK_CLOEXEC);
    return visitor->fd >= 0;
}

static void answers_that_are_no_protocol_drop_the_connection(void **state)
{
    static const struct {
        const char *bytes;
        const char *reason; /* a part of it, or "" where it is hiredis' own */
        bool is_closed;     /* right after the bytes */
    } cases[] = {
        {"HTTP/1.1 400 Bad Request\r\n\r\n", "Protocol error", false},
        {"*1000000000\r\n", "", false},
        {"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", "", false},
        {"$-5\r\n", "", false},
        {":12x4\r\n", "", false},
        {"*2\r\n$6\r\nmas", "", true},
        {"-ERR max number of clients reached\r\n", "max number", false},
        {"+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n", "", false},
        {"", "", true},
    };
    char *dir = temp_dir_create();
    char *path = temp_dir_path(dir, "s");
    char *url = xasprintf("unix://%s", path);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct visitor visitor = {.listener = listen_at(path)};
        struct client client = {0};

        open_url(&client, url, TIMEOUT_MS);
        assert_true(wait_until(client.loop, has_come, &visitor));
        assert_true(write(visitor.fd, cases[i].bytes, strlen(cases[i].bytes)) >= 0);
        if (cases[i].is_closed) {
            close(visitor.fd);
        }
        assert_true(wait_for_count(client.loop, &client.down_count, 1));
        if (!cases[i].is_closed) {
            close(visitor.fd);
        }
        if (!strstr(client.reason, cases[i].reason)) {
            fail_msg("%s: %s", cases[i].bytes, client.reason);
        }
        assert_int_equal(client.connects, 0);
        finish(&client);
        close(visitor.listener);
        unlink(path);
    }
    free(url);
    free(path);
    temp_dir_destroy(dir);
}

static void a_server_that_takes_the_connection_and_says_nothing_is_given_up(void **state)
{
    char *dir = temp_dir_create();
    char *path = temp_dir_path(dir, "s");
    char *url = xasprintf("unix://%s", path);
    int listener = listen_at(path);
    const struct redis_settings settings = {url, TIMEOUT_MS, 20, 1};
    struct client client = {.loop = loop_create()};
    const struct redis_events events = {.on_connect = on_connect, .on_state = on_state, .arg = &client};

    (void)state;
    client.redis = redis_open(client.loop, &settings, &events, NULL);
    assert_true(wait_for_count(client.loop, &client.down_count, 1));
    assert_non_null(strstr(client.reason, "timed out"));
    finish(&client);
    close(listener);
    free(url);
    free(path);
    temp_dir_destroy(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deadline_that_passes_drops_the_connection),
        cmocka_unit_test(a_process_that_stood_still_itself_takes_the_reply_that_is_there),
        cmocka_unit_test(a_killed_server_answers_for_open_commands_and_is_new_when_back),
        cmocka_unit_test(every_call_is_answered_once_wherever_the_connection_is_dropped),
        cmocka_unit_test(a_refused_caller_may_call_again_from_its_answer),
        cmocka_unit_test(the_client_may_be_closed_from_an_answer_and_all_others_are_still_answered),
        cmocka_unit_test(the_client_may_be_closed_from_on_connect),
        cmocka_unit_test(answers_that_are_no_protocol_drop_the_connection),
        cmocka_unit_test(a_server_that_takes_the_connection_and_says_nothing_is_given_up),
    };

    return cmocka_run_group_tests(tests, start_all, stop_all);
}
