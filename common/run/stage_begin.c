/*
 * begin: take the claim. This is the last step before the request leaves, so that what a crash makes ambiguous is what was
 * on the wire and nothing else.
 *
 * AMBIGUOUS (someone may have sent it) is resolved here, and only in these ways: send again under the provider's own
 * idempotency key while that surely lives, send again because the flow says so, or hold.
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
    const struct provider *provider;
    struct claims *claims;
    struct templates *templates;
    struct gate *gate;
};

static void *create(const struct stage_parts *parts)
{
    struct begin *stage = xcalloc(1, sizeof(*stage));

    stage->channel = parts->pipeline->channel;
    stage->provider = parts->pipeline->provider;
    stage->claims = parts->pipeline->claims;
    stage->templates = parts->pipeline->templates;
    stage->gate = parts->gate;
    return stage;
}

static void leave(struct begin *stage, struct task *task, enum stage_exit way)
{
    if (way != EXIT_NEXT && task->is_in_gate) {
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

/* The part behind "version:". */
static const char *hash_of(const char *fingerprint)
{
    const char *colon = strchr(fingerprint, ':');

    return colon ? colon + 1 : fingerprint;
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

    if (strcmp(hash_of(fingerprint), task->message.fingerprint) == 0) {
        return true;
    }
    snprintf(version, sizeof(version), "%.*s", (int)strcspn(fingerprint, ":"), fingerprint);
    catalog = templates_find_version(stage->templates, version);
    flow = catalog ? catalog_find_flow(catalog, task->flow->name) : NULL;
    if (!flow ||
        !catalog_render(catalog, flow, stage->channel, &task->parcel->event, NULL, &message, &error)) {
        return false;
    }
    if (strcmp(hash_of(fingerprint), message.fingerprint) != 0) {
        message_finish(&message);
        return false;
    }
    message_finish(&task->message);
    task->message = message;
    return true;
}

static void resolve(struct begin *stage, struct task *task, const struct claim_result *result)
{
    bool is_key_alive =
        stage->provider->key_ttl_ms > 0 && result->age_ms <= stage->provider->key_ttl_ms / 10 * 6;
    const char *reason = "";

    CRASHPOINT("takeover");
    if (task->claim.attempts > MOST_TAKEOVERS) {
        hold(stage, task, "too_many_takeovers");
    } else if (!task->is_rendered) {
        hold(stage, task, "unknown_and_not_renderable");
    } else if (policy_check(task->flow, stage->channel, &task->parcel->event, clock_wall_ms(), &reason) ==
               POLICY_SUPPRESS) {
        hold(stage, task, "unknown_and_suppressed");
    } else if (!has_first_content(stage, task, result->fingerprint)) {
        hold(stage, task, "unknown_and_content_changed");
    } else if (is_key_alive || task->flow->channels[stage->channel].ambiguous == FLOW_AMBIGUOUS_RESEND) {
        task->is_resend = true;
        leave(stage, task, EXIT_NEXT);
    } else {
        hold(stage, task, "unknown");
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
        policy_check(task->flow, stage->channel, &task->parcel->event, clock_wall_ms(), &reason);

    task->is_resend = false;
    if (answer != POLICY_ALLOW) {
        task->outcome = answer == POLICY_EXPIRE ? OUTCOME_EXPIRED : OUTCOME_SUPPRESSED;
        task->settle_as = 'X';
        task_set_reason(task, reason);
        leave(stage, task, EXIT_SETTLE);
        return;
    }
    leave(stage, task, task->is_rendered ? EXIT_NEXT : EXIT_DEAD);
}

static void on_claim(void *arg, const struct claim_result *result)
{
    struct task *task = arg;
    struct begin *stage = task_stage(task);

    task->has_claim = result->answer == CLAIM_GO || result->answer == CLAIM_AMBIGUOUS;
    if (!task->flow && result->answer != CLAIM_BUSY && result->answer != CLAIM_LATER) {
        leave(stage, task, task->has_claim ? EXIT_DEAD : EXIT_FINISHED);
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
    claims_begin(stage->claims, &task->mid, &task->claim, fingerprint, task_ttl_ms(task), on_claim, task);
}

const struct stage_type begin_stage = {"begin", create, free, enter, NULL};
