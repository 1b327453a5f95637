/* Against a real redis-server, and for what a real one does not do, against a socket of the test's own. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "io/redis.h"
#include "io/redis_link.h"
#include "tests/support/redis_server.c"
#include "tests/support/temp_dir.c"
#include "tests/support/wait.c"

enum { TIMEOUT_MS = 5000 };

struct answer {
    int count; /* how often it was given: exactly once */
    enum redis_status status;
    enum redis_type type;
    int64_t number;
    size_t items;
    char text[128];
};

struct client {
    struct loop *loop;
    struct redis *redis;
    int connects;
    int ready_count;
    int down_count;
    bool is_new_server;
    char reason[256];
    /* What on_connect does: */
    bool is_own_pace;  /* the test says when it is ready */
    bool is_closing;   /* closes the client */
    struct answer own; /* of a command issued there */
};

static struct redis_server *server;

static void on_answer(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct answer *answer = arg;

    answer->count++;
    answer->status = status;
    answer->type = reply->type;
    answer->number = reply->number;
    answer->items = reply->count;
    snprintf(answer->text, sizeof(answer->text), "%.*s", (int)reply->text.len, reply->text.len ? reply->text.data : "");
}

/* Words separated by blanks. */
static void call(struct redis *redis, const char *words, struct answer *answer)
{
    struct slice args[16];
    size_t count = 0;

    while (*words) {
        size_t len = strcspn(words, " ");

        args[count++] = slice_make(words, len);
        words += len + (words[len] == ' ');
    }
    redis_call(redis, args, count, on_answer, answer);
}

static void expect(struct client *client, const char *words, enum redis_status status, const char *text)
{
    struct answer answer = {0};

    call(client->redis, words, &answer);
    assert_int_equal(answer.count, 0);
    assert_true(wait_for_count(client->loop, &answer.count, 1));
    if (answer.status != status || !strstr(answer.text, text)) {
        fail_msg("%s: status %d, %s", words, answer.status, answer.text);
    }
}

static void on_connect(void *arg, const char *run_id, bool is_new_server)
{
    struct client *client = arg;

    assert_int_equal(strlen(run_id), 40);
    client->connects++;
    client->is_new_server = is_new_server;
    if (client->is_closing) {
        redis_close(client->redis);
        client->redis = NULL;
        return;
    }
    if (client->is_own_pace) {
        call(client->redis, "INCR owner", &client->own);
        return;
    }
    redis_set_ready(client->redis);
}

static void on_state(void *arg, bool is_ready, const char *reason)
{
    struct client *client = arg;

    if (is_ready) {
        client->ready_count++;
    } else {
        client->down_count++;
        snprintf(client->reason, sizeof(client->reason), "%s", reason);
    }
}

static void open_url(struct client *client, const char *url, int64_t timeout_ms)
{
    const struct redis_settings settings = {url, timeout_ms, TIMEOUT_MS, 1};
    const struct redis_events events = {.on_connect = on_connect, .on_state = on_state, .arg = client};
    struct err err = {0};

    client->loop = loop_create();
    client->redis = redis_open(client->loop, &settings, &events, &err);
    if (!client->redis) {
        fail_msg("%s", err.text);
    }
}

static void open_ready(struct client *client, int64_t timeout_ms)
{
    open_url(client, redis_server_url(server), timeout_ms);
    assert_false(redis_is_ready(client->redis));
    assert_true(wait_for_count(client->loop, &client->ready_count, 1));
    assert_true(redis_is_ready(client->redis));
}

static void finish(struct client *client)
{
    redis_close(client->redis);
    loop_destroy(client->loop);
}

static long long server_stat(const char *name)
{
    int fd = connect_to(server);
    char text[16384];
    size_t len = 0;
    ssize_t got;
    const char *at;

    assert_true(write(fd, "INFO stats\r\n", 12) == 12);
    do {
        got = read(fd, text + len, sizeof(text) - 1 - len);
        len += got > 0 ? (size_t)got : 0;
        text[len] = '\0';
    } while (got > 0 && !strstr(text, "\r\n\r\n") && !strstr(text, "total_writes_processed"));
    close(fd);
    at = strstr(text, name);
    assert_non_null(at);
    return strtoll(at + strlen(name) + 1, NULL, 10);
}

