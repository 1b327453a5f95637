/* io/background.h without a thread: the work is done in one turn of the loop, its end told in the next. */
#include <stdlib.h>

#include "base/mem.h"
#include "io/background.h"

struct work {
    struct loop *loop;
    loop_fn work;
    loop_fn done;
    void *arg;
};

static void tell(void *arg)
{
    struct work *work = arg;

    work->done(work->arg);
    free(work);
}

static void run(void *arg)
{
    struct work *work = arg;

    work->work(work->arg);
    loop_defer(work->loop, tell, work);
}

void background_begin(struct loop *loop, loop_fn work, loop_fn done, void *arg)
{
    struct work *begun = xcalloc(1, sizeof(*begun));

    *begun = (struct work){loop, work, done, arg};
    loop_defer(loop, run, begun);
}
