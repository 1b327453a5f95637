/*
 * scripts_fixture: the Lua scripts on a real redis-server beside the same in C (tests/support/fake_redis_scripts.h), and
 * one operation done by both. Included by test_scripts.c and test_pool_scripts.c.
 */
#ifndef TEST_RUN_SCRIPTS_FIXTURE_H
#define TEST_RUN_SCRIPTS_FIXTURE_H

#include <hiredis/hiredis.h>
#undef REDIS_OK /* io/redis.h has its own */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "run/claims.h"
#include "tests/support/fakes.h"
#include "tests/support/redis_server.h"

enum { MOST_ARGS = 16, TEXT = 128 };
static const int64_t START_US = 1795255200000000;

struct script {
    const char *name;
    const char *keys;
    char *source; /* with our time instead of the server's */
};

enum {
    BEGIN, SETTLE, RESTORE, REOPEN, RESOLVE, OPEN_SHARD, TOKENS,
    NOT_BEFORE, BEAT, CHOOSE, HOLD, NOTE_SERVER, SCRIPT_COUNT
};

static struct script scripts[] = {
    [BEGIN] = {"begin", "2", NULL},
    [SETTLE] = {"settle", "2", NULL},
    [RESTORE] = {"restore", "2", NULL},
    [REOPEN] = {"reopen", "2", NULL},
    [RESOLVE] = {"resolve", "2", NULL},
    [OPEN_SHARD] = {"open_shard", "1", NULL},
    [TOKENS] = {"tokens", "2", NULL},
    [NOT_BEFORE] = {"not_before", "1", NULL},
    [BEAT] = {"beat", "7", NULL},
    [CHOOSE] = {"choose", "1", NULL},
    [HOLD] = {"hold", "1", NULL},
    [NOTE_SERVER] = {"note_server", "1", NULL},
};

/* Every answer must come up. */
static const char *const answers[] = {"\"GO\"",      "\"MINE\"", "\"BUSY\"", "\"LATER\"", "\"AMBIG\"", "\"DONE\"",
                                      "\"AMNESIA\"", "\"SKEW\"", "\"OK\"",   "\"KEEP\"",  "\"STALE\"", "\"STALE_SENT\"",
                                      "\"CHANGED\"", "\"UNKNOWN\""};
enum { ANSWER_COUNT = sizeof(answers) / sizeof(answers[0]) };

struct world {
    struct redis_server *server;
    redisContext *redis;
    struct random random;
    int64_t now_us;
    int64_t last_fence;
    bool has_come[ANSWER_COUNT];
    char log[1024]; /* the operation, for a message */
};

/* One operation: arguments as texts. */
struct operation {
    int script;
    char args[MOST_ARGS][TEXT];
    int count;
};

static inline char *read_script(const char *name)
{
    static const char clock[] = "redis.call('TIME')";
    static const char ours[] = "{redis.call('GET', 'time:s'), redis.call('GET', 'time:us')}";
    char path[128];
    struct buf text;
    char *source, *at, *rest;
    FILE *file;
    int c;

    snprintf(path, sizeof(path), "common/run/scripts/%s.lua", name);
    file = fopen(path, "r");
    assert_non_null(file);
    buf_init(&text, 0);
    while ((c = fgetc(file)) != EOF) {
        buf_append_char(&text, (char)c);
    }
    fclose(file);
    source = rest = buf_take(&text);
    buf_init(&text, 0);
    while ((at = strstr(rest, clock))) {
        buf_append(&text, rest, (size_t)(at - rest));
        buf_append_text(&text, ours);
        rest = at + sizeof(clock) - 1;
    }
    buf_append_text(&text, rest);
    free(source);
    return buf_take(&text);
}

static inline int set_up(void **state)
{
    struct world *world = xcalloc(1, sizeof(*world));

    world->server = redis_server_start(NULL);
    world->redis = redisConnectUnix(redis_server_socket(world->server));
    assert_true(world->redis && !world->redis->err);
    random_init(&world->random, 42);
    for (int i = 0; i < SCRIPT_COUNT; i++) {
        scripts[i].source = read_script(scripts[i].name);
    }
    *state = world;
    return 0;
}

static inline int tear_down(void **state)
{
    struct world *world = *state;

    redisFree(world->redis);
    redis_server_destroy(world->server);
    for (int i = 0; i < SCRIPT_COUNT; i++) {
        free(scripts[i].source);
    }
    free(world);
    return 0;
}

static inline uint64_t below(struct world *world, uint64_t bound)
{
    return random_below(&world->random, bound);
}

