#include "run/pipeline.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "run/delivery_trace.h"
#include "run/gate.h"
#include "run/ledger.h"
#include "run/stages.h"

/*
 * The order. A task starts at LOOK_UP when it is first in its member's lane. A way out that is not in the table is a bug.
 */
static const struct transition {
    enum stage from;
    enum stage_exit way;
    enum stage to;
} transitions[] = {
    {STAGE_LOOK_UP, EXIT_NEXT, STAGE_RENDER},
    {STAGE_LOOK_UP, EXIT_TERMINAL, STAGE_PUBLISH},
    {STAGE_LOOK_UP, EXIT_CLAIM, STAGE_BEGIN},
    {STAGE_LOOK_UP, EXIT_FINISHED, STAGE_DONE},
    {STAGE_LOOK_UP, EXIT_WAIT, STAGE_WAIT},
    {STAGE_LOOK_UP, EXIT_PARK, STAGE_PARK},

    {STAGE_RENDER, EXIT_NEXT, STAGE_ADMIT},
    {STAGE_RENDER, EXIT_SETTLE, STAGE_SETTLE},
    {STAGE_RENDER, EXIT_DEAD, STAGE_DEAD_LETTER},
    {STAGE_RENDER, EXIT_DROPPED, STAGE_DONE},

    {STAGE_ADMIT, EXIT_NEXT, STAGE_BEGIN},
    {STAGE_ADMIT, EXIT_SETTLE, STAGE_SETTLE},
    {STAGE_ADMIT, EXIT_PARK, STAGE_PARK},
    {STAGE_ADMIT, EXIT_DROPPED, STAGE_DONE},

    {STAGE_BEGIN, EXIT_NEXT, STAGE_DELIVER},
    {STAGE_BEGIN, EXIT_TERMINAL, STAGE_PUBLISH},
    {STAGE_BEGIN, EXIT_FINISHED, STAGE_DONE},
    {STAGE_BEGIN, EXIT_HOLD, STAGE_HOLD},
    {STAGE_BEGIN, EXIT_DEAD, STAGE_DEAD_LETTER},
    {STAGE_BEGIN, EXIT_SETTLE, STAGE_SETTLE},
    {STAGE_BEGIN, EXIT_WAIT, STAGE_WAIT},
    {STAGE_BEGIN, EXIT_PARK, STAGE_PARK},
    {STAGE_BEGIN, EXIT_QUERY, STAGE_QUERY},

    {STAGE_QUERY, EXIT_NEXT, STAGE_SETTLE},
    {STAGE_QUERY, EXIT_HOLD, STAGE_HOLD},

    {STAGE_DELIVER, EXIT_NEXT, STAGE_SETTLE},
    {STAGE_DELIVER, EXIT_DEAD, STAGE_DEAD_LETTER},
    {STAGE_DELIVER, EXIT_HOLD, STAGE_HOLD},

    {STAGE_DEAD_LETTER, EXIT_NEXT, STAGE_SETTLE},
    {STAGE_HOLD, EXIT_NEXT, STAGE_SETTLE},

    {STAGE_SETTLE, EXIT_NEXT, STAGE_PUBLISH},
    {STAGE_SETTLE, EXIT_FINISHED, STAGE_DONE},
    {STAGE_SETTLE, EXIT_WAIT, STAGE_WAIT},
    {STAGE_SETTLE, EXIT_PARK, STAGE_PARK},

    {STAGE_PUBLISH, EXIT_NEXT, STAGE_DONE},
    {STAGE_PARK, EXIT_NEXT, STAGE_DONE},
    {STAGE_WAIT, EXIT_NEXT, STAGE_LOOK_UP},
    {STAGE_WAIT, EXIT_DROPPED, STAGE_DONE},
};

/* The same as far as it changes nothing. */
static const struct transition rehearsal[] = {
    {STAGE_LOOK_UP, EXIT_NEXT, STAGE_RENDER},     {STAGE_LOOK_UP, EXIT_TERMINAL, STAGE_DONE},
    {STAGE_LOOK_UP, EXIT_FINISHED, STAGE_DONE},   {STAGE_RENDER, EXIT_NEXT, STAGE_DONE},
    {STAGE_RENDER, EXIT_SETTLE, STAGE_DONE},      {STAGE_RENDER, EXIT_DEAD, STAGE_DONE},
};

