#include "io/kafka_consumer_inside.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

enum { QUIET_MS = 30000, ABSENT_MS = 60000, GRACE_MS = 4000 };

void consumer_watch_init(struct kafka_consumer *consumer)
{
    consumer->watchdog = (struct kafka_watchdog){.quiet_ms = QUIET_MS, .absent_ms = ABSENT_MS, .grace_ms = GRACE_MS};
}

/* Where it should go on: behind the last message, or where it was told to start. Negative: only the client knows. */
static int64_t find_next(const struct assigned *assigned, const struct kafka_stats *stats)
{
    struct kafka_stats_partition found;

    if (assigned->next_offset >= 0 || assigned->start >= 0) {
        return assigned->next_offset >= 0 ? assigned->next_offset : assigned->start;
    }
    if (assigned->start == KAFKA_START_EARLIEST &&
        kafka_stats_find(stats, assigned->id.topic, assigned->id.partition, &found)) {
        return found.begin;
    }
    return -1;
}

/* Nothing is expected of a partition that we stopped, or that has messages for us that we do not take. */
static bool is_expected(const struct kafka_consumer *consumer, const struct assigned *assigned)
{
    return !assigned->is_paused && !assigned->is_stopped && !assigned->is_lost && !assigned->first &&
           !consumer->is_held && !consumer->is_choked;
}

/* Notes how far it is. True: it gave something since the look before. */
static bool look_at(struct kafka_consumer *consumer, struct assigned *assigned, const struct kafka_stats *stats,
                    int64_t now_ms)
{
    int64_t next_offset = find_next(assigned, stats);
    bool has_moved = next_offset != assigned->watched_offset;

    if (!is_expected(consumer, assigned) || has_moved || assigned->quiet_since_ms == 0) {
        assigned->watched_offset = next_offset;
        assigned->quiet_since_ms = now_ms;
    }
    return has_moved;
}

/* All of them, before one is judged. Returns others_read_up_ms of struct kafka_watched. */
static int64_t look_at_all(struct kafka_consumer *consumer, const struct kafka_stats *stats, int64_t now_ms)
{
    int64_t read_up_ms = INT64_MAX;

    for (struct assigned *a = consumer->assigned; a; a = a->hh.next) {
        if (look_at(consumer, a, stats, now_ms) && a->read_up_at_ms < read_up_ms) {
            read_up_ms = a->read_up_at_ms;
        }
    }
    return read_up_ms;
}

static struct kafka_watched describe(const struct assigned *assigned, int64_t others_read_up_ms)
{
    return (struct kafka_watched){
        .topic = assigned->id.topic,
        .partition = assigned->id.partition,
        .next_offset = assigned->watched_offset,
        .quiet_since_ms = assigned->quiet_since_ms,
        .end = assigned->log_end,
        .end_told_ms = assigned->end_told_ms,
        .others_read_up_ms = others_read_up_ms,
    };
}

/* False: one of them is stuck. The ends of those that have been quiet for long are asked for. */
static bool watch_partitions(struct kafka_consumer *consumer, const struct kafka_stats *stats, int64_t now_ms,
                             char *reason, size_t size)
{
    struct kafka_lookup_item *quiet = xcalloc(HASH_COUNT(consumer->assigned) + 1, sizeof(*quiet));
    int64_t read_up_ms = look_at_all(consumer, stats, now_ms);
    bool is_fine = true;
    size_t count = 0;

    for (struct assigned *a = consumer->assigned; is_fine && a; a = a->hh.next) {
        const struct kafka_watched watched = describe(a, read_up_ms);

        if (kafka_watchdog_must_wait(&watched)) {
            a->quiet_since_ms = now_ms; /* counted anew, from when it is its turn */
            continue;
        }
        is_fine = kafka_watchdog_check_partition(&consumer->watchdog, stats, &watched, now_ms, reason, size);
        if (kafka_watchdog_must_ask(&consumer->watchdog, &watched, now_ms)) {
            quiet[count].topic = (char *)a->id.topic;
            quiet[count++].partition = a->id.partition;
        }
    }
    if (is_fine && count > 0) {
        rebalance_ask_ends(consumer, quiet, count);
    }
    free(quiet);
    return is_fine;
}

void consumer_watch_take(struct kafka_consumer *consumer, const struct kafka_lookup_item items[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct assigned *assigned = kafka_partitions_find(consumer, items[i].topic, items[i].partition);

        if (assigned) {
            assigned->log_end = items[i].high;
            assigned->end_told_ms = clock_mono_ms();
        }
    }
}

int consumer_watch_stats(rd_kafka_t *rk, char *json, size_t len, void *arg)
{
    struct kafka_consumer *consumer = arg;
    int64_t now_ms = clock_mono_ms();
    struct kafka_stats stats;
    char reason[256];
    bool is_fine;

    (void)rk;
    if (consumer->is_closing || !kafka_stats_parse(slice_make(json, len), &stats)) {
        return 0;
    }
    is_fine = kafka_watchdog_check_group(&consumer->watchdog, &stats, now_ms, reason, sizeof(reason)) &&
              watch_partitions(consumer, &stats, now_ms, reason, sizeof(reason));
    kafka_stats_finish(&stats);
    if (!is_fine) {
        consumer_fail(consumer, reason);
    }
    return 0; /* the text stays the client's */
}
