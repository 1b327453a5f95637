/*
 * admit: a message waits for its turn: still in time, and the gate (slot, breaker, token) lets it pass. Urgent flows go
 * first.
 */
#include "run/stages.h"

#include <stdlib.h>

#include <utlist.h>

#include "base/clock.h"
#include "base/crashpoint.h"
#include "base/mem.h"
#include "core/policy.h"

static const struct metric_family waiting_family = {
    "perkline_admit_waiting", METRIC_GAUGE,
    "Messages that wait for a connection slot, the breaker or a rate token.", {"channel", NULL}};

struct admit {
    enum channel channel;
    struct gate *gate;
    struct task *queues[FLOW_PRIORITIES];
    int64_t waiting;
    struct metric *waiting_gauge;
    bool is_sweeping;
};

static void *create(const struct stage_parts *parts)
{
    struct admit *stage = xcalloc(1, sizeof(*stage));

    stage->channel = parts->pipeline->channel;
    stage->gate = parts->gate;
    stage->waiting_gauge = metrics_get(parts->pipeline->metrics, &waiting_family,
                                       (const char *const[]){channel_name(stage->channel)});
    return stage;
}

/* Time went by while it waited. True: it leaves another way. */
static bool is_refused_now(const struct admit *stage, struct task *task)
{
    const char *reason = "";
    enum policy_answer answer;

    if (!task_is_wanted(task)) {
        task_exit(task, EXIT_DROPPED);
        return true;
    }
    if (task->seen.state == 'W' || task->seen.state == 'U') {
        return false;
    }
    answer = policy_check(task->flow, stage->channel, &task->parcel->event, task_judged_at_ms(task), &reason);
    if (answer == POLICY_ALLOW) {
        return false;
    }
    task->outcome = answer == POLICY_EXPIRE ? OUTCOME_EXPIRED : OUTCOME_SUPPRESSED;
    task->settle_as = 'X';
    task_set_reason(task, reason);
    task_exit(task, EXIT_SETTLE);
    return true;
}

static struct task *take_first(struct admit *stage)
{
    for (int priority = 0; priority < FLOW_PRIORITIES; priority++) {
        struct task *task = stage->queues[priority];

        if (task) {
            DL_DELETE(stage->queues[priority], task);
            stage->waiting--;
            return task;
        }
    }
    return NULL;
}

static void put_back(struct admit *stage, struct task *task)
{
    DL_PREPEND(stage->queues[task->flow->priority], task);
    stage->waiting++;
}

static void sweep(void *arg)
{
    struct admit *stage = arg;
    struct task *task;

    if (stage->is_sweeping) {
        return; /* the outer one goes on */
    }
    stage->is_sweeping = true;
    while ((task = take_first(stage))) {
        if (is_refused_now(stage, task)) {
            continue;
        }
        if (!gate_enter(stage->gate, stage->waiting + 1)) {
            put_back(stage, task);
            break;
        }
        task->is_in_gate = true;
        task->admitted_us = clock_mono_us();
        CRASHPOINT("admitted");
        task_exit(task, EXIT_NEXT);
    }
    metric_set(stage->waiting_gauge, (double)stage->waiting);
    stage->is_sweeping = false;
}

static void enter(void *arg, struct task *task)
{
    struct admit *stage = arg;

    DL_APPEND(stage->queues[task->flow->priority], task);
    stage->waiting++;
    sweep(stage);
}

const struct stage_type admit_stage = {"admit", create, free, enter, sweep};
