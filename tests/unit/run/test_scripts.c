/*
 * The scripts of claims and of the limiter against their model, which all other tests of this folder rely on: thousands of
 * random operations, the same answers and the same records.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "scripts_fixture.h"

enum { OPERATIONS = 6000, MIDS = 4 };

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

/* A record of a version to come, which nothing may change, or a broken one, which only "sent" may replace. */
static void set_strange(struct world *world, int number)
{
    static const char *const values[] = {
        "W2|9|x", "S|", "S|5", "S|x|id", "S|1234567890123456789|id", "nonsense", "", "W|9|x", "U|9|1|2|3", "U|9|1|1000001|3|a|b",
        "P|9|1|2|3|a", "D2", "H|-1|x", "S|5|- fine",
    };
    const char *value = values[(size_t)number % (sizeof(values) / sizeof(values[0]))];
    const char *words[] = {"SET", "record0", value};
    struct buf ignored;

    buf_init(&ignored, 0);
    ask_real(world, words, 3, &ignored);
    buf_finish(&ignored);
    fake_redis_set(SLICE("record0"), slice_of(value));
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
        if (i % 1000 > 500 && i % 10 == 0) {
            set_strange(world, i / 10);
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

/* Somebody else's key has the name of a record. */
static void a_key_of_another_type_is_none_of_ours(void **state)
{
    static const struct {
        int script;
        const char *words[10], *answer;
    } rows[] = {
        {BEGIN, {"1", "claim", "15000", "v1:x", "1000", "0", "99999999999999", ""}, " \"UNKNOWN\" \"\""},
        {SETTLE, {"0", "X", "too_old", "1000", "0", "1", "0"}, "\"UNKNOWN\""},
        {RESTORE, {"U|9|0|1|1||v1:x", "1000"}, "0"},
        {RESTORE, {"S|9|- id", "1000"}, "1"},
    };
    struct world *world = *state;

    fakes_begin();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *words[16] = {"EVAL", scripts[rows[i].script].source, "2", "record9", "guard9"};
        const char *epoch[] = {"HSET", "guard9", "e", "1"}, *list[] = {"RPUSH", "record9", "x"};
        struct buf answer, ignored;
        int count = 5;

        buf_init(&answer, 0);
        buf_init(&ignored, 0);
        ask_real(world, epoch, 4, &ignored);
        ask_real(world, list, 3, &ignored);
        set_time(world);
        for (int n = 0; rows[i].words[n]; n++) {
            words[count++] = rows[i].words[n];
        }
        ask_real(world, words, count, &answer);
        assert_string_equal(buf_text(&answer), rows[i].answer);
        buf_finish(&answer);
        buf_finish(&ignored);
    }
    fakes_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(scripts_and_their_model_give_the_same_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_of_another_type_is_none_of_ours, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
