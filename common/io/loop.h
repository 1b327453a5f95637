/*
 * loop: the one event loop of the process (libuv behind it).
 *
 * Everything the process reacts to enters here: timers, signals, sockets, end of a turn. Callbacks run on the
 * loop's thread, one at a time. A callback may destroy the object that called it.
 */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_timer;
struct loop_signal;
struct loop_hook;

typedef void (*loop_fn)(void *arg);

/* Also has the process ignore SIGPIPE. */
struct loop *loop_create(void);
/* All timers, signals and hooks of the loop must be destroyed before. */
void loop_destroy(struct loop *loop);
/* Runs until loop_stop(). */
void loop_run(struct loop *loop);
/* One turn with its end; waits for something to happen only when `wait`. For tests and tools. */
void loop_turn(struct loop *loop, bool wait);
void loop_stop(struct loop *loop);
/* Monotonic milliseconds (clock_mono_ms()), cached: constant within a turn. */
int64_t loop_now_ms(const struct loop *loop);

/* A timer is created idle. Starting a running one moves it. It fires once per start, and never before
 * loop_now_ms() has reached the time of the start plus the delay. */
struct loop_timer *loop_timer_create(struct loop *loop, loop_fn fn, void *arg);
void loop_timer_destroy(struct loop_timer *timer);
void loop_timer_start(struct loop_timer *timer, int64_t delay_ms);
void loop_timer_stop(struct loop_timer *timer);
bool loop_timer_is_active(const struct loop_timer *timer);

struct loop_signal *loop_signal_create(struct loop *loop, int signum, loop_fn fn, void *arg);
void loop_signal_destroy(struct loop_signal *signal);

/* Called at the end of every turn, just before the loop would wait: the place to flush what was collected. Hooks run
 * after everything deferred, the newest first, so that what a module hands down in its hook reaches the hook of the
 * module it was built on. */
struct loop_hook *loop_hook_create(struct loop *loop, loop_fn fn, void *arg);
void loop_hook_destroy(struct loop_hook *hook);

/* Runs fn(arg) at the end of this turn, or of the next one when none is running; in order of the calls. What is
 * deferred at the end of a turn runs at the end of the next one, which does not wait. Cannot be cancelled:
 * loop_destroy() runs what is left. */
void loop_defer(struct loop *loop, loop_fn fn, void *arg);

#endif