static const struct stage_type *const types[STAGE_COUNT] = {
    [STAGE_LOOK_UP] = &look_up_stage,   [STAGE_RENDER] = &render_stage,
    [STAGE_ADMIT] = &admit_stage,       [STAGE_BEGIN] = &begin_stage,
    [STAGE_DELIVER] = &deliver_stage,   [STAGE_QUERY] = &query_stage,
    [STAGE_SETTLE] = &settle_stage,     [STAGE_PUBLISH] = &publish_stage,
    [STAGE_DEAD_LETTER] = &dead_letter_stage, [STAGE_HOLD] = &hold_stage,
    [STAGE_PARK] = &park_stage,         [STAGE_WAIT] = &wait_stage,
};

enum { MOST_RENDERED = 32 }; /* more is slower: what lies longer leaves the cache of the processor */

static const int64_t REJECT_TTL_MS = 30LL * 86400000;

struct pipeline {
    struct pipeline_parts parts;
    char gate_name[64];
    void *stages[STAGE_COUNT];
    bool has_stage[STAGE_COUNT];
    enum stage next[STAGE_COUNT][EXIT_COUNT];
    struct gate *gate; /* NULL in a rehearsal, as the stages that it does not reach */
    struct render_room *room;
    struct lanes *lanes;
    struct ledger *ledger;
    struct random random;
    pipeline_done_fn on_done;
    void *arg;
    struct parcel *parcels; /* all in flight */
    size_t parcel_count;
    bool is_draining;
    uint64_t outcomes[OUTCOME_STATE_COUNT], parked;
};

const char *stage_name(enum stage stage)
{
    return stage < STAGE_COUNT ? types[stage]->name : "done";
}

static void on_gate_open(void *arg)
{
    struct pipeline *pipeline = arg;

    types[STAGE_ADMIT]->sweep(pipeline->stages[STAGE_ADMIT]);
}

static void on_room(void *arg)
{
    struct pipeline *pipeline = arg;

    types[STAGE_RENDER]->sweep(pipeline->stages[STAGE_RENDER]);
}

static void fill_transitions(struct pipeline *pipeline, const struct transition table[], size_t count)
{
    for (int from = 0; from < STAGE_COUNT; from++) {
        for (int way = 0; way < EXIT_COUNT; way++) {
            pipeline->next[from][way] = (enum stage)-1;
        }
    }
    for (size_t i = 0; i < count; i++) {
        pipeline->next[table[i].from][table[i].way] = table[i].to;
        pipeline->has_stage[table[i].from] = true;
    }
}

static struct gate *create_gate(struct pipeline *pipeline)
{
    const struct pipeline_parts *parts = &pipeline->parts;
    struct gate_settings settings = {
        .name = pipeline->gate_name,
        .channel = parts->channel,
        .provider = parts->provider->name,
        .connections = parts->connections,
        .limiter = {.environment = parts->environment, .name = pipeline->gate_name, .rate_per_s = parts->rate_per_s},
    };

    snprintf(pipeline->gate_name, sizeof(pipeline->gate_name), "%s-%s", parts->provider->name,
             channel_name(parts->channel));
    return gate_create(parts->loop, parts->claims, parts->pauses, &settings, parts->metrics, on_gate_open, pipeline);
}

/* A rehearsal hands every message to whoever looks at it, so nothing waits. */
static int64_t most_rendered(const struct pipeline_parts *parts)
{
    if (parts->is_rehearsal || parts->keeps_texts) {
        return INT64_MAX;
    }
    return parts->connections < MOST_RENDERED ? parts->connections : MOST_RENDERED;
}

static void create_ledger(struct pipeline *pipeline)
{
    const struct pipeline_parts *parts = &pipeline->parts;
    const char *names[STAGE_COUNT];

    for (int stage = 0; stage < STAGE_COUNT; stage++) {
        names[stage] = types[stage]->name;
    }
    pipeline->ledger = ledger_create(parts->metrics, parts->channel, names);
}

struct pipeline *pipeline_create(const struct pipeline_parts *parts, pipeline_done_fn on_done, void *arg)
{
    struct pipeline *pipeline = xcalloc(1, sizeof(*pipeline));
    struct stage_parts stage_parts;

