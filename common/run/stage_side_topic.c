/*
 * dead letter and hold: the two ways out by a topic beside the outcomes. Dead letter: it will never work. Hold: nobody can
 * know whether it was sent, and a person decides. Both are acknowledged by Kafka before Redis is told, so that a crash in
 * between repeats the record instead of losing it.
 */
#include "run/stages.h"

#include <stdlib.h>

#include "base/crashpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "run/side_record.h"

enum { RETRY_MS = 1000 };

struct side_topic {
    enum channel channel;
    struct loop *loop;
    struct kafka_producer *producer;
    const char *topic;
    char settle_as;
};

static struct side_topic *create(const struct stage_parts *parts, const char *topic, char settle_as)
{
    struct side_topic *stage = xcalloc(1, sizeof(*stage));

    stage->channel = parts->pipeline->channel;
    stage->loop = parts->pipeline->loop;
    stage->producer = parts->pipeline->producer;
    stage->topic = topic;
    stage->settle_as = settle_as;
    return stage;
}

static void *create_dead_letter(const struct stage_parts *parts)
{
    return create(parts, parts->pipeline->topics->dlq, 'D');
}

static void *create_hold(const struct stage_parts *parts)
{
    return create(parts, parts->pipeline->topics->held, 'H');
}

static void produce(void *arg);

static void on_produced(void *arg, bool is_done, const char *problem)
{
    struct task *task = arg;
    struct side_topic *stage = task_stage(task);

    if (problem == kafka_record_too_large && !task->is_cut) {
        task->is_cut = true;
        log_event(LOG_ERROR, "record_cut", "topic", stage->topic, "bytes", log_int((int64_t)task->parcel->record.value.len),
                  NULL);
        produce(task);
        return;
    }
    if (!is_done) { /* never dropped because Kafka is away: the work waits */
        log_event(LOG_WARN, "side_topic_waits", "topic", stage->topic, "reason", problem, NULL);
        task_call_later(task, stage->loop, RETRY_MS, produce);
        return;
    }
    task->settle_as = stage->settle_as;
    CRASHPOINT(stage->settle_as == 'D' ? "dead_acknowledged" : "held_acknowledged");
    task_exit(task, EXIT_NEXT);
}

static void produce(void *arg)
{
    struct task *task = arg;
    struct side_topic *stage = task_stage(task);

    CRASHPOINT(stage->settle_as == 'D' ? "dead_decided" : "held_decided");
    side_record_produce(stage->producer, stage->topic, task, stage->channel, on_produced, task);
}

static void enter(void *arg, struct task *task)
{
    const struct side_topic *stage = arg;

    if (stage->producer) {
        produce(task);
    } else {
        on_produced(task, true, "");
    }
}

const struct stage_type dead_letter_stage = {"dead_letter", create_dead_letter, free, enter, NULL};
const struct stage_type hold_stage = {"hold", create_hold, free, enter, NULL};
