/*
 * The Lua scripts on a real redis-server against the same in C (tests/support/fake_redis_store.c), which all other tests
 * of this folder rely on: thousands of random operations, the same answers and the same records.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

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

enum { OPERATIONS = 6000, MIDS = 4, BEATS = 2000, MOST_ARGS = 16, TEXT = 128 };
static const int64_t START_US = 1795255200000000;

struct script {
    const char *name;
    const char *keys;
    char *source; /* with our time instead of the server's */
};

static struct script scripts[] = {{"begin", "2", NULL},  {"settle", "2", NULL}, {"restore", "2", NULL},
                                  {"reopen", "2", NULL},     {"resolve", "2", NULL}, {"open_shard", "1", NULL},
                                  {"tokens", "2", NULL},     {"not_before", "1", NULL}, {"beat", "7", NULL},
                                  {"choose", "1", NULL}, {"hold", "1", NULL}, {"note_server", "1", NULL}};
enum { BEGIN, SETTLE, RESTORE, REOPEN, RESOLVE, OPEN_SHARD, TOKENS, NOT_BEFORE, BEAT, CHOOSE, HOLD, NOTE_SERVER, SCRIPT_COUNT };

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

static char *read_script(const char *name)
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

static int set_up(void **state)
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

static int tear_down(void **state)
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

static uint64_t below(struct world *world, uint64_t bound)
{
    return random_below(&world->random, bound);
}

static void add(struct operation *operation, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct operation *operation, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(operation->args[operation->count++], TEXT, format, args);
    va_end(args);
}

/* --- random operations -------------------------------------------------------------------------------------------- */

static void add_keys(struct world *world, struct operation *operation)
{
    add(operation, "record%d", (int)below(world, MIDS));
    add(operation, "guard");
}

static int64_t some_fence(struct world *world)
{
    int64_t fence = world->last_fence - (int64_t)below(world, 4);

    return fence > 0 ? fence : 0;
}

static void make_begin(struct world *world, struct operation *operation)
{
    int64_t off = below(world, 50) == 0 ? 61000 : 0;

    add_keys(world, operation);
    add(operation, "%d", below(world, 40) == 0 ? 2 : 1);
    add(operation, "claim%d", (int)below(world, 6));
    add(operation, "15000");
    add(operation, "v%d:hash|%d", (int)below(world, 3), (int)below(world, 3));
    add(operation, "%" PRId64, CLAIM_FOREVER_MS);
    add(operation, "%" PRId64, world->now_us / 1000 + (below(world, 2) ? off : -off));
    add(operation, "60000");
    if (below(world, 2)) {
        add(operation, "%c|%" PRId64 "|%" PRId64 "|1|%" PRId64 "||v1:known", "WUP"[below(world, 3)],
            some_fence(world) + (int64_t)below(world, 3), world->now_us / 1000 + (int64_t)below(world, 2) * 5000,
            world->now_us / 1000 - (int64_t)below(world, 90000));
    } else {
        add(operation, "%s", "");
    }
}

static void make_settle(struct world *world, struct operation *operation)
{
    add_keys(world, operation);
    add(operation, "%" PRId64, some_fence(world));
    add(operation, "%c", "PPPUUUXDHS"[below(world, 10)]);
    add(operation, "%d.%d id|%d", (int)below(world, 3), (int)below(world, 3), (int)below(world, 3));
    add(operation, "%" PRId64, CLAIM_FOREVER_MS);
    add(operation, "%d", (int)below(world, 20000));
    add(operation, "%d", below(world, 20) == 0 ? 2 : 1);
    add(operation, "%d", below(world, 4) != 0);
}

static void make_restore(struct world *world, struct operation *operation)
{
    int64_t fence = some_fence(world) + (int64_t)below(world, 3);
    char state = "WUPXDHS"[below(world, 7)];

    add_keys(world, operation);
    if (strchr("WUP", state)) {
        add(operation, "%c|%" PRId64 "|%" PRId64 "|1|%" PRId64 "|claim%d|v1:hash", state, fence,
            world->now_us / 1000 + (int64_t)below(world, 20000), world->now_us / 1000, (int)below(world, 6));
    } else {
        add(operation, "%c|%" PRId64 "|- reason", state, fence);
    }
    add(operation, "%" PRId64, CLAIM_FOREVER_MS);
}

static void make_reopen(struct world *world, struct operation *operation)
{
    add_keys(world, operation);
    add(operation, "%d", below(world, 20) == 0 ? 2 : 1);
    add(operation, "%" PRId64, some_fence(world));
    if (below(world, 2)) {
        add(operation, "::%d", (int)below(world, 1000));
    } else {
        add(operation, "%s", "");
    }
    add(operation, "%" PRId64, CLAIM_FOREVER_MS);
}