    pipeline->parts = *parts;
    pipeline->on_done = on_done;
    pipeline->arg = arg;
    random_init(&pipeline->random, random_seed_from_system());
    /* Before the gate, so that what the gate lets go at the end of a turn makes room in the same turn. */
    pipeline->room = render_room_create(parts->loop, most_rendered(parts), on_room, pipeline);
    if (parts->is_rehearsal) {
        fill_transitions(pipeline, rehearsal, sizeof(rehearsal) / sizeof(rehearsal[0]));
    } else {
        fill_transitions(pipeline, transitions, sizeof(transitions) / sizeof(transitions[0]));
        pipeline->gate = create_gate(pipeline);
    }
    pipeline->lanes = lanes_create();
    create_ledger(pipeline);
    stage_parts = (struct stage_parts){&pipeline->parts, pipeline->gate, pipeline->room, &pipeline->random};
    for (int stage = 0; stage < STAGE_COUNT; stage++) {
        pipeline->stages[stage] = pipeline->has_stage[stage] ? types[stage]->create(&stage_parts) : NULL;
    }
    return pipeline;
}

void pipeline_destroy(struct pipeline *pipeline)
{
    struct parcel *parcel, *next;

    if (!pipeline) {
        return;
    }
    DL_FOREACH_SAFE(pipeline->parcels, parcel, next)
    {
        for (size_t i = 0; i < parcel->task_count; i++) {
            lanes_leave(pipeline->lanes, &parcel->tasks[i].lane);
        }
        parcel_destroy(parcel);
    }
    for (int stage = 0; stage < STAGE_COUNT; stage++) {
        if (pipeline->has_stage[stage]) {
            types[stage]->destroy(pipeline->stages[stage]);
        }
    }
    gate_destroy(pipeline->gate);
    render_room_destroy(pipeline->room);
    lanes_destroy(pipeline->lanes);
    ledger_destroy(pipeline->ledger);
    free(pipeline);
}

/* --- the engine --------------------------------------------------------------------------------------------------- */

static bool is_before_claim(enum stage stage)
{
    return stage == STAGE_LOOK_UP || stage == STAGE_RENDER || stage == STAGE_ADMIT || stage == STAGE_BEGIN ||
           stage == STAGE_WAIT;
}

/* Between its rendering and its request. */
static bool is_message_stage(enum stage stage)
{
    return stage == STAGE_ADMIT || stage == STAGE_BEGIN || stage == STAGE_DELIVER;
}

static void enter(struct task *task, enum stage stage, int64_t now_us)
{
    struct pipeline *pipeline = task->parcel->pipeline;

    task->stage = stage;
    task->entered_us = now_us;
    types[stage]->enter(pipeline->stages[stage], task);
}

/* The member's next delivery may go. */
static void leave_lane(struct pipeline *pipeline, struct task *task, int64_t now_us)
{
    struct task *next;

    if (!task->lane.lane) {
        return;
    }
    next = lanes_leave(pipeline->lanes, &task->lane);
    if (next) {
        enter(next, STAGE_LOOK_UP, now_us);
    }
}

static void release(struct parcel *parcel)
{
    struct pipeline *pipeline = parcel->pipeline;

    if (--parcel->open_tasks > 0) {
        return;
    }
    DL_DELETE(pipeline->parcels, parcel);
    pipeline->parcel_count--;
    pipeline->on_done(pipeline->arg, parcel, !parcel->has_dropped);
    parcel_destroy(parcel);
}

static void finish(struct task *task, enum stage_exit way)
{
    struct pipeline *pipeline = task->parcel->pipeline;

    ledger_close(pipeline->ledger, task, way);
    pipeline->outcomes[task->outcome] += task->is_final;
    pipeline->parked += task->stage == STAGE_PARK;
    delivery_trace_end(task);
    task->stage = STAGE_DONE;
    release(task->parcel);
}

void task_exit(struct task *task, enum stage_exit way)
{
    struct pipeline *pipeline = task->parcel->pipeline;
    enum stage to = pipeline->next[task->stage][way];
    int64_t now_us = clock_mono_us();

    assert(to <= STAGE_DONE);
    ledger_add_stage(pipeline->ledger, task, now_us);
    delivery_trace_mark(task, now_us);
    if (to != STAGE_DONE && is_before_claim(to) && !task_is_wanted(task)) {
        to = STAGE_DONE;
        way = EXIT_DROPPED;
    }
    task->parcel->has_dropped |= way == EXIT_DROPPED;
    if (!is_message_stage(to)) {
        task_drop_texts(task);
    }
    if (to == STAGE_PUBLISH || to == STAGE_DONE) {
        leave_lane(pipeline, task, now_us);
    }
    if (to == STAGE_DONE) {
        finish(task, way);
    } else {
        enter(task, to, now_us);
    }
}

