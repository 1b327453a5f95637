#include "io/kafka_range.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

enum { ASK_MS = 2000, RETRY_MS = 100 };

/* Later than no record: a broker that looks up times finds the first of them. */
static const int64_t EARLIEST_MS = 1;
static const int64_t NOT_ASKED = INT64_MIN;

/* `which` is an end of the log, a time, or NOT_ASKED. `offset` is RD_KAFKA_OFFSET_END when no record is that late. */
struct item {
    int64_t which, offset;
    bool is_answered;
    struct kafka_range log;
};

struct search {
    rd_kafka_t *rk;
    const struct kafka_patience *patience;
    struct kafka_range_question *questions;
    struct item *items;
    size_t count;
    size_t failed; /* the last without an answer, and why */
    rd_kafka_resp_err_t code;
};

bool kafka_patience_lasts(const struct kafka_patience *patience, struct err *err)
{
    if (patience->is_unwanted && atomic_load(patience->is_unwanted)) {
        return err_set(err, "nobody waits for it any more");
    }
    return clock_mono_ms() < patience->deadline_ms || err_set(err, "no answer in time");
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

static rd_kafka_topic_partition_list_t *list_open_items(const struct search *search)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)search->count);

    for (size_t i = 0; i < search->count; i++) {
        const struct kafka_range_question *question = &search->questions[i];

        if (!search->items[i].is_answered) {
            rd_kafka_topic_partition_list_add(list, question->wanted->topic, question->partition)->offset =
                search->items[i].which;
        }
    }
    return list;
}