static void make_resolve(struct world *world, struct operation *operation)
{
    add_keys(world, operation);
    add(operation, "%d", below(world, 20) == 0 ? 2 : 1);
    add(operation, "%" PRId64, some_fence(world));
    add(operation, "%c", "SX"[below(world, 2)]);
    add(operation, "- operator_%d", (int)below(world, 2));
    add(operation, "%" PRId64, CLAIM_FOREVER_MS);
}

static void make_tokens(struct world *world, struct operation *operation)
{
    int64_t interval = 1 + (int64_t)below(world, 100000);

    add(operation, "arrival");
    add(operation, "not-before");
    add(operation, "%" PRId64, interval);
    add(operation, "%" PRId64, interval * (1 + (int64_t)below(world, 10)));
    add(operation, "%d", 1 + (int)below(world, 20));
}

static void make_operation(struct world *world, struct operation *operation)
{
    uint64_t kind = below(world, 100);

    *operation = (struct operation){0};
    world->now_us += (int64_t)below(world, below(world, 10) == 0 ? 30000000 : 1000000);
    if (kind < 6) {
        operation->script = REOPEN;
        make_reopen(world, operation);
    } else if (kind < 10) {
        operation->script = RESOLVE;
        make_resolve(world, operation);
    } else if (kind < 50) {
        operation->script = BEGIN;
        make_begin(world, operation);
    } else if (kind < 75) {
        operation->script = SETTLE;
        make_settle(world, operation);
    } else if (kind < 85) {
        operation->script = RESTORE;
        make_restore(world, operation);
    } else if (kind < 86) {
        operation->script = OPEN_SHARD;
        add(operation, "guard");
        add(operation, "1");
        add(operation, "%" PRId64, world->last_fence + (int64_t)below(world, 3) - 1);
        add(operation, "0");
        add(operation, "mark%d", below(world, 4) == 0);
    } else if (kind < 97) {
        operation->script = TOKENS;
        make_tokens(world, operation);
    } else {
        operation->script = NOT_BEFORE;
        add(operation, "not-before");
        add(operation, "%d", 1 + (int)below(world, 3000));
    }
}

/* --- comparing ---------------------------------------------------------------------------------------------------- */

static void print_real(const redisReply *reply, struct buf *out)
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

static void print_fake(const struct redis_reply *reply, struct buf *out)
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
static void ask_real(struct world *world, const char *words[], int count, struct buf *out)
{
    redisReply *reply = redisCommandArgv(world->redis, count, words, NULL);

    assert_non_null(reply);
    print_real(reply, out);
    freeReplyObject(reply);
}

static void compare(struct world *world, struct buf *real, struct buf *fake)
{
    if (strcmp(buf_text(real), buf_text(fake)) != 0) {
        fail_msg("%s\n  real %s\n  fake %s", world->log, buf_text(real), buf_text(fake));
    }
    buf_finish(real);
    buf_finish(fake);
}

static void set_time(struct world *world)
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

static void compare_answers(struct world *world, const struct operation *operation)
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

static void compare_value(struct world *world, const char *command, const char *key, const char *field)
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

static void log_operation(struct world *world, const struct operation *operation, int number)
{
    size_t len = (size_t)snprintf(world->log, sizeof(world->log), "%d: %s", number, scripts[operation->script].name);

    for (int i = 0; i < operation->count && len < sizeof(world->log); i++) {
        len += (size_t)snprintf(world->log + len, sizeof(world->log) - len, " %s", operation->args[i]);
    }
}

/* A record of a version to come, which nothing may change. */
static void set_strange(struct world *world)
{
    static const char value[] = "W2|9|x";
    const char *words[] = {"SET", "record0", value};
    struct buf ignored;

    buf_init(&ignored, 0);
    ask_real(world, words, 3, &ignored);
    buf_finish(&ignored);
    fake_redis_set(SLICE("record0"), SLICE(value));
}

/* What a recovery begins with. */
static void set_mark(struct world *world)
{
    const char *words[] = {"HSET", "guard", "r", "mark0"};
    const struct slice args[] = {SLICE("HSET"), SLICE("guard"), SLICE("r"), SLICE("mark0")};
    struct buf ignored;

    buf_init(&ignored, 0);
    ask_real(world, words, 4, &ignored);
    buf_finish(&ignored);
    fake_redis_call(args, 4);
}

