#include "io/background.h"

#include <stdlib.h>
#include <uv.h>

#include "base/die.h"
#include "base/mem.h"
#include "io/loop_uv.h"

struct background {
    uv_thread_t thread;
    uv_async_t end; /* keeps the loop alive until `done` was called */
    loop_fn work;
    loop_fn done;
    void *arg;
};

static void on_thread(void *arg)
{
    struct background *background = arg;

    background->work(background->arg);
    uv_async_send(&background->end);
}

static void on_close(uv_handle_t *end)
{
    free(end->data);
}

static void on_end(uv_async_t *end)
{
    struct background *background = end->data;

    uv_thread_join(&background->thread);
    background->done(background->arg);
    uv_close((uv_handle_t *)end, on_close);
}

void background_begin(struct loop *loop, loop_fn work, loop_fn done, void *arg)
{
    struct background *background = xcalloc(1, sizeof(*background));
    int status;

    background->work = work;
    background->done = done;
    background->arg = arg;
    background->end.data = background;
    status = uv_async_init(loop_uv(loop), &background->end, on_end);
    if (status == 0) {
        status = uv_thread_create(&background->thread, on_thread, background);
    }
    if (status < 0) {
        die("event loop: background work: %s", uv_strerror(status));
    }
}
