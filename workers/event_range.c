#include "workers/event_range.h"

#include <string.h>

/* --- what was said ------------------------------------------------------------------------------------------------ */

static int order_of(const struct record_place *place)
{
    return place->kind == RECORD_PLACE_BEGINNING ? 0 : place->kind == RECORD_PLACE_END ? 2 : 1;
}

static bool check_order(const struct record_place *from, const struct record_place *to, struct err *err)
{
    bool is_same_kind = from->kind == to->kind;

    if (order_of(from) > order_of(to) || from->kind == RECORD_PLACE_END || to->kind == RECORD_PLACE_BEGINNING ||
        (is_same_kind && from->value >= to->value)) {
        return err_set(err, "--from is not before --to: nothing lies between them");
    }
    return true;
}

bool event_range_check(struct event_range *range, int64_t now_ms, struct err *err)
{
    if (range->input && (range->topic || range->from || range->to || range->partition >= 0)) {
        return err_set(err, "--input reads a whole file; --topic, --partition, --from and --to are for topics");
    }
    if (range->partition < -1 || range->partition > INT32_MAX) {
        return err_set(err, "--partition takes 0 or more");
    }
    if (range->limit < 0) {
        return err_set(err, "--limit takes 1 or more");
    }
    if (!record_place_parse(range->from ? range->from : "beginning", now_ms, &range->start, err)) {
        return err_prefix(err, "--from");
    }
    if (!record_place_parse(range->to ? range->to : "end", now_ms, &range->end, err)) {
        return err_prefix(err, "--to");
    }
    return check_order(&range->start, &range->end, err);
}

/* --- the source --------------------------------------------------------------------------------------------------- */

/* NULL + err. */
static const char *choose_topic(const struct event_range *range, const struct worker_settings *settings,
                                struct err *err)
{
    if (range->topic) {
        return range->topic;
    }
    if (settings->topics[0] && !settings->topics[1] && settings->topics[0][0] != '^') {
        return settings->topics[0];
    }
    err_set(err, "KAFKA_TOPICS names more than one topic: choose with --topic");
    return NULL;
}

static struct record_source *open_topic(const struct event_range *range, const struct worker_settings *settings,
                                        const char *client_id, const char *topic, struct err *err)
{
    const struct kafka_settings kafka = worker_kafka_settings(settings, client_id);
    const struct record_range part = {.topic = topic,
                                      .partition = (int32_t)range->partition,
                                      .from = range->start,
                                      .to = range->end,
                                      .is_by_time = range->is_by_time};

    if (!settings->kafka_brokers && !settings->kafka_config) {
        err_set(err, "KAFKA_BROKERS is not set (or give a file with --input)");
        return NULL;
    }
    return record_source_open_topic(&kafka, &part, err);
}

struct record_source *event_range_open(const struct event_range *range, const struct worker_settings *settings,
                                       const char *client_id, const char *topic, const char **name, struct err *err)
{
    if (range->input) {
        *name = strcmp(range->input, "-") == 0 ? "stdin" : range->input;
        return record_source_open_file(range->input, err);
    }
    *name = topic ? topic : choose_topic(range, settings, err);
    return *name ? open_topic(range, settings, client_id, *name, err) : NULL;
}

/* --- the events --------------------------------------------------------------------------------------------------- */

bool event_range_has_filter(const struct event_range *range)
{
    return range->type || range->member;
}

bool event_range_wants(const struct event_range *range, const struct event *event)
{
    return (!range->type || strcmp(event->type, range->type) == 0) &&
           (!range->member || strcmp(event->member_id, range->member) == 0);
}