/* --- replies ----------------------------------------------------------------------------------------------------- */

static void replies_of_every_type_arrive(void **state)
{
    struct client client = {0};
    struct answer answer = {0};

    (void)state;
    open_ready(&client, TIMEOUT_MS);
    expect(&client, "SET types:text hello", REDIS_OK, "OK");
    call(client.redis, "GET types:text", &answer);
    assert_true(wait_for_count(client.loop, &answer.count, 1));
    assert_int_equal(answer.type, REDIS_TEXT);
    assert_string_equal(answer.text, "hello");
    call(client.redis, "GET types:none", &answer);
    assert_true(wait_for_count(client.loop, &answer.count, 2));
    assert_int_equal(answer.type, REDIS_NIL);
    call(client.redis, "STRLEN types:text", &answer);
    assert_true(wait_for_count(client.loop, &answer.count, 3));
    assert_int_equal(answer.type, REDIS_INT);
    assert_int_equal(answer.number, 5);
    call(client.redis, "LRANGE types:none 0 -1", &answer);
    assert_true(wait_for_count(client.loop, &answer.count, 4));
    assert_int_equal(answer.type, REDIS_ARRAY);
    assert_int_equal(answer.items, 0);
    expect(&client, "LPUSH types:text x", REDIS_ERROR, "WRONGTYPE");
    expect(&client, "NOSUCHCOMMAND", REDIS_ERROR, "unknown command");
    assert_int_equal(redis_stats(client.redis).errors, 2);
    finish(&client);
}

static void check_nested(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    bool *is_done = arg;

    assert_int_equal(status, REDIS_OK);
    assert_int_equal(reply->type, REDIS_ARRAY);
    assert_int_equal(reply->count, 3);
    assert_int_equal(reply->items[0].number, 7);
    assert_int_equal(reply->items[1].count, 2);
    assert_true(slice_is(reply->items[1].items[0].text, "a"));
    assert_int_equal(reply->items[1].items[1].items[0].number, -1);
    assert_true(slice_equal(reply->items[2].text, slice_make("x\0\r\ny", 5)));
    *is_done = true;
}

static void nested_arrays_and_binary_text_arrive_whole(void **state)
{
    static const struct redis_script script = {"nested", "return {7, {'a', {-1}}, ARGV[1]}", 0};
    const struct slice args[] = {{"x\0\r\ny", 5}};
    struct client client = {0};
    bool is_done = false;

    (void)state;
    open_ready(&client, TIMEOUT_MS);
    redis_eval(client.redis, &script, args, 1, check_nested, &is_done);
    assert_true(wait_for_flag(client.loop, &is_done));
    finish(&client);
}

struct big {
    bool is_done;
    size_t len;
    size_t count;
};

static void check_big(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct big *big = arg;

    assert_int_equal(status, REDIS_OK);
    big->len = reply->text.len;
    big->count = reply->count;
    for (size_t i = 0; i < reply->text.len; i++) {
        assert_int_equal(reply->text.data[i], 'b');
    }
    for (size_t i = 0; i < reply->count; i++) {
        assert_int_equal(reply->items[i].number, (int64_t)i + 1);
    }
    big->is_done = true;
}

static void big_commands_and_big_replies_pass(void **state)
{
    static const struct redis_script many = {"many", "local t = {} for i = 1, 100000 do t[i] = i end return t", 0};
    enum { LEN = 3 << 20 };
    struct client client = {0};
    struct big set = {0}, get = {0}, array = {0};
    char *text = xmalloc(LEN);
    const struct slice set_args[] = {SLICE("SETRANGE"), SLICE("big"), SLICE("0"), {text, LEN}};
    const struct slice get_args[] = {SLICE("GET"), SLICE("big")};

    (void)state;
    memset(text, 'b', LEN);
    open_ready(&client, TIMEOUT_MS);
    redis_call(client.redis, set_args, 4, check_big, &set);
    free(text); /* arguments were copied */
    redis_call(client.redis, get_args, 2, check_big, &get);
    redis_eval(client.redis, &many, NULL, 0, check_big, &array);
    assert_true(wait_for_flag(client.loop, &array.is_done));
    assert_int_equal(get.len, LEN);
    assert_int_equal(array.count, 100000);
    finish(&client);
}