static rd_kafka_resp_err_t read_answer(const rd_kafka_topic_partition_t *answer, struct item *item)
{
    if (answer->err) {
        return answer->err;
    }
    if (answer->offset < 0 && (item->which < 0 || answer->offset != RD_KAFKA_OFFSET_END)) {
        return RD_KAFKA_RESP_ERR_UNKNOWN;
    }
    item->offset = answer->offset;
    item->is_answered = true;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* True: all have their answer.
 *
 * rd_kafka_query_watermark_offsets() is not used: on librdkafka 2.0.2 it waits for ever, whatever its time-out, when
 * the leader that it knows is gone. */
static bool ask_once(struct search *search)
{
    rd_kafka_topic_partition_list_t *list = list_open_items(search);
    int64_t wait_ms = search->patience->deadline_ms - clock_mono_ms();
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    const rd_kafka_topic_partition_t *answer = list->elems;

    if (list->cnt > 0) {
        code = rd_kafka_offsets_for_times(search->rk, list, (int)(wait_ms < 1 ? 1 : wait_ms < ASK_MS ? wait_ms : ASK_MS));
    }
    search->code = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (size_t i = 0; i < search->count; i++) {
        rd_kafka_resp_err_t problem;

        if (search->items[i].is_answered) {
            continue;
        }
        problem = code ? code : read_answer(answer, &search->items[i]);
        answer++;
        if (problem && search->code != RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) {
            search->code = problem;
            search->failed = i;
        }
    }
    rd_kafka_topic_partition_list_destroy(list);
    return !search->code;
}

/* A partition that moves to another leader is found again before the deadline. */
static bool ask(struct search *search, struct err *err)
{
    for (size_t i = 0; i < search->count; i++) {
        search->items[i].is_answered = search->items[i].which == NOT_ASKED;
    }
    while (!ask_once(search)) {
        const struct kafka_range_question *question = &search->questions[search->failed];
        struct err over = {0};

        if (search->code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
            !kafka_patience_lasts(search->patience, &over)) {
            return err_set(err, "%s/%d: where the log begins and ends: %s", question->wanted->topic,
                           (int)question->partition, rd_kafka_err2str(search->code));
        }
        rd_kafka_poll(search->rk, RETRY_MS);
    }
    return true;
}

static bool ask_ends(struct search *search, struct err *err)
{
    for (size_t i = 0; i < search->count; i++) {
        search->items[i].which = RD_KAFKA_OFFSET_BEGINNING;
    }
    if (!ask(search, err)) {
        return false;
    }
    for (size_t i = 0; i < search->count; i++) {
        search->items[i].log.low = search->items[i].offset;
        search->items[i].which = RD_KAFKA_OFFSET_END;
    }
    if (!ask(search, err)) {
        return false;
    }
    for (size_t i = 0; i < search->count; i++) {
        search->items[i].log.high = search->items[i].offset;
    }
    return true;
}

/* --- places ------------------------------------------------------------------------------------------------------- */

static const struct kafka_reader_place *place_of(const struct kafka_range_question *question, bool is_from)
{
    return is_from ? &question->wanted->from : &question->wanted->to;
}

static bool is_looked_up(const struct search *search, size_t i, bool is_from)
{
    const struct kafka_range *log = &search->items[i].log;

    return place_of(&search->questions[i], is_from)->offset == KAFKA_READER_TIME && log->low < log->high;
}

/* An answer "none" is looked into: the first record of all is later than EARLIEST_MS where times can be looked up. */
static bool look_up_times(struct search *search, bool is_from, int64_t offsets[], struct err *err)
{
    bool is_any = false;

    for (size_t i = 0; i < search->count; i++) {
        int64_t time_ms = place_of(&search->questions[i], is_from)->time_ms;

        search->items[i].which =
            !is_looked_up(search, i, is_from) ? NOT_ASKED : time_ms > EARLIEST_MS ? time_ms : EARLIEST_MS;
        is_any |= is_looked_up(search, i, is_from);
    }
    if (!is_any) {
        return true;
    }
    if (!ask(search, err)) {
        return false;
    }
    for (size_t i = 0; i < search->count; i++) {
        bool is_none = is_looked_up(search, i, is_from) && search->items[i].offset < 0;

        offsets[i] = search->items[i].offset;
        search->items[i].which = is_none ? EARLIEST_MS : NOT_ASKED;
    }
    if (!ask(search, err)) {
        return false;
    }
    for (size_t i = 0; i < search->count; i++) {
        if (search->items[i].which != NOT_ASKED && search->items[i].offset >= 0) {
            offsets[i] = search->items[i].log.high;
        }
    }
    return true;
}

static int64_t clamp(int64_t offset, const struct kafka_range *log)
{
    return offset < log->low ? log->low : offset > log->high ? log->high : offset;
}

/* `found` is what was looked up, below 0 where the broker cannot. False: the records must be searched. */
static bool find_place(const struct kafka_range *log, const struct kafka_reader_place *place, int64_t found,
                       int64_t *offset)
{
    switch (place->offset) {
    case KAFKA_READER_BEGINNING:
        *offset = log->low;
        return true;
    case KAFKA_READER_END:
        *offset = log->high;
        return true;
    case KAFKA_READER_TIME:
        if (log->low < log->high && found < 0) {
            return false;
        }
        *offset = log->low < log->high ? clamp(found, log) : log->low;
        return true;
    default:
        *offset = clamp(place->offset, log);
        return true;
    }
}

static void set_range(const struct search *search, size_t i, int64_t from, int64_t to)
{
    struct kafka_range_question *question = &search->questions[i];
    const struct kafka_range *log = &search->items[i].log;
    struct kafka_range *range = &question->range;

    *range = (struct kafka_range){log->low, log->high, KAFKA_RANGE_ANY_FROM_MS, KAFKA_RANGE_ANY_TO_MS};
    if (!find_place(log, &question->wanted->from, from, &range->low)) {
        range->from_ms = question->wanted->from.time_ms;
    }
    if (!find_place(log, &question->wanted->to, to, &range->high)) {
        range->to_ms = question->wanted->to.time_ms;
    }
    if (range->high < range->low) {
        range->high = range->low;
    }
}

bool kafka_range_find_all(struct rd_kafka_s *rk, struct kafka_range_question questions[], size_t count,
                          const struct kafka_patience *patience, struct err *err)
{
    struct search search = {.rk = rk, .patience = patience, .questions = questions, .count = count};
    int64_t *from = xcalloc(count + 1, sizeof(*from)), *to = xcalloc(count + 1, sizeof(*to));
    bool is_found;

    search.items = xcalloc(count + 1, sizeof(*search.items));
    is_found = ask_ends(&search, err) && look_up_times(&search, true, from, err) && look_up_times(&search, false, to, err);
    for (size_t i = 0; is_found && i < count; i++) {
        set_range(&search, i, from[i], to[i]);
    }
    free(search.items);
    free(from);
    free(to);
    return is_found;
}

bool kafka_range_is_scan(const struct kafka_range *range)
{
    return range->from_ms != KAFKA_RANGE_ANY_FROM_MS || range->to_ms != KAFKA_RANGE_ANY_TO_MS;
}
