/*
 * fake_kafka_consumer: gets all partitions of its topics after a millisecond, then one record of each partition a
 * millisecond. Begins at the committed offset; what was beyond it comes again.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/mem.h"
#include "fake_kafka_log.h"
#include "fake_world.h"
#include "fakes.h"
#include "io/kafka_consumer.h"

enum { MOST_PARTITIONS = 64, FETCH_MS = 1 };

struct assigned {
    struct fake_log *log;
    char topic[256];
    int32_t number;
    int64_t next;
    int64_t told_end; /* on_end was called for it */
    bool is_paused;
    bool is_ours, is_expelled;
};

struct kafka_consumer {
    struct loop *loop;
    struct kafka_consumer_events events;
    char group[128];
    struct assigned assigned[MOST_PARTITIONS];
    size_t count;
    bool is_assigned, is_held, is_shared;
    struct loop_timer *assign_timer, *fetch_timer, *commit_timer;

    struct kafka_position positions[MOST_PARTITIONS]; /* of the commit under way; texts owned */
    size_t position_count;
    bool is_committed; /* it reached the broker */
    bool is_refused;
    kafka_commit_fn commit_fn;
    void *commit_arg;
    struct kafka_consumer *prev, *next; /* list: consumers */
};

static struct kafka_consumer *consumers;
static bool are_shared; /* those that open */

void fake_consumers_begin_world(void)
{
    are_shared = false;
}

static struct kafka_partition which(const struct assigned *assigned)
{
    return (struct kafka_partition){assigned->topic, assigned->number};
}

/* --- assignment --------------------------------------------------------------------------------------------------- */

/* Where it would read on may lie outside of the log. */
static void check_range(struct kafka_consumer *consumer, struct assigned *assigned)
{
    const struct kafka_partition partition = which(assigned);
    int64_t low = fake_log_low(assigned->log), end = fake_log_end(assigned->log);
    int64_t wanted = assigned->next;

    if (wanted < low || wanted > end) {
        assigned->next = low;
        consumer->events.on_out_of_range(consumer->events.arg, &partition, wanted, low, end,
                                         low > wanted ? low - wanted : 0);
    }
}

static void assign(struct kafka_consumer *consumer, struct assigned *assigned)
{
    const struct kafka_partition partition = which(assigned);
    const char *metadata;
    int64_t committed = fake_log_committed(consumer->group, assigned->topic, assigned->number, &metadata);
    int64_t start = consumer->events.on_assign(consumer->events.arg, &partition, committed, metadata);

    assigned->is_paused = false;
    assigned->is_ours = true;
    assigned->is_expelled = false;
    assigned->told_end = -1;
    assigned->next = start == KAFKA_START_EARLIEST ? fake_log_low(assigned->log)
                     : start == KAFKA_START_LATEST ? fake_log_end(assigned->log)
                                                   : start;
    check_range(consumer, assigned);
}

static void on_assign_time(void *arg)
{
    struct kafka_consumer *consumer = arg;

    consumer->is_assigned = true;
    consumer->events.on_state(consumer->events.arg, true, "");
    for (size_t i = 0; i < consumer->count && !consumer->is_shared; i++) {
        assign(consumer, &consumer->assigned[i]);
    }
    loop_timer_start(consumer->fetch_timer, FETCH_MS);
}

void fake_kafka_rebalance(struct kafka_consumer *consumer, bool can_commit)
{
    for (size_t i = 0; i < consumer->count; i++) {
        const struct kafka_partition partition = which(&consumer->assigned[i]);
        struct kafka_position position;

        if (consumer->events.on_revoke(consumer->events.arg, &partition, can_commit, &position)) {
            fake_log_commit(consumer->group, &position);
        }
    }
    consumer->is_assigned = false;
    loop_timer_stop(consumer->fetch_timer);
    loop_timer_start(consumer->assign_timer, FETCH_MS);
}

void fake_kafka_share(void)
{
    are_shared = true;
}

struct kafka_consumer *fake_kafka_consumer(size_t index)
{
    struct kafka_consumer *consumer;

    DL_FOREACH(consumers, consumer)
    {
        if (index-- == 0) {
            return consumer;
        }
    }
    return NULL;
}

size_t fake_kafka_partition_count(const struct kafka_consumer *consumer)
{
    return consumer->count;
}

bool fake_kafka_has(const struct kafka_consumer *consumer, size_t partition)
{
    return consumer->assigned[partition].is_ours && !consumer->assigned[partition].is_expelled;
}

void fake_kafka_expel(struct kafka_consumer *consumer)
{
    for (size_t i = 0; i < consumer->count; i++) {
        consumer->assigned[i].is_expelled = true;
    }
}

static void wake(struct kafka_consumer *consumer)
{
    if (consumer->is_assigned && !loop_timer_is_active(consumer->fetch_timer)) {
        loop_timer_start(consumer->fetch_timer, FETCH_MS);
    }
}

