#include "core/trace.h"

#include <string.h>

#include "base/digest.h"

enum { FORM_LEN = 55, TRACE_ID_AT = 3, SPAN_ID_AT = 36, FLAGS_AT = 53, FLAG_SAMPLED = 1 };

/* hex_parse() takes upper case too; W3C does not. */
static bool read_hex(struct slice text, size_t at, size_t size, uint8_t *bytes)
{
    for (size_t i = at; i < at + 2 * size; i++) {
        if (text.data[i] >= 'A' && text.data[i] <= 'F') {
            return false;
        }
    }
    return hex_parse(slice_make(text.data + at, 2 * size), bytes, size);
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
    uint8_t any = 0;

    for (size_t i = 0; i < size; i++) {
        any |= bytes[i];
    }
    return any == 0;
}

bool trace_parse(struct slice traceparent, struct trace_context *context)
{
    const char *text = traceparent.data;
    struct trace_context parsed;
    uint8_t version, flags;

    if (traceparent.len < FORM_LEN || text[TRACE_ID_AT - 1] != '-' || text[SPAN_ID_AT - 1] != '-' ||
        text[FLAGS_AT - 1] != '-' || !read_hex(traceparent, 0, 1, &version) ||
        !read_hex(traceparent, TRACE_ID_AT, TRACE_ID_SIZE, parsed.trace_id) ||
        !read_hex(traceparent, SPAN_ID_AT, TRACE_SPAN_SIZE, parsed.span_id) ||
        !read_hex(traceparent, FLAGS_AT, 1, &flags)) {
        return false;
    }
    if (version == 0xff || (traceparent.len > FORM_LEN && (version == 0 || text[FORM_LEN] != '-')) ||
        is_zero(parsed.trace_id, TRACE_ID_SIZE) || is_zero(parsed.span_id, TRACE_SPAN_SIZE)) {
        return false;
    }
    parsed.is_sampled = flags & FLAG_SAMPLED;
    *context = parsed;
    return true;
}

void trace_format(const struct trace_context *context, char text[TRACE_TEXT_SIZE])
{
    memcpy(text, "00-", 3);
    hex_format(context->trace_id, TRACE_ID_SIZE, text + TRACE_ID_AT);
    text[SPAN_ID_AT - 1] = '-';
    hex_format(context->span_id, TRACE_SPAN_SIZE, text + SPAN_ID_AT);
    memcpy(text + FLAGS_AT - 1, context->is_sampled ? "-01" : "-00", 4);
}

void trace_id_of_event(const char *source, const char *id, uint8_t trace_id[TRACE_ID_SIZE])
{
    const struct slice parts[] = {slice_of(source), SLICE("\0"), slice_of(id)};
    uint8_t digest[DIGEST_SIZE];

    digest_sha256_parts(parts, sizeof(parts) / sizeof(parts[0]), digest);
    memcpy(trace_id, digest, TRACE_ID_SIZE);
}

bool trace_is_chosen(const uint8_t trace_id[TRACE_ID_SIZE], double part)
{
    uint64_t number = 0;

    /* The last 7 bytes: those that W3C wants random. */
    for (size_t i = TRACE_ID_SIZE - 7; i < TRACE_ID_SIZE; i++) {
        number = number << 8 | trace_id[i];
    }
    return (double)number < part * (double)(1ULL << 56);
}
