#include "core/event.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/utf8.h"
#include "core/event_headers.h"
#include "core/event_json.h"
#include "core/park.h"
#include "core/trace.h"

/* Attributes that CloudEvents 1.0 names; `to` is where the struct keeps the text. */
static const struct attribute {
    const char *name;
    size_t to;
    bool is_required;
} attributes[] = {
    {"id", offsetof(struct event, id), true},
    {"source", offsetof(struct event, source), true},
    {"type", offsetof(struct event, type), true},
    {"subject", offsetof(struct event, subject), false},
    {"time", offsetof(struct event, time), false},
};

/* Members of a structured event that are no extension attributes; the rows above are none either. */
static const char *const not_extensions[] = {"specversion", "datacontenttype", "dataschema", "data",
                                             "data_base64"};

enum { ATTRIBUTE_COUNT = sizeof(attributes) / sizeof(attributes[0]) };

/* --- attributes ------------------------------------------------------------------------------------------------- */

/* C0, DEL, and C1 (which is U+0080 to U+009F: c2 80 to c2 9f). */
static bool has_control(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c < 0x20 || c == 0x7f ||
            (c == 0xc2 && i + 1 < text.len && (unsigned char)text.data[i + 1] < 0xa0)) {
            return true;
        }
    }
    return false;
}

static bool is_absent(const json_t *value)
{
    return !value || json_is_null(value);
}

/* *text stays NULL when an optional attribute is absent or empty. */
static bool read_attribute(const struct event *event, const char *name, bool is_required,
                           const char **text, const char **reason, struct err *err)
{
    json_t *value = json_object_get(event->attributes, name);
    bool is_empty = json_is_string(value) && json_string_length(value) == 0;

    *text = NULL;
    if (is_absent(value) || is_empty) {
        *reason = "missing_attribute";
        return !is_required || err_set(err, "%s is %s", name, is_empty ? "empty" : "missing");
    }
    *reason = "bad_attribute";
    if (!json_is_string(value)) {
        return err_set(err, "%s is no string", name);
    }
    if (json_string_length(value) > EVENT_MOST_ATTRIBUTE) {
        return err_set(err, "%s is longer than %d bytes", name, EVENT_MOST_ATTRIBUTE);
    }
    if (has_control(slice_make(json_string_value(value), json_string_length(value)))) {
        return err_set(err, "%s holds a control character", name);
    }
    *text = json_string_value(value);
    return true;
}

static bool read_attributes(const struct record *record, struct event *event, const char **reason,
                            struct err *err)
{
    const char *version;

    if (!read_attribute(event, "specversion", true, &version, reason, err)) {
        return false;
    }
    if (strcmp(version, "1.0") != 0) {
        *reason = "bad_attribute";
        return err_set(err, "specversion is not \"1.0\"");
    }
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        const char **to = (const char **)(void *)((char *)event + attributes[i].to);

        if (!read_attribute(event, attributes[i].name, attributes[i].is_required, to, reason,
                            err)) {
            return false;
        }
    }
    event->time_ms = record->timestamp_ms > 0 ? record->timestamp_ms : 0;
    if (event->time && !event_parse_time(event->time, &event->time_ms)) {
        *reason = "bad_attribute";
        return err_set(err, "time is no RFC 3339 date-time");
    }
    return true;
}

/* As W3C Trace Context has it; later versions may go on behind what we understand, in any text. */
static bool is_traceparent(struct slice text)
{
    struct trace_context context;

    return text.len <= 256 && trace_parse(text, &context) && !has_control(text) && utf8_is_valid(text);
}

/* The attribute (CloudEvents' tracing extension), else the header that instrumented producers write. A malformed one
 * is no reason to lose a message: it counts as absent. */
static void find_traceparent(const struct record *record, struct event *event)
{
    json_t *value = json_object_get(event->attributes, "traceparent");
    const struct record_header *header;

    if (json_is_string(value) &&
        is_traceparent(slice_make(json_string_value(value), json_string_length(value)))) {
        event->traceparent = json_string_value(value);
        return;
    }
    header = record->header_count ? record_find_header(record, "traceparent") : NULL;
    if (header && is_traceparent(header->value)) {
        value = json_stringn_nocheck(header->value.data, header->value.len);
        json_object_set_new_nocheck(event->attributes, "traceparent", value);
        event->traceparent = json_string_value(value);
    }
}