void fake_kafka_give(struct kafka_consumer *consumer, size_t partition)
{
    assign(consumer, &consumer->assigned[partition]);
    wake(consumer);
}

void fake_kafka_take_away(struct kafka_consumer *consumer, size_t partition, bool can_commit)
{
    struct assigned *assigned = &consumer->assigned[partition];
    const struct kafka_partition names = which(assigned);
    struct kafka_position position;

    if (assigned->is_ours) {
        assigned->is_ours = false;
        can_commit &= !assigned->is_expelled && !fake_log_is_down();
        if (consumer->events.on_revoke(consumer->events.arg, &names, can_commit, &position)) {
            fake_log_commit(consumer->group, &position);
        }
    }
}

/* --- records ------------------------------------------------------------------------------------------------------ */

/* True when there may be more at once. */
static bool fetch(struct kafka_consumer *consumer, struct assigned *assigned)
{
    const struct kafka_partition partition = which(assigned);
    const struct kafka_record *record;

    if (!assigned->is_ours || assigned->is_paused || consumer->is_held) {
        return false;
    }
    check_range(consumer, assigned);
    record = fake_log_at(assigned->log, assigned->next);
    if (record) {
        assigned->next = record->offset + 1;
        consumer->events.on_record(consumer->events.arg, record);
        return true;
    }
    if (assigned->told_end != fake_log_end(assigned->log)) {
        assigned->told_end = assigned->next = fake_log_end(assigned->log);
        consumer->events.on_end(consumer->events.arg, &partition, assigned->next);
    }
    return false;
}

static void on_fetch(void *arg)
{
    struct kafka_consumer *consumer = arg;
    bool has_more = false;

    for (size_t i = 0; i < consumer->count && consumer->is_assigned; i++) {
        has_more |= fetch(consumer, &consumer->assigned[i]);
    }
    if (has_more) {
        wake(consumer);
    }
}

void fake_log_wake_consumers(void)
{
    struct kafka_consumer *consumer;

    DL_FOREACH(consumers, consumer)
    {
        wake(consumer);
    }
}

/* --- commits ------------------------------------------------------------------------------------------------------ */

static void clear_commit(struct kafka_consumer *consumer)
{
    for (size_t i = 0; i < consumer->position_count; i++) {
        free((char *)consumer->positions[i].topic);
        free((char *)consumer->positions[i].metadata);
    }
    consumer->position_count = 0;
}

static void answer_commit(struct kafka_consumer *consumer, bool is_done)
{
    kafka_commit_fn fn = consumer->commit_fn;

    clear_commit(consumer);
    consumer->commit_fn = NULL;
    if (fn) {
        fn(consumer->commit_arg, is_done, is_done ? "" : "not acknowledged");
    }
}

static struct assigned *find_assigned(const struct kafka_consumer *consumer, const char *topic, int32_t number);

/* All of it, or it is refused whole. */
static bool may_commit(const struct kafka_consumer *consumer)
{
    for (size_t i = 0; i < consumer->position_count && consumer->is_shared; i++) {
        const struct kafka_position *position = &consumer->positions[i];
        const struct assigned *assigned = find_assigned(consumer, position->topic, position->partition);

        if (!assigned->is_ours || assigned->is_expelled) {
            return false;
        }
    }
    return true;
}

static void commit(struct kafka_consumer *consumer, struct kafka_position position)
{
    if (fakes_has_bug(FAKE_BUG_COMMIT_HIGHEST_SEEN)) {
        position.offset = find_assigned(consumer, position.topic, position.partition)->next;
        position.metadata = "";
    }
    fake_log_commit(consumer->group, &position);
}

/* Twice per commit: it reaches the broker, then its acknowledgement comes. */
static void on_commit_time(void *arg)
{
    struct kafka_consumer *consumer = arg;

    if (!consumer->is_committed) {
        consumer->is_refused = fake_log_is_down() || !may_commit(consumer) || !fakes_reach(FAKE_COMMIT);
        if (fakes_is_dead()) {
            return;
        }
        for (size_t i = 0; i < consumer->position_count && !consumer->is_refused; i++) {
            commit(consumer, consumer->positions[i]);
        }
        consumer->is_committed = true;
        loop_timer_start(consumer->commit_timer, FETCH_MS);
        return;
    }
    if (!consumer->is_refused) {
        consumer->is_refused = !fakes_reach(FAKE_COMMIT_ACK);
    }
    if (!fakes_is_dead()) {
        answer_commit(consumer, !consumer->is_refused);
    }
}

