#include "core/outcome.h"

#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/json_text.h"

static const char *const state_names[OUTCOME_STATE_COUNT] = {"sent", "suppressed", "expired", "dead", "held"};

const char *outcome_state_name(enum outcome_state state)
{
    return state_names[state];
}

bool outcome_state_parse(struct slice name, enum outcome_state *state)
{
    for (int i = 0; i < OUTCOME_STATE_COUNT; i++) {
        if (slice_is(name, state_names[i])) {
            *state = (enum outcome_state)i;
            return true;
        }
    }
    return false;
}

/* --- value to text ------------------------------------------------------------------------------------------------ */

static void format_event(struct json_text *j, const struct event *event)
{
    json_text_key(j, "event");
    json_text_open(j, '{');
    json_text_member_if(j, "id", event->id);
    json_text_member_if(j, "source", event->source);
    json_text_member_if(j, "type", event->type);
    json_text_member_if(j, "time", event->time);
    json_text_close(j, '}');
    json_text_member_if(j, "member_id", event->member_id);
}

static void format_from(struct json_text *j, const struct outcome *outcome)
{
    json_text_key(j, "from");
    json_text_open(j, '{');
    json_text_member(j, "topic", outcome->topic);
    json_text_member_int(j, "partition", outcome->partition);
    json_text_member_int(j, "offset", outcome->offset);
    json_text_close(j, '}');
}

static void format_timings(struct json_text *j, const struct outcome *outcome)
{
    const struct {
        const char *name;
        int64_t ms;
    } timings[] = {
        {"queue", outcome->queue_ms},     {"render", outcome->render_ms}, {"admit", outcome->admit_ms},
        {"deliver", outcome->deliver_ms}, {"total", outcome->total_ms},
    };

    json_text_key(j, "timings_ms");
    json_text_open(j, '{');
    for (size_t i = 0; i < sizeof(timings) / sizeof(timings[0]); i++) {
        if (timings[i].ms >= 0) {
            json_text_member_int(j, timings[i].name, timings[i].ms);
        }
    }
    json_text_close(j, '}');
}

void outcome_format(const struct outcome *outcome, struct buf *out)
{
    char mid[MID_TEXT_SIZE];
    char now[CLOCK_ISO_SIZE];
    struct json_text j;

    mid_format(outcome->mid, mid);
    clock_format_iso(outcome->wall_ms, now);
    json_text_init(&j, out);
    json_text_open(&j, '{');
    json_text_member_int(&j, "v", OUTCOME_VERSION);
    json_text_member(&j, "mid", mid);
    json_text_member(&j, "state", outcome_state_name(outcome->state));
    json_text_member_if(&j, "reason", outcome->reason);
    json_text_member_if(&j, "flow", outcome->flow);
    json_text_member(&j, "channel", channel_name(outcome->channel));
    json_text_member_if(&j, "locale", outcome->locale);
    json_text_member_if(&j, "template_version", outcome->template_version);
    json_text_member_if(&j, "variant", outcome->variant);
    json_text_member_if(&j, "provider", outcome->provider);
    json_text_member_if(&j, "provider_id", outcome->provider_id);
    json_text_member_int(&j, "attempts", outcome->attempts);
    json_text_member_int(&j, "fence", (int64_t)outcome->fence);
    if (outcome->dedupe_for_ms > 0) {
        json_text_member_int(&j, "dedupe_for_s", (outcome->dedupe_for_ms + 999) / 1000);
    }
    if (outcome->event) {
        format_event(&j, outcome->event);
    }
    json_text_member_if(&j, "trace_id", outcome->trace_id);
    if (outcome->topic && outcome->topic[0]) {
        format_from(&j, outcome);
    }
    json_text_member(&j, "time", now);
    format_timings(&j, outcome);
    json_text_close(&j, '}');
}

/* --- text to value ------------------------------------------------------------------------------------------------ */

/* Copies a text member that may be absent. False + err: it is no text, or too long. */
static bool copy_text(const json_t *root, const char *name, char *to, size_t size, struct err *err)
{
    const json_t *value = json_object_get(root, name);

    to[0] = '\0';
    if (!value) {
        return true;
    }
    if (!json_is_string(value)) {
        return err_set(err, "%s is no text", name);
    }
    if (json_string_length(value) >= size) {
        return err_set(err, "%s is longer than %zu bytes", name, size - 1);
    }
    memcpy(to, json_string_value(value), json_string_length(value) + 1);
    return true;
}

static struct slice text_of(const json_t *root, const char *name)
{
    const json_t *value = json_object_get(root, name);

    return slice_make(json_string_value(value), json_string_length(value));
}

/* A whole number from 0 on, or absent (0). */
static bool read_whole(const json_t *root, const char *name, int64_t *number, struct err *err)
{
    const json_t *value = json_object_get(root, name);

    *number = json_integer_value(value);
    return !value || (json_is_integer(value) && *number >= 0) || err_set(err, "%s is not a whole number from 0", name);
}

static bool parse_version(const json_t *root, struct outcome_summary *summary, struct err *err)
{
    int64_t version;

    if (!read_whole(root, "v", &version, err)) {
        return false;
    }
    summary->is_newer = version > OUTCOME_VERSION;
    return !summary->is_newer || err_set(err, "version %lld is newer than this program", (long long)version);
}

static bool parse_members(const json_t *root, struct outcome_summary *summary, struct err *err)
{
    int64_t fence, dedupe_for_s;
    const char *now = json_string_value(json_object_get(root, "time"));

    if (!mid_parse(text_of(root, "mid"), &summary->mid)) {
        return err_set(err, "mid is missing or not 32 hex digits");
    }
    if (!outcome_state_parse(text_of(root, "state"), &summary->state)) {
        return err_set(err, "state is missing or not known");
    }
    if (!read_whole(root, "fence", &fence, err) || !read_whole(root, "dedupe_for_s", &dedupe_for_s, err)) {
        return false;
    }
    if (!now || !event_parse_time(now, &summary->wall_ms)) {
        return err_set(err, "time is missing or not a date and time");
    }
    summary->fence = (uint64_t)fence;
    summary->dedupe_for_ms = dedupe_for_s < INT64_MAX / 1000 ? dedupe_for_s * 1000 : 0;
    return copy_text(root, "provider_id", summary->provider_id, sizeof(summary->provider_id), err) &&
           copy_text(root, "reason", summary->reason, sizeof(summary->reason), err);
}

bool outcome_parse(struct slice json, struct outcome_summary *summary, struct err *err)
{
    json_error_t error;
    json_t *root = json_loadb(json.data ? json.data : "", json.len, JSON_REJECT_DUPLICATES, &error);
    bool ok;

    *summary = (struct outcome_summary){0};
    if (!json_is_object(root)) {
        json_decref(root);
        return err_set(err, "an outcome record is no JSON object");
    }
    ok = (parse_version(root, summary, err) && parse_members(root, summary, err)) || err_prefix(err, "outcome record");
    json_decref(root);
    return ok;
}
