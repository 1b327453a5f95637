/*
 * begin: take the claim. This is the last step before the request leaves, so that what a crash makes ambiguous is what was
 * on the wire and nothing else.
 *
 * AMBIGUOUS (someone may have sent it) is resolved from here, in the ways of core/ambiguity.h: the same again, ask the
 * provider, wait until it can be asked, or hold.
 */
#include "run/stages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crashpoint.h"
#include "base/mem.h"
#include "core/policy.h"

/* A message that kills whoever sends it ends after so many takeovers. */
enum { MOST_TAKEOVERS = 10, MOST_BUSY_WAIT_MS = 1000, MOST_MEMORY_WAIT_MS = 30000 };

struct begin {
    enum channel channel;
    const struct pipeline_parts *parts;
    struct claims *claims;
    struct templates *templates;
    struct gate *gate;
};

static void *create(const struct stage_parts *parts)
{
    struct begin *stage = xcalloc(1, sizeof(*stage));

    stage->channel = parts->pipeline->channel;
    stage->parts = parts->pipeline;
    stage->claims = parts->pipeline->claims;
    stage->templates = parts->pipeline->templates;
    stage->gate = parts->gate;
    return stage;
}

static void leave(struct begin *stage, struct task *task, enum stage_exit way)
{
    if (way != EXIT_NEXT && way != EXIT_QUERY && task->is_in_gate) {
        task->is_in_gate = false;
        gate_leave(stage->gate);
    }
    task_exit(task, way);
}

static void hold(struct begin *stage, struct task *task, const char *reason)
{
    task->outcome = OUTCOME_HELD;
    task_set_reason(task, reason);
    leave(stage, task, EXIT_HOLD);
}

/* Is the part behind "version:" this hash? */
static bool has_hash(const char *fingerprint, const char *hash)
{
    const char *colon = strchr(fingerprint, ':');
    const char *at = colon ? colon + 1 : fingerprint;
    size_t len = strcspn(at, ":");

    return strlen(hash) == len && memcmp(at, hash, len) == 0;
}

/* The first attempt's content must be sent again byte for byte. When ours differs, the version of the first attempt is
 * rendered, if it is still here. */
static bool has_first_content(const struct begin *stage, struct task *task, const char *fingerprint)
{
    char version[VERSION_TEXT_SIZE];
    const struct catalog *catalog;
    const struct flow *flow;
    struct message message = {0};
    struct render_error error;

    if (has_hash(fingerprint, task->message.fingerprint)) {
        return true;
    }
    snprintf(version, sizeof(version), "%.*s", (int)strcspn(fingerprint, ":"), fingerprint);
    catalog = templates_find_version(stage->templates, version);
    flow = catalog ? catalog_find_flow(catalog, task->flow->name) : NULL;
    if (!flow ||
        !catalog_render(catalog, flow, stage->channel, &task->parcel->event, NULL, &message, &error)) {
        return false;
    }
    if (!has_hash(fingerprint, message.fingerprint)) {
        message_finish(&message);
        return false;
    }
    message_finish(&task->message);
    task->message = message;
    return true;
}

/* Why the same cannot be sent again; NULL: it can. */
static const char *find_obstacle(const struct begin *stage, struct task *task, const struct claim_result *result)
{
    const char *reason = "";

    if (!task->is_rendered) {
        return "unknown_and_not_renderable";
    }
    if (policy_check(task->flow, stage->channel, &task->parcel->event, task_judged_at_ms(task), &reason) == POLICY_SUPPRESS) {
        return "unknown_and_suppressed";
    }
    return has_first_content(stage, task, result->fingerprint) ? NULL : "unknown_and_content_changed";
}

/* Nobody renews a lease meanwhile: the next taker finds it unknown again. */
static void wait_for_visibility(struct begin *stage, struct task *task, int64_t wait_ms)
{
    task->settle_as = 'U';
    task->wait_ms = wait_ms > 0 ? wait_ms : 1;
    task->is_parking = task->wait_ms > MOST_MEMORY_WAIT_MS;
    task_set_reason(task, "unknown");
    leave(stage, task, EXIT_SETTLE);
}

