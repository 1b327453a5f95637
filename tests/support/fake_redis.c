/*
 * fake_redis: a connection to the store. A command reaches the server one millisecond after its turn, its answer comes
 * one millisecond later; both are points.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/mem.h"
#include "fake_redis_store.h"
#include "fake_redis_table.h"
#include "fake_world.h"
#include "fakes.h"
#include "io/redis.h"

enum { MOST_ARGS = 16, LATENCY_MS = 1 };

struct command {
    const struct redis_script *script; /* NULL: a plain command */
    struct slice args[MOST_ARGS];
    size_t count;
    redis_fn fn;
    void *arg;
    bool is_executed, is_owners;
    struct fake_answer answer;
    enum redis_status status;
    struct command *prev, *next; /* list: redis->open or redis->failed */
};

enum state { STATE_WAITING, STATE_OWNER, STATE_READY, STATE_CLOSED };

struct redis {
    struct loop *loop;
    struct redis_settings settings;
    struct redis_events events;
    enum state state;
    bool is_owner_speaking, is_broken, is_state_due;
    char run_id[24], reason[64];
    struct loop_timer *connect_timer, *server_timer, *answer_timer, *failed_timer;
    struct command *open, *failed;
    struct redis_stats stats;
    struct redis *prev, *next; /* list: server.clients */
};

static struct {
    struct redis *clients;
    int run_number;
    bool is_down;
    int64_t latency_ms;
} server;

void fake_redis_begin_world(void)
{
    memset(&server, 0, sizeof(server));
    server.latency_ms = LATENCY_MS;
    fake_store_begin();
}

void fake_redis_end_world(void)
{
    assert(!server.clients);
    fake_store_end();
}

/* --- the connection ----------------------------------------------------------------------------------------------- */

/* Of the questions to all 256 shards only the first counts as a point: they are all alike. */
static bool is_point(const struct command *command)
{
    const struct slice *guard = command->script ? &command->args[0] : &command->args[1];

    if (command->script ? strcmp(command->script->name, "open_shard") != 0
                        : !slice_is(command->args[0], "HGET") && !slice_is(command->args[0], "HSET")) {
        return true;
    }
    return memmem(guard->data, guard->len, ".00}", 4) != NULL;
}

static void free_command(struct command *command)
{
    for (size_t i = 0; i < command->count; i++) {
        free((char *)command->args[i].data);
    }
    free(command);
}

static void answer(struct redis *redis, struct command *command, enum redis_status status,
                   const struct redis_reply *reply)
{
    bool was_speaking = redis->is_owner_speaking;

    redis->is_owner_speaking = command->is_owners && redis->state == STATE_OWNER;
    if (command->fn) {
        command->fn(command->arg, status, reply);
    }
    redis->is_owner_speaking = was_speaking;
    free_command(command);
}

static void drop(struct redis *redis, const char *reason)
{
    if (redis->state == STATE_WAITING || redis->state == STATE_CLOSED) {
        return;
    }
    redis->state = STATE_WAITING;
    redis->is_broken = false;
    redis->is_state_due = true;
    snprintf(redis->reason, sizeof(redis->reason), "%s", reason);
    DL_CONCAT(redis->failed, redis->open);
    redis->open = NULL;
    loop_timer_stop(redis->server_timer);
    loop_timer_stop(redis->answer_timer);
    loop_timer_start(redis->failed_timer, 0);
    loop_timer_start(redis->connect_timer, redis->settings.reconnect_delay_ms);
}

static void answer_failed(struct redis *redis)
{
    struct redis_reply reply = {.type = REDIS_TEXT, .text = slice_of(redis->reason)};
    struct command *list = redis->failed;

    redis->failed = NULL;
    while (list) {
        struct command *command = list;

        DL_DELETE(list, command);
        answer(redis, command, REDIS_UNAVAILABLE, &reply);
    }
}

static void on_failed(void *arg)
{
    struct redis *redis = arg;

    if (redis->is_state_due) {
        redis->is_state_due = false;
        redis->events.on_state(redis->events.arg, false, redis->reason);
    }
    answer_failed(redis);
}

/* The commands of a turn arrive together. */
static void on_server(void *arg)
{
    struct redis *redis = arg;
    struct command *command;

    if (redis->is_broken || server.is_down) {
        drop(redis, "connection lost");
        return;
    }
    DL_FOREACH(redis->open, command)
    {
        if (!command->is_executed) {
            if (is_point(command) && !fakes_reach(FAKE_REDIS_CALL)) {
                if (!fakes_is_dead()) {
                    drop(redis, "connection lost");
                }
                return;
            }
            command->is_executed = true;
            command->status = fake_store_execute(command->script ? command->script->name : NULL, command->args,
                                                 command->count, &command->answer);
        }
    }
    loop_timer_start(redis->answer_timer, server.latency_ms);
}

static void on_answer(void *arg)
{
    struct redis *redis = arg;

    while (redis->open && redis->open->is_executed) {
        struct command *command = redis->open;

        if (redis->is_broken || (is_point(command) && !fakes_reach(FAKE_REDIS_ANSWER))) {
            if (!fakes_is_dead()) {
                drop(redis, "connection lost");
            }
            return;
        }
        DL_DELETE(redis->open, command);
        redis->stats.commands++;
        answer(redis, command, command->status, &command->answer.reply);
        if (fakes_is_dead()) {
            return;
        }
    }
    if (redis->open && !loop_timer_is_active(redis->server_timer)) {
        loop_timer_start(redis->server_timer, server.latency_ms);
    }
}

