#include "io/background.h"

#include <stdlib.h>
#include <uv.h>

#include "base/die.h"
#include "base/mem.h"
#include "io/loop_uv.h"

struct background {
    uv_work_t uv;
    loop_fn work;
    loop_fn done;
    void *arg;
};

static void on_thread(uv_work_t *uv)
{
    struct background *background = uv->data;

    background->work(background->arg);
}

static void on_loop(uv_work_t *uv, int status)
{
    struct background *background = uv->data;

    (void)status; /* only a cancelled one has another than 0 */
    background->done(background->arg);
    free(background);
}

void background_begin(struct loop *loop, loop_fn work, loop_fn done, void *arg)
{
    struct background *background = xcalloc(1, sizeof(*background));
    int status;

    background->uv.data = background;
    background->work = work;
    background->done = done;
    background->arg = arg;
    status = uv_queue_work(loop_uv(loop), &background->uv, on_thread, on_loop);
    if (status < 0) {
        die("event loop: background work: %s", uv_strerror(status));
    }
}
