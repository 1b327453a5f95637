/*
 * render: delivery -> message, after asking whether it may go to this member at all.
 *
 * Nothing is decided here about a delivery that someone may have sent already (W or U in Redis): it goes on to its claim,
 * which resolves that first.
 *
 * Only so many messages lie rendered at once (render_room.h). The other deliveries wait here, urgent flows first.
 */
#include "run/stages.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/clock.h"
#include "base/crashpoint.h"
#include "base/mem.h"
#include "core/policy.h"
#include "run/careful.h"

struct render {
    enum channel channel;
    struct templates *templates;
    struct render_room *room;
    struct careful *careful;
    bool keeps_texts;
    struct task *queues[FLOW_PRIORITIES]; /* waiting for room */
};

static void *create(const struct stage_parts *parts)
{
    struct render *stage = xcalloc(1, sizeof(*stage));

    stage->channel = parts->pipeline->channel;
    stage->templates = parts->pipeline->templates;
    stage->room = parts->room;
    stage->careful = parts->pipeline->careful;
    stage->keeps_texts = parts->pipeline->keeps_texts;
    return stage;
}

/* The version that the first attempt used, where it is known and still here; else the one it was planned with. */
static const struct catalog *choose_catalog(const struct render *stage, const struct task *task)
{
    const struct parcel *parcel = task->parcel;
    const struct catalog *first = NULL;

    if (parcel->note && parcel->note->template_version[0]) {
        first = templates_find_version(stage->templates, parcel->note->template_version);
    }
    return first ? first : parcel->catalog;
}

static bool render(const struct render *stage, struct task *task)
{
    const struct catalog *catalog = choose_catalog(stage, task);
    const struct flow *flow = catalog_find_flow(catalog, task->flow->name);
    struct render_error error = {0};

    CHAOS_POISON(task->parcel->event.member_id);
    task->is_rendered = false;
    message_finish(&task->message);
    if (!flow) {
        catalog = task->parcel->catalog;
        flow = task->flow;
    }
    if (!catalog_render(catalog, flow, stage->channel, &task->parcel->event, NULL, &task->message, &error)) {
        task->outcome = OUTCOME_DEAD;
        task_set_reason(task, error.reason);
        snprintf(task->detail, sizeof(task->detail), "%s", error.text);
        return false;
    }
    task->is_rendered = task->has_texts = true;
    return true;
}

static bool may_be_sent_already(const struct task *task)
{
    return task->seen.state == 'W' || task->seen.state == 'U';
}

static bool refuse_killer(struct task *task)
{
    task->outcome = OUTCOME_DEAD;
    task_set_reason(task, "crash_suspect");
    snprintf(task->detail, sizeof(task->detail), "three workers in a row have died while they rendered it");
    return false;
}

static void render_now(void *arg, bool is_killer)
{
    struct task *task = arg;
    struct render *stage = task_stage(task);

    assert(!task->has_texts || stage->keeps_texts);
    if (is_killer ? !refuse_killer(task) : !render(stage, task)) {
        render_room_give(stage->room);
        if (!may_be_sent_already(task)) {
            task_exit(task, EXIT_DEAD);
            return;
        }
    }
    task->rendered_us = clock_mono_us();
    CRASHPOINT("rendered");
    task_exit(task, EXIT_NEXT);
}

/* There is room for its message. */
static void go_on(struct render *stage, struct task *task)
{
    const char *reason = "";
    enum policy_answer answer =
        policy_check(task->flow, stage->channel, &task->parcel->event, task_judged_at_ms(task), &reason);

    if (answer != POLICY_ALLOW && !may_be_sent_already(task)) {
        render_room_give(stage->room);
        task->outcome = answer == POLICY_EXPIRE ? OUTCOME_EXPIRED : OUTCOME_SUPPRESSED;
        task->settle_as = 'X';
        task_set_reason(task, reason);
        task_exit(task, EXIT_SETTLE);
        return;
    }
    careful_run(stage->careful, stage->channel, &task->parcel->record, CAREFUL_RENDER, render_now, task);
}

static void sweep_queue(struct render *stage, struct task **queue)
{
    struct task *task, *next;

    DL_FOREACH_SAFE(*queue, task, next)
    {
        bool is_wanted = task_is_wanted(task);

        if (is_wanted && !render_room_take(stage->room)) {
            break;
        }
        DL_DELETE(*queue, task);
        if (is_wanted) {
            go_on(stage, task);
        } else {
            task_exit(task, EXIT_DROPPED);
        }
    }
}

static void sweep(void *arg)
{
    struct render *stage = arg;

    for (int priority = 0; priority < FLOW_PRIORITIES; priority++) {
        sweep_queue(stage, &stage->queues[priority]);
    }
}

static void enter(void *arg, struct task *task)
{
    struct render *stage = arg;

    DL_APPEND(stage->queues[task->flow->priority], task);
    sweep(stage);
}

const struct stage_type render_stage = {"render", create, free, enter, sweep};
