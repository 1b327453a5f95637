/* The chaos proxy before a small HTTP server, a real Redis and the embedded broker: it spoils what it is told to spoil, and
 * nothing else. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tests/support/chaos_proxy.h"
#include "tests/support/fault_server.h"
#include "tests/support/http_call.h"
#include "tests/support/poll.h"
#include "tests/support/redis_server.h"
#include "tests/support/system.h"

struct scene {
    struct fault_server *server;
    struct chaos_proxy *proxy;
    char to[32];
};

static int set_up(void **state)
{
    struct scene *scene = xcalloc(1, sizeof(*scene));

    scene->server = fault_server_start();
    snprintf(scene->to, sizeof(scene->to), "127.0.0.1:%d", fault_server_port(scene->server));
    scene->proxy = chaos_proxy_start(&(struct chaos_proxy_settings){.to = scene->to, .seed = 1});
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    chaos_proxy_stop(scene->proxy);
    fault_server_stop(scene->server);
    free(scene);
    return 0;
}

static int call(const struct scene *scene, const char *path)
{
    char url[80];

    snprintf(url, sizeof(url), "http://%s%s", chaos_proxy_address(scene->proxy), path);
    return http_call("POST", url, "0123456789", NULL);
}

static int64_t timed_call_ms(const struct scene *scene)
{
    int64_t begin = clock_mono_ms();

    assert_int_equal(call(scene, "/ok"), 201);
    return clock_mono_ms() - begin;
}

static void what_is_not_spoilt_goes_through(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(call(scene, "/ok"), 201);
    assert_int_equal(call(scene, "/echo"), 200);
    assert_int_equal(fault_server_count(scene->server, "/ok"), 1);
    assert_int_equal(chaos_proxy_connections(scene->proxy), 2);
}

static void a_delay_counts_each_way(void **state)
{
    struct scene *scene = *state;

    chaos_proxy_delay(scene->proxy, 60);
    assert_true(timed_call_ms(scene) >= 120);
    chaos_proxy_delay(scene->proxy, 0);
    assert_int_equal(call(scene, "/ok"), 201);
}

static void slices_and_limits_change_no_byte(void **state)
{
    struct scene *scene = *state;
    char url[80];
    struct buf answer;

    snprintf(url, sizeof(url), "http://%s/big", chaos_proxy_address(scene->proxy));
    for (int i = 0; i < 2; i++) {
        chaos_proxy_slice(scene->proxy, i == 0 ? 1000 : 0);
        chaos_proxy_limit(scene->proxy, i == 0 ? 0 : 1 << 20);
        buf_init(&answer, 0);
        assert_int_equal(http_call("GET", url, NULL, &answer), 200);
        assert_int_equal(answer.len, 100 << 10);
        buf_finish(&answer);
    }
}

static void down_refuses_and_comes_back_at_the_same_place(void **state)
{
    struct scene *scene = *state;

    chaos_proxy_down(scene->proxy, true);
    assert_int_equal(call(scene, "/ok"), 0);
    chaos_proxy_down(scene->proxy, false);
    assert_int_equal(call(scene, "/ok"), 201);
    assert_int_equal(fault_server_count(scene->server, "/ok"), 1);
}

static void another_server_can_take_over(void **state)
{
    struct scene *scene = *state;
    struct fault_server *other = fault_server_start();
    char to[32];

    assert_int_equal(call(scene, "/ok"), 201);
    snprintf(to, sizeof(to), "127.0.0.1:%d", fault_server_port(other));
    chaos_proxy_move(scene->proxy, to);
    assert_int_equal(call(scene, "/ok"), 201);
    assert_int_equal(fault_server_count(scene->server, "/ok"), 1);
    assert_int_equal(fault_server_count(other, "/ok"), 1);
    chaos_proxy_move(scene->proxy, scene->to);
    fault_server_stop(other);
}

static void a_swallowed_answer_belongs_to_a_request_that_was_executed(void **state)
{
    struct scene *scene = *state;
    const struct chaos_proxy_drop drop = {.marker = SLICE("POST /ok"), .one_in = 1};

    chaos_proxy_drop(scene->proxy, &drop, 1);
    assert_int_equal(call(scene, "/ok"), 0);
    assert_int_equal(fault_server_count(scene->server, "/ok"), 1);
    assert_int_equal(chaos_proxy_dropped(scene->proxy, 0), 1);
    assert_int_equal(call(scene, "/echo"), 200); /* another request */
    chaos_proxy_drop(scene->proxy, NULL, 0);
    assert_int_equal(call(scene, "/ok"), 201);
}

static void one_in_four_is_about_one_in_four(void **state)
{
    struct scene *scene = *state;
    const struct chaos_proxy_drop drop = {.marker = SLICE("POST /ok"), .one_in = 4};
    int64_t times[100];
    int failed = 0;

    chaos_proxy_drop(scene->proxy, &drop, 1);
    for (int i = 0; i < 80; i++) {
        failed += call(scene, "/ok") == 0;
    }
    assert_in_range(failed, 8, 36);
    assert_int_equal(chaos_proxy_dropped(scene->proxy, 0), failed);
    assert_int_equal(chaos_proxy_drop_times(scene->proxy, times, 100), failed);
    assert_int_equal(fault_server_count(scene->server, "/ok"), 80);
}

