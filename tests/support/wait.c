#include "tests/support/wait.h"

#include <stddef.h>

#include "base/clock.h"

static void do_nothing(void *arg)
{
    (void)arg;
}

static bool turn_until(struct loop *loop, wait_fn fn, void *arg, int64_t most_ms)
{
    /* Wakes the loop, so that conditions that no event announces are seen too. */
    struct loop_timer *tick = loop_timer_create(loop, do_nothing, NULL);
    int64_t end_ms = clock_mono_ms() + most_ms;
    bool is_met = fn && fn(arg);

    while (!is_met && clock_mono_ms() < end_ms) {
        loop_timer_start(tick, 5);
        loop_turn(loop, true);
        is_met = fn && fn(arg);
    }
    loop_timer_destroy(tick);
    return is_met;
}

bool wait_until(struct loop *loop, wait_fn fn, void *arg)
{
    return turn_until(loop, fn, arg, WAIT_DEADLINE_MS);
}

static bool is_set(void *arg)
{
    return *(const bool *)arg;
}

bool wait_for_flag(struct loop *loop, const bool *flag)
{
    return wait_until(loop, is_set, (void *)flag);
}

struct target {
    const int *count;
    int wanted;
};

static bool is_reached(void *arg)
{
    const struct target *target = arg;

    return *target->count >= target->wanted;
}

bool wait_for_count(struct loop *loop, const int *count, int wanted)
{
    struct target target = {count, wanted};

    return wait_until(loop, is_reached, &target);
}

void wait_turns_ms(struct loop *loop, int64_t ms)
{
    turn_until(loop, NULL, NULL, ms);
}