static void commands_of_one_turn_leave_in_one_write_and_are_answered_in_order(void **state)
{
    enum { COUNT = 200 };
    struct client client = {0};
    struct answer answers[COUNT] = {0};
    long long before, after;

    (void)state;
    open_ready(&client, TIMEOUT_MS);
    expect(&client, "SET n 0", REDIS_OK, "OK");
    before = server_stat("total_reads_processed");
    for (int i = 0; i < COUNT; i++) {
        call(client.redis, "INCR n", &answers[i]);
    }
    assert_true(wait_for_count(client.loop, &answers[COUNT - 1].count, 1));
    after = server_stat("total_reads_processed");
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(answers[i].count, 1);
        assert_int_equal(answers[i].number, i + 1);
    }
    /* One for the commands, one for the end of the first server_stat(), one for the second. */
    assert_in_range(after - before, 1, 3);
    assert_true(redis_stats(client.redis).commands >= COUNT);
    finish(&client);
}

/* --- scripts ----------------------------------------------------------------------------------------------------- */

static void scripts_are_loaded_on_connect_and_said_again_in_full_when_forgotten(void **state)
{
    static const struct redis_script script = {"add", "return KEYS[1] .. '+' .. ARGV[1]", 1};
    const struct redis_settings settings = {redis_server_url(server), TIMEOUT_MS, TIMEOUT_MS, 1};
    struct client client = {.loop = loop_create()};
    const struct redis_events events = {.on_connect = on_connect, .on_state = on_state, .arg = &client};
    const struct slice args[] = {SLICE("k"), SLICE("a")};
    struct answer answer = {0};

    (void)state;
    client.redis = redis_open(client.loop, &settings, &events, NULL);
    redis_add_script(client.redis, &script);
    assert_true(wait_for_count(client.loop, &client.ready_count, 1));
    redis_server_command(server, "CONFIG RESETSTAT");
    redis_eval(client.redis, &script, args, 2, on_answer, &answer);
    assert_true(wait_for_count(client.loop, &answer.count, 1));
    assert_string_equal(answer.text, "k+a");
    assert_int_equal(server_stat("total_error_replies"), 0); /* it was known under its sha */

    assert_string_equal(redis_server_command(server, "SCRIPT FLUSH"), "+OK");
    redis_eval(client.redis, &script, args, 2, on_answer, &answer);
    assert_true(wait_for_count(client.loop, &answer.count, 2));
    assert_int_equal(answer.status, REDIS_OK);
    assert_string_equal(answer.text, "k+a");
    assert_int_equal(server_stat("total_error_replies"), 1); /* NOSCRIPT, once */
    assert_int_equal(redis_stats(client.redis).errors, 0);   /* not an error to the caller */
    finish(&client);
}

static void a_script_the_server_refuses_keeps_the_client_from_becoming_ready(void **state)
{
    static const struct redis_script broken = {"broken", "return (", 0};
    const struct redis_settings settings = {redis_server_url(server), TIMEOUT_MS, TIMEOUT_MS, 1};
    struct client client = {.loop = loop_create()};
    const struct redis_events events = {.on_connect = on_connect, .on_state = on_state, .arg = &client};

    (void)state;
    client.redis = redis_open(client.loop, &settings, &events, NULL);
    redis_add_script(client.redis, &broken);
    assert_true(wait_for_count(client.loop, &client.down_count, 1));
    assert_non_null(strstr(client.reason, "script broken refused"));
    assert_int_equal(client.ready_count, 0);
    finish(&client);
}

/* --- not ready --------------------------------------------------------------------------------------------------- */

static void calls_made_too_early_are_refused_but_not_from_within_the_call(void **state)
{
    struct client client = {0};
    struct answer answer = {0};

    (void)state;
    open_url(&client, redis_server_url(server), TIMEOUT_MS);
    call(client.redis, "PING", &answer);
    assert_int_equal(answer.count, 0);
    loop_turn(client.loop, false);
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.status, REDIS_UNAVAILABLE);
    finish(&client);
}