static void on_connect(void *arg)
{
    struct redis *redis = arg;
    char run_id[24];
    bool is_new;

    if (server.is_down) {
        loop_timer_start(redis->connect_timer, redis->settings.reconnect_delay_ms);
        return;
    }
    snprintf(run_id, sizeof(run_id), "run%d", server.run_number);
    is_new = strcmp(run_id, redis->run_id) != 0;
    memcpy(redis->run_id, run_id, sizeof(run_id));
    redis->state = STATE_OWNER;
    redis->stats.reconnects++;
    if (!redis->events.on_connect) {
        redis_set_ready(redis);
        return;
    }
    redis->is_owner_speaking = true;
    redis->events.on_connect(redis->events.arg, redis->run_id, is_new);
    redis->is_owner_speaking = false;
}

/* --- io/redis.h --------------------------------------------------------------------------------------------------- */

struct redis *redis_open(struct loop *loop, const struct redis_settings *settings, const struct redis_events *events,
                         struct err *err)
{
    struct redis *redis;

    if (strncmp(settings->url, "redis://", 8) != 0) {
        err_set(err, "Redis URL: not understood");
        return NULL;
    }
    redis = xcalloc(1, sizeof(*redis));
    redis->loop = loop;
    redis->settings = *settings;
    redis->events = *events;
    redis->state = STATE_WAITING;
    snprintf(redis->reason, sizeof(redis->reason), "not connected yet");
    redis->connect_timer = loop_timer_create(loop, on_connect, redis);
    redis->server_timer = loop_timer_create(loop, on_server, redis);
    redis->answer_timer = loop_timer_create(loop, on_answer, redis);
    redis->failed_timer = loop_timer_create(loop, on_failed, redis);
    loop_timer_start(redis->connect_timer, LATENCY_MS);
    DL_APPEND(server.clients, redis);
    return redis;
}

void redis_close(struct redis *redis)
{
    if (!redis) {
        return;
    }
    redis->state = STATE_CLOSED;
    snprintf(redis->reason, sizeof(redis->reason), "closed");
    DL_CONCAT(redis->failed, redis->open);
    redis->open = NULL;
    while (redis->failed) {
        answer_failed(redis); /* answers may make calls */
    }
    loop_timer_destroy(redis->connect_timer);
    loop_timer_destroy(redis->server_timer);
    loop_timer_destroy(redis->answer_timer);
    loop_timer_destroy(redis->failed_timer);
    DL_DELETE(server.clients, redis);
    free(redis);
}

void redis_set_ready(struct redis *redis)
{
    if (redis->state == STATE_OWNER) {
        redis->state = STATE_READY;
        redis->events.on_state(redis->events.arg, true, "");
    }
}

bool redis_is_ready(const struct redis *redis)
{
    return redis->state == STATE_READY;
}

void redis_reconnect(struct redis *redis, const char *reason)
{
    drop(redis, reason);
}

static void send(struct redis *redis, const struct redis_script *script, const struct slice args[], size_t count,
                 redis_fn fn, void *arg)
{
    struct command *command = xmalloc(sizeof(*command)); /* the answer, 8 KB, is filled when there is one */

    command->is_executed = false;
    command->status = REDIS_OK;
    command->prev = command->next = NULL;
    assert(count <= MOST_ARGS);
    command->script = script;
    command->count = count;
    command->fn = fn;
    command->arg = arg;
    command->is_owners = redis->is_owner_speaking;
    for (size_t i = 0; i < count; i++) {
        command->args[i] = slice_make(xmemdup(args[i].data, args[i].len), args[i].len);
    }
    if (redis->state == STATE_READY || (redis->state == STATE_OWNER && redis->is_owner_speaking)) {
        DL_APPEND(redis->open, command);
        if (!loop_timer_is_active(redis->server_timer) && !loop_timer_is_active(redis->answer_timer)) {
            loop_timer_start(redis->server_timer, server.latency_ms);
        }
        return;
    }
    DL_APPEND(redis->failed, command);
    if (redis->state != STATE_CLOSED && !loop_timer_is_active(redis->failed_timer)) {
        /* Not later than it was: a new connection comes after the end of the old. */
        loop_timer_start(redis->failed_timer, 0);
    }
}

void redis_call(struct redis *redis, const struct slice args[], size_t count, redis_fn fn, void *arg)
{
    send(redis, NULL, args, count, fn, arg);
}

void redis_eval(struct redis *redis, const struct redis_script *script, const struct slice args[], size_t count,
                redis_fn fn, void *arg)
{
    send(redis, script, args, count, fn, arg);
}

void redis_add_script(struct redis *redis, const struct redis_script *script)
{
    (void)redis;
    assert(script->source[0] && script->key_count > 0);
}

struct redis_stats redis_stats(const struct redis *redis)
{
    return redis->stats;
}

/* --- faults ------------------------------------------------------------------------------------------------------- */

static void on_broken(struct redis *redis)
{
    redis->is_broken = true;
    loop_timer_start(redis->server_timer, 0); /* notices it */
}

void fake_redis_crash(void)
{
    fake_redis_empty();
    server.run_number++;
    fake_redis_break();
}

void fake_redis_break(void)
{
    struct redis *redis;

    DL_FOREACH(server.clients, redis)
    {
        if (redis->state != STATE_WAITING && redis->state != STATE_CLOSED) {
            on_broken(redis);
        }
    }
}

void fake_redis_fail_over(void)
{
    fake_table_load();
    server.run_number++;
    fake_redis_break();
}

void fake_redis_set_latency(int64_t ms)
{
    server.latency_ms = ms;
}

void fake_redis_set_down(bool is_down)
{
    server.is_down = is_down;
    if (is_down) {
        fake_redis_break();
    }
}
