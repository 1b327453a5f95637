#include "core/record_json.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/json_text.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "core/event_json.h"

enum { MOST_LINE_BYTES = 8 << 20 };

/* --- format ------------------------------------------------------------------------------------------------------- */

static void format_base64(struct json_text *j, struct slice bytes)
{
    json_text_raw(j, SLICE("\""));
    base64_append(j->out, bytes);
    buf_append_char(j->out, '"');
}

static void format_key(struct json_text *j, struct slice key)
{
    if (!key.data) {
        json_text_key(j, "key");
        json_text_null(j);
    } else if (utf8_is_valid(key)) {
        json_text_member_slice(j, "key", key);
    } else {
        json_text_key(j, "key_base64");
        format_base64(j, key);
    }
}

static void format_header(struct json_text *j, const struct record_header *header)
{
    json_text_open(j, '[');
    json_text_string(j, slice_of(header->name));
    if (!header->value.data) {
        json_text_null(j);
    } else if (utf8_is_valid(header->value)) {
        json_text_string(j, header->value);
    } else {
        json_text_open(j, '{');
        json_text_key(j, "base64");
        format_base64(j, header->value);
        json_text_close(j, '}');
    }
    json_text_close(j, ']');
}

static bool is_json(struct slice value)
{
    const char *reason;
    struct err err = {0};
    json_t *root = event_json_parse(value, &reason, &err);

    json_decref(root);
    return root != NULL;
}

/* A line break in JSON lies between its parts: in a string it is escaped. */
static void format_json(struct json_text *j, struct slice value)
{
    size_t before = j->out->len;

    json_text_raw(j, value);
    for (size_t i = before; i < j->out->len; i++) {
        if (j->out->data[i] == '\n' || j->out->data[i] == '\r') {
            j->out->data[i] = ' ';
        }
    }
}

static void format_value(struct json_text *j, struct slice value)
{
    if (!value.data) {
        json_text_key(j, "value");
        json_text_null(j);
    } else if (is_json(value)) {
        json_text_key(j, "value");
        format_json(j, value);
    } else {
        json_text_key(j, "value_base64");
        format_base64(j, value);
    }
}

void record_json_format(const struct record *record, struct buf *out)
{
    struct json_text j;

    json_text_init(&j, out);
    json_text_open(&j, '{');
    json_text_member(&j, "topic", record->topic);
    json_text_member_int(&j, "partition", record->partition);
    json_text_member_int(&j, "offset", record->offset);
    json_text_member_int(&j, "timestamp_ms", record->timestamp_ms);
    format_key(&j, record->key);
    json_text_key(&j, "headers");
    json_text_open(&j, '[');
    for (size_t i = 0; i < record->header_count; i++) {
        format_header(&j, &record->headers[i]);
    }
    json_text_close(&j, ']');
    format_value(&j, record->value);
    json_text_close(&j, '}');
}

/* --- parse: where the value lies ---------------------------------------------------------------------------------- */

struct scan {
    const char *at, *end;
};

static void skip_spaces(struct scan *scan)
{
    while (scan->at < scan->end && memchr(" \t\r\n", *scan->at, 4)) {
        scan->at++;
    }
}

/* At a quote: moves behind the string and gives what is between the quotes. */
static bool take_string(struct scan *scan, struct slice *text)
{
    const char *begin = ++scan->at;

    while (scan->at < scan->end && *scan->at != '"') {
        scan->at += *scan->at == '\\' ? 2 : 1;
    }
    if (scan->at >= scan->end) {
        return false;
    }
    *text = slice_make(begin, (size_t)(scan->at - begin));
    scan->at++;
    return true;
}

/* Moves behind any value. What is inside of brackets is only counted. */
static bool skip_value(struct scan *scan)
{
    struct slice ignored;
    size_t depth = 0;

    do {
        if (scan->at >= scan->end) {
            return false;
        }
        switch (*scan->at) {
        case '"':
            if (!take_string(scan, &ignored)) {
                return false;
            }
            continue;
        case '{':
        case '[':
            depth++;
            break;
        case '}':
        case ']':
            if (depth == 0) {
                return true;
            }
            depth--;
            break;
        case ',':
            if (depth == 0) {
                return true;
            }
            break;
        default:
            break;
        }
        scan->at++;
    } while (depth > 0 || (scan->at < scan->end && !memchr(",}", *scan->at, 2)));
    return true;
}

