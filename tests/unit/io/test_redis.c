/* Against a real redis-server, and for what a real one does not do, against a socket of the test's own. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/redis_link.h"
#include "redis_fixture.h"

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
        cmocka_unit_test(rediss_is_refused_at_start_where_hiredis_has_no_tls),
    };

    return cmocka_run_group_tests(tests, start_all, stop_all);
}
