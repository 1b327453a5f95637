#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "io/loop.h"
#include "io/loop_uv.h"

struct journal {
    struct loop *loop;
    char text[64];
    size_t len;
    struct loop_timer *timer;
    struct loop_hook *hook;
    int count;
};

static void note(struct journal *journal, char c)
{
    assert_true(journal->len + 1 < sizeof(journal->text));
    journal->text[journal->len++] = c;
    journal->text[journal->len] = '\0';
}

static void note_a(void *arg)
{
    note(arg, 'a');
}

static void note_b(void *arg)
{
    note(arg, 'b');
}

static void note_c(void *arg)
{
    note(arg, 'c');
}

static void stop(void *arg)
{
    struct journal *journal = arg;

    note(journal, '.');
    loop_stop(journal->loop);
}

static void timers_fire_once_in_order_of_their_times(void **state)
{
    struct journal journal = {.loop = loop_create()};
    struct loop_timer *a = loop_timer_create(journal.loop, note_a, &journal);
    struct loop_timer *b = loop_timer_create(journal.loop, note_b, &journal);
    struct loop_timer *end = loop_timer_create(journal.loop, stop, &journal);

    (void)state;
    loop_timer_start(end, 30);
    loop_timer_start(b, 10);
    loop_timer_start(a, 20);
    assert_true(loop_timer_is_active(a));
    loop_run(journal.loop);
    assert_string_equal(journal.text, "ba.");
    assert_false(loop_timer_is_active(a));
    loop_timer_destroy(a);
    loop_timer_destroy(b);
    loop_timer_destroy(end);
    loop_destroy(journal.loop);
}

static void starting_a_running_timer_moves_it_and_stopping_silences_it(void **state)
{
    struct journal journal = {.loop = loop_create()};
    struct loop_timer *a = loop_timer_create(journal.loop, note_a, &journal);
    struct loop_timer *b = loop_timer_create(journal.loop, note_b, &journal);
    struct loop_timer *c = loop_timer_create(journal.loop, note_c, &journal);
    struct loop_timer *end = loop_timer_create(journal.loop, stop, &journal);

    (void)state;
    loop_timer_start(a, 5);
    loop_timer_start(a, 20);
    loop_timer_start(b, 10);
    loop_timer_start(c, 10);
    loop_timer_stop(c);
    loop_timer_start(end, 40);
    loop_run(journal.loop);
    assert_string_equal(journal.text, "ba.");
    loop_timer_destroy(a);
    loop_timer_destroy(b);
    loop_timer_destroy(c);
    loop_timer_destroy(end);
    loop_destroy(journal.loop);
}

static void a_timer_never_fires_before_its_time_on_the_loops_clock(void **state)
{
    struct journal journal = {.loop = loop_create()};
    struct loop_timer *timer = loop_timer_create(journal.loop, note_a, &journal);

    (void)state;
    for (int round = 0; round < 20; round++) {
        int64_t due_ms;

        journal.len = 0;
        /* The turn gets old before the timer is started, so that libuv's own time lags behind. */
        for (int64_t until_us = clock_mono_us() + 3000; clock_mono_us() < until_us;) {
        }
        due_ms = loop_now_ms(journal.loop) + 2;
        loop_timer_start(timer, 2);
        while (journal.len == 0) {
            loop_turn(journal.loop, true);
        }
        assert_true(clock_mono_ms() >= due_ms);
    }
    loop_timer_destroy(timer);
    loop_destroy(journal.loop);
}

static void destroy_own_timer(void *arg)
{
    struct journal *journal = arg;

    note(journal, 'x');
    loop_timer_destroy(journal->timer);
    journal->timer = NULL;
}

static void a_timer_may_be_destroyed_by_its_own_callback(void **state)
{
    struct journal journal = {.loop = loop_create()};

    (void)state;
    journal.timer = loop_timer_create(journal.loop, destroy_own_timer, &journal);
    loop_timer_start(journal.timer, 0);
    while (journal.timer) {
        loop_turn(journal.loop, true);
    }
    loop_turn(journal.loop, false);
    assert_string_equal(journal.text, "x");
    loop_destroy(journal.loop);
}

static void hooks_run_after_what_was_deferred_and_newest_first(void **state)
{
    struct journal journal = {.loop = loop_create()};
    struct loop_hook *a = loop_hook_create(journal.loop, note_a, &journal);
    struct loop_hook *b = loop_hook_create(journal.loop, note_b, &journal);

    (void)state;
    loop_defer(journal.loop, note_c, &journal);
    loop_turn(journal.loop, false);
    assert_memory_equal(journal.text, "cba", 3);
    loop_hook_destroy(a);
    loop_hook_destroy(b);
    loop_destroy(journal.loop);
}

