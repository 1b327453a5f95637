#include "workers/event_range.h"

#include <string.h>

#include "core/event.h"

bool event_range_check(struct event_range *range, int64_t now_ms, struct err *err)
{
    if (!record_place_parse(range->from, now_ms, &range->start, err)) {
        return err_prefix(err, "--from");
    }
    if (!record_place_parse(range->to, now_ms, &range->end, err)) {
        return err_prefix(err, "--to");
    }
    if (range->partition < -1 || range->partition > INT32_MAX) {
        return err_set(err, "--partition: there is no such partition");
    }
    return range->limit >= 0 || err_set(err, "--limit takes a number from 1 on");
}

struct record_source *event_range_open(const struct event_range *range, const struct kafka_settings *kafka,
                                       const char *default_topic, struct err *err)
{
    const struct record_range part = {.topic = range->topic ? range->topic : default_topic,
                                      .partition = (int32_t)range->partition,
                                      .from = range->start,
                                      .to = range->end,
                                      .is_by_time = true};

    return range->input ? record_source_open_file(range->input, err) : record_source_open_topic(kafka, &part, err);
}

bool event_range_matches(const struct event_range *range, const struct record *record)
{
    struct event event = {0};
    struct err ignored = {0};
    const char *reason;
    bool matches;

    if (!range->type && !range->member) {
        return true;
    }
    matches = event_decode(record, &event, &reason, &ignored) &&
              (!range->type || strcmp(event.type, range->type) == 0) &&
              (!range->member || strcmp(event.member_id, range->member) == 0);
    event_finish(&event);
    return matches;
}