/* The bytes of the value in a line of format()'s kind. *is_event: the line is an event itself, or nothing that we know,
 * which is for the reader of events to judge. */
static void find_value(struct slice text, struct slice *value, bool *is_event)
{
    struct scan scan = {text.data, text.data + text.len};
    bool has_value = false;
    struct slice name;

    *is_event = true;
    *value = slice_make(NULL, 0);
    skip_spaces(&scan);
    if (scan.at >= scan.end || *scan.at != '{') {
        return;
    }
    do {
        const char *begin;

        scan.at++;
        skip_spaces(&scan);
        if (scan.at >= scan.end || *scan.at != '"' || !take_string(&scan, &name) || slice_is(name, "specversion")) {
            return;
        }
        skip_spaces(&scan);
        if (scan.at >= scan.end || *scan.at != ':') {
            return;
        }
        scan.at++;
        skip_spaces(&scan);
        begin = scan.at;
        if (!skip_value(&scan)) {
            return;
        }
        if (slice_is(name, "value") && !value->data) {
            *value = slice_make(begin, (size_t)(scan.at - begin));
        }
        has_value |= slice_is(name, "value") || slice_is(name, "value_base64");
    } while (scan.at < scan.end && *scan.at == ',');
    *is_event = !has_value;
}

/* --- parse: what is around the value ------------------------------------------------------------------------------ */

static bool take_whole(json_t *member, const char *name, int64_t least, int64_t most, int64_t *number, struct err *err)
{
    if (!member) {
        return true;
    }
    if (!json_is_integer(member) || json_integer_value(member) < least || json_integer_value(member) > most) {
        return err_set(err, "\"%s\": expected a whole number of at least %lld", name, (long long)least);
    }
    *number = json_integer_value(member);
    return true;
}

/* Text, or bytes behind where they go in line->bytes: the slice holds an offset until all is there. */
static bool take_base64(struct record_json *line, json_t *member, const char *name, struct slice *bytes,
                        struct err *err)
{
    size_t begin = line->bytes.len;

    if (!json_is_string(member) ||
        !base64_parse(slice_make(json_string_value(member), json_string_length(member)), &line->bytes)) {
        return err_set(err, "\"%s\": expected a text in base64", name);
    }
    *bytes = slice_make(line->bytes.data ? line->bytes.data + begin : "", line->bytes.len - begin);
    return true;
}

static bool take_text(json_t *member, const char *name, struct slice *text, struct err *err)
{
    *text = slice_make(NULL, 0);
    if (!member || json_is_null(member)) {
        return true;
    }
    if (!json_is_string(member)) {
        return err_set(err, "\"%s\": expected a text or null", name);
    }
    *text = slice_make(json_string_value(member), json_string_length(member));
    return true;
}

static bool take_header(struct record_json *line, json_t *pair, struct record_header *header, struct err *err)
{
    json_t *name = json_array_get(pair, 0);
    json_t *value = json_array_get(pair, 1);

    if (json_array_size(pair) != 2 || !json_is_string(name) ||
        strlen(json_string_value(name)) != json_string_length(name)) {
        return err_set(err, "\"headers\": expected a list of [\"name\", \"value\"]");
    }
    header->name = json_string_value(name);
    if (json_is_object(value)) {
        return take_base64(line, json_object_get(value, "base64"), "headers", &header->value, err);
    }
    return take_text(value, "headers", &header->value, err);
}

static bool take_headers(struct record_json *line, struct err *err)
{
    json_t *list = json_object_get(line->root, "headers");
    size_t count = json_array_size(list);

    if (list && !json_is_array(list)) {
        return err_set(err, "\"headers\": expected a list of [\"name\", \"value\"]");
    }
    line->headers = count ? xcalloc(count, sizeof(*line->headers)) : NULL;
    for (size_t i = 0; i < count; i++) {
        if (!take_header(line, json_array_get(list, i), &line->headers[i], err)) {
            return false;
        }
    }
    line->record.headers = line->headers;
    line->record.header_count = count;
    return true;
}