static void scripts_and_their_model_give_the_same_answers(void **state)
{
    struct world *world = *state;
    int seen[SCRIPT_COUNT] = {0};

    fakes_begin();
    world->now_us = START_US;
    for (int i = 0; i < OPERATIONS; i++) {
        struct operation operation;

        if (i % 1000 == 0) { /* both empty: without an epoch first */
            const char *flush[] = {"FLUSHALL"};
            struct buf ignored;

            buf_init(&ignored, 0);
            ask_real(world, flush, 1, &ignored);
            buf_finish(&ignored);
            fake_redis_empty();
        }
        make_operation(world, &operation);
        if (i % 1000 == 20) {
            operation = (struct operation){.script = OPEN_SHARD};
            add(&operation, "guard");
            add(&operation, "1");
            add(&operation, "100");
            add(&operation, "0");
            add(&operation, "mark0");
            set_mark(world);
        }
        if (i % 1000 == 900) {
            set_strange(world);
        }
        log_operation(world, &operation, i);
        set_time(world);
        compare_answers(world, &operation);
        if (operation.script <= RESOLVE) {
            compare_value(world, "GET", operation.args[0], NULL);
        }
        compare_value(world, "HGET", "guard", "e");
        compare_value(world, "HGET", "guard", "f");
        seen[operation.script]++;
    }
    for (int i = 0; i <= NOT_BEFORE; i++) {
        assert_true(seen[i] > 0);
    }
    for (int i = 0; i < ANSWER_COUNT; i++) {
        if (!world->has_come[i]) {
            fail_msg("%s never came", answers[i]);
        }
    }
    fakes_end();
}

/* --- the beat and what people choose ------------------------------------------------------------------------------ */

static void add_list(struct world *world, struct operation *operation, const char *what)
{
    uint64_t serial = below(world, 4);

    if (serial == 0) {
        add(operation, "%s", "");
    } else {
        add(operation, "%d %s%d", (int)serial, what, (int)below(world, 3));
    }
}

static void make_beat(struct world *world, struct operation *operation)
{
    int worker = (int)below(world, 5), folder = (int)below(world, 6), in_use = (int)below(world, 6);

    operation->script = BEAT;
    add(operation, "workers");
    add(operation, "worker%d", worker);
    add(operation, "pauses");
    add(operation, "pin");
    add(operation, "history");
    add(operation, "files:a%d", folder);
    add(operation, "files:a%d", in_use);
    add(operation, "%d", worker);
    add(operation, "{\"n\":%d}", (int)below(world, 1000));
    add_list(world, operation, "[]");
    add_list(world, operation, "a");
    add(operation, "a%d", folder);
    add(operation, "a%d", in_use);
    add(operation, "%s", below(world, 3) ? "" : "live");
    add(operation, "files:");
    add(operation, "4");
}

static void make_choice(struct world *world, struct operation *operation)
{
    operation->script = CHOOSE;
    add(operation, "%s", below(world, 2) ? "pin" : "pauses");
    add_list(world, operation, "a");
    add_list(world, operation, "a");
}

static void make_hold(struct world *world, struct operation *operation)
{
    operation->script = HOLD;
    add(operation, "holders%d", (int)below(world, 2));
    add(operation, "boot.%d", (int)below(world, 8));
    add(operation, "86400000");
}

static void make_note(struct world *world, struct operation *operation)
{
    operation->script = NOTE_SERVER;
    add(operation, "server");
    add(operation, "run%d", (int)below(world, 3));
    add(operation, "%d", (int)below(world, 2) * 2000000000);
}

/* A worker sends files when the beat says that they are not there. */
static void keep_files(struct world *world, int version)
{
    char key[16];
    const char *words[] = {"SET", key, "x"};
    struct buf ignored;

    snprintf(key, sizeof(key), "files:a%d", version);
    fake_redis_set(slice_of(key), SLICE("x"));
    buf_init(&ignored, 0);
    ask_real(world, words, 3, &ignored);
    buf_finish(&ignored);
}

static void compare_members(struct world *world, const char *key)
{
    const char *words[] = {"ZRANGE", key, "0", "-1"};
    const struct slice args[] = {SLICE("ZRANGE"), slice_of(key), SLICE("0"), SLICE("-1")};
    struct buf real, fake;

    buf_init(&real, 0);
    buf_init(&fake, 0);
    ask_real(world, words, 4, &real);
    print_fake(fake_redis_call(args, 4), &fake);
    compare(world, &real, &fake);
}

static void the_beat_and_its_model_give_the_same_answers(void **state)
{
    struct world *world = *state;

    fakes_begin();
    world->now_us = START_US;
    for (int i = 0; i < BEATS; i++) {
        struct operation operation = {0};

        world->now_us += 1000 * (int64_t)below(world, below(world, 10) == 0 ? 30000 : 1000);
        if (below(world, 4) == 0) {
            make_choice(world, &operation);
        } else if (below(world, 4) == 0) {
            make_hold(world, &operation);
        } else if (below(world, 4) == 0) {
            make_note(world, &operation);
        } else {
            make_beat(world, &operation);
        }
        log_operation(world, &operation, i);
        set_time(world);
        compare_answers(world, &operation);
        if (operation.script == BEAT) {
            compare_value(world, "GET", operation.args[1], NULL);
            compare_members(world, "workers");
        }
        compare_value(world, "GET", "pauses", NULL);
        compare_value(world, "GET", "pin", NULL);
        compare_value(world, "GET", "server", NULL);
        if (below(world, 3) == 0) {
            keep_files(world, (int)below(world, 6));
        }
    }
    fakes_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(scripts_and_their_model_give_the_same_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_beat_and_its_model_give_the_same_answers, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
