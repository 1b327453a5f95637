/*
 * deliver: message -> request -> facts -> verdict, and what follows from the verdict.
 */
#include "run/stages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crashpoint.h"
#include "base/mem.h"
#include "base/number.h"
#include "core/backoff.h"
#include "run/attempt.h"
#include "run/delivery_trace.h"

enum { MOST_MEMORY_WAIT_MS = 30000, LEASE_RESERVE_MS = 1000, MOST_POOLED = 256 };

static const struct metric_family requests_family = {
    "perkline_provider_requests_total", METRIC_COUNTER,
    "Requests to providers by what they came to; status none: no answer.",
    {"provider", "channel", "verdict", "reason", "status"}};
static const struct metric_family seconds_family = {"perkline_provider_request_seconds", METRIC_HISTOGRAM,
                                                    "Time from begin to answer of a request.",
                                                    {"provider", "channel", NULL}};

/* One request on the wire. */
struct attempt_slot {
    struct attempt_slot *next; /* list: deliver->pool */
    struct deliver *stage;
    struct task *task;
    struct provider_request request;
};

struct deliver {
    enum channel channel;
    const struct pipeline_parts *parts;
    const struct provider *provider;
    struct provider_account account;
    struct http_client *http;
    struct gate *gate;
    struct random *random;
    struct metrics *metrics;
    struct metric *seconds;
    int64_t request_timeout_ms;
    struct attempt_slot *pool; /* request buffers to use again */
    int pooled;
};

static void *create(const struct stage_parts *parts)
{
    struct deliver *stage = xcalloc(1, sizeof(*stage));

    stage->channel = parts->pipeline->channel;
    stage->parts = parts->pipeline;
    stage->provider = parts->pipeline->provider;
    stage->account = parts->pipeline->account;
    stage->http = parts->pipeline->http;
    stage->gate = parts->gate;
    stage->random = parts->random;
    stage->request_timeout_ms = parts->pipeline->request_timeout_ms;
    stage->metrics = parts->pipeline->metrics;
    metrics_declare(stage->metrics, &requests_family);
    stage->seconds = metrics_get(stage->metrics, &seconds_family,
                                 (const char *const[]){stage->provider->name, channel_name(stage->channel)});
    return stage;
}

static void free_slot(struct attempt_slot *slot)
{
    provider_request_finish(&slot->request);
    free(slot);
}

static void destroy(void *arg)
{
    struct deliver *stage = arg;

    while (stage->pool) {
        struct attempt_slot *slot = stage->pool;

        stage->pool = slot->next;
        free_slot(slot);
    }
    free(stage);
}

static struct attempt_slot *take_slot(struct deliver *stage, struct task *task)
{
    struct attempt_slot *slot = stage->pool;

    if (slot) {
        stage->pool = slot->next;
        stage->pooled--;
        provider_request_clear(&slot->request);
    } else {
        slot = xcalloc(1, sizeof(*slot));
        provider_request_init(&slot->request);
    }
    slot->stage = stage;
    slot->task = task;
    return slot;
}

static void give_slot(struct attempt_slot *slot)
{
    struct deliver *stage = slot->stage;

    if (stage->pooled >= MOST_POOLED) {
        free_slot(slot);
        return;
    }
    slot->next = stage->pool;
    stage->pool = slot;
    stage->pooled++;
}

/* --- what follows ------------------------------------------------------------------------------------------------- */

static void sent(struct task *task)
{
    task->outcome = OUTCOME_SENT;
    task->settle_as = 'S';
    snprintf(task->provider_id, sizeof(task->provider_id), "%s", task->verdict.provider_id);
    task_exit(task, EXIT_NEXT);
}

/* Proved not sent: in memory while that is soon, else on a retry topic. What an outage of the provider as a whole
 * refused waits at the gate and costs no attempt. */
static void try_later(struct deliver *stage, struct task *task)
{
    bool is_outage = gate_breaker_state(stage->gate) != BREAKER_CLOSED ||
                     task->verdict.kind == VERDICT_NOT_SENT_CHANNEL || strcmp(task->verdict.reason, "lease_over") == 0 ||
                     strcmp(task->verdict.reason, "http_429") == 0;
    int64_t waited_ms = clock_wall_ms() - task->first_attempt_at;

    task->settle_as = 'P';
    if (is_outage) {
        task->wait_ms = 1;
        task->is_parking = false;
    } else {
        int64_t backoff = backoff_delay_ms(stage->random, ++task->attempts);

        task->wait_ms = backoff > task->verdict.retry_after_ms ? backoff : task->verdict.retry_after_ms;
        task->is_parking = waited_ms + task->wait_ms > CHAOS_HURRY(MOST_MEMORY_WAIT_MS);
    }
    task_exit(task, EXIT_NEXT);
}

