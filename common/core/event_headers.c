#include "core/event_headers.h"

#include <string.h>
#include <strings.h>

/* "application/json" of "application/json; charset=utf-8". */
static struct slice media_type(struct slice text)
{
    const char *end = text.len ? memchr(text.data, ';', text.len) : NULL;
    size_t len = end ? (size_t)(end - text.data) : text.len;

    while (len > 0 && text.data[len - 1] == ' ') {
        len--;
    }
    return slice_make(text.data, len);
}

static bool ends_in_any_case(struct slice text, const char *end)
{
    size_t len = strlen(end);

    return text.len >= len && strncasecmp(text.data + text.len - len, end, len) == 0;
}

bool event_is_json_type(struct slice text)
{
    struct slice type = media_type(text);

    return ends_in_any_case(type, "/json") || ends_in_any_case(type, "+json");
}

static bool is_structured_type(struct slice text)
{
    struct slice type = media_type(text);

    return type.len == strlen("application/cloudevents+json") &&
           ends_in_any_case(type, "application/cloudevents+json");
}

bool event_is_binary(const struct record *record)
{
    bool is_binary = false;

    for (size_t i = 0; i < record->header_count; i++) {
        const struct record_header *header = &record->headers[i];

        if (strcasecmp(header->name, "content-type") == 0 && is_structured_type(header->value)) {
            return false;
        }
        is_binary = is_binary || strcmp(header->name, "ce_specversion") == 0 ||
                    strcmp(header->name, "ce_id") == 0 || strcmp(header->name, "ce_source") == 0 ||
                    strcmp(header->name, "ce_type") == 0;
    }
    return is_binary;
}

/* CloudEvents: lower-case letters and digits. Other headers that begin with ce_ are not ours. */
static bool is_attribute_name(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789");

    return len > 0 && name[len] == '\0' && strcmp(name, "data") != 0;
}

bool event_read_headers(const struct record *record, struct event *event, const char **reason, struct err *err)
{
    event->attributes = json_object();
    for (size_t i = 0; i < record->header_count; i++) {
        const struct record_header *header = &record->headers[i];
        json_t *value;

        if (strncmp(header->name, "ce_", 3) != 0 || !is_attribute_name(header->name + 3)) {
            continue;
        }
        if (header->value.len > 0 && memchr(header->value.data, '\0', header->value.len)) {
            *reason = "has_nul";
            return err_set(err, "header %.64s holds U+0000", header->name);
        }
        value = json_stringn(header->value.len ? header->value.data : "", header->value.len);
        if (!value) {
            *reason = "not_utf8";
            return err_set(err, "header %.64s is not UTF-8", header->name);
        }
        json_object_set_new_nocheck(event->attributes, header->name + 3, value);
    }
    return true;
}
