#include "workers/why/story_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash_table.h"
#include "base/mem.h"
#include "core/event.h"
#include "workers/operator/words.h"

struct delivery {
    struct mid mid;
    json_t *json;
    UT_hash_handle hh;
};

struct story {
    const struct story_question *question;
    struct delivery *deliveries; /* hash, in order of appearance */
    json_t *events;
    const char *tier; /* of the retry topic that is being read */
};

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

/* A text that may be no UTF-8 becomes "". */
static void set_text(json_t *object, const char *name, const char *text)
{
    if (text[0] && !json_object_get(object, name)) {
        json_object_set_new(object, name, json_string(text));
    }
}

static json_t *get_delivery(struct story *story, const struct mid *mid)
{
    struct delivery *delivery;
    char text[MID_TEXT_SIZE];

    HASH_FIND(hh, story->deliveries, mid, sizeof(*mid), delivery);
    if (!delivery) {
        delivery = xcalloc(1, sizeof(*delivery));
        delivery->mid = *mid;
        mid_format(mid, text);
        delivery->json = json_pack("{s:s, s:[]}", "mid", text, "timeline");
        HASH_ADD(hh, story->deliveries, mid, sizeof(delivery->mid), delivery);
    }
    return delivery->json;
}

/* --- is it about what was asked? ---------------------------------------------------------------------------------- */

static bool is_about(const struct story *story, const struct mid *mid, const char *member, const char *event)
{
    const struct story_question *question = story->question;

    if (question->mid) {
        return mid && memcmp(question->mid, mid, sizeof(*mid)) == 0;
    }
    return question->member ? strcmp(question->member, member) == 0 : strcmp(question->event, event) == 0;
}

static bool is_event_about(const struct story *story, const struct record *record, const struct mid *mid)
{
    struct event event = {.data = NULL};
    const char *reason;
    struct err ignored = {0};
    bool is_event = event_decode(record, &event, &reason, &ignored);
    bool is_fine = is_about(story, mid, is_event ? event.member_id : "", is_event ? event.id : "");

    event_finish(&event);
    return is_fine;
}

/* --- the topics --------------------------------------------------------------------------------------------------- */

static void take_outcome(void *arg, const struct record *record)
{
    struct story *story = arg;
    json_t *outcome = words_load_outcome(record->value);
    json_t *delivery;
    struct mid mid;

    if (outcome && mid_parse(slice_of(text_of(outcome, "mid")), &mid) &&
        is_about(story, &mid, text_of(outcome, "member_id"), text_of(json_object_get(outcome, "event"), "id"))) {
        delivery = get_delivery(story, &mid);
        set_text(delivery, "flow", text_of(outcome, "flow"));
        set_text(delivery, "channel", text_of(outcome, "channel"));
        set_text(delivery, "member_id", text_of(outcome, "member_id"));
        story_tell_outcome(delivery, outcome);
    }
    json_decref(outcome);
}

static void take_parked(void *arg, const struct record *record)
{
    struct story *story = arg;
    struct park_note note;
    struct err ignored = {0};
    json_t *delivery;

    if (park_parse(record, &note, &ignored) && is_event_about(story, record, &note.mid)) {
        delivery = get_delivery(story, &note.mid);
        set_text(delivery, "channel", channel_name(note.channel));
        story_tell_parked(delivery, &note, story->tier, record->timestamp_ms);
    }
}

static void take_side(struct story *story, const struct record *record, bool is_held)
{
    struct side_note note;
    struct err ignored = {0};
    json_t *delivery;

    if (side_note_parse(record, &note, &ignored) && is_event_about(story, record, &note.mid)) {
        delivery = get_delivery(story, &note.mid);
        set_text(delivery, "flow", note.flow);
        set_text(delivery, "channel", channel_name(note.channel));
        if (side_note_is_of_record(&note)) {
            json_object_set_new(delivery, "is_delivery", json_false());
        }
        story_tell_side(delivery, &note, is_held);
    }
}

static void take_held(void *arg, const struct record *record)
{
    take_side(arg, record, true);
}

static void take_dead(void *arg, const struct record *record)
{
    take_side(arg, record, false);
}

static void take_input(void *arg, const struct record *record)
{
    struct story *story = arg;
    struct event event = {.data = NULL};
    const char *reason;
    struct err ignored = {0};

    if (event_decode(record, &event, &reason, &ignored) && is_about(story, NULL, event.member_id, event.id)) {
        json_t *item = json_pack("{s:I, s:s, s:s, s:s, s:s, s:{s:s, s:i, s:I}}", "time_ms", (json_int_t)record->timestamp_ms,
                                 "id", event.id, "type", event.type, "source", event.source, "member_id", event.member_id,
                                 "from", "topic", record->topic, "partition", record->partition, "offset",
                                 (json_int_t)record->offset);

        words_clean_members(item);
        json_array_append_new(story->events, item);
    }
    event_finish(&event);
}

static bool read_input(struct operator *operator, struct story *story, struct err *err)
{
    const char *at = operator->settings.kafka_topics;

    while (*at) {
        size_t len = strcspn(at, ",");
        char *topic = xmemdup(at, len);
        bool is_fine = topic[0] == '^'
                           ? err_set(err, "KAFKA_TOPICS: name the topics to read, not \"%s\"", topic)
                           : operator_read_topic(operator, topic, story->question->since, take_input, story, err);

        free(topic);
        if (!is_fine) {
            return false;
        }
        at += len + (at[len] == ',');
    }
    return true;
}

