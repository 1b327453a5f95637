#include "io/kafka_consumer_inside.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/log.h"
#include "base/mem.h"

/* --- the table ---------------------------------------------------------------------------------------------------- */

static size_t make_key(char key[KAFKA_KEY_SIZE], const char *topic, int32_t partition)
{
    size_t len = strnlen(topic, KAFKA_KEY_SIZE - sizeof(partition));

    memcpy(key, &partition, sizeof(partition));
    memcpy(key + sizeof(partition), topic, len);
    return sizeof(partition) + len;
}

struct assigned *kafka_partitions_find(const struct kafka_consumer *consumer, const char *topic, int32_t partition)
{
    struct assigned *found;
    char key[KAFKA_KEY_SIZE];
    size_t len = make_key(key, topic, partition);

    HASH_FIND(hh, consumer->assigned, key, len, found);
    return found;
}

struct assigned *kafka_partitions_find_for(struct kafka_consumer *consumer, const rd_kafka_message_t *message)
{
    if (!message->rkt) {
        return NULL;
    }
    if (!consumer->latest || consumer->latest_topic != message->rkt ||
        consumer->latest->id.partition != message->partition) {
        consumer->latest = kafka_partitions_find(consumer, rd_kafka_topic_name(message->rkt), message->partition);
        consumer->latest_topic = message->rkt;
    }
    return consumer->latest;
}

struct assigned *kafka_partitions_add(struct kafka_consumer *consumer, const char *topic, int32_t partition)
{
    char key[KAFKA_KEY_SIZE];
    size_t len = make_key(key, topic, partition);
    struct assigned *assigned = xcalloc(1, sizeof(*assigned) + len);

    assigned->id.topic = xstrdup(topic);
    assigned->id.partition = partition;
    assigned->next_offset = -1;
    assigned->end = &assigned->first;
    assigned->key_len = len;
    memcpy(assigned->key, key, len);
    HASH_ADD(hh, consumer->assigned, key, len, assigned);
    consumer->latest = NULL;
    return assigned;
}

static void set_turn(struct kafka_consumer *consumer, struct assigned *assigned, bool has_turn)
{
    if (assigned->has_turn) {
        DL_DELETE(consumer->turns, assigned);
    }
    if (has_turn) {
        DL_APPEND(consumer->turns, assigned);
    }
    assigned->has_turn = has_turn;
}

static struct waiting *take_first(struct kafka_consumer *consumer, struct assigned *assigned)
{
    struct waiting *waiting = assigned->first;

    assigned->first = waiting->next;
    if (!assigned->first) {
        assigned->end = &assigned->first;
    }
    assigned->waiting_bytes -= waiting->size;
    consumer->waiting_bytes -= waiting->size;
    return waiting;
}

void kafka_partitions_drop_waiting(struct kafka_consumer *consumer, struct assigned *assigned)
{
    set_turn(consumer, assigned, false);
    assigned->is_ahead = false; /* its pause goes with the next kafka_partitions_apply_pauses() */
    while (assigned->first) {
        waiting_destroy(take_first(consumer, assigned));
    }
}

void kafka_partitions_clear(struct kafka_consumer *consumer)
{
    struct assigned *assigned;
    struct assigned *next;

    HASH_ITER(hh, consumer->assigned, assigned, next)
    {
        HASH_DEL(consumer->assigned, assigned);
        kafka_partitions_drop_waiting(consumer, assigned);
        free((char *)assigned->id.topic);
        free(assigned);
    }
    consumer->latest = NULL;
    consumer->is_choked = false;
}

/* --- pauses ------------------------------------------------------------------------------------------------------- */

/* On librdkafka 2.0.2 a resume of a partition that is not paused rewinds it: only differences are told. */
static void stop_or_resume(struct kafka_consumer *consumer, bool stops, rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;

    if (list->cnt > 0) {
        code = stops ? rd_kafka_pause_partitions(consumer->rk, list) : rd_kafka_resume_partitions(consumer->rk, list);
    }
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *element = &list->elems[i];
        struct assigned *assigned = kafka_partitions_find(consumer, element->topic, element->partition);

        if (code || element->err) {
            log_event(LOG_WARN, "kafka_pause_failed", "topic", element->topic, "partition", log_int(element->partition),
                      "problem", rd_kafka_err2str(code ? code : element->err), NULL);
        } else {
            assigned->is_stopped = stops;
        }
    }
    rd_kafka_topic_partition_list_destroy(list);
}

static bool must_stop(const struct kafka_consumer *consumer, const struct assigned *assigned)
{
    return assigned->is_paused || assigned->is_ahead || consumer->is_choked;
}

void kafka_partitions_apply_pauses(struct kafka_consumer *consumer)
{
    int count = (int)HASH_COUNT(consumer->assigned);
    rd_kafka_topic_partition_list_t *stop = rd_kafka_topic_partition_list_new(count);
    rd_kafka_topic_partition_list_t *resume = rd_kafka_topic_partition_list_new(count);

    for (struct assigned *a = consumer->assigned; a; a = a->hh.next) {
        bool stops = must_stop(consumer, a);

        if (stops != a->is_stopped) {
            rd_kafka_topic_partition_list_add(stops ? stop : resume, a->id.topic, a->id.partition);
        }
    }
    stop_or_resume(consumer, true, stop);
    stop_or_resume(consumer, false, resume);
}

