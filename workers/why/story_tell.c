#include "workers/why/story_inside.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "core/event.h"
#include "workers/operator/words.h"

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static json_t *add(json_t *delivery, int64_t time_ms, const char *what, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Returns the new item, borrowed. */
static json_t *add(json_t *delivery, int64_t time_ms, const char *what, const char *format, ...)
{
    char text[1024];
    json_t *item, *string;
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    utf8_blank_controls(text, strlen(text), false);
    item = json_pack("{s:I, s:s}", "time_ms", (json_int_t)time_ms, "what", what);
    string = json_string(text);
    /* NULL: cut within a character, or hostile. */
    json_object_set_new(item, "text", string ? string : json_string("(not readable)"));
    json_array_append_new(json_object_get(delivery, "timeline"), item);
    return item;
}

/* --- outcomes ----------------------------------------------------------------------------------------------------- */

static void copy_members(json_t *item, const json_t *from)
{
    static const char *const names[] = {"state",    "reason",      "template_version", "locale", "variant",
                                        "provider", "provider_id", "attempts",         "from"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        json_t *value = json_object_get(from, names[i]);

        if (value) {
            json_object_set(item, names[i], value);
        }
    }
}

/* A duration that there can be. */
static bool read_ms(const json_t *timings, const char *name, int64_t *ms)
{
    static const int64_t most_ms = 366LL * 86400 * 1000;
    const json_t *value = json_object_get(timings, name);

    *ms = json_integer_value(value);
    return json_is_integer(value) && *ms >= 0 && *ms <= most_ms;
}

/* The stages that the outcome's record went through, by their durations, counted back from the end. */
static void tell_stages(json_t *delivery, const json_t *outcome, int64_t end_ms)
{
    static const struct {
        const char *timing, *what, *text;
    } stages[] = {
        {"queue", "first_in_line", "first in its member's line; Redis knew of no outcome"},
        {"render", "rendered", "rendered"},
        {"admit", "admitted", "let through by breaker and rate limit"},
        {"deliver", "answered", "the provider answered, or time was over"},
    };
    const json_t *timings = json_object_get(outcome, "timings_ms");
    int64_t at_ms, ms;

    if (!read_ms(timings, "total", &ms)) {
        return;
    }
    at_ms = end_ms - ms;
    add(delivery, at_ms, "received", "a worker took up the record of %s, partition %" JSON_INTEGER_FORMAT ", offset %" JSON_INTEGER_FORMAT,
        text_of(json_object_get(outcome, "from"), "topic"),
        json_integer_value(json_object_get(json_object_get(outcome, "from"), "partition")),
        json_integer_value(json_object_get(json_object_get(outcome, "from"), "offset")));
    for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
        if (!read_ms(timings, stages[i].timing, &ms)) {
            break;
        }
        at_ms += ms;
        if (strcmp(stages[i].what, "rendered") == 0) {
            add(delivery, at_ms, stages[i].what, "rendered in \"%s\" from template version %s", text_of(outcome, "locale"),
                text_of(outcome, "template_version"));
        } else {
            add(delivery, at_ms, stages[i].what, "%s", stages[i].text);
        }
    }
}

/* What the word of an operator means. NULL: it is none. */
static const char *operator_sentence(const char *reason)
{
    static const struct {
        const char *reason, *text;
    } words[] = {
        {"operator_redrive", "an operator had it go through all checks again"},
        {"operator_resend", "an operator had it sent once more, under a key of its own"},
        {"operator_sent", "an operator said that it did arrive"},
        {"operator_drop", "an operator dropped it"},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i].reason, reason) == 0) {
            return words[i].text;
        }
    }
    return NULL;
}

static char *outcome_sentence(const json_t *outcome)
{
    const char *state = text_of(outcome, "state"), *reason = text_of(outcome, "reason");
    const char *id = text_of(outcome, "provider_id");
    int attempts = (int)json_integer_value(json_object_get(outcome, "attempts"));

    if (operator_sentence(reason)) {
        return xstrdup(operator_sentence(reason));
    }
    if (strcmp(state, "sent") == 0) {
        return xasprintf("sent through %s, provider id %s, after %d attempt%s (%s)", text_of(outcome, "provider"),
                         id[0] ? id : "not known", attempts, attempts == 1 ? "" : "s", reason);
    }
    if (strcmp(state, "held") == 0) {
        struct buf text;

        buf_init(&text, 0);
        buf_append_text(&text, "held, since nobody knows whether it was sent: ");
        words_append_reason(reason, &text);
        buf_appendf(&text, ", after %d attempt%s", attempts, attempts == 1 ? "" : "s");
        return buf_take(&text);
    }
    if (strcmp(state, "dead") == 0) {
        return xasprintf("dead: %s; it lies in the DLQ", reason);
    }
    if (strcmp(state, "expired") == 0) {
        return xasprintf("not sent: the event was older than the flow's max_age (%s)", reason);
    }
    return xasprintf("not sent: %s (%s)", state, reason);
}