static bool read_all(struct operator *operator, struct story *story, struct err *err)
{
    const struct record_place since = story->question->since;

    if (!operator_read_topic(operator, operator->topics.outcomes, since, take_outcome, story, err) ||
        !operator_read_topic(operator, operator->topics.held, since, take_held, story, err) ||
        !operator_read_topic(operator, operator->topics.dlq, since, take_dead, story, err)) {
        return false;
    }
    for (int tier = 0; tier < PARK_TIER_COUNT; tier++) {
        story->tier = park_tier_name((enum park_tier)tier);
        if (!operator_read_topic(operator, operator->topics.retry[tier], since, take_parked, story, err)) {
            return false;
        }
    }
    return !story->question->has_input || read_input(operator, story, err);
}

/* --- together ----------------------------------------------------------------------------------------------------- */

static int compare(const void *left, const void *right)
{
    const json_t *const *a = left, *const *b = right;
    json_int_t at = json_integer_value(json_object_get(*a, "time_ms")), bt = json_integer_value(json_object_get(*b, "time_ms"));

    return at < bt ? -1 : at > bt;
}

static void sort_timeline(json_t *delivery)
{
    json_t *timeline = json_object_get(delivery, "timeline");
    size_t count = json_array_size(timeline);
    json_t **items = xcalloc(count + 1, sizeof(json_t *));

    for (size_t i = 0; i < count; i++) {
        items[i] = json_incref(json_array_get(timeline, i));
    }
    for (size_t i = 1; i < count; i++) { /* by insertion: short, nearly in order, and equal times stay as they are */
        json_t *item = items[i];
        size_t at = i;

        for (; at > 0 && compare(&items[at - 1], &item) > 0; at--) {
            items[at] = items[at - 1];
        }
        items[at] = item;
    }
    json_array_clear(timeline);
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(timeline, items[i]);
    }
    free(items);
}

static void tell_broken_record(const struct operator *operator, const struct delivery *delivery, json_t *unknown)
{
    char key[CLAIM_KEY_TEXT_SIZE], mid[MID_TEXT_SIZE];
    char *text;

    mid_format(&delivery->mid, mid);
    claim_record_key_text(operator->settings.environment, &delivery->mid, key);
    text = xasprintf("What stands in Redis for %s is broken, so it is neither sent nor forgotten until a person decides "
                     "(RUNBOOK, PerklineRecordUnreadable). For redis-cli its key is \"%s\".",
                     mid, key);
    json_array_append_new(unknown, json_string(text));
    free(text);
}

static bool look(struct operator *operator, struct delivery *delivery, bool *has_epoch, json_t *unknown, struct err *err)
{
    struct claim_record record;

    if (!operator_look(operator, &delivery->mid, &record, err) ||
        !operator_has_epoch(operator, &delivery->mid, has_epoch, err)) {
        return false;
    }
    story_tell_claim(delivery->json, &record, *has_epoch, clock_wall_ms());
    if (record.state == '!') {
        tell_broken_record(operator, delivery, unknown);
    }
    return true;
}

/* One sentence, however many deliveries it is true of. */
static void tell_forgetful_redis(const struct operator *operator, json_t *unknown)
{
    char *text = xasprintf("Redis remembers nothing of environment \"%s\": it is new or was emptied, and not yet rebuilt; or "
                           "ENVIRONMENT or REDIS_URL is another than that of the workers.",
                           operator->settings.environment);

    json_array_append_new(unknown, json_string(text));
    free(text);
}

/* What was not looked at, or cannot be told by anything. */
static void tell_limits(const struct story *story, json_t *unknown)
{
    if (!story->deliveries) {
        json_array_append_new(unknown, json_string("No topic tells of any delivery in the time that was looked at. Either no "
                                                   "flow asked for one, or it is older, or it is still on its way."));
    }
    if (!story->question->has_input) {
        json_array_append_new(unknown, json_string("The input topic was not read (--input does); an event for which no "
                                                   "flow asked for a message leaves a trace nowhere else."));
    } else if (json_array_size(story->events) > 0 && !story->deliveries) {
        json_array_append_new(unknown, json_string("The event is there, but nothing came of it yet: no flow of that type "
                                                   "asked for a message, or no worker has read it."));
    }
}

static json_t *put_together(struct operator *operator, struct story *story, struct err *err)
{
    json_t *deliveries = json_array(), *unknown = json_array();
    struct delivery *delivery, *next;
    bool is_fine = true, is_forgetful = false;

    HASH_ITER(hh, story->deliveries, delivery, next) {
        bool has_epoch = false;

        is_fine = is_fine && look(operator, delivery, &has_epoch, unknown, err);
        if (is_fine) {
            sort_timeline(delivery->json);
            story_tell_unknown(unknown, delivery->json, has_epoch);
            json_array_append(deliveries, delivery->json);
            is_forgetful |= !has_epoch;
        }
    }
    if (is_fine && is_forgetful) {
        tell_forgetful_redis(operator, unknown);
    }
    tell_limits(story, unknown);
    if (!is_fine) {
        json_decref(deliveries);
        json_decref(unknown);
        return NULL;
    }
    return json_pack("{s:o, s:O, s:o}", "deliveries", deliveries, "events", story->events, "unknown", unknown);
}

json_t *story_read(struct operator *operator, const struct story_question *question, struct err *err)
{
    struct story story = {.question = question, .events = json_array()};
    struct delivery *delivery, *next;
    json_t *json = NULL;

    if (question->mid) { /* Redis may know it although no topic does any more */
        get_delivery(&story, question->mid);
    }
    if (read_all(operator, &story, err)) {
        json = put_together(operator, &story, err);
    }
    HASH_ITER(hh, story.deliveries, delivery, next) {
        HASH_DEL(story.deliveries, delivery);
        json_decref(delivery->json);
        free(delivery);
    }
    json_decref(story.events);
    return json;
}