bool kafka_consumer_commit(struct kafka_consumer *consumer, const struct kafka_position positions[], size_t count,
                           kafka_commit_fn fn, void *arg)
{
    if (consumer->position_count > 0) {
        return false;
    }
    assert(count > 0 && count <= MOST_PARTITIONS);
    for (size_t i = 0; i < count; i++) {
        consumer->positions[i] = (struct kafka_position){xstrdup(positions[i].topic), positions[i].partition,
                                                         positions[i].offset, xstrdup(positions[i].metadata)};
    }
    consumer->position_count = count;
    consumer->is_committed = false;
    consumer->commit_fn = fn;
    consumer->commit_arg = arg;
    loop_timer_start(consumer->commit_timer, FETCH_MS);
    return true;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static void add_topic(struct kafka_consumer *consumer, const char *topic)
{
    for (int32_t i = 0; i < fake_log_partition_count(topic); i++) {
        struct assigned *assigned = &consumer->assigned[consumer->count++];

        assert(consumer->count <= MOST_PARTITIONS);
        assigned->log = fake_log_find(topic, i);
        assigned->number = i;
        snprintf(assigned->topic, sizeof(assigned->topic), "%s", topic);
    }
}

struct kafka_consumer *kafka_consumer_open(struct loop *loop, const struct kafka_settings *settings, const char *group,
                                           const char *const topics[], const char *assign_text,
                                           const struct kafka_consumer_events *events, struct err *err)
{
    struct kafka_consumer *consumer = xcalloc(1, sizeof(*consumer));

    (void)settings, (void)assign_text, (void)err;
    consumer->loop = loop;
    consumer->events = *events;
    consumer->is_shared = are_shared;
    snprintf(consumer->group, sizeof(consumer->group), "%s", group);
    for (size_t i = 0; topics[i]; i++) {
        add_topic(consumer, topics[i]);
    }
    consumer->assign_timer = loop_timer_create(loop, on_assign_time, consumer);
    consumer->fetch_timer = loop_timer_create(loop, on_fetch, consumer);
    consumer->commit_timer = loop_timer_create(loop, on_commit_time, consumer);
    loop_timer_start(consumer->assign_timer, FETCH_MS);
    DL_APPEND(consumers, consumer);
    return consumer;
}

void kafka_consumer_close(struct kafka_consumer *consumer)
{
    if (!consumer) {
        return;
    }
    answer_commit(consumer, false);
    loop_timer_destroy(consumer->assign_timer);
    loop_timer_destroy(consumer->fetch_timer);
    loop_timer_destroy(consumer->commit_timer);
    DL_DELETE(consumers, consumer);
    free(consumer);
}

static struct assigned *find_assigned(const struct kafka_consumer *consumer, const char *topic, int32_t number)
{
    for (size_t i = 0; i < consumer->count; i++) {
        if (consumer->assigned[i].number == number && strcmp(consumer->assigned[i].topic, topic) == 0) {
            return (struct assigned *)&consumer->assigned[i];
        }
    }
    return NULL;
}

void kafka_consumer_pause(struct kafka_consumer *consumer, const struct kafka_partition *partition)
{
    find_assigned(consumer, partition->topic, partition->partition)->is_paused = true;
}

void kafka_consumer_resume(struct kafka_consumer *consumer, const struct kafka_partition *partition)
{
    find_assigned(consumer, partition->topic, partition->partition)->is_paused = false;
    wake(consumer);
}

void kafka_consumer_hold(struct kafka_consumer *consumer, bool is_held)
{
    consumer->is_held = is_held;
    wake(consumer);
}

int64_t kafka_consumer_lag(const struct kafka_consumer *consumer, const struct kafka_partition *partition,
                           int64_t next_offset)
{
    return fake_log_end(find_assigned(consumer, partition->topic, partition->partition)->log) - next_offset;
}

/* --- for tests ---------------------------------------------------------------------------------------------------- */

bool fake_kafka_is_paused(const struct kafka_consumer *consumer, const char *topic, int32_t partition)
{
    return find_assigned(consumer, topic, partition)->is_paused;
}

bool fake_kafka_is_held(const struct kafka_consumer *consumer)
{
    return consumer->is_held;
}

bool fake_kafka_is_all_committed(const struct kafka_consumer *consumer)
{
    for (size_t i = 0; i < consumer->count; i++) {
        const struct assigned *assigned = &consumer->assigned[i];
        const char *metadata;
        int64_t committed = fake_log_committed(consumer->group, assigned->topic, assigned->number, &metadata);

        if (fake_log_end(assigned->log) > 0 && committed < fake_log_end(assigned->log)) {
            return false;
        }
    }
    return consumer->is_assigned && consumer->position_count == 0;
}

bool fake_kafka_is_idle(void)
{
    const struct kafka_consumer *consumer;

    DL_FOREACH(consumers, consumer)
    {
        if (!fake_kafka_is_all_committed(consumer)) {
            return false;
        }
    }
    return consumers != NULL;
}

bool kafka_consumer_renew(struct kafka_consumer *consumer, const struct kafka_settings *settings, struct err *err)
{
    (void)consumer, (void)settings, (void)err;
    return true;
}
