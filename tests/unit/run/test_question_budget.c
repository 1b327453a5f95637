#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/log.h"
#include "run/question_budget.h"
#include "tests/support/fakes.h"

struct world {
    struct loop *loop;
    struct redis *redis;
    struct question_budget *budget, *other; /* of another worker */
    int answers;
    int64_t wait_ms;
};

static void on_redis_state(void *arg, bool is_ready, const char *reason)
{
    (void)arg, (void)is_ready, (void)reason;
}

static struct question_budget *make_budget(struct world *world, const char *name, int64_t per_hour)
{
    return question_budget_create(world->redis, &(struct question_budget_settings){"test", name, per_hour});
}

static int set_up(void **state)
{
    const struct redis_settings settings = {"redis://fake", 500, 2000, 50};
    struct world *world = calloc(1, sizeof(*world));
    const struct redis_events events = {.on_state = on_redis_state};
    struct err err = {0};

    fakes_begin();
    world->loop = loop_create();
    world->redis = redis_open(world->loop, &settings, &events, &err);
    world->budget = make_budget(world, "fake-sms", 60);
    world->other = make_budget(world, "fake-sms", 60);
    fakes_run_ms(world->loop, 10);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    redis_close(world->redis);
    question_budget_destroy(world->budget);
    question_budget_destroy(world->other);
    loop_destroy(world->loop);
    free(world);
    fakes_end();
    return 0;
}

static void on_answer(void *arg, int64_t wait_ms)
{
    struct world *world = arg;

    world->answers++;
    world->wait_ms = wait_ms;
}

static bool is_answered(void *arg)
{
    return ((struct world *)arg)->answers > 0;
}

static int64_t take(struct world *world, struct question_budget *budget)
{
    world->answers = 0;
    question_budget_take(budget, on_answer, world);
    assert_true(world->answers || fakes_run(world->loop, 10000, is_answered, world));
    assert_int_equal(world->answers, 1);
    return world->wait_ms;
}

static void all_workers_together_ask_as_often_as_one_may(void **state)
{
    enum { MINUTES = 10, STEP_MS = 500 };
    struct world *world = *state;
    int asked = 0;

    for (int ms = 0; ms < MINUTES * 60000; ms += STEP_MS) {
        asked += take(world, world->budget) == 0;
        asked += take(world, world->other) == 0;
        fakes_run_ms(world->loop, STEP_MS);
    }
    assert_in_range(asked, MINUTES - 1, MINUTES + 1);
}

static void a_refusal_says_when_it_is_worth_coming_again(void **state)
{
    struct world *world = *state;
    uint64_t before;
    int64_t wait_ms;

    assert_int_equal(take(world, world->budget), 0);
    wait_ms = take(world, world->other);
    assert_in_range(wait_ms, 59000, 60001);
    before = fake_redis_count("tokens");
    assert_in_range(take(world, world->other), wait_ms - 100, wait_ms); /* without a word to Redis */
    assert_int_equal(fake_redis_count("tokens"), before);
    fakes_run_ms(world->loop, wait_ms);
    assert_int_equal(take(world, world->other), 0);
}

static void another_provider_and_no_limit_are_not_held_up(void **state)
{
    struct world *world = *state;
    struct question_budget *free_one = make_budget(world, "fake-email", 0), *another = make_budget(world, "fake-email", 60);

    assert_int_equal(take(world, world->budget), 0);
    assert_int_equal(take(world, another), 0);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(take(world, free_one), 0);
    }
    question_budget_destroy(free_one);
    question_budget_destroy(another);
}

static void without_redis_nothing_is_asked(void **state)
{
    struct world *world = *state;

    fake_redis_set_down(true);
    assert_in_range(take(world, world->budget), 1, 1000);
    fake_redis_set_down(false);
    fakes_run_ms(world->loop, 3000);
    assert_int_equal(take(world, world->budget), 0);
}

static void whoever_is_gone_is_not_told(void **state)
{
    struct world *world = *state;

    question_budget_take(world->budget, on_answer, world);
    question_budget_destroy(world->budget);
    world->budget = NULL;
    fakes_run_ms(world->loop, 1000);
    assert_int_equal(world->answers, 0);
}

#define budget_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        budget_test(all_workers_together_ask_as_often_as_one_may),
        budget_test(a_refusal_says_when_it_is_worth_coming_again),
        budget_test(another_provider_and_no_limit_are_not_held_up),
        budget_test(without_redis_nothing_is_asked),
        budget_test(whoever_is_gone_is_not_told),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