static void resolve(struct begin *stage, struct task *task, const struct claim_result *result)
{
    const char *obstacle = find_obstacle(stage, task, result);
    int64_t wait_ms;

    CRASHPOINT("takeover");
    task->copy = claim_fingerprint_copy(result->fingerprint); /* the key is that of the attempt in question */
    task->unknown_since_ms = clock_mono_ms() - result->age_ms;
    if (task->claim.attempts > MOST_TAKEOVERS) {
        hold(stage, task, "too_many_takeovers");
        return;
    }
    switch (task_decide_unknown(task, stage->parts, !obstacle, &wait_ms)) {
    case AMBIGUITY_RESEND:
        task->is_resend = true;
        leave(stage, task, EXIT_NEXT);
        break;
    case AMBIGUITY_ASK:
        leave(stage, task, EXIT_QUERY);
        break;
    case AMBIGUITY_WAIT:
        wait_for_visibility(stage, task, wait_ms);
        break;
    case AMBIGUITY_HOLD:
        hold(stage, task, obstacle ? obstacle : "unknown");
        break;
    }
}

static void wait_for(struct begin *stage, struct task *task, int64_t wait_ms)
{
    task->wait_ms = wait_ms > 0 ? wait_ms : 1;
    leave(stage, task, task->wait_ms > MOST_MEMORY_WAIT_MS ? EXIT_PARK : EXIT_WAIT);
}

/* Nothing was sent before, so all is to be decided anew: at the look-up someone else may have had it on the wire, and
 * policy had no say then. */
static void go(struct begin *stage, struct task *task)
{
    const char *reason = "";
    enum policy_answer answer =
        policy_check(task->flow, stage->channel, &task->parcel->event, task_judged_at_ms(task), &reason);

    task->is_resend = false;
    task->unknown_since_ms = clock_mono_ms();
    if (answer != POLICY_ALLOW) {
        task->outcome = answer == POLICY_EXPIRE ? OUTCOME_EXPIRED : OUTCOME_SUPPRESSED;
        task->settle_as = 'X';
        task_set_reason(task, reason);
        leave(stage, task, EXIT_SETTLE);
        return;
    }
    leave(stage, task, task->is_rendered ? EXIT_NEXT : EXIT_DEAD);
}

/* No flow asks for it: to the DLQ. What may have been sent is not dead, and without a flow only a person can tell what is to
 * become of it. */
static void end_without_flow(struct begin *stage, struct task *task, enum claim_answer answer)
{
    if (answer == CLAIM_AMBIGUOUS && task_is_delivery(task)) {
        hold(stage, task, "unknown_and_no_longer_planned");
    } else {
        leave(stage, task, EXIT_DEAD);
    }
}

/* What is known of it from now on, also where Redis should forget it. */
static void note_claim(struct task *task, const struct claim_result *result)
{
    task->seen = (struct claim_record){
        .state = result->answer == CLAIM_GO ? 'W' : 'U',
        .fence = task->claim.fence,
        .attempts = task->claim.attempts,
        .first_ms = result->first_ms,
    };
    if (result->answer == CLAIM_GO) {
        task_fingerprint(task, task->seen.fingerprint);
    } else {
        memcpy(task->seen.fingerprint, result->fingerprint, sizeof(task->seen.fingerprint));
    }
}

static void on_claim(void *arg, const struct claim_result *result)
{
    struct task *task = arg;
    struct begin *stage = task_stage(task);

    task->has_claim = result->answer == CLAIM_GO || result->answer == CLAIM_AMBIGUOUS;
    if (task->has_claim) {
        note_claim(task, result);
    }
    if (!task->flow && task->has_claim) {
        end_without_flow(stage, task, result->answer);
        return;
    }
    switch (result->answer) {
    case CLAIM_GO:
        go(stage, task);
        break;
    case CLAIM_AMBIGUOUS:
        resolve(stage, task, result);
        break;
    case CLAIM_DONE:
        leave(stage, task, task_take_outcome(task, &result->record) ? EXIT_TERMINAL : EXIT_FINISHED);
        break;
    case CLAIM_BUSY:
        wait_for(stage, task, result->wait_ms < MOST_BUSY_WAIT_MS ? result->wait_ms : MOST_BUSY_WAIT_MS);
        break;
    case CLAIM_LATER:
        wait_for(stage, task, result->wait_ms);
        break;
    }
}

static void enter(void *arg, struct task *task)
{
    struct begin *stage = arg;
    char fingerprint[CLAIM_FINGERPRINT_SIZE];

    task->claim.id[0] = '\0';
    task_fingerprint(task, fingerprint);
    claims_begin(stage->claims, &task->mid, &task->claim, fingerprint, &task->seen, task_ttl_ms(task), on_claim,
                 task);
}

const struct stage_type begin_stage = {"begin", create, free, enter, NULL};