static void only_the_owners_commands_pass_until_it_says_ready(void **state)
{
    struct client client = {.is_own_pace = true};
    struct answer stranger = {0};

    (void)state;
    redis_server_command(server, "DEL owner");
    open_url(&client, redis_server_url(server), TIMEOUT_MS);
    assert_true(wait_for_count(client.loop, &client.own.count, 1));
    assert_int_equal(client.own.status, REDIS_OK);
    assert_int_equal(client.own.number, 1);
    assert_false(redis_is_ready(client.redis));
    call(client.redis, "INCR owner", &stranger);
    assert_true(wait_for_count(client.loop, &stranger.count, 1));
    assert_int_equal(stranger.status, REDIS_UNAVAILABLE);
    redis_set_ready(client.redis);
    expect(&client, "GET owner", REDIS_OK, "1");
    finish(&client);
}

static void a_server_that_is_not_there_is_waited_for(void **state)
{
    struct client client = {0};

    (void)state;
    redis_server_kill(server);
    open_url(&client, redis_server_url(server), TIMEOUT_MS);
    assert_true(wait_for_count(client.loop, &client.down_count, 1));
    assert_true(client.reason[0] != '\0');
    redis_server_restart(server);
    assert_true(wait_for_count(client.loop, &client.ready_count, 1));
    finish(&client);
}

static void names_are_looked_up_and_every_address_is_tried(void **state)
{
    struct client client = {0};
    struct client nowhere = {0};
    char url[64];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char command[64];

    (void)state;
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    close(fd);
    snprintf(command, sizeof(command), "CONFIG SET port %d", ntohs(address.sin_port));
    assert_string_equal(redis_server_command(server, command), "+OK"); /* on IPv4 only; localhost may be ::1 first */
    snprintf(url, sizeof(url), "redis://localhost:%d/3", ntohs(address.sin_port));
    open_url(&client, url, TIMEOUT_MS);
    assert_true(wait_for_count(client.loop, &client.ready_count, 1));
    expect(&client, "CLIENT INFO", REDIS_OK, "id=");
    finish(&client);
    redis_server_command(server, "CONFIG SET port 0");

    open_url(&nowhere, "redis://no-such-host.invalid", TIMEOUT_MS);
    assert_true(wait_for_count(nowhere.loop, &nowhere.down_count, 1));
    assert_non_null(strstr(nowhere.reason, "look up"));
    finish(&nowhere);
}

static void a_client_closed_while_it_looks_up_a_name_leaves_nothing_behind(void **state)
{
    struct client client = {0};

    (void)state;
    open_url(&client, "redis://localhost:1", TIMEOUT_MS);
    loop_turn(client.loop, false); /* the look-up runs in a thread now */
    finish(&client);
}

/* --- the check of a connection ----------------------------------------------------------------------------------- */

static void user_password_and_database_are_used(void **state)
{
    static const char *const options[] = {"--requirepass", "s3cret", "--user", "app", "on", ">pa:ss", "~*", "+@all",
                                          NULL};
    static const struct {
        const char *user_info;
        bool is_good;
    } cases[] = {{":s3cret@", true}, {"app:pa%3ass@", true}, {":wrong@", false}, {"", false}, {"app:s3cret@", false}};
    struct redis_server *locked = redis_server_start(options);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct client client = {0};
        char *url = xasprintf("unix://%s%s?db=5", cases[i].user_info, redis_server_socket(locked));

        open_url(&client, url, TIMEOUT_MS);
        if (cases[i].is_good) {
            assert_true(wait_for_count(client.loop, &client.ready_count, 1));
            expect(&client, "CLIENT LIST", REDIS_OK, "db=5");
        } else {
            assert_true(wait_for_count(client.loop, &client.down_count, 1));
            assert_null(strstr(client.reason, "s3cret"));
            assert_int_equal(client.connects, 0);
        }
        finish(&client);
        free(url);
    }
    redis_server_destroy(locked);
}

