#include "io/kafka_reader_inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "io/kafka_config.h"
#include "io/kafka_handle.h"

enum { OPEN_MS = 15000, ASK_MS = 2000, UNKNOWN_MS = 2000, LEAST_UNKNOWN = 2, RETRY_MS = 100 };

/* --- which partitions there are ----------------------------------------------------------------------------------- */

static void take_metadata(struct kafka_reader *reader, const struct rd_kafka_metadata *metadata)
{
    for (size_t i = 0; i < reader->topic_count; i++) {
        struct reader_topic *topic = &reader->topics[i];

        topic->code = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        for (int n = 0; n < metadata->topic_cnt; n++) {
            const struct rd_kafka_metadata_topic *told = &metadata->topics[n];

            if (strcmp(told->topic, topic->name) == 0) {
                topic->code = told->err ? told->err : told->partition_cnt > 0 ? 0 : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
                topic->part_count = told->partition_cnt;
            }
        }
    }
}

/* Asks for all topics that have a handle. */
static rd_kafka_resp_err_t ask_topics(struct kafka_reader *reader, const struct kafka_patience *patience)
{
    int64_t wait_ms = patience->deadline_ms - clock_mono_ms();
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t code =
        rd_kafka_metadata(reader->rk, 0, NULL, &metadata, (int)(wait_ms < 1 ? 1 : wait_ms < ASK_MS ? wait_ms : ASK_MS));

    if (!code) {
        take_metadata(reader, metadata);
        rd_kafka_metadata_destroy(metadata);
    }
    return code;
}

static bool is_no_answer(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
           code == RD_KAFKA_RESP_ERR__TIMED_OUT;
}

/* A topic that was just created may have no leader for a moment, and not every broker knows of it yet. */
static bool may_change(const struct kafka_reader *reader, bool is_unknown_for_sure)
{
    bool may = false;

    for (size_t i = 0; i < reader->topic_count; i++) {
        rd_kafka_resp_err_t code = reader->topics[i].code;
        bool is_waiting = code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
                          (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART && !is_unknown_for_sure);

        if (code && !is_waiting && code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
            return false;
        }
        may |= is_waiting;
    }
    return may;
}

/* Of the last answer. */
static bool judge_topics(struct kafka_reader *reader, struct err *err)
{
    bool is_any_there = false;

    for (size_t i = 0; i < reader->topic_count; i++) {
        is_any_there |= !reader->topics[i].code;
    }
    for (size_t i = 0; i < reader->topic_count; i++) {
        struct reader_topic *topic = &reader->topics[i];

        topic->is_missing = topic->code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        if (topic->is_missing && !(is_any_there && topic->wanted.may_be_missing)) {
            return err_set(err, "topic %s does not exist", topic->name);
        }
        if (topic->code && !topic->is_missing) {
            return err_set(err, "topic %s: %s", topic->name, rd_kafka_err2str(topic->code));
        }
        topic->part_count = topic->is_missing ? 0 : topic->part_count;
    }
    return true;
}

static bool find_partitions(struct kafka_reader *reader, const struct kafka_patience *patience, struct err *err)
{
    int64_t first_ms = 0; /* when the first answer came */
    struct err over = {0};
    int answers = 0;

    for (;;) {
        rd_kafka_resp_err_t code = ask_topics(reader, patience);
        bool may_wait = kafka_patience_lasts(patience, &over);

        if (!code) {
            first_ms = answers++ ? first_ms : clock_mono_ms();
            if (!may_wait || !may_change(reader, answers >= LEAST_UNKNOWN && clock_mono_ms() >= first_ms + UNKNOWN_MS)) {
                return judge_topics(reader, err);
            }
        } else if (!may_wait || !is_no_answer(code)) {
            return is_no_answer(code) ? kafka_config_no_answer(reader->rk, code, err)
                                      : err_set(err, "topic %s: %s", reader->topics[0].name, rd_kafka_err2str(code));
        }
        rd_kafka_poll(reader->rk, RETRY_MS);
    }
}

/* --- from where to where ------------------------------------------------------------------------------------------ */

static bool is_wanted_part(const struct reader_topic *topic, int32_t number)
{
    return topic->wanted.partition < 0 || topic->wanted.partition == number;
}

static bool add_parts(struct reader_topic *topic, struct kafka_range_question questions[], size_t *count, struct err *err)
{
    if (topic->wanted.partition >= topic->part_count && !topic->is_missing) {
        return err_set(err, "topic %s has no partition %d: its partitions are 0 to %d", topic->name,
                       (int)topic->wanted.partition, (int)topic->part_count - 1);
    }
    topic->parts = xcalloc((size_t)topic->part_count + 1, sizeof(*topic->parts));
    for (int32_t i = 0; i < topic->part_count; i++) {
        if (is_wanted_part(topic, i)) {
            questions[(*count)++] = (struct kafka_range_question){.wanted = &topic->wanted, .partition = i};
        } else {
            topic->parts[i].is_done = true;
        }
    }
    return true;
}