static inline void add(struct operation *operation, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline void add(struct operation *operation, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(operation->args[operation->count++], TEXT, format, args);
    va_end(args);
}

/* --- comparing ---------------------------------------------------------------------------------------------------- */

static inline void print_real(const redisReply *reply, struct buf *out)
{
    switch (reply->type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
        buf_appendf(out, "\"%.*s\"", (int)reply->len, reply->str);
        break;
    case REDIS_REPLY_INTEGER:
        buf_appendf(out, "%lld", reply->integer);
        break;
    case REDIS_REPLY_NIL:
        buf_append_text(out, "nil");
        break;
    case REDIS_REPLY_ARRAY:
        for (size_t i = 0; i < reply->elements; i++) {
            buf_append_char(out, ' ');
            print_real(reply->element[i], out);
        }
        break;
    default:
        buf_appendf(out, "error %s", reply->str);
    }
}

static inline void print_fake(const struct redis_reply *reply, struct buf *out)
{
    switch (reply->type) {
    case REDIS_TEXT:
        buf_appendf(out, "\"%.*s\"", (int)reply->text.len, reply->text.data);
        break;
    case REDIS_INT:
        buf_appendf(out, "%" PRId64, reply->number);
        break;
    case REDIS_NIL:
        buf_append_text(out, "nil");
        break;
    case REDIS_ARRAY:
        for (size_t i = 0; i < reply->count; i++) {
            buf_append_char(out, ' ');
            print_fake(&reply->items[i], out);
        }
        break;
    }
}

/* Sends words to the real server and prints the answer. */
static inline void ask_real(struct world *world, const char *words[], int count, struct buf *out)
{
    redisReply *reply = redisCommandArgv(world->redis, count, words, NULL);

    assert_non_null(reply);
    print_real(reply, out);
    freeReplyObject(reply);
}

static inline void compare(struct world *world, struct buf *real, struct buf *fake)
{
    if (strcmp(buf_text(real), buf_text(fake)) != 0) {
        fail_msg("%s\n  real %s\n  fake %s", world->log, buf_text(real), buf_text(fake));
    }
    buf_finish(real);
    buf_finish(fake);
}

static inline void set_time(struct world *world)
{
    char seconds[24], us[24];
    const char *words[] = {"MSET", "time:s", seconds, "time:us", us};
    struct buf ignored;

    snprintf(seconds, sizeof(seconds), "%" PRId64, world->now_us / 1000000);
    snprintf(us, sizeof(us), "%" PRId64, world->now_us % 1000000);
    buf_init(&ignored, 0);
    ask_real(world, words, 5, &ignored);
    buf_finish(&ignored);
    fake_redis_set_time(world->now_us);
}

static inline void compare_answers(struct world *world, const struct operation *operation)
{
    const struct script *script = &scripts[operation->script];
    const char *words[MOST_ARGS + 3] = {"EVAL", script->source, script->keys};
    struct slice args[MOST_ARGS];
    struct buf real, fake;

    for (int i = 0; i < operation->count; i++) {
        words[3 + i] = operation->args[i];
        args[i] = slice_of(operation->args[i]);
    }
    buf_init(&real, 0);
    buf_init(&fake, 0);
    ask_real(world, words, operation->count + 3, &real);
    print_fake(fake_redis_eval(script->name, args, (size_t)operation->count), &fake);
    for (int i = 0; i < ANSWER_COUNT; i++) {
        world->has_come[i] |= strstr(buf_text(&fake), answers[i]) != NULL;
    }
    compare(world, &real, &fake);
}

static inline void compare_value(struct world *world, const char *command, const char *key, const char *field)
{
    const char *words[] = {command, key, field};
    const struct slice args[] = {slice_of(command), slice_of(key), slice_of(field)};
    int count = field ? 3 : 2;
    struct buf real, fake;

    buf_init(&real, 0);
    buf_init(&fake, 0);
    ask_real(world, words, count, &real);
    print_fake(fake_redis_call(args, (size_t)count), &fake);
    if (field && field[0] == 'f') {
        world->last_fence = strtoll(buf_text(&real) + 1, NULL, 10);
    }
    compare(world, &real, &fake);
}

static inline void log_operation(struct world *world, const struct operation *operation, int number)
{
    size_t len = (size_t)snprintf(world->log, sizeof(world->log), "%d: %s", number, scripts[operation->script].name);

    for (int i = 0; i < operation->count && len < sizeof(world->log); i++) {
        len += (size_t)snprintf(world->log + len, sizeof(world->log) - len, " %s", operation->args[i]);
    }
}

#endif
