#include "io/kafka_consumer_inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/crashpoint.h"
#include "base/log.h"
#include "base/mem.h"

enum {
    REVOKE_COMMIT_MS = 2000,
    RETRY_MS = 500,         /* after a question without an answer */
    ABSENT_RETRY_MS = 5000, /* static list: a topic or partition that does not exist yet */
    LOST_PAUSE_MS = 1000,   /* between two re-assignments because of lost offsets */
    PARTITION_MOST = 100000,
};

/* --- the static list ---------------------------------------------------------------------------------------------- */

static int compare_numbers(const void *a, const void *b)
{
    int32_t left = *(const int32_t *)a;
    int32_t right = *(const int32_t *)b;

    return left < right ? -1 : left > right;
}

/* "7" or "0-3", up to the comma or the end. */
static bool parse_range(const char **at, int32_t *first, int32_t *last)
{
    char *end;

    for (int i = 0; i < 2; i++) {
        long number;

        if (**at < '0' || **at > '9') {
            return false;
        }
        number = strtol(*at, &end, 10);
        if (number > PARTITION_MOST) {
            return false;
        }
        *at = end;
        *(i == 0 ? first : last) = (int32_t)number;
        if (i == 0 && **at != '-') {
            *last = *first;
            break;
        }
        *at += i == 0;
    }
    return *first <= *last;
}

bool rebalance_parse_static(struct kafka_consumer *consumer, const char *assign, struct err *err)
{
    size_t count = 0;
    const char *at = assign;

    for (;;) {
        int32_t first;
        int32_t last;

        if (!parse_range(&at, &first, &last) || (*at != ',' && *at != '\0')) {
            return err_set(err, "partitions \"%s\": expected numbers and ranges such as \"0-3,7\"", assign);
        }
        consumer->static_partitions = xreallocarray(consumer->static_partitions, count + (size_t)(last - first) + 1,
                                                    sizeof(*consumer->static_partitions));
        for (int32_t number = first; number <= last; number++) {
            consumer->static_partitions[count++] = number;
        }
        if (count > PARTITION_MOST) {
            return err_set(err, "partitions \"%s\": too many", assign);
        }
        if (*at == '\0') {
            break;
        }
        at++;
    }
    qsort(consumer->static_partitions, count, sizeof(*consumer->static_partitions), compare_numbers);
    consumer->static_count = 1;
    for (size_t i = 1; i < count; i++) {
        if (consumer->static_partitions[i] != consumer->static_partitions[i - 1]) {
            consumer->static_partitions[consumer->static_count++] = consumer->static_partitions[i];
        }
    }
    return true;
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

static void ask(struct kafka_consumer *consumer, enum lookup_purpose purpose, unsigned questions,
                const struct kafka_lookup_item items[], size_t count)
{
    consumer->questions.purpose = purpose;
    consumer->questions.is_stale = false;
    consumer->questions.lookup =
        kafka_lookup_begin(consumer->rk, questions, items, count, kafka_wake_fd(consumer->wake));
}

/* Group mode: what was offered. */
static void ask_offered(struct kafka_consumer *consumer)
{
    const rd_kafka_topic_partition_list_t *list = consumer->questions.offered;
    struct kafka_lookup_item *items = xcalloc((size_t)list->cnt, sizeof(*items));

    for (int i = 0; i < list->cnt; i++) {
        items[i].topic = list->elems[i].topic;
        items[i].partition = list->elems[i].partition;
    }
    ask(consumer, LOOKUP_FOR_ASSIGN, KAFKA_LOOKUP_COMMITTED, items, (size_t)list->cnt);
    free(items);
}

static size_t count_topics(const struct kafka_consumer *consumer)
{
    size_t count = 0;

    while (consumer->topics[count]) {
        count++;
    }
    return count;
}

/* Static mode: what is on the list and not assigned yet. False when there is nothing. */
static bool ask_static(struct kafka_consumer *consumer)
{
    size_t most = count_topics(consumer) * consumer->static_count;
    struct kafka_lookup_item *items;
    size_t count = 0;

    if (HASH_COUNT(consumer->assigned) == most) {
        return false;
    }
    items = xcalloc(most, sizeof(*items));
    for (char **topic = consumer->topics; *topic; topic++) {
        for (size_t i = 0; i < consumer->static_count; i++) {
            if (!kafka_partitions_find(consumer, *topic, consumer->static_partitions[i])) {
                items[count].topic = *topic;
                items[count++].partition = consumer->static_partitions[i];
            }
        }
    }
    if (count > 0) {
        ask(consumer, LOOKUP_FOR_ASSIGN, KAFKA_LOOKUP_EXISTS | KAFKA_LOOKUP_COMMITTED, items, count);
    }
    free(items);
    return count > 0;
}

static bool ask_lost(struct kafka_consumer *consumer)
{
    struct kafka_lookup_item *items = NULL;
    size_t count = 0;

    for (struct assigned *a = consumer->assigned; a; a = a->hh.next) {
        if (a->is_lost) {
            items = xreallocarray(items, count + 1, sizeof(*items));
            items[count++] = (struct kafka_lookup_item){.topic = (char *)a->id.topic, .partition = a->id.partition};
        }
    }
    if (count > 0) {
        ask(consumer, LOOKUP_FOR_LOST, KAFKA_LOOKUP_RANGE, items, count);
    }
    free(items);
    return count > 0;
}

static void ask_next(struct kafka_consumer *consumer)
{
    struct questions *questions = &consumer->questions;

    if (questions->lookup || loop_now_ms(consumer->loop) < questions->not_before_ms) {
        return;
    }
    if (questions->offered) {
        ask_offered(consumer);
    } else if (consumer->static_partitions && ask_static(consumer)) {
        return;
    } else if (!ask_lost(consumer) && questions->is_probe_due) {
        questions->is_probe_due = false;
        ask(consumer, LOOKUP_FOR_PROBE, KAFKA_LOOKUP_PROBE, NULL, 0);
    }
}

static void ask_again_after(struct kafka_consumer *consumer, int64_t delay_ms)
{
    consumer->questions.not_before_ms = loop_now_ms(consumer->loop) + delay_ms;
}

/* --- assigning ---------------------------------------------------------------------------------------------------- */

/* Gives the client our whole table with explicit offsets. Pauses would outlive it, so they are lifted before. */
static void assign_all(struct kafka_consumer *consumer)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)HASH_COUNT(consumer->assigned));
    rd_kafka_resp_err_t code;

    kafka_partitions_resume_all(consumer);
    for (struct assigned *a = consumer->assigned; a; a = a->hh.next) {
        rd_kafka_topic_partition_list_add(list, a->id.topic, a->id.partition)->offset =
            a->next_offset >= 0 ? a->next_offset : a->start;
        a->is_lost = false; /* when it still is, the client says so again */
    }
    code = rd_kafka_assign(consumer->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code) {
        consumer_fail(consumer, rd_kafka_err2str(code));
        return;
    }
    kafka_partitions_apply_pauses(consumer);
}

