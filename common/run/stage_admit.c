/*
 * admit: a message waits for its turn: still in time, and the gate (pause, slot, breaker, token) lets it pass. Urgent
 * flows go first.
 *
 * A paused channel or provider closes the gate: messages wait here, the window fills, the partitions pause. A paused flow
 * must not hold back the others: its messages wait only while the pause is young, so that a short one costs nothing, and
 * go to a retry topic from then on, without an attempt and without a trace in Redis.
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

enum { PAUSE_PATIENCE_MS = 1000 };

/* What is parked again and again during a long pause goes ever further away, but not so far that it expires unseen. */
static const enum park_tier LONGEST_PAUSE_TIER = PARK_1H;

struct admit {
    enum channel channel;
    struct gate *gate;
    struct pauses *pauses;
    struct task *queues[FLOW_PRIORITIES];
    struct task *paused; /* of flows whose pause is young */
    struct loop_timer *paused_timer;
    bool must_look_at_paused;
    int64_t waiting;
    struct metric *waiting_gauge;
    bool is_sweeping;
};

static void sweep_paused(void *arg);
static void note_pauses(void *arg);

static void *create(const struct stage_parts *parts)
{
    struct admit *stage = xcalloc(1, sizeof(*stage));

    stage->channel = parts->pipeline->channel;
    stage->gate = parts->gate;
    stage->waiting_gauge = metrics_get(parts->pipeline->metrics, &waiting_family,
                                       (const char *const[]){channel_name(stage->channel)});
    stage->pauses = parts->pipeline->pauses;
    stage->paused_timer = loop_timer_create(parts->pipeline->loop, sweep_paused, stage);
    pauses_add_listener(stage->pauses, note_pauses, stage); /* the gate's listener sees to the sweep */
    return stage;
}

static void destroy(void *arg)
{
    struct admit *stage = arg;

    loop_timer_destroy(stage->paused_timer);
    free(stage);
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

/* --- paused flows ------------------------------------------------------------------------------------------------- */

static void park(struct task *task, int64_t age_ms)
{
    enum park_tier tier = park_tier_for(age_ms);

    task->wait_ms = park_tier_delay_ms(tier < LONGEST_PAUSE_TIER ? tier : LONGEST_PAUSE_TIER);
    task_set_reason(task, PARK_REASON_PAUSED);
    task_exit(task, EXIT_PARK);
}

/* True: it does not go on now. */
static bool is_paused(struct admit *stage, struct task *task)
{
    int64_t age_ms = pauses_flow_age_ms(stage->pauses, task->flow->name);

    if (age_ms < 0) {
        return false;
    }
    if (age_ms >= PAUSE_PATIENCE_MS) {
        park(task, age_ms);
        return true;
    }
    DL_APPEND(stage->paused, task);
    if (!loop_timer_is_active(stage->paused_timer)) {
        loop_timer_start(stage->paused_timer, PAUSE_PATIENCE_MS - age_ms);
    }
    return true;
}

/* They take their places at the head again, in their order, to be looked at anew. */
static void take_back_paused(struct admit *stage)
{
    stage->must_look_at_paused = false;
    while (stage->paused) {
        struct task *last = stage->paused->prev;

        DL_DELETE(stage->paused, last);
        put_back(stage, last);
    }
}

static void note_pauses(void *arg)
{
    struct admit *stage = arg;

    stage->must_look_at_paused = true;
}

/* --- the turn of each --------------------------------------------------------------------------------------------- */

static void sweep(void *arg)
{
    struct admit *stage = arg;
    struct task *task;

    if (stage->is_sweeping) {
        return; /* the outer one goes on */
    }
    stage->is_sweeping = true;
    if (stage->must_look_at_paused || (stage->paused && !task_is_wanted(stage->paused))) {
        take_back_paused(stage);
    }
    while ((task = take_first(stage))) {
        if (is_refused_now(stage, task) || is_paused(stage, task)) {
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

static void sweep_paused(void *arg)
{
    note_pauses(arg);
    sweep(arg);
}

static void enter(void *arg, struct task *task)
{
    struct admit *stage = arg;

    DL_APPEND(stage->queues[task->flow->priority], task);
    stage->waiting++;
    sweep(stage);
}

const struct stage_type admit_stage = {"admit", create, destroy, enter, sweep};
