#include "tests/fuzz/redis_bytes.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/number.h"
#include "io/redis_reader.h"
#include "io/redis_refusal.h"

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

enum { FAST_MS = 1, MOST_REPLIES = 64 };

struct command {
    char name[REDIS_BYTES_WORD_SIZE];
    bool is_of_many; /* the same as to the first of 256 shards */
    redis_fn fn;
    void *arg;
    struct command *prev, *next; /* list: redis->commands */
};

struct redis {
    struct redis_events events;
    struct loop_timer *connect_timer, *answer_timer;
    struct command *commands;
    bool is_ready, is_closed;
};

static struct server {
    struct slice names;
    struct redis_reader *reader;
    redisAsyncContext context;
    int replies;
    bool is_used_up;
    char mark[48]; /* of the last rebuild */
} server;

struct redis_bytes_said redis_bytes_said;

bool redis_bytes_names(const char *name)
{
    struct slice rest = server.names;

    while (rest.len) {
        const char *blank = memchr(rest.data, ' ', rest.len);
        size_t len = blank ? (size_t)(blank - rest.data) : rest.len;

        if (slice_is(slice_make(rest.data, len), name)) {
            return true;
        }
        rest = slice_make(rest.data + len + (blank != NULL), rest.len - len - (blank != NULL));
    }
    return false;
}

void redis_bytes_begin(struct slice names, struct slice replies)
{
    server.names = names;
    server.replies = 0;
    server.is_used_up = false;
    redis_bytes_said.is_from_input = false;
    server.mark[0] = '\0';
    server.reader = redis_reader_create();
    server.context.c.reader = redisReaderCreate();
    redis_reader_attach(server.reader, &server.context);
    redisReaderFeed(server.context.c.reader, replies.data, replies.len);
}

void redis_bytes_end(void)
{
    redisReaderFree(server.context.c.reader);
    redis_reader_destroy(server.reader);
}

bool redis_bytes_take(enum redis_status *status, struct redis_reply *reply)
{
    void *raw = NULL;

    if (server.is_used_up || server.replies++ == MOST_REPLIES) {
        return false;
    }
    redis_reader_expect(server.reader);
    if (redisReaderGetReply(server.context.c.reader, &raw) != 0 || !raw) {
        server.is_used_up = true;
        return false;
    }
    *status = REDIS_OK;
    if (redis_reader_convert(server.reader, raw, reply)) {
        *status = redis_refusal_of(reply->text) == REDIS_REFUSAL_OF_COMMAND ? REDIS_ERROR : REDIS_UNAVAILABLE;
    }
    return true;
}

/* A server in good health that has just been made sure of. */
static void answer_well(const char *name, struct redis_reply *reply, struct redis_reply items[5])
{
    static char seconds[NUMBER_TEXT_SIZE];

    *reply = (struct redis_reply){.type = REDIS_TEXT, .text = SLICE("OK")};
    memset(items, 0, 5 * sizeof(*items));
    if (strcmp(name, "TIME") == 0) {
        items[0] = (struct redis_reply){.type = REDIS_TEXT, .text = number_format(clock_wall_ms() / 1000, seconds)};
        items[1] = (struct redis_reply){.type = REDIS_TEXT, .text = SLICE("0")};
        *reply = (struct redis_reply){.type = REDIS_ARRAY, .items = items, .count = 2};
    } else if (strcmp(name, "HGET") == 0) {
        reply->text = SLICE("1795255200000");
    } else if (strcmp(name, "mark") == 0) {
        reply->text = slice_of(server.mark);
    } else if (strcmp(name, "server") == 0) {
        reply->text = SLICE("run1 1795255100000");
    } else if (strcmp(name, "GET") == 0) {
        *reply = (struct redis_reply){.type = REDIS_NIL};
    } else if (strcmp(name, "hold") == 0 || strcmp(name, "open_shard") == 0) {
        *reply = (struct redis_reply){.type = REDIS_INT, .number = 1};
    } else if (strcmp(name, "begin") == 0) {
        items[0] = (struct redis_reply){.type = REDIS_TEXT, .text = SLICE("GO")};
        items[1] = (struct redis_reply){.type = REDIS_INT, .number = 7};
        items[2] = (struct redis_reply){.type = REDIS_INT, .number = 1};
        items[3] = (struct redis_reply){.type = REDIS_INT, .number = clock_wall_ms()};
        *reply = (struct redis_reply){.type = REDIS_ARRAY, .items = items, .count = 4};
    } else if (strcmp(name, "tokens") == 0) {
        items[0] = items[1] = (struct redis_reply){.type = REDIS_INT, .number = 5};
        *reply = (struct redis_reply){.type = REDIS_ARRAY, .items = items, .count = 2};
    } else if (strcmp(name, "beat") == 0) {
        *reply = (struct redis_reply){.type = REDIS_ARRAY, .items = items, .count = 5};
    }
}

