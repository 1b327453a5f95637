/*
 * otlp: spans as OTLP/HTTP wants them in JSON (ExportTraceServiceRequest): ids in hex, 64-bit numbers as text, times in
 * nanoseconds since 1970. Written straight into a buf: otlp_begin(), any number of spans, otlp_end(). Pure.
 */
#ifndef CORE_OTLP_H
#define CORE_OTLP_H

#include <stddef.h>

#include "base/buf.h"
#include "core/trace.h"

enum otlp_kind { OTLP_INTERNAL = 1, OTLP_CLIENT = 3, OTLP_CONSUMER = 5 };

/* Left out when `text` is NULL or "" and it is no number. */
struct otlp_attribute {
    const char *key; /* nothing in it needs escaping */
    const char *text;
    bool is_number;
    int64_t number;
};

/* Texts are borrowed. */
struct otlp_span {
    const uint8_t *trace_id;  /* TRACE_ID_SIZE */
    const uint8_t *span_id;   /* TRACE_SPAN_SIZE */
    const uint8_t *parent_id; /* TRACE_SPAN_SIZE; NULL: the trace begins with it */
    const char *name;
    enum otlp_kind kind;
    int64_t begin_us, end_us; /* wall clock */
    const struct otlp_attribute *attributes;
    size_t attribute_count;
    const char *error; /* NULL: it went well */
};

/* All spans of a request are of one resource: this process. */
void otlp_begin(struct buf *out, const struct otlp_attribute resource[], size_t count, const char *version);
void otlp_add(struct buf *out, const struct otlp_span *span, bool is_first);
void otlp_end(struct buf *out);

#endif
