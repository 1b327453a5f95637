/*
 * fake_loop: the loop in the world's time. One turn: everything that is due at one moment, in the order in which it was
 * started; then what was deferred; then the hooks, the newest first.
 */
#include <assert.h>
#include <stdlib.h>

#include <utlist.h>

#include "base/clock.h"
#include "base/mem.h"
#include "fake_world.h"
#include "fakes.h"
#include "io/loop.h"

struct deferral {
    loop_fn fn;
    void *arg;
    struct deferral *next; /* list: loop->deferred */
};

struct loop {
    struct loop_timer *timers;
    struct loop_hook *hooks; /* newest first */
    struct deferral *deferred;
    uint64_t sequence;
    size_t signals;
    bool is_stopped, is_in_hooks;
};

struct loop_timer {
    struct loop *loop;
    loop_fn fn;
    void *arg;
    bool is_active;
    int64_t due_ms;
    uint64_t sequence;
    struct loop_timer *prev, *next; /* list: loop->timers */
};

struct loop_signal {
    struct loop *loop;
};

struct loop_hook {
    struct loop *loop;
    loop_fn fn; /* NULL: destroyed while the hooks ran */
    void *arg;
    struct loop_hook *next; /* list: loop->hooks */
};

struct loop *loop_create(void)
{
    return xcalloc(1, sizeof(struct loop));
}

static void run_deferred(struct loop *loop)
{
    struct deferral *list = loop->deferred;

    loop->deferred = NULL;
    while (list) {
        struct deferral *first = list;

        list = first->next;
        first->fn(first->arg);
        free(first);
    }
}

void loop_destroy(struct loop *loop)
{
    if (!loop) {
        return;
    }
    while (loop->deferred) {
        run_deferred(loop);
    }
    assert(!loop->timers && !loop->hooks && loop->signals == 0);
    free(loop);
}

int64_t loop_now_ms(const struct loop *loop)
{
    (void)loop;
    return clock_mono_ms();
}

/* --- turns -------------------------------------------------------------------------------------------------------- */

static struct loop_timer *find_next(struct loop *loop)
{
    struct loop_timer *timer, *best = NULL;

    DL_FOREACH(loop->timers, timer)
    {
        if (timer->is_active && (!best || timer->due_ms < best->due_ms ||
                                 (timer->due_ms == best->due_ms && timer->sequence < best->sequence))) {
            best = timer;
        }
    }
    return best;
}

int64_t fakes_next_ms(const struct loop *loop)
{
    const struct loop_timer *timer;
    int64_t next_ms = INT64_MAX;

    if (loop->deferred) {
        return clock_mono_ms();
    }
    DL_FOREACH(loop->timers, timer)
    {
        next_ms = timer->is_active && timer->due_ms < next_ms ? timer->due_ms : next_ms;
    }
    return next_ms;
}

static void sweep_hooks(struct loop *loop)
{
    struct loop_hook *hook, *next;

    LL_FOREACH_SAFE(loop->hooks, hook, next)
    {
        if (!hook->fn) {
            LL_DELETE(loop->hooks, hook);
            free(hook);
        }
    }
}

static void run_hooks(struct loop *loop)
{
    struct loop_hook *hook;

    loop->is_in_hooks = true;
    LL_FOREACH(loop->hooks, hook)
    {
        if (hook->fn && !fakes_is_dead()) {
            hook->fn(hook->arg);
        }
    }
    loop->is_in_hooks = false;
    sweep_hooks(loop);
}

/* What is started meanwhile belongs to the next turn. */
static void run_timers(struct loop *loop)
{
    uint64_t before = loop->sequence;
    struct loop_timer *timer;

    while (!fakes_is_dead() && (timer = find_next(loop)) && timer->due_ms <= clock_mono_ms() &&
           timer->sequence <= before) {
        timer->is_active = false;
        timer->fn(timer->arg);
    }
}

void loop_turn(struct loop *loop, bool wait)
{
    struct loop_timer *next = find_next(loop);

    if (fakes_is_dead()) {
        return;
    }
    if (wait && next && !loop->deferred) {
        fakes_advance_to_ms(next->due_ms);
    }
    run_timers(loop);
    if (!fakes_is_dead()) {
        run_deferred(loop);
        run_hooks(loop);
    }
}

void loop_run(struct loop *loop)
{
    loop->is_stopped = false;
    while (!loop->is_stopped && !fakes_is_dead()) {
        loop_turn(loop, true);
    }
}

void loop_stop(struct loop *loop)
{
    loop->is_stopped = true;
}

/* --- timers, signals, hooks, deferrals ---------------------------------------------------------------------------- */

struct loop_timer *loop_timer_create(struct loop *loop, loop_fn fn, void *arg)
{
    struct loop_timer *timer = xcalloc(1, sizeof(*timer));

    timer->loop = loop;
    timer->fn = fn;
    timer->arg = arg;
    DL_APPEND(loop->timers, timer);
    return timer;
}

void loop_timer_destroy(struct loop_timer *timer)
{
    if (timer) {
        DL_DELETE(timer->loop->timers, timer);
        free(timer);
    }
}

void loop_timer_start(struct loop_timer *timer, int64_t delay_ms)
{
    timer->due_ms = clock_mono_ms() + (delay_ms > 0 ? delay_ms : 0);
    timer->sequence = ++timer->loop->sequence;
    timer->is_active = true;
}

void loop_timer_stop(struct loop_timer *timer)
{
    timer->is_active = false;
}

bool loop_timer_is_active(const struct loop_timer *timer)
{
    return timer->is_active;
}

struct loop_signal *loop_signal_create(struct loop *loop, int signum, loop_fn fn, void *arg)
{
    struct loop_signal *signal = xcalloc(1, sizeof(*signal));

    (void)signum, (void)fn, (void)arg;
    signal->loop = loop;
    loop->signals++;
    return signal;
}

void loop_signal_destroy(struct loop_signal *signal)
{
    if (signal) {
        signal->loop->signals--;
        free(signal);
    }
}

struct loop_hook *loop_hook_create(struct loop *loop, loop_fn fn, void *arg)
{
    struct loop_hook *hook = xcalloc(1, sizeof(*hook));

    hook->loop = loop;
    hook->fn = fn;
    hook->arg = arg;
    LL_PREPEND(loop->hooks, hook);
    return hook;
}

void loop_hook_destroy(struct loop_hook *hook)
{
    if (!hook) {
        return;
    }
    hook->fn = NULL;
    if (!hook->loop->is_in_hooks) {
        sweep_hooks(hook->loop);
    }
}

void loop_defer(struct loop *loop, loop_fn fn, void *arg)
{
    struct deferral *deferral = xcalloc(1, sizeof(*deferral));

    deferral->fn = fn;
    deferral->arg = arg;
    LL_APPEND(loop->deferred, deferral);
}