static void note_reply(const struct redis_reply *reply)
{
    const struct redis_reply *first = reply->type == REDIS_ARRAY && reply->count ? &reply->items[0] : reply;

    snprintf(redis_bytes_said.word, sizeof(redis_bytes_said.word), "%.*s", (int)(first->text.len < REDIS_BYTES_WORD_SIZE ? first->text.len : REDIS_BYTES_WORD_SIZE - 1),
             first->text.data ? first->text.data : "");
    redis_bytes_said.number = first->number;
}

static void answer(const struct command *command)
{
    struct redis_reply reply, items[5];
    enum redis_status status = REDIS_OK;

    redis_bytes_said.is_from_input = !command->is_of_many && redis_bytes_names(command->name) && redis_bytes_take(&status, &reply);
    if (!redis_bytes_said.is_from_input) {
        answer_well(command->name, &reply, items);
    }
    note_reply(&reply);
    if (command->fn) {
        command->fn(command->arg, status, &reply);
    }
}

/* --- io/redis.h --------------------------------------------------------------------------------------------------- */

static void on_answers(void *arg)
{
    struct redis *redis = arg;
    struct command *list = redis->commands;

    redis->commands = NULL;
    while (list) {
        struct command *command = list;

        DL_DELETE(list, command);
        answer(command);
        free(command);
    }
}

static void on_connect(void *arg)
{
    struct redis *redis = arg;

    redis->events.on_connect(redis->events.arg, "run1", true);
}

struct redis *redis_open(struct loop *loop, const struct redis_settings *settings, const struct redis_events *events,
                         struct err *err)
{
    struct redis *redis = xcalloc(1, sizeof(*redis));

    (void)settings;
    (void)err;
    redis->events = *events;
    redis->connect_timer = loop_timer_create(loop, on_connect, redis);
    redis->answer_timer = loop_timer_create(loop, on_answers, redis);
    loop_timer_start(redis->connect_timer, FAST_MS);
    return redis;
}

void redis_close(struct redis *redis)
{
    const struct redis_reply closed = {.type = REDIS_TEXT, .text = SLICE("closed")};

    redis->is_closed = true;
    while (redis->commands) {
        struct command *command = redis->commands;

        DL_DELETE(redis->commands, command);
        if (command->fn) {
            command->fn(command->arg, REDIS_UNAVAILABLE, &closed);
        }
        free(command);
    }
    loop_timer_destroy(redis->connect_timer);
    loop_timer_destroy(redis->answer_timer);
    free(redis);
}

/* `key`: of what is asked of every shard alike. */
static void send(struct redis *redis, struct slice name, struct slice key, redis_fn fn, void *arg)
{
    struct command *command = xcalloc(1, sizeof(*command));

    snprintf(command->name, sizeof(command->name), "%.*s", (int)name.len, name.data);
    command->is_of_many = (slice_is(name, "HGET") || slice_is(name, "HSET") || slice_is(name, "open_shard")) &&
                          !memmem(key.data, key.len, ".00}", 4);
    command->fn = fn;
    command->arg = arg;
    DL_APPEND(redis->commands, command);
    if (!redis->is_closed && !loop_timer_is_active(redis->answer_timer)) {
        loop_timer_start(redis->answer_timer, FAST_MS);
    }
}

void redis_call(struct redis *redis, const struct slice args[], size_t count, redis_fn fn, void *arg)
{
    struct slice name = args[0];

    assert(count > 0);
    if (slice_is(name, "HSET")) {
        snprintf(server.mark, sizeof(server.mark), "%.*s", (int)args[3].len, args[3].data);
    } else if (slice_is(name, "HGET") && slice_is(args[2], "r")) {
        name = SLICE("mark");
    } else if (slice_is(name, "GET") && slice_ends_with(args[1], ":server")) {
        name = SLICE("server");
    }
    send(redis, name, args[count > 1], fn, arg);
}

void redis_eval(struct redis *redis, const struct redis_script *script, const struct slice args[], size_t count, redis_fn fn,
                void *arg)
{
    assert(count >= (size_t)script->key_count);
    send(redis, slice_of(script->name), args[0], fn, arg);
}

void redis_add_script(struct redis *redis, const struct redis_script *script)
{
    (void)redis;
    assert(script->key_count > 0);
}

void redis_set_ready(struct redis *redis)
{
    redis->is_ready = true;
    redis->events.on_state(redis->events.arg, true, "");
}

bool redis_is_ready(const struct redis *redis)
{
    return redis->is_ready;
}
