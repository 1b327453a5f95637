#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "run/limiter.h"
#include "tests/support/fakes.h"

struct world {
    struct loop *loop;
    struct metrics *metrics;
    struct redis *redis;
    struct limiter *limiter, *other; /* of another worker */
    int calls;
    int64_t taken, backlog;
};

static void on_redis_state(void *arg, bool is_ready, const char *reason)
{
    (void)arg, (void)is_ready, (void)reason;
}

/* Takes as long as there is something. */
static void take_all(void *arg)
{
    struct world *world = arg;

    world->calls++;
    while (world->backlog > 0 && limiter_take(world->limiter, world->backlog)) {
        world->taken++;
        world->backlog--;
    }
}

static void ignore(void *arg)
{
    (void)arg;
}

static struct limiter *make_limiter(struct world *world, int64_t rate, loop_fn fn)
{
    const struct limiter_settings settings = {"test", "fake-email", rate};

    return limiter_create(world->loop, world->redis, &settings, world->metrics, fn, world);
}

static int set_up(void **state)
{
    const struct redis_settings settings = {"redis://fake", 500, 2000, 50};
    struct world *world = calloc(1, sizeof(*world));
    const struct redis_events events = {.on_state = on_redis_state};
    struct err err = {0};

    fakes_begin();
    world->loop = loop_create();
    world->metrics = metrics_create();
    world->redis = redis_open(world->loop, &settings, &events, &err);
    world->limiter = make_limiter(world, 100, take_all);
    world->other = make_limiter(world, 100, ignore);
    fakes_run_ms(world->loop, 10);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    redis_close(world->redis);
    limiter_destroy(world->limiter);
    limiter_destroy(world->other);
    loop_destroy(world->loop);
    metrics_destroy(world->metrics);
    free(world);
    fakes_end();
    return 0;
}

/* How many tokens a hungry worker gets in this time. */
static int64_t take_for(struct world *world, int64_t ms)
{
    world->backlog = 1000000;
    world->taken = 0;
    take_all(world);
    fakes_run_ms(world->loop, ms);
    world->backlog = 0;
    return world->taken;
}

static void no_more_leaves_than_the_rate_and_not_much_less(void **state)
{
    struct world *world = *state;
    int64_t taken = take_for(world, 10000);

    assert_in_range(taken, 950, 1005);
}

static void tokens_are_shared_with_other_workers(void **state)
{
    struct world *world = *state;
    int64_t others = 0, taken;

    world->backlog = 1000000;
    take_all(world);
    for (int i = 0; i < 1000; i++) {
        others += limiter_take(world->other, 100);
        fakes_run_ms(world->loop, 10);
    }
    taken = world->taken;
    world->backlog = 0;
    assert_true(taken + others <= 1010);
    assert_true(others > 50);
}

static void without_redis_no_token_is_given(void **state)
{
    struct world *world = *state;

    fake_redis_set_down(true);
    fakes_run_ms(world->loop, 100);
    assert_int_equal(take_for(world, 5000), 0);
    fake_redis_set_down(false);
    world->backlog = 1;
    fakes_run_ms(world->loop, 1000);
    assert_int_equal(world->taken, 1); /* who waited was called */
}

static void too_many_stops_every_worker(void **state)
{
    struct world *world = *state;

    take_for(world, 1000);
    limiter_block(world->other, 3000);
    fakes_run_ms(world->loop, 10);
    take_for(world, 10); /* what was leased before */
    fakes_run_ms(world->loop, 1200);
    assert_int_equal(take_for(world, 1700), 0);
    assert_true(take_for(world, 1000) > 50);
}

static void leased_tokens_do_not_keep(void **state)
{
    struct world *world = *state;

    world->backlog = 1;
    take_all(world);
    fakes_run_ms(world->loop, 100);
    assert_int_equal(world->taken, 1); /* a batch of one was asked for */
    limiter_give_back(world->limiter);
    assert_true(limiter_take(world->limiter, 1));
    limiter_give_back(world->limiter);
    fakes_run_ms(world->loop, 1500);
    assert_false(limiter_take(world->limiter, 1));
}

static void no_limit_needs_no_redis(void **state)
{
    struct world *world = *state;
    struct limiter *unlimited = make_limiter(world, 0, ignore);

    fake_redis_set_down(true);
    for (int i = 0; i < 1000; i++) {
        assert_true(limiter_take(unlimited, 1));
    }
    limiter_destroy(unlimited);
}

static void an_answer_may_lower_the_rate_and_give_it_back(void **state)
{
    struct world *world = *state;
    struct verdict verdict = {.limit_per_s = 10};

    limiter_learn(world->limiter, &verdict);
    assert_int_equal(limiter_rate(world->limiter), 10);
    take_for(world, 1000);
    assert_in_range(take_for(world, 10000), 95, 105);
    verdict.limit_per_s = -1; /* not told */
    limiter_learn(world->limiter, &verdict);
    assert_int_equal(limiter_rate(world->limiter), 10);
    verdict.limit_per_s = 5000; /* never above what is configured */
    limiter_learn(world->limiter, &verdict);
    assert_int_equal(limiter_rate(world->limiter), 100);
}

static void a_limiter_may_go_while_a_question_is_open(void **state)
{
    struct world *world = *state;
    struct limiter *limiter = make_limiter(world, 100, ignore);

    assert_false(limiter_take(limiter, 1));
    limiter_destroy(limiter);
    fakes_run_ms(world->loop, 100); /* the answer comes to nobody, and nothing leaks */
}

#define limiter_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        limiter_test(no_more_leaves_than_the_rate_and_not_much_less),
        limiter_test(tokens_are_shared_with_other_workers),
        limiter_test(without_redis_no_token_is_given),
        limiter_test(too_many_stops_every_worker),
        limiter_test(leased_tokens_do_not_keep),
        limiter_test(no_limit_needs_no_redis),
        limiter_test(an_answer_may_lower_the_rate_and_give_it_back),
        limiter_test(a_limiter_may_go_while_a_question_is_open),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
