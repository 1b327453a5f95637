#include "io/heartbeat.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/die.h"
#include "base/mem.h"

struct heartbeat {
    struct loop_timer *timer;
    int64_t tick_ms;
    int most_ticks;
    void (*on_stall)(void *arg);
    void *arg;
    atomic_uint beats;

    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t end;
    bool is_ending; /* under the lock */
};

static void beat(void *arg)
{
    struct heartbeat *heartbeat = arg;

    atomic_fetch_add(&heartbeat->beats, 1);
    loop_timer_start(heartbeat->timer, heartbeat->tick_ms);
}

/* False: it is to end. */
static bool sleep_a_tick(struct heartbeat *heartbeat)
{
    struct timespec until;
    bool goes_on;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += heartbeat->tick_ms % 1000 * 1000000;
    until.tv_sec += heartbeat->tick_ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&heartbeat->lock);
    if (!heartbeat->is_ending) {
        pthread_cond_timedwait(&heartbeat->end, &heartbeat->lock, &until);
    }
    goes_on = !heartbeat->is_ending;
    pthread_mutex_unlock(&heartbeat->lock);
    return goes_on;
}

static void *watch(void *arg)
{
    struct heartbeat *heartbeat = arg;
    unsigned seen = atomic_load(&heartbeat->beats);
    int missed = 0;

    while (sleep_a_tick(heartbeat)) {
        unsigned now = atomic_load(&heartbeat->beats);

        missed = now == seen ? missed + 1 : 0;
        seen = now;
        if (missed == heartbeat->most_ticks) {
            heartbeat->on_stall(heartbeat->arg);
        }
    }
    return NULL;
}

struct heartbeat *heartbeat_create(struct loop *loop, int64_t tick_ms, int most_ticks, void (*on_stall)(void *arg),
                                   void *arg)
{
    struct heartbeat *heartbeat = xcalloc(1, sizeof(*heartbeat));
    pthread_condattr_t monotonic;
    sigset_t all, before;

    heartbeat->timer = loop_timer_create(loop, beat, heartbeat);
    heartbeat->tick_ms = tick_ms;
    heartbeat->most_ticks = most_ticks;
    heartbeat->on_stall = on_stall;
    heartbeat->arg = arg;
    atomic_init(&heartbeat->beats, 0);
    pthread_mutex_init(&heartbeat->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&heartbeat->end, &monotonic);
    pthread_condattr_destroy(&monotonic);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&heartbeat->thread, NULL, watch, heartbeat) != 0) {
        die("cannot start a thread to watch the loop");
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    loop_timer_start(heartbeat->timer, 0);
    return heartbeat;
}

void heartbeat_destroy(struct heartbeat *heartbeat)
{
    if (!heartbeat) {
        return;
    }
    pthread_mutex_lock(&heartbeat->lock);
    heartbeat->is_ending = true;
    pthread_cond_signal(&heartbeat->end);
    pthread_mutex_unlock(&heartbeat->lock);
    pthread_join(heartbeat->thread, NULL);
    pthread_cond_destroy(&heartbeat->end);
    pthread_mutex_destroy(&heartbeat->lock);
    loop_timer_destroy(heartbeat->timer);
    free(heartbeat);
}
