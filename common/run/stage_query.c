/*
 * query: nobody knows whether it was sent: ask the provider for the message that bears our tag. Found is sent. A proven
 * "not found" makes it a delivery that was never sent. Anything else, and any limit, means to ask again later, never
 * "not found"; a person decides when a day has gone by without an answer.
 *
 * A task comes with its claim and its connection slot, and leaves without the slot. How often may be asked is shared by all
 * workers (run/question_budget.h).
 */
#include "run/stages.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/crashpoint.h"
#include "base/mem.h"
#include "core/backoff.h"
#include "run/attempt.h"
#include "run/question_budget.h"

enum { MOST_MEMORY_WAIT_MS = 30000, LEASE_RESERVE_MS = 1000, HOUR_MS = 3600000, MOST_AGE_MS = 24 * HOUR_MS };

static const struct metric_family questions_family = {
    "perkline_provider_questions_total", METRIC_COUNTER,
    "Questions to providers about messages that nobody knew of, by answer.", {"provider", "channel", "answer", NULL}};

struct query {
    const struct pipeline_parts *parts;
    struct gate *gate;
    struct random *random;
    struct question_budget *budget;
};

/* One question on the wire. */
struct question {
    struct query *stage;
    struct task *task;
    struct provider_request request;
};

static void *create(const struct stage_parts *parts)
{
    struct query *stage = xcalloc(1, sizeof(*stage));
    const struct provider *provider = parts->pipeline->provider;
    char name[64];

    snprintf(name, sizeof(name), "%s-%s", provider->name, channel_name(provider->channel));
    stage->parts = parts->pipeline;
    stage->gate = parts->gate;
    stage->random = parts->random;
    stage->budget = question_budget_create(claims_redis(parts->pipeline->claims),
                                           &(struct question_budget_settings){
                                               .environment = parts->pipeline->environment,
                                               .name = name,
                                               .per_hour = parts->pipeline->questions_per_hour,
                                           });
    return stage;
}

static void destroy(void *arg)
{
    struct query *stage = arg;

    question_budget_destroy(stage->budget);
    free(stage);
}

static void leave(struct query *stage, struct task *task, enum stage_exit way)
{
    task->is_in_gate = false;
    gate_leave(stage->gate);
    task_exit(task, way);
}

static void ask_later(struct query *stage, struct task *task, int64_t wait_ms)
{
    if (clock_mono_ms() - task->unknown_since_ms > MOST_AGE_MS) {
        task->outcome = OUTCOME_HELD;
        task_set_reason(task, "unknown_and_not_answered");
        leave(stage, task, EXIT_HOLD);
        return;
    }
    task->settle_as = 'U';
    task->wait_ms = wait_ms > 0 ? wait_ms : 1;
    task->is_parking = task->wait_ms > MOST_MEMORY_WAIT_MS;
    leave(stage, task, EXIT_NEXT);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void follow(struct query *stage, struct task *task, const struct provider_finding *finding)
{
    int64_t backoff_ms;

    switch (finding->found) {
    case PROVIDER_FOUND:
        task->outcome = OUTCOME_SENT;
        task->settle_as = 'S';
        task_set_reason(task, "found_at_provider");
        snprintf(task->provider_id, sizeof(task->provider_id), "%s", finding->provider_id);
        leave(stage, task, EXIT_NEXT);
        break;
    case PROVIDER_NOT_FOUND: /* as good as never sent: it begins anew, with all that is asked before a first attempt */
        task->settle_as = 'P';
        task->wait_ms = 1;
        task->is_parking = false;
        task_set_reason(task, "not_found_at_provider");
        leave(stage, task, EXIT_NEXT);
        break;
    case PROVIDER_UNKNOWN:
        backoff_ms = backoff_delay_ms(stage->random, task->questions) + question_budget_interval_ms(stage->budget);
        task_set_reason(task, finding->reason);
        ask_later(stage, task, backoff_ms > finding->retry_after_ms ? backoff_ms : finding->retry_after_ms);
        break;
    }
}

static void on_reply(void *arg, const struct http_reply *reply)
{
    struct question *question = arg;
    struct query *stage = question->stage;
    struct task *task = question->task;
    const struct provider *provider = stage->parts->provider;
    const struct attempt attempt = attempt_of_reply(reply);
    struct provider_finding finding;

    CRASHPOINT("question_answered");
    provider->read_query(&attempt, &task->mid, &finding);
    provider_request_finish(&question->request);
    free(question);
    metrics_count(stage->parts->metrics, &questions_family,
                  (const char *const[]){provider->name, channel_name(provider->channel),
                                        provider_found_name(finding.found)});
    follow(stage, task, &finding);
}

/* --- questions ---------------------------------------------------------------------------------------------------- */

static void ask(struct query *stage, struct task *task)
{
    struct question *question = xcalloc(1, sizeof(*question));
    struct provider_request *request = &question->request;
    struct http_header headers[PROVIDER_MOST_HEADERS];

    question->stage = stage;
    question->task = task;
    provider_request_init(request);
    stage->parts->provider->build_query(&stage->parts->account, &task->mid, request);
    for (size_t i = 0; i < request->header_count; i++) {
        headers[i] = (struct http_header){request->headers[i].name, request->headers[i].value};
    }
    task->questions++;
    CRASHPOINT("question_asked");
    http_begin(stage->parts->http,
               &(struct http_request){
                   .method = request->method,
                   .url = buf_text(&request->url),
                   .headers = headers,
                   .header_count = request->header_count,
                   .send_before_ms = task->claim.lease_until_ms - stage->parts->request_timeout_ms - LEASE_RESERVE_MS,
               },
               on_reply, question);
}

static void on_budget(void *arg, int64_t wait_ms)
{
    struct task *task = arg;
    struct query *stage = task_stage(task);
    uint64_t interval_ms = (uint64_t)question_budget_interval_ms(stage->budget);

    if (wait_ms > 0) { /* each its own time, so that they do not all come back for the next question */
        ask_later(stage, task, wait_ms + (int64_t)random_below(stage->random, interval_ms * 4 + 1));
    } else {
        ask(stage, task);
    }
}

static void enter(void *arg, struct task *task)
{
    struct query *stage = arg;

    question_budget_take(stage->budget, on_budget, task);
}

const struct stage_type query_stage = {"query", create, destroy, enter, NULL};