/* --- data ------------------------------------------------------------------------------------------------------- */

static json_t *parse_base64(struct slice text, const char **reason, struct err *err)
{
    json_t *data = NULL;
    struct buf bytes;

    buf_init(&bytes, 0);
    if (base64_parse(text, &bytes)) {
        data = event_json_parse(buf_slice(&bytes), reason, err);
        if (!data) {
            err_prefix(err, "data_base64");
        }
    } else {
        *reason = "bad_attribute";
        err_set(err, "data_base64 is not base64");
    }
    buf_finish(&bytes);
    return data;
}

/* Of a structured event: `data`, or `data_base64` when the content is JSON. */
static bool find_data(struct event *event, const char **reason, struct err *err)
{
    json_t *data = json_object_get(event->attributes, "data");
    json_t *base64 = json_object_get(event->attributes, "data_base64");
    json_t *type;

    if (is_absent(base64)) {
        *reason = "missing_attribute";
        event->data = json_incref(data);
        return !is_absent(data) || err_set(err, "data is missing");
    }
    *reason = "bad_attribute";
    if (!is_absent(data)) {
        return err_set(err, "both data and data_base64 are there");
    }
    if (!json_is_string(base64)) {
        return err_set(err, "data_base64 is no string");
    }
    type = json_object_get(event->attributes, "datacontenttype");
    if (!is_absent(type) &&
        !(json_is_string(type) &&
          event_is_json_type(slice_make(json_string_value(type), json_string_length(type))))) {
        return err_set(err, "data_base64 is not JSON by its datacontenttype");
    }
    event->data = parse_base64(
        slice_make(json_string_value(base64), json_string_length(base64)), reason, err);
    return event->data != NULL;
}

bool event_read_whole(const json_t *value, int64_t *number)
{
    double real;

    if (json_is_integer(value)) {
        *number = json_integer_value(value);
        return true;
    }
    real = json_is_real(value) ? json_real_value(value) : NAN;
    if (!(fabs(real) < 9.2e18) || real != trunc(real)) {
        return false;
    }
    *number = (int64_t)real;
    return true;
}

static bool read_member_id(struct event *event, const char **reason, struct err *err)
{
    json_t *id = json_object_get(json_object_get(event->data, "member"), "id");
    int64_t number;

    *reason = "bad_attribute";
    if (is_absent(id)) {
        return true;
    }
    if (event_read_whole(id, &number)) {
        snprintf(event->member_id, sizeof(event->member_id), "%" PRId64, number);
        return true;
    }
    if (!json_is_string(id)) {
        return err_set(err, "data.member.id is neither a string nor a whole number");
    }
    if (json_string_length(id) >= sizeof(event->member_id)) {
        return err_set(err, "data.member.id is longer than %zu bytes",
                       sizeof(event->member_id) - 1);
    }
    memcpy(event->member_id, json_string_value(id), json_string_length(id) + 1);
    return true;
}

/* --- the whole -------------------------------------------------------------------------------------------------- */

static bool decode_structured(const struct record *record, struct event *event,
                              const char **reason, struct err *err)
{
    event->attributes = event_json_parse(record->value, reason, err);
    if (!event->attributes) {
        return false;
    }
    if (!json_is_object(event->attributes)) {
        *reason = "bad_attribute";
        return err_set(err, "the event is a JSON array, no object");
    }
    return read_attributes(record, event, reason, err) && find_data(event, reason, err);
}

static bool decode_binary(const struct record *record, struct event *event, const char **reason,
                          struct err *err)
{
    if (!event_read_headers(record, event, reason, err) ||
        !read_attributes(record, event, reason, err)) {
        return false;
    }
    event->data = event_json_parse(record->value, reason, err);
    return event->data != NULL;
}

