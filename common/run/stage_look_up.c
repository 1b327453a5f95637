/*
 * look up: is it done already? One plain GET, pipelined with all others of the turn, so that a replay neither renders
 * nor waits for rate tokens.
 */
#include "run/stages.h"

#include <stdlib.h>

#include "base/crashpoint.h"
#include "base/mem.h"

struct look_up {
    struct claims *claims;
};

static void *create(const struct stage_parts *parts)
{
    struct look_up *stage = xcalloc(1, sizeof(*stage));

    stage->claims = parts->pipeline->claims;
    return stage;
}

static void on_record(void *arg, const struct claim_record *record)
{
    struct task *task = arg;
    bool is_event = task->flow != NULL;
    bool must_publish;

    task->seen = *record;
    CRASHPOINT("looked_up");
    if (!claim_record_is_terminal(record)) {
        task_exit(task, is_event ? EXIT_NEXT : EXIT_CLAIM);
        return;
    }
    must_publish = task_take_outcome(task, record);
    task_exit(task, must_publish ? EXIT_TERMINAL : EXIT_FINISHED);
}

static void enter(void *arg, struct task *task)
{
    struct look_up *stage = arg;

    if (!task->begun_us) {
        task->begun_us = task->entered_us;
    }
    if (stage->claims) {
        claims_look_up(stage->claims, &task->mid, on_record, task);
    } else {
        on_record(task, &(struct claim_record){0});
    }
}

const struct stage_type look_up_stage = {"look_up", create, free, enter, NULL};