static void a_replica_is_not_used_and_a_demoted_master_is_left(void **state)
{
    struct client client = {0};

    (void)state;
    open_ready(&client, TIMEOUT_MS);
    assert_string_equal(redis_server_command(server, "REPLICAOF 127.0.0.1 1"), "+OK");
    expect(&client, "SET a b", REDIS_UNAVAILABLE, "READONLY");
    assert_false(redis_is_ready(client.redis));
    assert_true(wait_for_count(client.loop, &client.down_count, 2));
    assert_non_null(strstr(client.reason, ": a replica of 127.0.0.1:1, not a master; REDIS_URL must name the master"));
    assert_int_equal(client.ready_count, 1);
    assert_string_equal(redis_server_command(server, "REPLICAOF NO ONE"), "+OK");
    assert_true(wait_for_count(client.loop, &client.ready_count, 2));
    expect(&client, "SET a b", REDIS_OK, "OK");
    finish(&client);
}

static void a_full_server_is_unavailable_but_the_connection_stays(void **state)
{
    struct client client = {0};

    (void)state;
    open_ready(&client, TIMEOUT_MS);
    redis_server_command(server, "CONFIG SET maxmemory 1");
    expect(&client, "SET a b", REDIS_UNAVAILABLE, "OOM");
    redis_server_command(server, "CONFIG SET maxmemory 0");
    expect(&client, "SET a b", REDIS_OK, "OK");
    assert_int_equal(client.connects, 1);
    finish(&client);
}

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

static void rediss_is_refused_at_start_where_hiredis_has_no_tls(void **state)
{
    const struct redis_settings settings = {"rediss://h", 1, 1, 1};
    const struct redis_events events = {0};
    struct loop *loop;
    struct err err = {0};

    (void)state;
    if (redis_link_has_tls()) {
        skip();
    }
    loop = loop_create();
    assert_null(redis_open(loop, &settings, &events, &err));
    assert_non_null(strstr(err.text, "TLS"));
    loop_destroy(loop);
}

static int start_all(void **state)
{
    (void)state;
    server = redis_server_start(NULL);
    return 0;
}

static int stop_all(void **state)
{
    (void)state;
    redis_server_destroy(server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_of_every_type_arrive),
        cmocka_unit_test(nested_arrays_and_binary_text_arrive_whole),
        cmocka_unit_test(big_commands_and_big_replies_pass),
        cmocka_unit_test(commands_of_one_turn_leave_in_one_write_and_are_answered_in_order),
        cmocka_unit_test(scripts_are_loaded_on_connect_and_said_again_in_full_when_forgotten),
        cmocka_unit_test(a_script_the_server_refuses_keeps_the_client_from_becoming_ready),
        cmocka_unit_test(calls_made_too_early_are_refused_but_not_from_within_the_call),
        cmocka_unit_test(only_the_owners_commands_pass_until_it_says_ready),
        cmocka_unit_test(a_server_that_is_not_there_is_waited_for),
        cmocka_unit_test(names_are_looked_up_and_every_address_is_tried),
        cmocka_unit_test(a_client_closed_while_it_looks_up_a_name_leaves_nothing_behind),
        cmocka_unit_test(user_password_and_database_are_used),
        cmocka_unit_test(a_replica_is_not_used_and_a_demoted_master_is_left),
        cmocka_unit_test(a_full_server_is_unavailable_but_the_connection_stays),
        cmocka_unit_test(a_deadline_that_passes_drops_the_connection),
        cmocka_unit_test(a_process_that_stood_still_itself_takes_the_reply_that_is_there),
        cmocka_unit_test(a_killed_server_answers_for_open_commands_and_is_new_when_back),
        cmocka_unit_test(every_call_is_answered_once_wherever_the_connection_is_dropped),
        cmocka_unit_test(a_refused_caller_may_call_again_from_its_answer),
        cmocka_unit_test(the_client_may_be_closed_from_an_answer_and_all_others_are_still_answered),
        cmocka_unit_test(the_client_may_be_closed_from_on_connect),
        cmocka_unit_test(answers_that_are_no_protocol_drop_the_connection),
        cmocka_unit_test(a_server_that_takes_the_connection_and_says_nothing_is_given_up),
        cmocka_unit_test(rediss_is_refused_at_start_where_hiredis_has_no_tls),
    };

    return cmocka_run_group_tests(tests, start_all, stop_all);
}