static void destroy_the_other_hook(void *arg)
{
    struct journal *journal = arg;

    note(journal, 'x');
    loop_hook_destroy(journal->hook);
    journal->hook = NULL;
}

static void a_hook_destroyed_by_an_earlier_one_does_not_run(void **state)
{
    struct journal journal = {.loop = loop_create()};
    struct loop_hook *killer;

    (void)state;
    journal.hook = loop_hook_create(journal.loop, note_a, &journal);
    killer = loop_hook_create(journal.loop, destroy_the_other_hook, &journal);
    loop_turn(journal.loop, false);
    loop_hook_destroy(killer);
    for (size_t i = 0; i < journal.len; i++) {
        assert_int_equal(journal.text[i], 'x');
    }
    assert_true(journal.len > 0);
    loop_destroy(journal.loop);
}

static void defer_again(void *arg)
{
    struct journal *journal = arg;

    note(journal, 'd');
    if (++journal->count < 3) {
        loop_defer(journal->loop, defer_again, journal);
    } else {
        loop_stop(journal->loop);
    }
}

static void what_is_deferred_at_the_end_of_a_turn_runs_in_the_next_without_waiting(void **state)
{
    struct journal journal = {.loop = loop_create()};

    (void)state;
    loop_defer(journal.loop, defer_again, &journal);
    loop_run(journal.loop); /* would never come back if the loop waited: nothing else can wake it */
    assert_string_equal(journal.text, "ddd");
    loop_destroy(journal.loop);
}

static void a_waiting_turn_comes_back_when_only_something_deferred_happened(void **state)
{
    struct journal journal = {.loop = loop_create()};

    (void)state;
    loop_defer(journal.loop, note_a, &journal);
    loop_turn(journal.loop, true);
    assert_string_equal(journal.text, "a");
    loop_destroy(journal.loop);
}

static void a_waiting_turn_runs_what_its_own_timer_deferred(void **state)
{
    struct journal journal = {.loop = loop_create(), .count = 1}; /* the timer's call defers one more */
    struct loop_timer *timer = loop_timer_create(journal.loop, defer_again, &journal);

    (void)state;
    loop_timer_start(timer, 1);
    while (journal.len == 0) {
        loop_turn(journal.loop, true);
    }
    assert_string_equal(journal.text, "dd");
    loop_timer_destroy(timer);
    loop_destroy(journal.loop);
}

static void what_is_left_deferred_runs_when_the_loop_is_destroyed(void **state)
{
    struct journal journal = {.loop = loop_create()};

    (void)state;
    loop_defer(journal.loop, note_a, &journal);
    loop_destroy(journal.loop);
    assert_string_equal(journal.text, "a");
}

static void a_signal_reaches_every_listener(void **state)
{
    struct journal journal = {.loop = loop_create()};
    struct loop_signal *a = loop_signal_create(journal.loop, SIGUSR1, note_a, &journal);
    struct loop_signal *b = loop_signal_create(journal.loop, SIGUSR1, note_b, &journal);

    (void)state;
    kill(getpid(), SIGUSR1);
    while (journal.len < 2) {
        loop_turn(journal.loop, true);
    }
    assert_true(journal.text[0] != journal.text[1]);
    loop_signal_destroy(a);
    loop_signal_destroy(b);
    loop_destroy(journal.loop);
}

static void the_time_stands_still_within_a_turn_and_moves_between_turns(void **state)
{
    struct loop *loop = loop_create();
    int64_t first = loop_now_ms(loop);

    (void)state;
    for (int64_t until_us = clock_mono_us() + 3000; clock_mono_us() < until_us;) {
    }
    assert_int_equal(loop_now_ms(loop), first);
    loop_turn(loop, false);
    assert_true(loop_now_ms(loop) > first);
    loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_once_in_order_of_their_times),
        cmocka_unit_test(starting_a_running_timer_moves_it_and_stopping_silences_it),
        cmocka_unit_test(a_timer_never_fires_before_its_time_on_the_loops_clock),
        cmocka_unit_test(a_timer_may_be_destroyed_by_its_own_callback),
        cmocka_unit_test(hooks_run_after_what_was_deferred_and_newest_first),
        cmocka_unit_test(a_hook_destroyed_by_an_earlier_one_does_not_run),
        cmocka_unit_test(what_is_deferred_at_the_end_of_a_turn_runs_in_the_next_without_waiting),
        cmocka_unit_test(a_waiting_turn_comes_back_when_only_something_deferred_happened),
        cmocka_unit_test(a_waiting_turn_runs_what_its_own_timer_deferred),
        cmocka_unit_test(what_is_left_deferred_runs_when_the_loop_is_destroyed),
        cmocka_unit_test(a_signal_reaches_every_listener),
        cmocka_unit_test(the_time_stands_still_within_a_turn_and_moves_between_turns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
