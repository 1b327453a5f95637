#include "io/loop.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <uv.h>

#include "base/clock.h"
#include "base/die.h"
#include "base/mem.h"
#include "io/loop_uv.h"

/* A turn is what happens between two waits: sockets and signals, then timers, then (in the prepare callback) what was
 * deferred, then the hooks. An active idle handle keeps libuv from waiting. */

struct deferral {
    loop_fn fn;
    void *arg;
};

struct deferral_list {
    struct deferral *items;
    size_t count;
    size_t capacity;
};

struct loop_clock {
    int64_t now_ms;
    bool is_fresh;
};

struct loop {
    uv_loop_t uv;
    uv_prepare_t prepare;
    uv_idle_t no_wait;
    struct loop_hook *hooks;        /* newest first */
    struct deferral_list deferred;  /* to run at the end of this turn */
    struct deferral_list spare;     /* the other half of a double buffer */
    struct loop_clock *clock;       /* apart, because reading the time of a const loop may refresh it */
    bool is_ending;                 /* inside end_turn() */
    bool is_single;                 /* inside loop_turn() */
};

struct loop_timer {
    uv_timer_t uv;
    struct loop *loop;
    loop_fn fn;
    void *arg;
    int64_t due_ms;
};

struct loop_signal {
    uv_signal_t uv;
    loop_fn fn;
    void *arg;
};

struct loop_hook {
    struct loop *loop;
    struct loop_hook *next;
    loop_fn fn; /* NULL: destroyed while the hooks ran */
    void *arg;
};

struct uv_loop_s *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

static void check_uv(int status, const char *what)
{
    if (status < 0) {
        die("event loop: %s: %s", what, uv_strerror(status));
    }
}

/* --- end of a turn ----------------------------------------------------------------------------------------------- */

static void sweep_hooks(struct loop *loop)
{
    struct loop_hook **at = &loop->hooks;

    while (*at) {
        struct loop_hook *hook = *at;

        if (hook->fn) {
            at = &hook->next;
        } else {
            *at = hook->next;
            free(hook);
        }
    }
}

/* Deferred functions first, since they may give the hooks something to flush. What is deferred meanwhile runs at
 * the end of the next turn. Returns whether anything was deferred. */
static bool end_turn(struct loop *loop)
{
    struct deferral_list list = loop->deferred;

    loop->deferred = loop->spare;
    loop->deferred.count = 0;
    loop->is_ending = true;
    for (size_t i = 0; i < list.count; i++) {
        list.items[i].fn(list.items[i].arg);
    }
    for (struct loop_hook *hook = loop->hooks; hook; hook = hook->next) {
        if (hook->fn) {
            hook->fn(hook->arg);
        }
    }
    loop->is_ending = false;
    loop->spare = list;
    sweep_hooks(loop);
    return list.count > 0;
}

static void on_no_wait(uv_idle_t *idle)
{
    (void)idle;
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct loop *loop = prepare->data;
    bool has_run = end_turn(loop);

    if (loop->deferred.count > 0 || (loop->is_single && has_run)) {
        uv_idle_start(&loop->no_wait, on_no_wait);
    } else {
        uv_idle_stop(&loop->no_wait);
    }
    loop->clock->is_fresh = false;
}

/* --- the loop ---------------------------------------------------------------------------------------------------- */

struct loop *loop_create(void)
{
    struct loop *loop = xcalloc(1, sizeof(*loop));

    /* A peer that closed is told by EPIPE; hiredis before 1.0 and OpenSSL would be ended by the signal. */
    signal(SIGPIPE, SIG_IGN);
    uv_replace_allocator(xmalloc, xrealloc, xcalloc, free);
    loop->clock = xcalloc(1, sizeof(*loop->clock));
    check_uv(uv_loop_init(&loop->uv), "cannot start");
    check_uv(uv_prepare_init(&loop->uv, &loop->prepare), "prepare");
    check_uv(uv_idle_init(&loop->uv, &loop->no_wait), "idle");
    loop->prepare.data = loop;
    check_uv(uv_prepare_start(&loop->prepare, on_prepare), "prepare");
    return loop;
}

