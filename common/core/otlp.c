#include "core/otlp.h"

#include "base/digest.h"
#include "base/json_text.h"

enum { STATUS_ERROR = 2 };

/* Text of ours, which needs no escaping: spans come in thousands, and most of each is this. */
#define ADD(out, literal) buf_append((out), (literal), sizeof(literal) - 1)

static void add_hex(struct buf *out, const uint8_t *bytes, size_t size)
{
    char text[TRACE_ID_TEXT_SIZE];

    hex_format(bytes, size, text);
    buf_append(out, text, 2 * size);
}

static void add_attribute(struct json_text *j, const struct otlp_attribute *attribute)
{
    struct buf *out = j->out;

    if (!attribute->is_number && (!attribute->text || !attribute->text[0])) {
        return;
    }
    if (j->needs_comma) {
        ADD(out, ",");
    }
    ADD(out, "{\"key\":\"");
    buf_append_text(out, attribute->key);
    if (attribute->is_number) {
        ADD(out, "\",\"value\":{\"intValue\":\"");
        buf_append_int(out, attribute->number);
    } else {
        ADD(out, "\",\"value\":{\"stringValue\":\"");
        json_escape_append(out, slice_of(attribute->text));
    }
    ADD(out, "\"}}");
    j->needs_comma = true;
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
    if (!is_first) {
        ADD(out, ",");
    }
    ADD(out, "{\"traceId\":\"");
    add_hex(out, span->trace_id, TRACE_ID_SIZE);
    ADD(out, "\",\"spanId\":\"");
    add_hex(out, span->span_id, TRACE_SPAN_SIZE);
    if (span->parent_id) {
        ADD(out, "\",\"parentSpanId\":\"");
        add_hex(out, span->parent_id, TRACE_SPAN_SIZE);
    }
    ADD(out, "\",\"name\":\"");
    json_escape_append(out, slice_of(span->name));
    ADD(out, "\",\"kind\":");
    buf_append_int(out, span->kind);
    ADD(out, ",\"startTimeUnixNano\":\"");
    buf_append_int(out, span->begin_us * 1000);
    ADD(out, "\",\"endTimeUnixNano\":\"");
    buf_append_int(out, span->end_us * 1000);
    ADD(out, "\"");
    j.needs_comma = true;
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