/* Where to start, as librdkafka's logical offsets. The end of the log is pinned to a number when it is known, so that
 * a re-assignment before the first record does not skip what came meanwhile. */
static int64_t decide_start(struct kafka_consumer *consumer, const struct assigned *assigned,
                            const struct kafka_lookup_item *item)
{
    int64_t start = consumer->events.on_assign(consumer->events.arg, &assigned->id, item->committed, item->metadata);

    if (start == KAFKA_START_LATEST) {
        return item->high >= 0 ? item->high : RD_KAFKA_OFFSET_END;
    }
    if (start == KAFKA_START_EARLIEST) {
        return RD_KAFKA_OFFSET_BEGINNING;
    }
    assert(start >= 0);
    return start;
}

static void take_assignment(struct kafka_consumer *consumer, const struct kafka_lookup_item items[], size_t count)
{
    char reason[256] = "connected";
    size_t added = 0;

    for (size_t i = 0; i < count; i++) {
        if (!items[i].exists) {
            snprintf(reason, sizeof(reason), "topic %s has no partition %d (yet)", items[i].topic,
                     (int)items[i].partition);
            ask_again_after(consumer, ABSENT_RETRY_MS);
            continue;
        }
        struct assigned *assigned = kafka_partitions_add(consumer, items[i].topic, items[i].partition);

        assigned->start = decide_start(consumer, assigned, &items[i]);
        added++;
    }
    if (consumer->questions.offered) {
        rd_kafka_topic_partition_list_destroy(consumer->questions.offered);
        consumer->questions.offered = NULL;
    }
    if (added > 0) {
        assign_all(consumer);
    }
    consumer_set_state(consumer, true, reason);
}

static void take_lost(struct kafka_consumer *consumer, const struct kafka_lookup_item items[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct assigned *a = kafka_partitions_find(consumer, items[i].topic, items[i].partition);
        int64_t wanted = a ? a->lost_offset : 0;

        if (!a || !a->is_lost) {
            continue;
        }
        if (wanted >= items[i].low && wanted <= items[i].high) {
            a->next_offset = wanted; /* a replica that was behind, for example */
            continue;
        }
        if (wanted > items[i].high) {
            kafka_partitions_drop_waiting(consumer, a); /* offsets of another log: the new ones would count as seen */
        }
        a->next_offset = items[i].low;
        consumer->events.on_out_of_range(consumer->events.arg, &a->id, wanted, items[i].low, items[i].high,
                                         wanted < items[i].low ? items[i].low - wanted : 0);
    }
    assign_all(consumer);
    consumer_set_state(consumer, true, "connected");
    ask_again_after(consumer, LOST_PAUSE_MS);
}

