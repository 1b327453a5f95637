#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"
#include "io/heartbeat.h"

enum { TICK_MS = 10, MOST_TICKS = 5, PATIENCE_MS = 60000 };

static atomic_int stalls;

static void count_stall(void *arg)
{
    (void)arg;
    atomic_fetch_add(&stalls, 1);
}

static void a_loop_that_hangs_is_noticed_once(void **state)
{
    struct loop *loop = loop_create();
    struct heartbeat *heartbeat;
    const struct timespec pause = {.tv_nsec = 1000000};
    int64_t end_ms = clock_mono_ms() + PATIENCE_MS;

    (void)state;
    atomic_store(&stalls, 0);
    heartbeat = heartbeat_create(loop, TICK_MS, MOST_TICKS, count_stall, NULL);
    while (atomic_load(&stalls) == 0 && clock_mono_ms() < end_ms) {
        nanosleep(&pause, NULL); /* in place of a call that does not return */
    }
    assert_int_equal(atomic_load(&stalls), 1);
    heartbeat_destroy(heartbeat);
    loop_destroy(loop);
}

/* Many more ticks than may be missed, and a loop that turns all the while, however slowly this machine runs. */
static void a_loop_that_turns_is_left_alone(void **state)
{
    struct loop *loop = loop_create();
    struct heartbeat *heartbeat;
    int64_t end_ms = clock_mono_ms() + 400;

    (void)state;
    atomic_store(&stalls, 0);
    heartbeat = heartbeat_create(loop, TICK_MS, 1000, count_stall, NULL);
    while (clock_mono_ms() < end_ms) {
        loop_turn(loop, true);
    }
    assert_int_equal(atomic_load(&stalls), 0);
    heartbeat_destroy(heartbeat);
    loop_destroy(loop);
}

static void its_end_does_not_wait_for_a_tick(void **state)
{
    struct loop *loop = loop_create();

    (void)state;
    heartbeat_destroy(heartbeat_create(loop, 3600000, 1, count_stall, NULL));
    heartbeat_destroy(NULL);
    loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loop_that_hangs_is_noticed_once),
        cmocka_unit_test(a_loop_that_turns_is_left_alone),
        cmocka_unit_test(its_end_does_not_wait_for_a_tick),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
