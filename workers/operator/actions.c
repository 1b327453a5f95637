#include "workers/operator/actions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/event.h"
#include "core/outcome.h"
#include "core/park.h"
#include "core/side_note.h"

static const int64_t RECORD_TTL_MS = 30LL * 86400000; /* as a worker remembers what is no delivery */

static const struct {
    const char *name, *past, *reason;
    enum outcome_state state;
} actions[ACTION_COUNT] = {
    [ACTION_REDRIVE] = {"redrive", "redriven", "operator_redrive", OUTCOME_DEAD},
    [ACTION_RESEND] = {"resend", "sent again", "operator_resend", OUTCOME_HELD},
    [ACTION_SENT] = {"sent", "marked as sent", "operator_sent", OUTCOME_SENT},
    [ACTION_DROP] = {"drop", "dropped", "operator_drop", OUTCOME_SUPPRESSED},
};

const char *action_name(enum action action)
{
    return actions[action].name;
}

const char *action_past(enum action action)
{
    return actions[action].past;
}

/* --- the outcome -------------------------------------------------------------------------------------------------- */

/* False: its event cannot be read. */
static bool decode(const struct entry *entry, struct event *event)
{
    const char *reason;
    struct err ignored = {0};

    *event = (struct event){.data = NULL};
    return event_decode(entry->record, event, &reason, &ignored);
}

/* As a worker would write it, where none did. */
static json_t *make_outcome(const struct entry *entry)
{
    struct event event;
    bool is_event = decode(entry, &event);
    const struct outcome outcome = {
        .mid = &entry->note.mid,
        .flow = entry->note.flow,
        .channel = entry->note.channel,
        .event = is_event ? &event : NULL,
        .topic = entry->note.topic,
        .partition = entry->note.partition,
        .offset = entry->note.offset,
        .queue_ms = -1, .render_ms = -1, .admit_ms = -1, .deliver_ms = -1, .total_ms = -1,
    };
    json_t *json;
    struct buf text;

    buf_init(&text, 0);
    outcome_format(&outcome, &text);
    json = json_loadb(buf_text(&text), text.len, 0, NULL);
    buf_finish(&text);
    event_finish(&event);
    return json;
}

static bool publish(struct operator *operator, enum action action, const struct entry *entry, uint64_t fence,
                    struct err *err)
{
    json_t *json = entry->outcome ? json_deep_copy(entry->outcome) : make_outcome(entry);
    char now[CLOCK_ISO_SIZE], mid[MID_TEXT_SIZE];
    enum outcome_state state = entry->is_of_record ? OUTCOME_SUPPRESSED : actions[action].state;
    char *text;
    bool is_done;

    clock_format_iso(clock_wall_ms(), now);
    mid_format(&entry->note.mid, mid);
    json_object_set_new(json, "v", json_integer(OUTCOME_VERSION));
    json_object_set_new(json, "state", json_string(outcome_state_name(state)));
    json_object_set_new(json, "reason", json_string(actions[action].reason));
    json_object_set_new(json, "fence", json_integer((json_int_t)fence));
    json_object_set_new(json, "time", json_string(now));
    json_object_del(json, "timings_ms");
    text = json_dumps(json, JSON_COMPACT);
    is_done = operator_produce(operator,
                               &(struct kafka_message){
                                   .topic = operator->topics.outcomes,
                                   .partition = -1,
                                   .key = slice_of(mid),
                                   .value = slice_of(text),
                               },
                               err);
    free(text);
    json_decref(json);
    return is_done;
}

/* How long Redis must remember it, as its outcome says. */
static int64_t ttl_ms(const struct entry *entry)
{
    json_int_t dedupe_for_s = json_integer_value(json_object_get(entry->outcome, "dedupe_for_s"));

    if (entry->is_of_record) {
        return RECORD_TTL_MS;
    }
    return dedupe_for_s > 0 && dedupe_for_s < INT32_MAX ? dedupe_for_s * 1000 : CLAIM_FOREVER_MS;
}

/* Redis first: whatever came in between, a late answer of the provider say, is the truth then. Answered as done also when
 * an earlier try got only so far. */
static bool resolve(struct operator *operator, enum action action, const struct entry *entry, bool *is_done,
                    struct err *err)
{
    enum operator_resolved resolved;
    uint64_t fence = entry->fence;
    char info[64];

    snprintf(info, sizeof(info), "- %s", actions[action].reason);
    if (!operator_resolve(operator, &entry->note.mid, &fence, action == ACTION_SENT ? 'S' : 'X', info, ttl_ms(entry),
                          &resolved, err)) {
        return false;
    }
    *is_done = resolved == OPERATOR_RESOLVED;
    return !*is_done || publish(operator, action, entry, fence, err);
}

/* --- once more through everything --------------------------------------------------------------------------------- */