static void take_answer(struct kafka_consumer *consumer)
{
    struct questions *questions = &consumer->questions;
    struct kafka_lookup *lookup = questions->lookup;
    const struct kafka_lookup_item *items;
    struct err problem = {""};
    size_t count;

    questions->lookup = NULL;
    if (questions->purpose == LOOKUP_FOR_WATCH) {
        if (kafka_lookup_answer(lookup, &items, &count, &problem) && !questions->is_stale) {
            consumer_watch_take(consumer, items, count);
        }
    } else if (!kafka_lookup_answer(lookup, &items, &count, &problem)) {
        questions->is_probe_due = questions->is_probe_due || questions->purpose == LOOKUP_FOR_PROBE;
        ask_again_after(consumer, RETRY_MS);
        if (!questions->is_stale) {
            consumer_set_state(consumer, false, problem.text);
        }
    } else if (questions->purpose == LOOKUP_FOR_PROBE) {
        consumer_set_state(consumer, true, "connected");
    } else if (questions->is_stale) {
        /* what it was about is not ours any more */
    } else if (questions->purpose == LOOKUP_FOR_ASSIGN) {
        take_assignment(consumer, items, count);
    } else {
        take_lost(consumer, items, count);
    }
    if (!kafka_lookup_destroy(lookup, 1000)) {
        log_event(LOG_ERROR, "kafka_lookup_stuck", NULL);
    }
}

void rebalance_ask_ends(struct kafka_consumer *consumer, const struct kafka_lookup_item items[], size_t count)
{
    if (!consumer->questions.lookup && !consumer->questions.offered) {
        ask(consumer, LOOKUP_FOR_WATCH, KAFKA_LOOKUP_RANGE, items, count);
    }
}

void rebalance_step(struct kafka_consumer *consumer)
{
    if (consumer->questions.lookup && kafka_lookup_is_done(consumer->questions.lookup)) {
        take_answer(consumer);
    }
    if (!consumer->is_fatal) {
        ask_next(consumer);
    }
}

bool rebalance_finish(struct kafka_consumer *consumer, int64_t wait_ms)
{
    bool is_free = kafka_lookup_destroy(consumer->questions.lookup, wait_ms);

    consumer->questions.lookup = NULL;
    if (consumer->questions.offered) {
        rd_kafka_topic_partition_list_destroy(consumer->questions.offered);
        consumer->questions.offered = NULL;
    }
    return is_free;
}

/* --- what the group decides --------------------------------------------------------------------------------------- */

bool rebalance_subscribe(struct kafka_consumer *consumer, struct err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count_topics(consumer));
    rd_kafka_resp_err_t code;

    for (char **topic = consumer->topics; *topic; topic++) {
        rd_kafka_topic_partition_list_add(list, *topic, RD_KAFKA_PARTITION_UA);
    }
    code = rd_kafka_subscribe(consumer->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    return code ? err_set(err, "cannot subscribe: %s", rd_kafka_err2str(code)) : true;
}

static void drop_offer(struct kafka_consumer *consumer)
{
    struct questions *questions = &consumer->questions;

    if (questions->offered) {
        rd_kafka_topic_partition_list_destroy(questions->offered);
        questions->offered = NULL;
    }
    questions->is_stale = questions->lookup != NULL;
}

/* The partitions stay the group's until we call rd_kafka_assign(), which waits for the committed offsets: we never
 * start from a guess. */
static void on_offered(struct kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *list)
{
    drop_offer(consumer);
    if (list->cnt == 0) {
        if (rd_kafka_assign(consumer->rk, list) == RD_KAFKA_RESP_ERR_NO_ERROR) {
            consumer_set_state(consumer, true, "the group has more members than partitions");
        }
        return;
    }
    consumer->questions.offered = rd_kafka_topic_partition_list_copy(list);
    consumer->questions.not_before_ms = 0;
}

static void on_revoked(struct kafka_consumer *consumer)
{
    bool can_commit = !rd_kafka_assignment_lost(consumer->rk);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)HASH_COUNT(consumer->assigned));

    drop_offer(consumer);
    kafka_partitions_resume_all(consumer);
    for (struct assigned *a = consumer->assigned; a; a = a->hh.next) {
        struct kafka_position position = {.topic = a->id.topic, .partition = a->id.partition};

        if (consumer->events.on_revoke(consumer->events.arg, &a->id, can_commit, &position) && can_commit) {
            commit_add(list, &position);
        }
    }
    if (list->cnt > 0) {
        commit_now(consumer, list, REVOKE_COMMIT_MS);
    }
    CRASHPOINT("revoke_committed");
    rd_kafka_topic_partition_list_destroy(list);
    kafka_partitions_clear(consumer);
    rd_kafka_assign(consumer->rk, NULL);
}

void rebalance_on_change(rd_kafka_t *rk, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list, void *arg)
{
    struct kafka_consumer *consumer = arg;

    if (consumer->is_closing) { /* on the helper thread: touch nothing */
        rd_kafka_assign(rk, NULL);
        return;
    }
    switch (code) {
    case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
        on_offered(consumer, list);
        break;
    case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS:
        on_revoked(consumer);
        break;
    default:
        log_event(LOG_ERROR, "kafka_rebalance_failed", "problem", rd_kafka_err2str(code), NULL);
        on_revoked(consumer);
    }
}

void rebalance_on_lost_offset(struct kafka_consumer *consumer, const rd_kafka_message_t *message)
{
    struct assigned *assigned = kafka_partitions_find_for(consumer, message);

    if (assigned) {
        assigned->is_lost = true;
        assigned->lost_offset = message->offset;
    }
}
