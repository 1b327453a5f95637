/*
 * render: delivery -> message, after asking whether it may go to this member at all.
 *
 * Nothing is decided here about a delivery that someone may have sent already (W or U in Redis): it goes on to its claim,
 * which resolves that first.
 */
#include "run/stages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/policy.h"

struct render {
    enum channel channel;
    struct templates *templates;
};

static void *create(const struct stage_parts *parts)
{
    struct render *stage = xcalloc(1, sizeof(*stage));

    stage->channel = parts->pipeline->channel;
    stage->templates = parts->pipeline->templates;
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
    task->is_rendered = true;
    return true;
}

static bool may_be_sent_already(const struct task *task)
{
    return task->seen.state == 'W' || task->seen.state == 'U';
}

static void enter(void *arg, struct task *task)
{
    struct render *stage = arg;
    const char *reason = "";
    enum policy_answer answer =
        policy_check(task->flow, stage->channel, &task->parcel->event, task_judged_at_ms(task), &reason);

    if (answer != POLICY_ALLOW && !may_be_sent_already(task)) {
        task->outcome = answer == POLICY_EXPIRE ? OUTCOME_EXPIRED : OUTCOME_SUPPRESSED;
        task->settle_as = 'X';
        task_set_reason(task, reason);
        task_exit(task, EXIT_SETTLE);
        return;
    }
    if (!task->is_rendered && !render(stage, task) && !may_be_sent_already(task)) {
        task_exit(task, EXIT_DEAD);
        return;
    }
    task->rendered_us = clock_mono_us();
    task_exit(task, EXIT_NEXT);
}

const struct stage_type render_stage = {"render", create, free, enter, NULL};
