#include "run/delivery_trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "core/trace.h"

/* Whoever waits again and again has more; what comes later is the end, so the span of the whole still tells. */
enum { MOST_MARKS = 24 };

struct delivery_trace {
    struct trace_export *export;
    enum channel channel;
    struct trace_context context; /* of the span of the whole */
    uint8_t parent_id[TRACE_SPAN_SIZE];
    bool has_parent;
    uint8_t request_id[TRACE_SPAN_SIZE]; /* of the request that is on the wire */
    bool has_request;
    struct {
        enum stage stage;
        int64_t begin_us, end_us; /* monotonic */
        uint8_t span_id[TRACE_SPAN_SIZE];
        enum verdict_kind verdict; /* of a request */
    } marks[MOST_MARKS];
    size_t count;
};

struct delivery_trace *delivery_trace_begin(struct trace_export *export, enum channel channel, const struct task *task)
{
    const struct event *event = &task->parcel->event;
    struct trace_context context = {.is_sampled = true};
    bool has_parent = export && task->flow && event->traceparent && trace_parse(slice_of(event->traceparent), &context);
    struct delivery_trace *trace;

    if (!export || !task->flow || !context.is_sampled) {
        return NULL;
    }
    if (!has_parent) {
        trace_id_of_event(event->source, event->id, context.trace_id);
        if (!trace_export_wants(export, context.trace_id)) {
            return NULL;
        }
    }
    trace = xcalloc(1, sizeof(*trace));
    trace->export = export;
    trace->channel = channel;
    trace->has_parent = has_parent;
    memcpy(trace->parent_id, context.span_id, TRACE_SPAN_SIZE);
    trace->context = context;
    trace_export_make_id(export, trace->context.span_id);
    return trace;
}

void delivery_trace_mark(const struct task *task, int64_t now_us)
{
    struct delivery_trace *trace = task->trace;

    if (!trace || trace->count == MOST_MARKS) {
        return;
    }
    trace->marks[trace->count].stage = task->stage;
    trace->marks[trace->count].begin_us = task->entered_us;
    trace->marks[trace->count].end_us = now_us;
    trace->marks[trace->count].verdict = task->verdict.kind;
    if (task->stage == STAGE_DELIVER && trace->has_request) {
        memcpy(trace->marks[trace->count].span_id, trace->request_id, TRACE_SPAN_SIZE);
        trace->has_request = false;
    } else {
        trace_export_make_id(trace->export, trace->marks[trace->count].span_id);
    }
    trace->count++;
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static const char *end_of(const struct task *task)
{
    if (task->is_repeated) {
        return "duplicate";
    }
    switch (task->stage) {
    case STAGE_PUBLISH:
        return outcome_state_name(task->outcome);
    case STAGE_PARK:
        return "parked";
    default:
        return "dropped";
    }
}

static void add_stages(const struct delivery_trace *trace, int64_t to_wall_us)
{
    for (size_t i = 0; i < trace->count; i++) {
        bool is_request = trace->marks[i].stage == STAGE_DELIVER;
        const char *verdict = is_request ? verdict_kind_name(trace->marks[i].verdict) : NULL;
        const struct otlp_attribute attributes[] = {{.key = "perkline.verdict", .text = verdict}};

        trace_export_add(trace->export,
                         &(struct otlp_span){
                             .trace_id = trace->context.trace_id,
                             .span_id = trace->marks[i].span_id,
                             .parent_id = trace->context.span_id,
                             .name = stage_name(trace->marks[i].stage),
                             .kind = is_request ? OTLP_CLIENT : OTLP_INTERNAL,
                             .begin_us = trace->marks[i].begin_us + to_wall_us,
                             .end_us = trace->marks[i].end_us + to_wall_us,
                             .attributes = attributes,
                             .attribute_count = is_request,
                             .error = is_request && trace->marks[i].verdict != VERDICT_SENT ? verdict : NULL,
                         });
    }
}

static void hand_over(const struct delivery_trace *trace, const struct task *task)
{
    int64_t now_us = clock_mono_us();
    int64_t to_wall_us = clock_wall_ms() * 1000 - now_us;
    char mid[MID_TEXT_SIZE], name[128];
    const char *topic;
    int32_t partition;
    int64_t offset;

    mid_format(&task->mid, mid);
    parcel_origin(task->parcel, &topic, &partition, &offset);
    snprintf(name, sizeof(name), "deliver %s", task->flow->name);

    const struct otlp_attribute attributes[] = {
        {.key = "perkline.mid", .text = mid},
        {.key = "perkline.flow", .text = task->flow->name},
        {.key = "perkline.channel", .text = channel_name(trace->channel)},
        {.key = "perkline.end", .text = end_of(task)},
        {.key = "perkline.reason", .text = task->reason},
        {.key = "perkline.attempts", .is_number = true, .number = task->attempts},
        {.key = "perkline.template_version", .text = catalog_version(task->parcel->catalog)},
        {.key = "messaging.system", .text = "kafka"},
        {.key = "messaging.operation.type", .text = "process"},
        {.key = "messaging.destination.name", .text = topic},
        {.key = "messaging.destination.partition.id", .is_number = true, .number = partition},
        {.key = "messaging.kafka.offset", .is_number = true, .number = offset},
    };
    bool is_bad = task->stage == STAGE_PUBLISH && (task->outcome == OUTCOME_DEAD || task->outcome == OUTCOME_HELD);

    trace_export_add(trace->export,
                     &(struct otlp_span){
                         .trace_id = trace->context.trace_id,
                         .span_id = trace->context.span_id,
                         .parent_id = trace->has_parent ? trace->parent_id : NULL,
                         .name = name,
                         .kind = OTLP_CONSUMER,
                         .begin_us = task->parcel->received_us + to_wall_us,
                         .end_us = now_us + to_wall_us,
                         .attributes = attributes,
                         .attribute_count = sizeof(attributes) / sizeof(attributes[0]),
                         .error = is_bad ? task->reason : NULL,
                     });
    add_stages(trace, to_wall_us);
}

void delivery_trace_end(const struct task *task)
{
    if (task->trace) {
        hand_over(task->trace, task);
    }
}

/* --- what others see ---------------------------------------------------------------------------------------------- */

const char *delivery_trace_parent(const struct task *task, char text[TRACE_TEXT_SIZE])
{
    struct trace_context context;

    if (!task->trace) {
        return task->parcel->event.traceparent;
    }
    context = task->trace->context;
    trace_export_make_id(task->trace->export, task->trace->request_id);
    task->trace->has_request = true;
    memcpy(context.span_id, task->trace->request_id, TRACE_SPAN_SIZE);
    trace_format(&context, text);
    return text;
}

void delivery_trace_id(const struct task *task, char text[TRACE_ID_TEXT_SIZE])
{
    const char *traceparent = task->parcel->event.traceparent;
    struct trace_context context;

    text[0] = '\0';
    if (task->trace) {
        hex_format(task->trace->context.trace_id, TRACE_ID_SIZE, text);
    } else if (traceparent && trace_parse(slice_of(traceparent), &context)) {
        hex_format(context.trace_id, TRACE_ID_SIZE, text);
    }
}
