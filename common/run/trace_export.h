/*
 * trace_export: spans to a collector, by OTLP over HTTP in JSON (OTEL_EXPORTER_OTLP_ENDPOINT).
 *
 * Spans are written into a buffer as they come and leave in batches, one request at a time, once a second or when there is
 * much. The buffer is bounded: while the collector is away or slow, spans are dropped and counted, and nobody waits.
 * Spans carry no address, name, text or member.
 */
#ifndef RUN_TRACE_EXPORT_H
#define RUN_TRACE_EXPORT_H

#include <stdbool.h>

#include "base/err.h"
#include "base/metrics.h"
#include "core/otlp.h"
#include "io/loop.h"

struct trace_export;

/* All borrowed during the call. */
struct trace_export_settings {
    const char *endpoint;    /* "http://collector:4318"; /v1/traces is appended */
    const char *headers;     /* "name=value,name=value", values percent-encoded; NULL: none */
    const char *ca_file;     /* NULL: the system's */
    const char *service;     /* service.name */
    const char *environment; /* deployment.environment.name */
    double part;             /* of the traces that begin here, 0 to 1 */
};

/* The count of spans is shown, whether they are exported or not. */
void trace_export_declare(struct metrics *metrics);
struct trace_export *trace_export_open(struct loop *loop, const struct trace_export_settings *settings,
                                       struct metrics *metrics, struct err *err);
/* What is left is dropped. NULL is fine. */
void trace_export_close(struct trace_export *export);

/* Is a trace that begins here to be looked at? */
bool trace_export_wants(const struct trace_export *export, const uint8_t trace_id[TRACE_ID_SIZE]);
void trace_export_make_id(struct trace_export *export, uint8_t span_id[TRACE_SPAN_SIZE]);
void trace_export_add(struct trace_export *export, const struct otlp_span *span);
/* From the first call on what is there is sent at once, and tried only once. True: nothing is left. */
bool trace_export_is_drained(struct trace_export *export);

#endif