void loop_destroy(struct loop *loop)
{
    if (!loop) {
        return;
    }
    while (loop->deferred.count > 0) {
        end_turn(loop);
    }
    assert(!loop->hooks);
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_close((uv_handle_t *)&loop->no_wait, NULL);
    while (uv_run(&loop->uv, UV_RUN_DEFAULT) != 0) { /* lets handles that are being closed finish */
    }
    check_uv(uv_loop_close(&loop->uv), "something of it is still open");
    free(loop->deferred.items);
    free(loop->spare.items);
    free(loop->clock);
    free(loop);
}

void loop_run(struct loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_turn(struct loop *loop, bool wait)
{
    loop->is_single = true;
    uv_run(&loop->uv, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    loop->is_single = false;
    end_turn(loop);
    loop->clock->is_fresh = false;
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

int64_t loop_now_ms(const struct loop *loop)
{
    if (!loop->clock->is_fresh) {
        loop->clock->now_ms = clock_mono_ms();
        loop->clock->is_fresh = true;
    }
    return loop->clock->now_ms;
}

void loop_defer(struct loop *loop, loop_fn fn, void *arg)
{
    struct deferral_list *list = &loop->deferred;

    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 64;
        list->items = xreallocarray(list->items, list->capacity, sizeof(*list->items));
    }
    list->items[list->count++] = (struct deferral){fn, arg};
}

/* --- timers ------------------------------------------------------------------------------------------------------ */

static void on_freed(uv_handle_t *handle)
{
    free(handle->data);
}

struct loop_timer *loop_timer_create(struct loop *loop, loop_fn fn, void *arg)
{
    struct loop_timer *timer = xcalloc(1, sizeof(*timer));

    timer->loop = loop;
    timer->fn = fn;
    timer->arg = arg;
    check_uv(uv_timer_init(&loop->uv, &timer->uv), "timer");
    timer->uv.data = timer;
    return timer;
}

void loop_timer_destroy(struct loop_timer *timer)
{
    if (timer) {
        uv_close((uv_handle_t *)&timer->uv, on_freed);
    }
}

/* libuv counts from its own cached time, which may be behind ours: the rest is waited for then, so that a timer never
 * fires before its time on the clock that callers see. */
static void on_timer(uv_timer_t *uv)
{
    struct loop_timer *timer = uv->data;
    int64_t left_ms = timer->due_ms - loop_now_ms(timer->loop);

    if (left_ms > 0) {
        uv_timer_start(uv, on_timer, (uint64_t)left_ms, 0);
        return;
    }
    timer->fn(timer->arg);
}

void loop_timer_start(struct loop_timer *timer, int64_t delay_ms)
{
    if (delay_ms < 0) {
        delay_ms = 0;
    }
    timer->due_ms = loop_now_ms(timer->loop) + delay_ms;
    uv_timer_start(&timer->uv, on_timer, (uint64_t)delay_ms, 0);
}

void loop_timer_stop(struct loop_timer *timer)
{
    uv_timer_stop(&timer->uv);
}

bool loop_timer_is_active(const struct loop_timer *timer)
{
    return uv_is_active((const uv_handle_t *)&timer->uv) != 0;
}

/* --- signals ----------------------------------------------------------------------------------------------------- */

static void on_signal(uv_signal_t *uv, int signum)
{
    struct loop_signal *signal = uv->data;

    (void)signum;
    signal->fn(signal->arg);
}

struct loop_signal *loop_signal_create(struct loop *loop, int signum, loop_fn fn, void *arg)
{
    struct loop_signal *signal = xcalloc(1, sizeof(*signal));

    signal->fn = fn;
    signal->arg = arg;
    check_uv(uv_signal_init(&loop->uv, &signal->uv), "signal");
    signal->uv.data = signal;
    check_uv(uv_signal_start(&signal->uv, on_signal, signum), "signal");
    return signal;
}

void loop_signal_destroy(struct loop_signal *signal)
{
    if (signal) {
        uv_close((uv_handle_t *)&signal->uv, on_freed);
    }
}

/* --- hooks ------------------------------------------------------------------------------------------------------- */

struct loop_hook *loop_hook_create(struct loop *loop, loop_fn fn, void *arg)
{
    struct loop_hook *hook = xcalloc(1, sizeof(*hook));

    hook->loop = loop;
    hook->fn = fn;
    hook->arg = arg;
    hook->next = loop->hooks;
    loop->hooks = hook;
    return hook;
}

void loop_hook_destroy(struct loop_hook *hook)
{
    if (!hook) {
        return;
    }
    hook->fn = NULL;
    if (!hook->loop->is_ending) {
        sweep_hooks(hook->loop);
    }
}
