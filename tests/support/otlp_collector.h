/*
 * otlp_collector: takes spans as an OpenTelemetry collector does, in a thread of its own, and keeps them for a test to look
 * at. It answers as it is told.
 */
#ifndef SUPPORT_OTLP_COLLECTOR_H
#define SUPPORT_OTLP_COLLECTOR_H

#include <stddef.h>

#include <jansson.h>

struct otlp_collector;

struct otlp_collector *otlp_collector_start(void);
void otlp_collector_stop(struct otlp_collector *collector);
/* "http://127.0.0.1:PORT" */
const char *otlp_collector_url(const struct otlp_collector *collector);

/* What the next `times` requests are answered with, 0: not at all; after those 200. */
void otlp_collector_answer(struct otlp_collector *collector, int status, int times);
size_t otlp_collector_requests(struct otlp_collector *collector);
/* All requests that were answered with 200, as they came: an array of objects {"path", "type", "token" (header
 * x-token), "body"}. New reference. */
json_t *otlp_collector_taken(struct otlp_collector *collector);
/* All spans of them. New reference. */
json_t *otlp_collector_spans(struct otlp_collector *collector);

#endif