static bool take_place(struct record_json *line, struct err *err)
{
    json_t *topic = json_object_get(line->root, "topic");
    json_t *offset = json_object_get(line->root, "offset");
    int64_t partition = 0;

    if (topic && (!json_is_string(topic) || strlen(json_string_value(topic)) != json_string_length(topic))) {
        return err_set(err, "\"topic\": expected a text");
    }
    if (!take_whole(json_object_get(line->root, "partition"), "partition", 0, INT32_MAX, &partition, err) ||
        !take_whole(offset, "offset", 0, INT64_MAX, &line->record.offset, err) ||
        !take_whole(json_object_get(line->root, "timestamp_ms"), "timestamp_ms", -1, INT64_MAX,
                    &line->record.timestamp_ms, err)) {
        return false;
    }
    line->record.topic = topic ? json_string_value(topic) : "";
    line->record.partition = (int32_t)partition;
    line->has_place = topic && offset;
    return true;
}

static bool take_key(struct record_json *line, struct err *err)
{
    json_t *base64 = json_object_get(line->root, "key_base64");

    return base64 ? take_base64(line, base64, "key_base64", &line->record.key, err)
                  : take_text(json_object_get(line->root, "key"), "key", &line->record.key, err);
}

static bool take_value(struct record_json *line, struct slice json, struct err *err)
{
    json_t *base64 = json_object_get(line->root, "value_base64");

    while (json.len > 0 && memchr(" \t\r\n", json.data[json.len - 1], 4)) {
        json.len--;
    }
    if (base64) {
        return json.data ? err_set(err, "\"value\" and \"value_base64\" are both there")
                         : take_base64(line, base64, "value_base64", &line->record.value, err);
    }
    if (json.len == 0) {
        return err_set(err, "\"value\": nothing is there");
    }
    line->record.value = slice_is(json, "null") ? slice_make(NULL, 0) : json;
    return true;
}

/* The line with null in place of the value, so that an event is not parsed twice. */
static bool parse_about(struct record_json *line, struct slice text, struct slice value, struct err *err)
{
    size_t before = value.data ? (size_t)(value.data - text.data) : text.len;
    json_error_t error;

    buf_append(&line->about, text.data, before);
    if (value.data) {
        buf_append_text(&line->about, "null");
        buf_append(&line->about, value.data + value.len, text.len - before - value.len);
    }
    line->root = json_loadb(line->about.data, line->about.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!line->root) {
        bool is_behind = value.data && (size_t)error.position > before;

        return err_set(err, "no JSON, near byte %zu",
                       (size_t)error.position + (is_behind ? value.len - strlen("null") : 0));
    }
    return true;
}

void record_json_init(struct record_json *line)
{
    memset(line, 0, sizeof(*line));
    buf_init(&line->about, MOST_LINE_BYTES);
    buf_init(&line->bytes, MOST_LINE_BYTES);
}

static void clear(struct record_json *line)
{
    json_decref(line->root);
    free(line->headers);
    line->root = NULL;
    line->headers = NULL;
    buf_clear(&line->about);
    buf_clear(&line->bytes);
    line->has_place = false;
    line->record = (struct record){.topic = "", .timestamp_ms = -1};
}

void record_json_finish(struct record_json *line)
{
    clear(line);
    buf_finish(&line->about);
    buf_finish(&line->bytes);
}

bool record_json_parse(struct record_json *line, struct slice text, struct err *err)
{
    struct slice value;
    bool is_event;

    clear(line);
    if (text.len > MOST_LINE_BYTES) {
        return err_set(err, "longer than %d MiB", MOST_LINE_BYTES >> 20);
    }
    find_value(text, &value, &is_event);
    if (is_event) {
        line->record.value = text;
        return true;
    }
    /* Room for all bytes at once, so that none of them moves. */
    buf_reserve(&line->bytes, text.len);
    return parse_about(line, text, value, err) && take_place(line, err) && take_key(line, err) &&
           take_headers(line, err) && take_value(line, value, err);
}