void kafka_partitions_resume_all(struct kafka_consumer *consumer)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)HASH_COUNT(consumer->assigned));

    for (struct assigned *a = consumer->assigned; a; a = a->hh.next) {
        if (a->is_stopped) {
            rd_kafka_topic_partition_list_add(list, a->id.topic, a->id.partition);
        }
    }
    stop_or_resume(consumer, false, list);
}

static void apply_pause(struct kafka_consumer *consumer, struct assigned *assigned)
{
    bool stops = must_stop(consumer, assigned);
    rd_kafka_topic_partition_list_t *list;

    if (stops != assigned->is_stopped) {
        list = rd_kafka_topic_partition_list_new(1);
        rd_kafka_topic_partition_list_add(list, assigned->id.topic, assigned->id.partition);
        stop_or_resume(consumer, stops, list);
    }
}

static void set_paused(struct kafka_consumer *consumer, const struct kafka_partition *partition, bool is_paused)
{
    struct assigned *assigned = kafka_partitions_find(consumer, partition->topic, partition->partition);

    if (!assigned || assigned->is_paused == is_paused) {
        return;
    }
    assigned->is_paused = is_paused;
    apply_pause(consumer, assigned);
    set_turn(consumer, assigned, assigned->first && !is_paused);
    if (assigned->has_turn) {
        loop_timer_start(consumer->again, 0);
    }
}

void kafka_consumer_pause(struct kafka_consumer *consumer, const struct kafka_partition *partition)
{
    set_paused(consumer, partition, true);
}

void kafka_consumer_resume(struct kafka_consumer *consumer, const struct kafka_partition *partition)
{
    set_paused(consumer, partition, false);
}

/* --- messages that wait ------------------------------------------------------------------------------------------- */

void kafka_consumer_hold(struct kafka_consumer *consumer, bool is_held)
{
    if (consumer->is_held && !is_held) {
        loop_timer_start(consumer->again, 0);
    }
    consumer->is_held = is_held;
}

/* An eighth of what is free: few partitions with a lag may have much, many have less, and some is left for those that
 * are quiet. */
static size_t share_of_each(const struct kafka_consumer *consumer)
{
    size_t most = consumer->waiting_most_bytes;
    size_t share = (most - (consumer->waiting_bytes < most ? consumer->waiting_bytes : most)) / 8;

    return share > KAFKA_SHARE_LEAST ? share : KAFKA_SHARE_LEAST;
}

static void set_choked(struct kafka_consumer *consumer, bool is_choked)
{
    if (consumer->is_choked != is_choked) {
        consumer->is_choked = is_choked;
        kafka_partitions_apply_pauses(consumer);
    }
}

void kafka_partitions_keep(struct kafka_consumer *consumer, struct assigned *assigned,
                           const rd_kafka_message_t *message)
{
    struct waiting *waiting = waiting_create(assigned->id.topic, message);

    *assigned->end = waiting;
    assigned->end = &waiting->next;
    assigned->waiting_bytes += waiting->size;
    consumer->waiting_bytes += waiting->size;
    if (!assigned->has_turn && !assigned->is_paused) {
        set_turn(consumer, assigned, true);
    }
    if (!assigned->is_ahead && assigned->waiting_bytes >= share_of_each(consumer)) {
        assigned->is_ahead = true;
        apply_pause(consumer, assigned);
    }
    if (consumer->waiting_bytes >= consumer->waiting_most_bytes) {
        set_choked(consumer, true);
    }
}

/* The first of a partition; false when that was no record. */
static bool deliver_first(struct kafka_consumer *consumer, struct assigned *assigned)
{
    struct waiting *waiting = take_first(consumer, assigned);
    bool is_record = !waiting->is_end;

    set_turn(consumer, assigned, assigned->first);
    if (is_record) {
        consumer->events.on_record(consumer->events.arg, &waiting->record);
    } else {
        consumer->events.on_end(consumer->events.arg, &assigned->id, waiting->record.offset);
    }
    waiting_destroy(waiting);
    return is_record;
}

/* A record of the partition whose turn it is; that its log ends before, as after every record of a quiet one, is no
 * turn. */
static void deliver_next(struct kafka_consumer *consumer)
{
    struct assigned *assigned = consumer->turns;
    size_t share = share_of_each(consumer);
    bool is_record;

    do {
        is_record = deliver_first(consumer, assigned);
    } while (!is_record && assigned->has_turn && !consumer->is_held);
    if (assigned->is_ahead && assigned->waiting_bytes <= share / 2) {
        assigned->is_ahead = false;
        apply_pause(consumer, assigned);
    }
}

/* Half of it is delivered, or nothing that waits may go: those are paused, for hours on a retry topic, or were dropped. */
static bool may_read_on(const struct kafka_consumer *consumer)
{
    return consumer->waiting_bytes <= consumer->waiting_most_bytes / 2 || (!consumer->turns && !consumer->is_held);
}

bool kafka_partitions_deliver(struct kafka_consumer *consumer, int most)
{
    for (; most > 0 && consumer->turns && !consumer->is_held; most--) {
        deliver_next(consumer);
    }
    if (may_read_on(consumer)) {
        set_choked(consumer, false);
    }
    return consumer->turns && !consumer->is_held;
}
