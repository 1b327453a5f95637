/*
 * settle: record in Redis what it came to. What leaves the pipeline by DLQ or held topic was written there before; SENT is
 * settled first and published after; parking is settled first and produced after. Each order makes a crash in between
 * repeat work instead of losing it.
 */
#include "run/stages.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

enum { STALE_WAIT_MS = 1000 };

struct settle {
    struct claims *claims;
};

static void *create(const struct stage_parts *parts)
{
    struct settle *stage = xcalloc(1, sizeof(*stage));

    stage->claims = parts->pipeline->claims;
    return stage;
}

static void leave(struct task *task)
{
    if (task->settle_as == 'P' || task->settle_as == 'U') {
        task->seen.state = task->settle_as;
        task->seen.attempts -= task->seen.attempts > 0; /* whoever settles lives */
        task_exit(task, task->is_parking ? EXIT_PARK : EXIT_WAIT);
        return;
    }
    task->is_final = true;
    task_exit(task, task_is_delivery(task) ? EXIT_NEXT : EXIT_FINISHED);
}

static void on_settled(void *arg, enum claim_settled settled)
{
    struct task *task = arg;

    task->settled_us = clock_mono_us();
    task->has_claim = false;
    switch (settled) {
    case CLAIM_SETTLED_OK:
        leave(task);
        break;
    case CLAIM_SETTLED_WAS_SENT:
        task->outcome = OUTCOME_SENT;
        if (task->settle_as != 'S') {
            task_set_reason(task, "sent_before");
        }
        task->settle_as = 'S';
        leave(task);
        break;
    case CLAIM_SETTLED_STRANGE:
        task->wait_ms = CLAIM_STRANGE_WAIT_MS;
        task_exit(task, EXIT_PARK);
        break;
    case CLAIM_SETTLED_STALE: /* someone else's now: see what they made of it */
        task->wait_ms = STALE_WAIT_MS;
        task_exit(task, EXIT_WAIT);
        break;
    }
}

static void enter(void *arg, struct task *task)
{
    struct settle *stage = arg;
    uint64_t fence = task->has_claim ? task->claim.fence : task->seen.state == 'P' ? task->seen.fence : 0;
    char info[PROVIDER_ID_SIZE + 48];

    task_format_info(task, info, sizeof(info));
    claims_settle(stage->claims, &task->mid, task->has_claim, fence, task->settle_as, info, task_ttl_ms(task),
                  task->wait_ms, on_settled, task);
}

const struct stage_type settle_stage = {"settle", create, free, enter, NULL};