/* --- Redis -------------------------------------------------------------------------------------------------------- */

static redisContext *connect_redis(const struct chaos_proxy *proxy)
{
    const char *colon = strrchr(chaos_proxy_address(proxy), ':');
    redisContext *redis = redisConnect("127.0.0.1", (int)strtol(colon + 1, NULL, 10));

    redisSetTimeout(redis, (struct timeval){.tv_sec = 1});
    return redis;
}

static bool increments(redisContext *redis)
{
    redisReply *reply = redisCommand(redis, "INCR counter");
    bool is_answered = reply && reply->type == REDIS_REPLY_INTEGER;

    if (reply) {
        freeReplyObject(reply);
    }
    redisFree(redis);
    return is_answered;
}

static void a_command_of_redis_is_executed_and_its_answer_lost(void **state)
{
    struct redis_server *server = redis_server_start(NULL);
    struct chaos_proxy *proxy =
        chaos_proxy_start(&(struct chaos_proxy_settings){.to = redis_server_socket(server), .seed = 1});
    const struct chaos_proxy_drop drop = {.marker = SLICE("INCR"), .one_in = 1};

    (void)state;
    assert_true(increments(connect_redis(proxy)));
    chaos_proxy_drop(proxy, &drop, 1);
    assert_false(increments(connect_redis(proxy)));
    assert_string_equal(redis_server_command(server, "GET counter"), "$1");
    assert_string_equal(redis_server_command(server, "INCR counter"), ":3");
    chaos_proxy_stop(proxy);
    redis_server_destroy(server);
}

static void a_freeze_holds_everything_and_loses_nothing(void **state)
{
    struct redis_server *server = redis_server_start(NULL);
    struct chaos_proxy *proxy =
        chaos_proxy_start(&(struct chaos_proxy_settings){.to = redis_server_socket(server), .seed = 1});
    redisContext *redis = connect_redis(proxy);
    redisReply *reply;

    (void)state;
    chaos_proxy_freeze(proxy, true);
    reply = redisCommand(redis, "INCR counter"); /* runs into the client's timeout */
    assert_null(reply);
    redisFree(redis);
    assert_string_equal(redis_server_command(server, "EXISTS counter"), ":0");
    chaos_proxy_freeze(proxy, false);
    assert_true(increments(connect_redis(proxy)));
    chaos_proxy_stop(proxy);
    redis_server_destroy(server);
}

/* --- Kafka -------------------------------------------------------------------------------------------------------- */

/* The client is told the proxy's address for every broker, so that nothing goes past it. */
static void kafka_stays_behind_the_proxy(void **state)
{
    const struct system_options options = {0};
    struct system *system = system_create(&options);
    struct chaos_proxy *proxy =
        chaos_proxy_start(&(struct chaos_proxy_settings){.to = system->bootstrap, .is_kafka = true, .seed = 1});
    struct kafka_tool *tool = kafka_tool_create(chaos_proxy_address(proxy));
    const struct kafka_tool_message message = {.partition = 0, .key = SLICE("k"), .value = SLICE("v")};
    int before, sent = 1;

    (void)state;
    kafka_tool_publish(tool, system_topic(system, "events"), &message);
    kafka_tool_flush(tool);
    before = chaos_proxy_connections(proxy);
    chaos_proxy_drop(proxy, &(struct chaos_proxy_drop){.kafka_api = 0, .one_in = 3}, 1);
    for (int i = 0; i < 50 && chaos_proxy_dropped(proxy, 0) == 0; i++, sent++) {
        kafka_tool_publish(tool, system_topic(system, "events"), &message);
        kafka_tool_flush(tool); /* the idempotent producer repeats what got no answer */
    }
    assert_true(chaos_proxy_dropped(proxy, 0) > 0);
    assert_true(chaos_proxy_connections(proxy) > before);
    chaos_proxy_drop(proxy, NULL, 0);
    assert_true(kafka_tool_count(system->kafka, system_topic(system, "events")) >= sent);
    kafka_tool_destroy(tool);
    chaos_proxy_stop(proxy);
    system_destroy(system);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_not_spoilt_goes_through),
        TEST(a_delay_counts_each_way),
        TEST(slices_and_limits_change_no_byte),
        TEST(down_refuses_and_comes_back_at_the_same_place),
        TEST(another_server_can_take_over),
        TEST(a_swallowed_answer_belongs_to_a_request_that_was_executed),
        TEST(one_in_four_is_about_one_in_four),
        cmocka_unit_test(a_command_of_redis_is_executed_and_its_answer_lost),
        cmocka_unit_test(a_freeze_holds_everything_and_loses_nothing),
        cmocka_unit_test(kafka_stays_behind_the_proxy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
