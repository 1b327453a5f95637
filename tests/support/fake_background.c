/* io/background.h without a thread: the work is done in one turn of the loop, its end told in the next. */
#include <stdlib.h>

#include "base/mem.h"
#include "fakes.h"
#include "io/background.h"

struct work {
    struct loop *loop;
    loop_fn work;
    loop_fn done;
    void *arg;
};

static int open_count;

int fake_background_open_count(void)
{
    return open_count;
}

static void tell(void *arg)
{
    struct work *work = arg;

    open_count--;
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
    open_count++;
    loop_defer(loop, run, begun);
}
