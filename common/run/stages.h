/*
 * stages: what pipeline.c knows of each stage: a name and four functions. Each stage is a file stage_<name>.c.
 */
#ifndef RUN_STAGES_H
#define RUN_STAGES_H

#include "core/ambiguity.h"
#include "run/gate.h"
#include "run/parcel.h"
#include "run/pipeline.h"
#include "run/render_room.h"

/* A stage takes what it needs of these, and no more. */
struct stage_parts {
    const struct pipeline_parts *pipeline;
    struct gate *gate; /* may one more request leave? shared by admit, begin and deliver */
    struct render_room *room;
    struct random *random;
};

struct stage_type {
    const char *name;
    void *(*create)(const struct stage_parts *parts);
    void (*destroy)(void *stage);
    void (*enter)(void *stage, struct task *task);
    /* Looks again at every task that waits inside (the gate opened, or the pipeline drains). May be NULL. */
    void (*sweep)(void *stage);
};

extern const struct stage_type look_up_stage, render_stage, admit_stage, begin_stage, deliver_stage, query_stage,
    settle_stage, publish_stage, dead_letter_stage, hold_stage, park_stage, wait_stage;

/* The stage that the task is in, as its create() returned it: for callbacks that carry the task. */
void *task_stage(const struct task *task);

/* The texts of its message go, if there are any; what it was rendered from stays, and so does its fingerprint. */
void task_drop_texts(struct task *task);

/* False: not ours any more (partition revoked, or draining) and no claim taken: the task should leave as DROPPED. */
bool task_is_wanted(const struct task *task);

/* False: a record that never became a delivery, known by its place alone. */
bool task_is_delivery(const struct task *task);

/* Calls fn(task) after a while; forgotten when the task ends. */
void task_call_later(struct task *task, struct loop *loop, int64_t delay_ms, loop_fn fn);

/* What may be done about this delivery when nobody knows; `can_repeat` says whether the same may be sent again. */
enum ambiguity_way task_decide_unknown(const struct task *task, const struct pipeline_parts *parts, bool can_repeat,
                                       int64_t *wait_ms);

/* How long the record of a task's delivery lives in Redis. */
int64_t task_ttl_ms(const struct task *task);
/* Wall ms at which policy is asked whether it is too old. */
int64_t task_judged_at_ms(const struct task *task);
/* "version:hash[:copy]", as the claim carries it; "" for a record that is no event. */
void task_fingerprint(const struct task *task, char text[CLAIM_FINGERPRINT_SIZE]);
/* What a terminal record keeps behind its fence: "<partition>.<offset> <provider id or reason>", the place being where the
 * delivery came from first. */
void task_format_info(const struct task *task, char *info, size_t size);
/* The outcome that a terminal record stands for. True when it must be published again: this very record was settled by
 * an earlier owner, who may have died before Kafka acknowledged the outcome. */
bool task_take_outcome(struct task *task, const struct claim_record *record);

#endif