/* Bytes of what a record has beside its value, as it came first. */
static size_t notes_size(const struct record *record)
{
    size_t size = record->key.len;

    for (size_t i = 0; i < record->header_count; i++) {
        const struct record_header *header = &record->headers[i];

        size += park_is_own_header(header->name) ? 0 : strlen(header->name) + header->value.len;
    }
    return size;
}

static bool decode(const struct record *record, struct event *event, const char **reason,
                   struct err *err)
{
    if (!record->value.data || record->value.len == 0) {
        *reason = "empty";
        return err_set(err, "the record has no value");
    }
    if (record->value.len > EVENT_MOST_BYTES) {
        *reason = "too_large";
        return err_set(err, "%zu bytes; at most %d are taken", record->value.len,
                       EVENT_MOST_BYTES);
    }
    if (notes_size(record) > EVENT_MOST_NOTES) {
        *reason = "too_large";
        return err_set(err, "%zu bytes of key and headers; at most %d are taken", notes_size(record), EVENT_MOST_NOTES);
    }
    if (!(event_is_binary(record) ? decode_binary : decode_structured)(record, event, reason,
                                                                      err)) {
        return false;
    }
    if (!json_is_object(event->data)) {
        *reason = "bad_attribute";
        return err_set(err, "data is no JSON object");
    }
    return read_member_id(event, reason, err);
}

bool event_decode(const struct record *record, struct event *event, const char **reason,
                  struct err *err)
{
    *event = (struct event){0};
    *reason = NULL;
    if (!decode(record, event, reason, err)) {
        event_finish(event);
        return false;
    }
    find_traceparent(record, event);
    event->lazy_envelope = json_object();
    *reason = NULL;
    return true;
}

void event_finish(struct event *event)
{
    json_decref(event->data);
    json_decref(event->attributes);
    json_decref(event->lazy_envelope);
    *event = (struct event){0};
}

void event_share(const struct event *event, struct event *copy)
{
    *copy = *event;
    json_incref(copy->data);
    json_incref(copy->attributes);
    json_incref(copy->lazy_envelope);
}

static bool is_extension(const char *name)
{
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        if (strcmp(name, attributes[i].name) == 0) {
            return false;
        }
    }
    for (size_t i = 0; i < sizeof(not_extensions) / sizeof(not_extensions[0]); i++) {
        if (strcmp(name, not_extensions[i]) == 0) {
            return false;
        }
    }
    return true;
}

json_t *event_envelope(const struct event *event)
{
    json_t *inner, *extensions, *value;
    const char *name;

    if (json_object_size(event->lazy_envelope) > 0) {
        return event->lazy_envelope;
    }
    inner = json_object();
    extensions = json_object();
    json_object_foreach(event->attributes, name, value) {
        if (is_extension(name)) {
            json_object_set_nocheck(extensions, name, value);
        }
    }
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        value = json_object_get(event->attributes, attributes[i].name);
        if (json_string_length(value) > 0) {
            json_object_set_nocheck(inner, attributes[i].name, value);
        }
    }
    if (!event->time && event->time_ms) {
        char iso[CLOCK_ISO_SIZE];

        clock_format_iso(event->time_ms, iso);
        json_object_set_new_nocheck(inner, "time", json_string(iso));
    }
    json_object_set_new_nocheck(inner, "extensions", extensions);
    json_object_set_new_nocheck(event->lazy_envelope, "event", inner);
    return event->lazy_envelope;
}

/* "0", "17"; false when the step is no index. */
static bool parse_index(const char *step, size_t len, size_t *index)
{
    *index = 0;
    for (size_t i = 0; i < len; i++) {
        if (step[i] < '0' || step[i] > '9') {
            return false;
        }
        *index = *index * 10 + (size_t)(step[i] - '0');
    }
    return len > 0 && len <= 9;
}

json_t *event_find(const struct event *event, const char *path)
{
    json_t *value = event->data;

    while (value) {
        size_t len = strcspn(path, ".");
        size_t index;

        if (json_is_array(value) && parse_index(path, len, &index)) {
            value = json_array_get(value, index);
        } else {
            value = json_object_getn(value, path, len);
        }
        if (path[len] == '\0') {
            break;
        }
        path += len + 1;
    }
    return value;
}