void story_tell_outcome(json_t *delivery, const json_t *outcome)
{
    const json_t *event = json_object_get(outcome, "event");
    char *sentence = outcome_sentence(outcome);
    int64_t end_ms = 0, event_ms;

    event_parse_time(text_of(outcome, "time"), &end_ms);
    if (!json_object_get(delivery, "event") && event) {
        json_object_set(delivery, "event", json_object_get(outcome, "event"));
        if (event_parse_time(text_of(event, "time"), &event_ms)) {
            add(delivery, event_ms, "event", "the event %s happened (%s)", text_of(event, "id"), text_of(event, "type"));
        }
    }
    tell_stages(delivery, outcome, end_ms);
    copy_members(add(delivery, end_ms, "outcome", "%s", sentence), outcome);
    free(sentence);
}

/* --- the other topics --------------------------------------------------------------------------------------------- */

void story_tell_parked(json_t *delivery, const struct park_note *note, const char *tier, int64_t at_ms)
{
    char due[WORDS_TIME_SIZE];
    json_t *item;

    words_format_time(note->due_at, due);
    if (operator_sentence(note->reason)) {
        item = add(delivery, at_ms, "word", "the word of the operator went to a worker");
    } else {
        item = add(delivery, at_ms, "parked", "parked for %s until %s: %s, after %d attempt%s", tier, due, note->reason,
                   note->attempts, note->attempts == 1 ? "" : "s");
    }
    json_object_set_new(item, "reason", json_string(note->reason));
    if (note->template_version[0]) {
        json_object_set_new(item, "template_version", json_string(note->template_version));
    }
}

void story_tell_side(json_t *delivery, const struct side_note *note, bool is_held)
{
    json_t *item = add(delivery, note->left_at, is_held ? "held" : "dead_letter", "put into the %s: %s%s%s",
                       is_held ? "held topic" : "DLQ", note->reason, note->detail[0] ? ": " : "", note->detail);

    json_object_set_new(item, "reason", json_string(note->reason));
    if (note->detail[0]) {
        json_object_set_new(item, "detail", json_string(note->detail));
    }
}

/* --- now ---------------------------------------------------------------------------------------------------------- */

void story_tell_claim(json_t *delivery, const struct claim_record *record, bool has_epoch, int64_t now_ms)
{
    struct buf words;

    buf_init(&words, 0);
    words_about_claim(record, has_epoch, now_ms, &words);
    json_object_set_new(delivery, "now",
                        json_pack("{s:s%, s:s}", "state", record->state ? &record->state : "-", (size_t)1, "text",
                                  utf8_is_valid(buf_slice(&words)) ? buf_text(&words) : "(not readable)"));
    buf_finish(&words);
}

void story_tell_unknown(json_t *unknown, const json_t *delivery, bool has_epoch)
{
    const json_t *timeline = json_object_get(delivery, "timeline");
    const char *mid = text_of(delivery, "mid"), *state = text_of(json_object_get(delivery, "now"), "state");
    bool has_outcome = false, has_parking = false;
    char text[256];

    for (size_t i = 0; i < json_array_size(timeline); i++) {
        const char *what = text_of(json_array_get(timeline, i), "what");

        has_outcome |= strcmp(what, "outcome") == 0;
        has_parking |= strcmp(what, "parked") == 0;
    }
    if (!has_outcome && !json_is_false(json_object_get(delivery, "is_delivery"))) {
        snprintf(text, sizeof(text), "%s has no outcome in the time that was looked at: it is under way, or older.", mid);
        json_array_append_new(unknown, json_string(text));
    }
    if (has_parking) {
        snprintf(text, sizeof(text), "%s: what its stages did before it was parked is not kept, only why it was parked.",
                 mid);
        json_array_append_new(unknown, json_string(text));
    }
    if (state[0] == '-' && has_outcome && has_epoch) {
        snprintf(text, sizeof(text), "%s: Redis does not remember it: its time is over.", mid);
        json_array_append_new(unknown, json_string(text));
    }
}
