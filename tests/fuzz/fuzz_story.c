/*
 * Fuzzing of what `why`, `dlq` and `held` read: outcomes, parked and dead deliveries, events, and claims in Redis. The first
 * line of the input is the question ("member 42", "event e-1", or a mid); then come lines of a capture (core/record_json.h):
 * each is a record of the topic that it names. Any other line is the claim of a delivery, as it stands in Redis; "-" for a
 * Redis that refuses.
 *
 * Whatever is read: a story and a list are told, as JSON, and no sentence for people holds a control character.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/record_json.h"
#include "workers/operator/desk_print.h"
#include "workers/operator/entries.h"
#include "workers/why/story.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct slice take_line(struct slice *rest)
{
    const char *end = rest->len ? memchr(rest->data, '\n', rest->len) : NULL;
    size_t len = end ? (size_t)(end - rest->data) : rest->len;
    struct slice line = slice_make(rest->data, len);

    *rest = slice_make(rest->data + len + (end != NULL), rest->len - len - (end != NULL));
    return line;
}

/* --- Kafka and Redis: workers/operator/operator.h ------------------------------------------------------------------ */

static struct slice lines;

bool operator_read_topic(struct operator *operator, const char *topic, struct record_place from, operator_record_fn take,
                         void *arg, struct err *err)
{
    struct slice rest = lines;
    struct record_json line;

    (void)operator;
    (void)from;
    record_json_init(&line);
    while (rest.len) {
        struct err ignored = {0};

        if (record_json_parse(&line, take_line(&rest), &ignored) && line.has_place && strcmp(line.record.topic, topic) == 0) {
            take(arg, &line.record);
        }
    }
    record_json_finish(&line);
    (void)err;
    return true;
}

/* The first claim for every delivery: which it is of does not matter. */
bool operator_look(struct operator *operator, const struct mid *mid, struct claim_record *record, struct err *err)
{
    struct slice rest = lines;

    (void)operator;
    (void)mid;
    while (rest.len) {
        struct slice line = take_line(&rest);

        if (slice_is(line, "-")) {
            return err_set(err, "Redis: no");
        }
        if (line.len && line.data[0] != '{' && claim_record_parse(line, record)) {
            return true;
        }
    }
    memset(record, 0, sizeof(*record));
    return true;
}

bool operator_has_epoch(struct operator *operator, const struct mid *mid, bool *has_epoch, struct err *err)
{
    (void)operator;
    (void)mid;
    (void)err;
    *has_epoch = lines.len % 2;
    return true;
}

/* --- what must hold ----------------------------------------------------------------------------------------------- */

static void check_clean(const char *text)
{
    for (; text && *text; text++) {
        assert((unsigned char)*text >= 0x20 && *text != 0x7f);
    }
}

static void check_texts(const json_t *array, const char *name)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *item = json_array_get(array, i);

        check_clean(json_string_value(name ? json_object_get(item, name) : item));
    }
}

static void check_json(const json_t *json)
{
    char *text = json_dumps(json, 0);

    assert(text);
    free(text);
}

static void check_story(struct operator *operator, const struct story_question *question)
{
    struct err err = {0};
    json_t *story = story_read(operator, question, &err);
    const json_t *deliveries = json_object_get(story, "deliveries");

    assert(!story == err_is_set(&err));
    if (!story) {
        return;
    }
    check_json(story);
    for (size_t i = 0; i < json_array_size(deliveries); i++) {
        const json_t *delivery = json_array_get(deliveries, i);

        assert(json_is_string(json_object_get(delivery, "mid")));
        check_clean(json_string_value(json_object_get(delivery, "flow")));
        check_clean(json_string_value(json_object_get(delivery, "member_id")));
        check_clean(json_string_value(json_object_get(json_object_get(delivery, "now"), "text")));
        assert(json_is_string(json_object_get(json_object_get(delivery, "now"), "text")));
        check_texts(json_object_get(delivery, "timeline"), "text");
    }
    check_texts(json_object_get(story, "unknown"), NULL);
    check_texts(json_object_get(story, "events"), "id");
    check_texts(json_object_get(story, "events"), "member_id");
    json_decref(story);
}

static void check_entries(struct operator *operator, char state)
{
    static const char *const names[] = {"member_id", "state", "reason", "time"};
    struct entry_filter filter = {.flow = NULL};
    struct entries entries;
    struct err err = {0};

    if (!entries_read(operator, state, &filter, &entries, &err)) {
        assert(err_is_set(&err) && entries.count == 0);
        return;
    }
    for (size_t i = 0; i < entries.count; i++) {
        const struct entry *entry = &entries.items[i];
        json_t *json = desk_entry_json(entry, true);

        assert(json && entry->count > 0 && entry->record && (i == 0 || entry[-1].note.left_at <= entry->note.left_at));
        assert(!entry_is_under_way(entry) || entry->is_open);
        check_json(json);
        json_decref(json);
        for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
            check_clean(entry_outcome_text(entry, names[k]));
        }
    }
    entries_finish(&entries);
}

static void ask(struct operator *operator, struct slice line)
{
    char *text = xmemdup(line.data, line.len);
    struct story_question question = {.since = {.kind = RECORD_PLACE_BEGINNING}, .has_input = true};
    struct mid mid = {{0}};

    if (strncmp(text, "member ", 7) == 0) {
        question.member = text + 7;
    } else if (strncmp(text, "event ", 6) == 0) {
        question.event = text + 6;
    } else {
        mid_parse(slice_of(text), &mid);
        question.mid = &mid;
    }
    check_story(operator, &question);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct clock_source noon = {1000000, 1795255200000000};
    struct clock_source now = noon;
    struct operator operator = {.settings = {.kafka_topics = "loyalty.events,more", .environment = "fuzz"}};
    struct err err = {0};
    struct slice question;

    clock_set_source(&now);
    topics_init(&operator.topics, "loyalty", &err);
    lines = slice_make((const char *)data, size);
    question = take_line(&lines);
    ask(&operator, question);
    check_entries(&operator, 'D');
    check_entries(&operator, 'H');
    clock_set_source(NULL);
    return 0;
}
