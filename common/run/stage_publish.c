/*
 * publish: the outcome to the outcomes topic, acknowledged, and the one log line of the delivery.
 */
#include "run/stages.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/crashpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "run/delivery_trace.h"

enum { RETRY_MS = 500, MOST_OUTCOME_BYTES = 16 << 10 };

static const struct metric_family outcomes_family = {"perkline_outcomes_total", METRIC_COUNTER,
                                                     "Terminal outcomes, acknowledged by Kafka.",
                                                     {"channel", "flow", "state", "reason"}};
static const struct metric_family seconds_family = {
    "perkline_delivery_seconds", METRIC_HISTOGRAM,
    "From the event's record being received to the provider's answer.", {"channel", "flow", NULL}};
static const struct metric_family event_family = {
    "perkline_event_to_sent_seconds", METRIC_HISTOGRAM_LONG,
    "From the event's own time to the provider having taken the message.", {"channel", "flow", NULL}};

struct publish {
    enum channel channel;
    struct loop *loop;
    struct kafka_producer *producer;
    struct claims *claims;
    const char *topic;
    const char *provider;
    struct metrics *metrics;
    struct buf text;
};

static void *create(const struct stage_parts *parts)
{
    struct publish *stage = xcalloc(1, sizeof(*stage));

    stage->channel = parts->pipeline->channel;
    stage->loop = parts->pipeline->loop;
    stage->producer = parts->pipeline->producer;
    stage->claims = parts->pipeline->claims;
    stage->topic = parts->pipeline->topics->outcomes;
    stage->provider = parts->pipeline->provider->name;
    stage->metrics = parts->pipeline->metrics;
    metrics_declare(stage->metrics, &outcomes_family);
    metrics_declare(stage->metrics, &seconds_family);
    metrics_declare(stage->metrics, &event_family);
    buf_init(&stage->text, MOST_OUTCOME_BYTES);
    return stage;
}

static void destroy(void *arg)
{
    struct publish *stage = arg;

    buf_finish(&stage->text);
    free(stage);
}

/* Milliseconds between two monotonic time stamps, -1 when either was not reached. */
static int64_t between_ms(int64_t from_us, int64_t to_us)
{
    return from_us && to_us ? (to_us - from_us) / 1000 : -1;
}

/* Into stage->text. */
static void format(struct publish *stage, const struct task *task)
{
    const struct parcel *parcel = task->parcel;
    bool is_attempted = task->sent_us != 0;
    char trace_id[TRACE_ID_TEXT_SIZE];
    struct outcome outcome = {
        .mid = &task->mid,
        .state = task->outcome,
        .reason = task->reason,
        .flow = task->flow ? task->flow->name : NULL,
        .channel = stage->channel,
        .locale = task->is_rendered ? task->message.locale : NULL,
        .template_version = task->is_rendered ? task->message.version : catalog_version(parcel->catalog),
        .provider = is_attempted || task->outcome == OUTCOME_SENT ? stage->provider : NULL,
        .provider_id = task->provider_id,
        .attempts = task->attempts,
        .fence = task->claim.fence ? task->claim.fence : task->seen.fence,
        .dedupe_for_ms = task->flow ? task->flow->dedupe_for_ms : 0,
        .event = parcel->is_event ? &parcel->event : NULL,
        .trace_id = trace_id,
        .wall_ms = clock_wall_ms(),
        .queue_ms = between_ms(parcel->received_us, task->begun_us),
        .render_ms = between_ms(task->begun_us, task->rendered_us),
        .admit_ms = between_ms(task->rendered_us, task->admitted_us),
        .deliver_ms = between_ms(task->admitted_us, task->sent_us),
        .total_ms = between_ms(parcel->received_us, clock_mono_us()),
    };

    parcel_origin(parcel, &outcome.topic, &outcome.partition, &outcome.offset);
    delivery_trace_id(task, trace_id);
    buf_clear(&stage->text);
    outcome_format(&outcome, &stage->text);
}

static void count(const struct publish *stage, const struct task *task)
{
    const char *channel = channel_name(stage->channel);
    const char *flow = task->flow ? task->flow->name : "";
    int64_t event_ms = task->parcel->event.time_ms;

    metrics_count(stage->metrics, &outcomes_family,
                  (const char *const[]){channel, flow, outcome_state_name(task->outcome),
                                        task->outcome == OUTCOME_SENT ? "" : task->reason});
    if (task->sent_us) {
        metric_observe(metrics_get(stage->metrics, &seconds_family, (const char *const[]){channel, flow}),
                       (double)(task->sent_us - task->parcel->received_us) / 1e6);
    }
    if (task->outcome == OUTCOME_SENT && event_ms > 0) {
        metric_observe(metrics_get(stage->metrics, &event_family, (const char *const[]){channel, flow}),
                       (double)(clock_wall_ms() - event_ms) / 1e3);
    }
}

static void produce(void *arg);

/* An earlier owner's result came meanwhile, and its outcome must not have ours behind it: the topic is compacted. */
static void on_looked_up(void *arg, const struct claim_record *record)
{
    struct task *task = arg;

    if (record->state == 'S') {
        task_take_outcome(task, record);
        task_set_reason(task, "sent_before");
    }
    produce(task);
}

/* Whether the first one has arrived is not known. */
static void produce_again(void *arg)
{
    struct task *task = arg;
    struct publish *stage = task_stage(task);

    if (task->outcome == OUTCOME_SENT) {
        produce(task);
    } else {
        claims_look_up(stage->claims, &task->mid, on_looked_up, task);
    }
}

static void on_produced(void *arg, bool is_done, const char *problem)
{
    struct task *task = arg;
    struct publish *stage = task_stage(task);

    if (!is_done) {
        log_event(LOG_WARN, "outcome_waits", "reason", problem, NULL);
        task_call_later(task, stage->loop, RETRY_MS, produce_again);
        return;
    }
    CRASHPOINT("outcome_acknowledged");
    if (!task->is_repeated) {
        count(stage, task);
        if (log_is_on(LOG_INFO)) {
            format(stage, task);
            log_json(LOG_INFO, buf_slice(&stage->text));
        }
    }
    task_exit(task, EXIT_NEXT);
}

static void produce(void *arg)
{
    struct task *task = arg;
    struct publish *stage = task_stage(task);
    char mid[MID_TEXT_SIZE];

    format(stage, task);
    mid_format(&task->mid, mid);
    CRASHPOINT("outcome_not_produced");
    kafka_produce(stage->producer,
                  &(struct kafka_message){
                      .topic = stage->topic,
                      .partition = -1,
                      .key = slice_of(mid),
                      .value = buf_slice(&stage->text),
                  },
                  on_produced, task);
    CRASHPOINT("outcome_produced");
}

static void enter(void *arg, struct task *task)
{
    const struct publish *stage = arg;

    if (stage->producer) {
        produce(task);
    } else {
        task_exit(task, EXIT_NEXT);
    }
}

const struct stage_type publish_stage = {"publish", create, destroy, enter, NULL};