void pipeline_submit(struct pipeline *pipeline, struct parcel *parcel)
{
    int64_t now_us = clock_mono_us();

    assert(parcel->task_count > 0);
    parcel->pipeline = pipeline;
    DL_APPEND(pipeline->parcels, parcel);
    pipeline->parcel_count++;
    ledger_open(pipeline->ledger, parcel->task_count);
    parcel->open_tasks++; /* stays until all tasks have entered, also when the first are done at once */
    for (size_t i = 0; i < parcel->task_count; i++) {
        struct task *task = &parcel->tasks[i];
        struct slice key = slice_of(task->flow ? parcel->event.member_id : "");

        task->stage = STAGE_LOOK_UP;
        task->trace = delivery_trace_begin(pipeline->parts.traces, pipeline->parts.channel, task);
        if (lanes_enter(pipeline->lanes, key, &task->lane, task)) {
            enter(task, STAGE_LOOK_UP, now_us);
        }
    }
    release(parcel);
}

void pipeline_forget_partition(struct pipeline *pipeline, const struct partition *partition, bool is_log_gone)
{
    struct parcel *parcel;

    DL_FOREACH(pipeline->parcels, parcel)
    {
        if (parcel->partition == partition) {
            parcel->partition = NULL;
            parcel->is_only_here = is_log_gone;
        }
    }
}

size_t pipeline_parcel_count(const struct pipeline *pipeline)
{
    return pipeline->parcel_count;
}

void pipeline_drain(struct pipeline *pipeline)
{
    pipeline->is_draining = true;
    for (int stage = 0; stage < STAGE_COUNT; stage++) {
        if (pipeline->has_stage[stage] && types[stage]->sweep) {
            types[stage]->sweep(pipeline->stages[stage]);
        }
    }
}

bool pipeline_is_draining(const struct pipeline *pipeline)
{
    return pipeline->is_draining;
}

struct pipeline_facts pipeline_look(const struct pipeline *pipeline)
{
    struct pipeline_facts facts = {
        .gate = pipeline->gate_name,
        .breaker = breaker_state_name(gate_breaker_state(pipeline->gate)),
        .trouble = gate_trouble(pipeline->gate),
        .on_wire = gate_in_flight(pipeline->gate),
        .rate_per_s = gate_rate(pipeline->gate),
        .parked = pipeline->parked,
    };

    memcpy(facts.outcomes, pipeline->outcomes, sizeof(facts.outcomes));
    return facts;
}

void pipeline_update_metrics(struct pipeline *pipeline)
{
    ledger_show(pipeline->ledger, pipeline->parcels);
}

/* --- what stages ask of a task ------------------------------------------------------------------------------------ */

void *task_stage(const struct task *task)
{
    return task->parcel->pipeline->stages[task->stage];
}

void task_drop_texts(struct task *task)
{
    const struct pipeline_parts *parts = &task->parcel->pipeline->parts;

    if (task->has_texts && !parts->is_rehearsal && !parts->keeps_texts) {
        task->has_texts = false;
        message_drop_texts(&task->message);
        render_room_give(task->parcel->pipeline->room);
    }
}

bool task_is_wanted(const struct task *task)
{
    const struct parcel *parcel = task->parcel;

    return task->has_claim || ((parcel->partition || parcel->is_only_here) && !parcel->pipeline->is_draining);
}

int64_t task_ttl_ms(const struct task *task)
{
    int64_t most_ms = task->parcel->pipeline->parts.most_ttl_ms;
    int64_t ttl_ms = !task_is_delivery(task)                       ? REJECT_TTL_MS
                     : task->flow && task->flow->dedupe_for_ms > 0 ? task->flow->dedupe_for_ms
                                                                   : CLAIM_FOREVER_MS;

    return most_ms > 0 && ttl_ms > most_ms ? most_ms : ttl_ms;
}

int64_t task_judged_at_ms(const struct task *task)
{
    const struct event *event = &task->parcel->event;

    return task->parcel->pipeline->parts.is_as_of_event && event->time_ms ? event->time_ms : clock_wall_ms();
}
