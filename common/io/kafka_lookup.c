#include "io/kafka_lookup.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "io/kafka_config.h"
#include "io/kafka_handle.h"

/* For one question; less than closing a consumer may take. */
enum { ANSWER_MS = 2500 };

struct kafka_lookup {
    rd_kafka_t *rk;
    unsigned questions;
    struct kafka_lookup_item *items;
    size_t count;
    struct err problem;
    int wake_fd;
    pthread_t thread;
    atomic_bool is_done;
    atomic_bool is_unwanted; /* nobody waits for the answer any more: stop at the next question */
};

/* --- the questions (on the helper thread) ------------------------------------------------------------------------- */

static bool probe(struct kafka_lookup *lookup)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t code = rd_kafka_metadata(lookup->rk, 0, NULL, &metadata, ANSWER_MS);

    if (code) {
        return kafka_config_no_answer(lookup->rk, code, &lookup->problem);
    }
    rd_kafka_metadata_destroy(metadata);
    return true;
}

/* How many partitions a topic has; 0 when there is no such topic. */
static bool count_partitions(struct kafka_lookup *lookup, const char *topic, int *count)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *handle;
    rd_kafka_resp_err_t code;

    *count = 0;
    if (atomic_load(&lookup->is_unwanted)) {
        return err_set(&lookup->problem, "not asked");
    }
    handle = rd_kafka_topic_new(lookup->rk, topic, NULL);
    if (!handle) {
        return err_set(&lookup->problem, "topic %s: %s", topic, rd_kafka_err2str(rd_kafka_last_error()));
    }
    code = rd_kafka_metadata(lookup->rk, 0, handle, &metadata, ANSWER_MS);
    if (!code) {
        code = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        *count = code ? 0 : metadata->topics[0].partition_cnt;
        rd_kafka_metadata_destroy(metadata);
    }
    rd_kafka_topic_destroy(handle);
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
        code = RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    if (code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__TIMED_OUT) {
        return kafka_config_no_answer(lookup->rk, code, &lookup->problem);
    }
    return code ? err_set(&lookup->problem, "topic %s: %s", topic, rd_kafka_err2str(code)) : true;
}

static bool look_up_existence(struct kafka_lookup *lookup)
{
    const char *topic = "";
    int partitions = 0;

    for (size_t i = 0; i < lookup->count; i++) {
        struct kafka_lookup_item *item = &lookup->items[i];

        if (strcmp(item->topic, topic) != 0) {
            topic = item->topic;
            if (!count_partitions(lookup, topic, &partitions)) {
                return false;
            }
        }
        item->exists = item->partition < partitions;
    }
    return true;
}

/* The items that exist and, when asked, have no committed offset. Element n is item where[n]. */
static rd_kafka_topic_partition_list_t *list_items(const struct kafka_lookup *lookup, bool only_new, size_t where[])
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)lookup->count);
    size_t n = 0;

    for (size_t i = 0; i < lookup->count; i++) {
        const struct kafka_lookup_item *item = &lookup->items[i];

        if (item->exists && (!only_new || item->committed == KAFKA_LOOKUP_UNKNOWN)) {
            rd_kafka_topic_partition_list_add(list, item->topic, item->partition);
            where[n++] = i;
        }
    }
    return list;
}

static bool read_committed(struct kafka_lookup *lookup, const rd_kafka_topic_partition_t *answer,
                           struct kafka_lookup_item *item)
{
    if (answer->err) {
        return err_set(&lookup->problem, "committed offset of %s/%d: %s", item->topic, (int)item->partition,
                       rd_kafka_err2str(answer->err));
    }
    if (answer->offset < 0 && answer->offset != RD_KAFKA_OFFSET_INVALID) {
        return err_set(&lookup->problem, "committed offset of %s/%d: not an offset", item->topic, (int)item->partition);
    }
    item->committed = answer->offset < 0 ? KAFKA_LOOKUP_UNKNOWN : answer->offset;
    free(item->metadata);
    item->metadata = answer->metadata_size ? xmemdup(answer->metadata, answer->metadata_size) : xstrdup("");
    return true;
}

static bool look_up_committed(struct kafka_lookup *lookup)
{
    size_t *where = xcalloc(lookup->count, sizeof(*where));
    rd_kafka_topic_partition_list_t *list = list_items(lookup, false, where);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    bool is_ok = true;

    if (list->cnt > 0 && !atomic_load(&lookup->is_unwanted)) {
        code = rd_kafka_committed(lookup->rk, list, ANSWER_MS);
    }
    if (code) {
        is_ok = err_set(&lookup->problem, "committed offsets: %s", rd_kafka_err2str(code));
    }
    for (int i = 0; is_ok && i < list->cnt; i++) {
        is_ok = read_committed(lookup, &list->elems[i], &lookup->items[where[i]]);
    }
    rd_kafka_topic_partition_list_destroy(list);
    free(where);
    return is_ok;
}