/* The original headers, with room for `more`. The caller frees the array. */
static struct kafka_header *original_headers(const struct record *record, size_t more, size_t *count)
{
    struct kafka_header *headers = xcalloc(record->header_count + more + 1, sizeof(*headers));

    *count = 0;
    for (size_t i = 0; i < record->header_count; i++) {
        if (!park_is_own_header(record->headers[i].name)) {
            headers[(*count)++] = (struct kafka_header){record->headers[i].name, record->headers[i].value};
        }
    }
    return headers;
}

/* Side topics have the mid as key. What keeps a member's events in one partition is the original one; where it is not
 * known, the member. */
static struct slice original_key(const struct record *record, const struct event *event)
{
    const struct record_header *key = record_find_header(record, SIDE_NOTE_KEY);

    if (key) {
        return key->value;
    }
    return event && event->member_id[0] ? slice_of(event->member_id) : slice_make(NULL, 0);
}

static bool produce(struct operator *operator, const char *topic, const struct entry *entry,
                    const struct kafka_header *headers, size_t count, struct err *err)
{
    struct event event;
    bool is_event = decode(entry, &event);
    bool is_done = operator_produce(operator,
                                    &(struct kafka_message){
                                        .topic = topic,
                                        .partition = -1,
                                        .key = original_key(entry->record, is_event ? &event : NULL),
                                        .value = entry->record->value,
                                        .headers = headers,
                                        .header_count = count,
                                    },
                                    err);

    event_finish(&event);
    return is_done;
}

static bool send_word(struct operator *operator, enum action action, const struct entry *entry, struct err *err)
{
    int64_t now = clock_wall_ms();
    struct park_note note = {
        .mid = entry->note.mid,
        .channel = entry->note.channel,
        .first_at = now,
        .due_at = now,
        .partition = entry->note.partition,
        .offset = entry->note.offset,
        .may_reopen = true,
        .reopen_fence = entry->fence,
        .copy = action != ACTION_RESEND ? 0 : entry->fence ? entry->fence : 1,
    };
    struct record_header own[PARK_HEADER_COUNT];
    struct kafka_header *headers;
    struct buf store;
    size_t count;
    bool is_done;

    snprintf(note.reason, sizeof(note.reason), "%s", actions[action].reason);
    snprintf(note.topic, sizeof(note.topic), "%s", entry->note.topic);
    buf_init(&store, 0);
    park_format(&note, &store, own);
    headers = original_headers(entry->record, PARK_HEADER_COUNT, &count);
    for (int i = 0; i < PARK_HEADER_COUNT; i++) {
        headers[count++] = (struct kafka_header){own[i].name, own[i].value};
    }
    is_done = produce(operator, operator->topics.retry[PARK_1M], entry, headers, count, err);
    free(headers);
    buf_finish(&store);
    return is_done;
}

/* The topic that it came from, unless that is one of ours (a damaged record of a retry topic): then the first of the
 * input. */
static bool choose_input(const struct operator *operator, const struct entry *entry, char topic[TOPIC_NAME_SIZE],
                         struct err *err)
{
    const char *first = operator->settings.kafka_topics;
    enum park_tier tier;

    if (topics_find_tier(&operator->topics, entry->note.topic, &tier)) {
        snprintf(topic, TOPIC_NAME_SIZE, "%.*s", (int)strcspn(first, ","), first);
    } else {
        snprintf(topic, TOPIC_NAME_SIZE, "%s", entry->note.topic);
    }
    return topic[0] != '^' || err_set(err, "KAFKA_TOPICS: \"%s\" names no topic to put it into", topic);
}

/* Its deliveries have identities of their own, so a second copy in the input does no harm. */
static bool redrive_record(struct operator *operator, const struct entry *entry, bool *is_done, struct err *err)
{
    char topic[TOPIC_NAME_SIZE];
    struct kafka_header *headers;
    size_t count;
    bool is_produced;

    if (!choose_input(operator, entry, topic, err)) {
        return false;
    }
    headers = original_headers(entry->record, 0, &count);
    is_produced = produce(operator, topic, entry, headers, count, err);
    free(headers);
    return is_produced && resolve(operator, ACTION_REDRIVE, entry, is_done, err);
}

bool action_do(struct operator *operator, enum action action, const struct entry *entry, bool *is_done,
               struct err *err)
{
    bool was_done = strcmp(entry_outcome_text(entry, "reason"), actions[action].reason) == 0;

    *is_done = false;
    if (!entry->is_open && (entry->claim.state == 0 || was_done)) {
        return true;
    }
    if (action == ACTION_SENT || action == ACTION_DROP) {
        return resolve(operator, action, entry, is_done, err);
    }
    if (!entry->is_open) {
        return true;
    }
    if (entry->is_of_record) {
        return redrive_record(operator, entry, is_done, err);
    }
    *is_done = true;
    return publish(operator, action, entry, entry->fence, err) && send_word(operator, action, entry, err);
}
