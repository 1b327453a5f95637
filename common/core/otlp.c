#include "core/otlp.h"

#include "base/digest.h"
#include "base/json_text.h"
#include "base/number.h"

enum { STATUS_ERROR = 2 };

static void add_hex(struct json_text *j, const char *key, const uint8_t *bytes, size_t size)
{
    char text[TRACE_ID_TEXT_SIZE];

    hex_format(bytes, size, text);
    json_text_member(j, key, text);
}

static void add_nanoseconds(struct json_text *j, const char *key, int64_t us)
{
    char text[NUMBER_TEXT_SIZE];

    json_text_member_slice(j, key, number_format(us * 1000, text));
}

static void add_attribute(struct json_text *j, const struct otlp_attribute *attribute)
{
    char text[NUMBER_TEXT_SIZE];

    if (!attribute->is_number && (!attribute->text || !attribute->text[0])) {
        return;
    }
    json_text_open(j, '{');
    json_text_member(j, "key", attribute->key);
    json_text_key(j, "value");
    json_text_open(j, '{');
    if (attribute->is_number) {
        json_text_member_slice(j, "intValue", number_format(attribute->number, text));
    } else {
        json_text_member(j, "stringValue", attribute->text);
    }
    json_text_close(j, '}');
    json_text_close(j, '}');
}

static void add_attributes(struct json_text *j, const struct otlp_attribute attributes[], size_t count)
{
    json_text_key(j, "attributes");
    json_text_open(j, '[');
    for (size_t i = 0; i < count; i++) {
        add_attribute(j, &attributes[i]);
    }
    json_text_close(j, ']');
}

void otlp_begin(struct buf *out, const struct otlp_attribute resource[], size_t count, const char *version)
{
    struct json_text j;

    json_text_init(&j, out);
    json_text_open(&j, '{');
    json_text_key(&j, "resourceSpans");
    json_text_open(&j, '[');
    json_text_open(&j, '{');
    json_text_key(&j, "resource");
    json_text_open(&j, '{');
    add_attributes(&j, resource, count);
    json_text_close(&j, '}');
    json_text_key(&j, "scopeSpans");
    json_text_open(&j, '[');
    json_text_open(&j, '{');
    json_text_key(&j, "scope");
    json_text_open(&j, '{');
    json_text_member(&j, "name", "perkline");
    json_text_member(&j, "version", version);
    json_text_close(&j, '}');
    json_text_key(&j, "spans");
    json_text_open(&j, '[');
}

void otlp_add(struct buf *out, const struct otlp_span *span, bool is_first)
{
    struct json_text j;

    json_text_init(&j, out);
    j.needs_comma = !is_first;
    json_text_open(&j, '{');
    add_hex(&j, "traceId", span->trace_id, TRACE_ID_SIZE);
    add_hex(&j, "spanId", span->span_id, TRACE_SPAN_SIZE);
    if (span->parent_id) {
        add_hex(&j, "parentSpanId", span->parent_id, TRACE_SPAN_SIZE);
    }
    json_text_member(&j, "name", span->name);
    json_text_member_int(&j, "kind", span->kind);
    add_nanoseconds(&j, "startTimeUnixNano", span->begin_us);
    add_nanoseconds(&j, "endTimeUnixNano", span->end_us);
    add_attributes(&j, span->attributes, span->attribute_count);
    if (span->error) {
        json_text_key(&j, "status");
        json_text_open(&j, '{');
        json_text_member_int(&j, "code", STATUS_ERROR);
        json_text_member(&j, "message", span->error);
        json_text_close(&j, '}');
    }
    json_text_close(&j, '}');
}

void otlp_end(struct buf *out)
{
    buf_append_text(out, "]}]}]}");
}
