/*
 * wait: soon, in memory. The task keeps its place in the member's lane; afterwards it is looked up anew, since others may
 * have dealt with it meanwhile.
 */
#include "run/stages.h"

#include <stdlib.h>

#include <utlist.h>

#include "base/mem.h"

struct wait {
    struct loop *loop;
    struct task *waiting; /* list */
};

static void *create(const struct stage_parts *parts)
{
    struct wait *stage = xcalloc(1, sizeof(*stage));

    stage->loop = parts->pipeline->loop;
    return stage;
}

static void leave(struct wait *stage, struct task *task, enum stage_exit way)
{
    DL_DELETE(stage->waiting, task);
    loop_timer_stop(task->timer);
    task_exit(task, way);
}

static void on_time(void *arg)
{
    struct task *task = arg;

    leave(task_stage(task), task, EXIT_NEXT);
}

static void enter(void *arg, struct task *task)
{
    struct wait *stage = arg;

    DL_APPEND(stage->waiting, task);
    task_call_later(task, stage->loop, task->wait_ms, on_time);
}

static void sweep(void *arg)
{
    struct wait *stage = arg;
    struct task *task, *next;

    DL_FOREACH_SAFE(stage->waiting, task, next)
    {
        if (!task_is_wanted(task)) {
            leave(stage, task, EXIT_DROPPED);
        }
    }
}

const struct stage_type wait_stage = {"wait", create, free, enter, sweep};