static bool start_part(struct kafka_reader *reader, struct reader_topic *topic, const struct kafka_range_question *answer,
                       struct err *err)
{
    struct reader_part *part = &topic->parts[answer->partition];

    part->range = answer->range;
    part->next = part->range.low;
    if (part->range.low >= part->range.high) {
        part->is_done = true;
        return true;
    }
    if (rd_kafka_consume_start_queue(topic->handle, answer->partition, part->range.low, reader->queue) != 0) {
        return err_set(err, "%s/%d: %s", topic->name, (int)answer->partition, rd_kafka_err2str(rd_kafka_last_error()));
    }
    part->is_started = true;
    reader->open_parts++;
    return true;
}

static bool start_parts(struct kafka_reader *reader, const struct kafka_patience *patience, struct err *err)
{
    struct kafka_range_question *questions;
    size_t most = 0, count = 0, next = 0;
    bool is_fine = true;

    for (size_t i = 0; i < reader->topic_count; i++) {
        most += (size_t)reader->topics[i].part_count;
    }
    questions = xcalloc(most + 1, sizeof(*questions));
    for (size_t i = 0; i < reader->topic_count && is_fine; i++) {
        is_fine = add_parts(&reader->topics[i], questions, &count, err);
    }
    is_fine = is_fine && kafka_range_find_all(reader->rk, questions, count, patience, err);
    for (size_t i = 0; i < reader->topic_count; i++) {
        for (; is_fine && next < count && questions[next].wanted == &reader->topics[i].wanted; next++) {
            is_fine = start_part(reader, &reader->topics[i], &questions[next], err);
        }
    }
    free(questions);
    return is_fine;
}

/* --- open ---------------------------------------------------------------------------------------------------------- */

static bool open_topic(struct kafka_reader *reader, struct reader_topic *topic, struct err *err)
{
    rd_kafka_topic_conf_t *conf = rd_kafka_default_topic_conf_dup(reader->rk);

    rd_kafka_topic_conf_set_opaque(conf, topic);
    topic->handle = rd_kafka_topic_new(reader->rk, topic->name, conf);
    return topic->handle || err_set(err, "topic %s: %s", topic->name, rd_kafka_err2str(rd_kafka_last_error()));
}

static bool start(struct kafka_reader *reader, const struct kafka_settings *settings, const atomic_bool *is_unwanted,
                  struct err *err)
{
    rd_kafka_conf_t *conf = kafka_config_create(KAFKA_ROLE_READER, settings, NULL, err);
    const struct kafka_patience patience = {clock_mono_ms() + OPEN_MS, is_unwanted};

    if (!conf) {
        return false;
    }
    reader->rk = kafka_handle_open(KAFKA_ROLE_READER, conf, err);
    if (!reader->rk) {
        return false;
    }
    for (size_t i = 0; i < reader->topic_count; i++) {
        if (!open_topic(reader, &reader->topics[i], err)) {
            return false;
        }
    }
    reader->queue = rd_kafka_queue_new(reader->rk);
    return find_partitions(reader, &patience, err) && start_parts(reader, &patience, err);
}

struct kafka_reader *kafka_reader_open_ranges(const struct kafka_settings *settings,
                                              const struct kafka_reader_range ranges[], size_t count,
                                              const atomic_bool *is_unwanted, struct err *err)
{
    struct kafka_reader *reader = xcalloc(1, sizeof(*reader));

    reader->topic_count = count;
    reader->topics = xcalloc(count, sizeof(*reader->topics));
    for (size_t i = 0; i < count; i++) {
        reader->topics[i].name = xstrdup(ranges[i].topic);
        reader->topics[i].wanted = ranges[i];
        reader->topics[i].wanted.topic = reader->topics[i].name;
    }
    if (!start(reader, settings, is_unwanted, err)) {
        kafka_reader_close(reader);
        return NULL;
    }
    return reader;
}

struct kafka_reader *kafka_reader_open_range(const struct kafka_settings *settings,
                                             const struct kafka_reader_range *range, struct err *err)
{
    return kafka_reader_open_ranges(settings, range, 1, NULL, err);
}

struct kafka_reader *kafka_reader_open(const struct kafka_settings *settings, const char *topic, struct err *err)
{
    const struct kafka_reader_range range = {topic, -1, {KAFKA_READER_BEGINNING, 0}, {KAFKA_READER_END, 0}, false};

    return kafka_reader_open_range(settings, &range, err);
}