/* One end of the logs: `which` is RD_KAFKA_OFFSET_BEGINNING or _END. An end without an answer stays unknown. */
static void look_up_ends(struct kafka_lookup *lookup, bool only_new, int64_t which)
{
    size_t *where = xcalloc(lookup->count, sizeof(*where));
    rd_kafka_topic_partition_list_t *list = list_items(lookup, only_new, where);

    for (int i = 0; i < list->cnt; i++) {
        list->elems[i].offset = which;
    }
    if (list->cnt > 0 && !atomic_load(&lookup->is_unwanted) &&
        rd_kafka_offsets_for_times(lookup->rk, list, ANSWER_MS) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        for (int i = 0; i < list->cnt; i++) {
            struct kafka_lookup_item *item = &lookup->items[where[i]];
            int64_t offset =
                list->elems[i].err || list->elems[i].offset < 0 ? KAFKA_LOOKUP_UNKNOWN : list->elems[i].offset;

            if (which == RD_KAFKA_OFFSET_END) {
                item->high = offset;
            } else {
                item->low = offset;
            }
        }
    }
    rd_kafka_topic_partition_list_destroy(list);
    free(where);
}

static bool look_up_range(struct kafka_lookup *lookup)
{
    look_up_ends(lookup, false, RD_KAFKA_OFFSET_BEGINNING);
    look_up_ends(lookup, false, RD_KAFKA_OFFSET_END);
    for (size_t i = 0; i < lookup->count; i++) {
        const struct kafka_lookup_item *item = &lookup->items[i];

        if (!item->exists) {
            continue;
        }
        if (item->low == KAFKA_LOOKUP_UNKNOWN || item->high == KAFKA_LOOKUP_UNKNOWN) {
            return err_set(&lookup->problem, "%s/%d: the broker does not say where the log begins and ends",
                           item->topic, (int)item->partition);
        }
    }
    return true;
}

static void ask(struct kafka_lookup *lookup)
{
    unsigned questions = lookup->questions;

    if ((questions & KAFKA_LOOKUP_PROBE) && !probe(lookup)) {
        return;
    }
    if ((questions & KAFKA_LOOKUP_EXISTS) && !look_up_existence(lookup)) {
        return;
    }
    if (questions & KAFKA_LOOKUP_COMMITTED) {
        if (!look_up_committed(lookup)) {
            return;
        }
        look_up_ends(lookup, true, RD_KAFKA_OFFSET_END);
    }
    if (questions & KAFKA_LOOKUP_RANGE) {
        look_up_range(lookup);
    }
}

static void *run(void *arg)
{
    struct kafka_lookup *lookup = arg;

    ask(lookup);
    atomic_store(&lookup->is_done, true);
    if (write(lookup->wake_fd, "1", 1) != 1) {
        return NULL; /* the pipe is full, which wakes as well */
    }
    return NULL;
}

/* --- from the loop ------------------------------------------------------------------------------------------------ */

static void start_thread(struct kafka_lookup *lookup)
{
    sigset_t all;
    sigset_t before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&lookup->thread, NULL, run, lookup) != 0) {
        die("cannot start a thread to ask Kafka");
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct kafka_lookup *kafka_lookup_begin(struct rd_kafka_s *rk, unsigned questions,
                                        const struct kafka_lookup_item items[], size_t count, int wake_fd)
{
    struct kafka_lookup *lookup = xcalloc(1, sizeof(*lookup));

    lookup->rk = rk;
    lookup->questions = questions;
    lookup->wake_fd = wake_fd;
    lookup->count = count;
    lookup->items = xcalloc(count, sizeof(*lookup->items));
    for (size_t i = 0; i < count; i++) {
        lookup->items[i] = (struct kafka_lookup_item){
            .topic = xstrdup(items[i].topic),
            .partition = items[i].partition,
            .exists = true,
            .committed = KAFKA_LOOKUP_UNKNOWN,
            .metadata = xstrdup(""),
            .low = KAFKA_LOOKUP_UNKNOWN,
            .high = KAFKA_LOOKUP_UNKNOWN,
        };
    }
    atomic_init(&lookup->is_done, false);
    atomic_init(&lookup->is_unwanted, false);
    start_thread(lookup);
    return lookup;
}

bool kafka_lookup_is_done(const struct kafka_lookup *lookup)
{
    return atomic_load(&lookup->is_done);
}

bool kafka_lookup_answer(const struct kafka_lookup *lookup, const struct kafka_lookup_item **items, size_t *count,
                         struct err *problem)
{
    *items = lookup->items;
    *count = lookup->count;
    if (err_is_set(&lookup->problem)) {
        return err_set(problem, "%s", lookup->problem.text);
    }
    return true;
}

bool kafka_lookup_destroy(struct kafka_lookup *lookup, int64_t wait_ms)
{
    if (!lookup) {
        return true;
    }
    atomic_store(&lookup->is_unwanted, true);
    if (!kafka_handle_join(lookup->thread, wait_ms)) {
        return false;
    }
    for (size_t i = 0; i < lookup->count; i++) {
        free(lookup->items[i].topic);
        free(lookup->items[i].metadata);
    }
    free(lookup->items);
    free(lookup);
    return true;
}
