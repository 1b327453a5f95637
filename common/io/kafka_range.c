#include "io/kafka_range.h"

#include <librdkafka/rdkafka.h>

#include "base/clock.h"

enum { ASK_MS = 2000, RETRY_MS = 100 };

/* Later than no record: a broker that looks up times finds the first of them. */
static const int64_t EARLIEST_MS = 1;

struct search {
    rd_kafka_t *rk;
    const char *topic;
    int32_t partition;
    int64_t deadline_ms;
};

/* `which` is an end of the log or a time. *offset is RD_KAFKA_OFFSET_END when no record is that late.
 *
 * rd_kafka_query_watermark_offsets() is not used: on librdkafka 2.0.2 it waits for ever, whatever its time-out, when
 * the leader that it knows is gone. */
static rd_kafka_resp_err_t ask_once(const struct search *search, int64_t which, int64_t *offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *answer = rd_kafka_topic_partition_list_add(list, search->topic, search->partition);
    int64_t wait_ms = search->deadline_ms - clock_mono_ms();
    rd_kafka_resp_err_t code;

    answer->offset = which;
    code = rd_kafka_offsets_for_times(search->rk, list, (int)(wait_ms < 1 ? 1 : wait_ms < ASK_MS ? wait_ms : ASK_MS));
    if (!code) {
        code = answer->err;
    }
    if (!code && answer->offset < 0 && (which < 0 || answer->offset != RD_KAFKA_OFFSET_END)) {
        code = RD_KAFKA_RESP_ERR_UNKNOWN;
    }
    *offset = answer->offset;
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

/* A partition that moves to another leader is found again before the deadline. */
static bool ask(const struct search *search, int64_t which, int64_t *offset, struct err *err)
{
    for (;;) {
        rd_kafka_resp_err_t code = ask_once(search, which, offset);

        if (!code) {
            return true;
        }
        if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED || clock_mono_ms() >= search->deadline_ms) {
            return err_set(err, "%s/%d: where the log begins and ends: %s", search->topic, (int)search->partition,
                           rd_kafka_err2str(code));
        }
        rd_kafka_poll(search->rk, RETRY_MS);
    }
}

/* *offset < 0: the broker cannot look up times. */
static bool find_time(const struct search *search, const struct kafka_range *log, int64_t at_ms, int64_t *offset,
                      struct err *err)
{
    int64_t earliest;

    if (!ask(search, at_ms > EARLIEST_MS ? at_ms : EARLIEST_MS, offset, err)) {
        return false;
    }
    if (*offset >= 0) {
        return true;
    }
    if (!ask(search, EARLIEST_MS, &earliest, err)) {
        return false;
    }
    if (earliest >= 0) {
        *offset = log->high;
    }
    return true;
}

static int64_t clamp(int64_t offset, const struct kafka_range *log)
{
    return offset < log->low ? log->low : offset > log->high ? log->high : offset;
}

static bool find_place(const struct search *search, const struct kafka_range *log,
                       const struct kafka_reader_place *place, int64_t *offset, bool *must_scan, struct err *err)
{
    *must_scan = false;
    switch (place->offset) {
    case KAFKA_READER_BEGINNING:
        *offset = log->low;
        return true;
    case KAFKA_READER_END:
        *offset = log->high;
        return true;
    case KAFKA_READER_TIME:
        if (log->low >= log->high) {
            *offset = log->low;
            return true;
        }
        if (!find_time(search, log, place->time_ms, offset, err)) {
            return false;
        }
        *must_scan = *offset < 0;
        break;
    default:
        *offset = place->offset;
    }
    *offset = clamp(*offset, log);
    return true;
}

bool kafka_range_find(struct rd_kafka_s *rk, const struct kafka_reader_range *wanted, int32_t partition,
                      int64_t deadline_ms, struct kafka_range *range, struct err *err)
{
    struct search search = {rk, wanted->topic, partition, deadline_ms};
    struct kafka_range log = {0, 0, KAFKA_RANGE_ANY_FROM_MS, KAFKA_RANGE_ANY_TO_MS};
    bool must_scan;

    if (!ask(&search, RD_KAFKA_OFFSET_BEGINNING, &log.low, err) || !ask(&search, RD_KAFKA_OFFSET_END, &log.high, err)) {
        return false;
    }
    *range = log;
    if (!find_place(&search, &log, &wanted->from, &range->low, &must_scan, err)) {
        return false;
    }
    if (must_scan) {
        range->low = log.low;
        range->from_ms = wanted->from.time_ms;
    }
    if (!find_place(&search, &log, &wanted->to, &range->high, &must_scan, err)) {
        return false;
    }
    if (must_scan) {
        range->high = log.high;
        range->to_ms = wanted->to.time_ms;
    }
    if (range->high < range->low) {
        range->high = range->low;
    }
    return true;
}

bool kafka_range_is_scan(const struct kafka_range *range)
{
    return range->from_ms != KAFKA_RANGE_ANY_FROM_MS || range->to_ms != KAFKA_RANGE_ANY_TO_MS;
}
