#include "io/kafka_consumer_inside.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

/* After that the broker's silence counts as "not done" and the next commit may go. */
enum { GIVE_UP_MS = 30000 };

void commit_add(rd_kafka_topic_partition_list_t *list, const struct kafka_position *position)
{
    rd_kafka_topic_partition_t *element = rd_kafka_topic_partition_list_add(list, position->topic, position->partition);

    element->offset = position->offset;
    if (position->metadata && *position->metadata) {
        element->metadata = xstrdup(position->metadata); /* freed with the list */
        element->metadata_size = strlen(position->metadata);
    }
}

static rd_kafka_resp_err_t first_error(rd_kafka_event_t *event)
{
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    const rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(event);

    for (int i = 0; !code && list && i < list->cnt; i++) {
        code = list->elems[i].err;
    }
    return code;
}

/* --- asynchronous ------------------------------------------------------------------------------------------------- */

static void answer(struct kafka_consumer *consumer, bool is_done, const char *problem)
{
    kafka_commit_fn fn = consumer->commit.fn;

    consumer->commit.fn = NULL; /* the callback may begin the next */
    consumer->commit.problem[0] = '\0';
    fn(consumer->commit.arg, is_done, problem);
}

static void refuse_later(struct kafka_consumer *consumer, const char *problem)
{
    snprintf(consumer->commit.problem, sizeof(consumer->commit.problem), "%s", problem);
    loop_timer_start(consumer->again, 0);
}

bool kafka_consumer_commit(struct kafka_consumer *consumer, const struct kafka_position positions[], size_t count,
                           kafka_commit_fn fn, void *arg)
{
    struct open_commit *commit = &consumer->commit;
    rd_kafka_topic_partition_list_t *list;
    rd_kafka_resp_err_t code;

    assert(fn && count > 0);
    if (commit->fn) {
        return false;
    }
    commit->fn = fn;
    commit->arg = arg;
    commit->number++;
    commit->give_up_at_ms = loop_now_ms(consumer->loop) + GIVE_UP_MS;
    list = rd_kafka_topic_partition_list_new((int)count);
    /* librdkafka commits whatever it is given: an offset for a partition that somebody else has now would rewind
     * the group. */
    for (size_t i = 0; i < count; i++) {
        if (kafka_partitions_find(consumer, positions[i].topic, positions[i].partition)) {
            commit_add(list, &positions[i]);
        }
    }
    if (list->cnt == 0) {
        refuse_later(consumer, "the partitions are not ours any more");
    } else if ((code = rd_kafka_commit_queue(consumer->rk, list, consumer->commit_queue, NULL,
                                             (void *)commit->number)) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        refuse_later(consumer, rd_kafka_err2str(code));
    }
    rd_kafka_topic_partition_list_destroy(list);
    return true;
}

void commit_step(struct kafka_consumer *consumer)
{
    struct open_commit *commit = &consumer->commit;
    rd_kafka_event_t *event;

    if (commit->fn && commit->problem[0]) {
        char problem[sizeof(commit->problem)];

        memcpy(problem, commit->problem, sizeof(problem));
        answer(consumer, false, problem);
    }
    while ((event = rd_kafka_queue_poll(consumer->commit_queue, 0))) {
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_OFFSET_COMMIT && commit->fn &&
            (intptr_t)rd_kafka_event_opaque(event) == commit->number) {
            rd_kafka_resp_err_t code = first_error(event);

            answer(consumer, !code, code ? rd_kafka_err2str(code) : NULL);
        }
        rd_kafka_event_destroy(event);
    }
    if (commit->fn && loop_now_ms(consumer->loop) >= commit->give_up_at_ms) {
        answer(consumer, false, "the broker does not answer");
    }
}

/* --- before a revoke ---------------------------------------------------------------------------------------------- */

void commit_now(struct kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *list, int64_t wait_ms)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(consumer->rk);
    rd_kafka_resp_err_t code = rd_kafka_commit_queue(consumer->rk, list, queue, NULL, NULL);

    if (!code) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, (int)wait_ms);

        code = event ? first_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
        rd_kafka_event_destroy(event);
    }
    if (code) {
        log_event(LOG_WARN, "kafka_commit_failed", "when", "revoke", "problem", rd_kafka_err2str(code), NULL);
    }
    rd_kafka_queue_destroy(queue);
}