static void is_unknown(struct deliver *stage, struct task *task, bool can_repeat)
{
    int64_t wait_ms;
    enum ambiguity_way way = task_decide_unknown(task, stage->parts, can_repeat, &wait_ms);

    task->attempts++;
    if (way == AMBIGUITY_HOLD) {
        task->outcome = OUTCOME_HELD;
        task_exit(task, EXIT_HOLD);
        return;
    }
    if (way == AMBIGUITY_RESEND) {
        wait_ms = backoff_delay_ms(stage->random, task->attempts);
        wait_ms = wait_ms < MOST_MEMORY_WAIT_MS ? wait_ms : MOST_MEMORY_WAIT_MS;
    }
    task->settle_as = 'U';
    task->wait_ms = wait_ms > 0 ? wait_ms : 1;
    task->is_parking = task->wait_ms > MOST_MEMORY_WAIT_MS;
    task_exit(task, EXIT_NEXT);
}

/* That a resend was refused says nothing about the first attempt, which may have been taken before whatever changed at the
 * provider: not dead, but unknown, and not to be tried a third time. */
static void is_refused(struct deliver *stage, struct task *task)
{
    snprintf(task->detail, sizeof(task->detail), "%s refused the message: %s", stage->provider->name,
             task->verdict.reason);
    if (task->is_resend) {
        task_set_reason(task, "unknown_and_refused");
        is_unknown(stage, task, false);
        return;
    }
    task->attempts++;
    task->outcome = OUTCOME_DEAD;
    task_exit(task, EXIT_DEAD);
}

static void follow(struct deliver *stage, struct task *task)
{
    switch (task->verdict.kind) {
    case VERDICT_SENT:
        task->attempts++;
        sent(task);
        break;
    case VERDICT_NOT_SENT_PERMANENT:
        is_refused(stage, task);
        break;
    case VERDICT_NOT_SENT_TRANSIENT:
    case VERDICT_NOT_SENT_CHANNEL:
        try_later(stage, task);
        break;
    case VERDICT_AMBIGUOUS:
        is_unknown(stage, task, true);
        break;
    }
}

/* --- request and answer ------------------------------------------------------------------------------------------- */

static void read_reply(struct deliver *stage, struct task *task, const struct http_reply *reply)
{
    struct attempt attempt = attempt_of_reply(reply);

    attempt.is_repeat = task->is_resend;
    stage->provider->read(&attempt, &task->verdict);
}

/* That a resend did not leave, or was not taken now, says nothing about the first attempt. */
static void remember_first_attempt(struct task *task)
{
    if (task->is_resend &&
        (task->verdict.kind == VERDICT_NOT_SENT_TRANSIENT || task->verdict.kind == VERDICT_NOT_SENT_CHANNEL)) {
        task->verdict.kind = VERDICT_AMBIGUOUS;
    }
}

static void count(struct deliver *stage, const struct task *task, const struct http_reply *reply)
{
    char text[NUMBER_TEXT_SIZE];
    const char *const labels[] = {stage->provider->name, channel_name(stage->channel),
                                  verdict_kind_name(task->verdict.kind), task->verdict.reason,
                                  reply->status ? number_format(reply->status, text).data : "none"};

    metric_add(metrics_get(stage->metrics, &requests_family, labels), 1);
    metric_observe(stage->seconds, (double)reply->total_ms / 1000);
}

static void on_reply(void *arg, const struct http_reply *reply)
{
    struct attempt_slot *slot = arg;
    struct deliver *stage = slot->stage;
    struct task *task = slot->task;

    CRASHPOINT("provider_answered");
    give_slot(slot);
    task->sent_us = clock_mono_us();
    read_reply(stage, task, reply);
    task_set_reason(task, task->verdict.reason);
    count(stage, task, reply);
    gate_report(stage->gate, &task->verdict);
    task->is_in_gate = false;
    gate_leave(stage->gate);
    CRASHPOINT("verdict_known");
    remember_first_attempt(task);
    follow(stage, task);
}

static void enter(void *arg, struct task *task)
{
    struct deliver *stage = arg;
    struct attempt_slot *slot = take_slot(stage, task);
    struct http_header headers[PROVIDER_MOST_HEADERS + 1];
    char trace[TRACE_TEXT_SIZE];
    const char *traceparent = stage->provider->takes_traceparent ? delivery_trace_parent(task, trace) : NULL;
    size_t count;
    struct mid key;

    if (!task->first_attempt_at) {
        task->first_attempt_at = clock_wall_ms();
    }
    mid_of_copy(&task->mid, task->copy, &key);
    stage->provider->build(&stage->account, &task->message, &task->mid, &key, &slot->request);
    task_drop_texts(task); /* the request has them */
    for (size_t i = 0; i < slot->request.header_count; i++) {
        headers[i] = (struct http_header){slot->request.headers[i].name, slot->request.headers[i].value};
    }
    count = slot->request.header_count;
    if (traceparent) {
        headers[count++] = (struct http_header){"traceparent", traceparent};
    }
    CRASHPOINT("request_built");
    http_begin(stage->http,
               &(struct http_request){
                   .method = slot->request.method,
                   .url = buf_text(&slot->request.url),
                   .headers = headers,
                   .header_count = count,
                   .body = buf_slice(&slot->request.body),
                   .send_before_ms = task->claim.lease_until_ms - stage->request_timeout_ms - LEASE_RESERVE_MS,
               },
               on_reply, slot);
}

const struct stage_type deliver_stage = {"deliver", create, destroy, enter, NULL};
