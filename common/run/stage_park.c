/*
 * park: later than memory should wait: to a retry topic, with what the next reader needs to know in the headers. The
 * record's value stays the original event.
 */
#include "run/stages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crashpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "run/side_record.h"

enum { RETRY_MS = 1000 };

static const struct metric_family parked_family = {"perkline_parked_total", METRIC_COUNTER,
                                                   "Deliveries that went to a retry topic.", {"channel", "tier"}};

struct park {
    enum channel channel;
    struct loop *loop;
    struct kafka_producer *producer;
    const struct topics *topics;
    struct metrics *metrics;
};

static void *create(const struct stage_parts *parts)
{
    struct park *stage = xcalloc(1, sizeof(*stage));

    stage->channel = parts->pipeline->channel;
    stage->loop = parts->pipeline->loop;
    stage->producer = parts->pipeline->producer;
    stage->topics = parts->pipeline->topics;
    stage->metrics = parts->pipeline->metrics;
    metrics_declare(stage->metrics, &parked_family);
    return stage;
}

static void produce(void *arg);

static void on_produced(void *arg, bool is_done, const char *problem)
{
    struct task *task = arg;
    struct park *stage = task_stage(task);

    if (!is_done) {
        log_event(LOG_WARN, "park_waits", "reason", problem, NULL);
        task_call_later(task, stage->loop, RETRY_MS, produce);
        return;
    }
    CRASHPOINT("park_acknowledged");
    task_exit(task, EXIT_NEXT);
}

/* That of its first attempt, also when it was not rendered this time. */
static const char *version_of(const struct task *task)
{
    const struct park_note *note = task->parcel->note;

    return task->message.version[0] || !note ? task->message.version : note->template_version;
}

static void produce(void *arg)
{
    struct task *task = arg;
    struct park *stage = task_stage(task);
    const struct parcel *parcel = task->parcel;
    enum park_tier tier = park_tier_for(task->wait_ms);
    int64_t tier_ms = CHAOS_HURRY(park_tier_delay_ms(tier));
    int64_t now = clock_wall_ms();
    struct park_note note = {
        .mid = task->mid,
        .channel = stage->channel,
        .attempts = task->attempts,
        .first_at = task->first_attempt_at,
        .copy = task->copy,
        .due_at = now + (task->wait_ms > tier_ms ? task->wait_ms : tier_ms),
    };
    struct record_header own[PARK_HEADER_COUNT];
    struct kafka_header *headers;
    struct buf store;
    const char *topic;
    size_t count;

    parcel_origin(parcel, &topic, &note.partition, &note.offset);
    snprintf(note.topic, sizeof(note.topic), "%s", topic);
    /* What was never tried is rendered with the version that is in use then: a flow may be paused to mend its text. */
    if (task->attempts > 0 || task->seen.state) {
        snprintf(note.template_version, sizeof(note.template_version), "%s", version_of(task));
    }
    snprintf(note.reason, sizeof(note.reason), "%s", task->reason);
    if (claim_record_is_open(&task->seen)) {
        claim_record_format_parked(&task->seen, &store);
        snprintf(note.claim, sizeof(note.claim), "%s", buf_text(&store));
        buf_finish(&store);
    }
    buf_init(&store, 0);
    park_format(&note, &store, own);
    headers = side_record_headers(parcel, own, PARK_HEADER_COUNT, &count);
    metrics_count(stage->metrics, &parked_family,
                  (const char *const[]){channel_name(stage->channel), park_tier_name(tier)});
    kafka_produce(stage->producer,
                  &(struct kafka_message){
                      .topic = stage->topics->retry[tier],
                      .partition = -1,
                      .key = parcel->record.key,
                      .value = parcel->record.value,
                      .headers = headers,
                      .header_count = count,
                  },
                  on_produced, task);
    CRASHPOINT("park_produced");
    free(headers);
    buf_finish(&store);
}

static void enter(void *arg, struct task *task)
{
    const struct park *stage = arg;

    CRASHPOINT("park_settled");
    if (stage->producer) {
        produce(task);
    } else {
        task_exit(task, EXIT_NEXT);
    }
}

const struct stage_type park_stage = {"park", create, free, enter, NULL};
