/*
 * look up: is it done already? One plain GET, pipelined with all others of the turn, so that a replay neither renders
 * nor waits for rate tokens.
 */
#include "run/stages.h"

#include <stdlib.h>

#include "base/crashpoint.h"
#include "base/mem.h"

enum { REOPEN_WAIT_MS = 1000 };

struct look_up {
    struct claims *claims;
    bool is_rehearsal; /* changes nothing */
};

static void *create(const struct stage_parts *parts)
{
    struct look_up *stage = xcalloc(1, sizeof(*stage));

    stage->claims = parts->pipeline->claims;
    stage->is_rehearsal = parts->pipeline->is_rehearsal;
    return stage;
}

static void on_record(void *arg, const struct claim_record *record);

static void on_reopened(void *arg, bool is_done)
{
    struct task *task = arg;
    struct look_up *stage = task_stage(task);

    if (!is_done) {
        task->wait_ms = REOPEN_WAIT_MS;
        task_exit(task, EXIT_WAIT);
        return;
    }
    task->is_reopened = true;
    claims_look_up(stage->claims, &task->mid, on_record, task);
}

/* Has an operator let this very end be undone? */
static bool may_reopen(const struct look_up *stage, const struct task *task, const struct claim_record *record)
{
    const struct park_note *note = task->parcel->note;

    return !stage->is_rehearsal && note && note->may_reopen && note->reopen_fence == record->fence && task->flow &&
           !task->is_reopened && (record->state == 'D' || record->state == 'H');
}

static void on_record(void *arg, const struct claim_record *record)
{
    struct task *task = arg;
    struct look_up *stage = task_stage(task);
    bool is_event = task->flow != NULL;
    bool must_publish;

    if (claim_record_is_strange(record) && !stage->is_rehearsal) { /* what the note knows stays known */
        task->wait_ms = CLAIM_STRANGE_WAIT_MS;
        task_set_reason(task, "strange_record");
        task_exit(task, EXIT_PARK);
        return;
    }
    if (!claim_record_is_outdated(record, &task->seen)) {
        task->seen = *record;
    }
    record = &task->seen;
    CRASHPOINT("looked_up");
    if (may_reopen(stage, task, record)) {
        claims_reopen(stage->claims, &task->mid, record->fence, task->copy, task_ttl_ms(task), on_reopened, task);
        return;
    }
    if (record->state == 'P' && claim_fingerprint_copy(record->fingerprint)) {
        task->copy = claim_fingerprint_copy(record->fingerprint);
    }
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
