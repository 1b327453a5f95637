/*
 * trace: the place of something in a distributed trace, as W3C Trace Context writes it (traceparent), and how a trace that
 * begins here is named: after the event, so that both channels, each retry and a replay of the same event meet in one
 * trace without anything being carried along.
 */
#ifndef CORE_TRACE_H
#define CORE_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum { TRACE_ID_SIZE = 16, TRACE_SPAN_SIZE = 8, TRACE_TEXT_SIZE = 56, TRACE_ID_TEXT_SIZE = 33, TRACE_SPAN_TEXT_SIZE = 17 };

struct trace_context {
    uint8_t trace_id[TRACE_ID_SIZE];
    uint8_t span_id[TRACE_SPAN_SIZE];
    bool is_sampled;
};

/* version "-" trace-id "-" parent-id "-" flags, in lower-case hex; neither id all zeros. Version ff is none; versions
 * above 00 may go on behind another "-". False: it counts as absent, *context is untouched. */
bool trace_parse(struct slice traceparent, struct trace_context *context);
/* Version 00. */
void trace_format(const struct trace_context *context, char text[TRACE_TEXT_SIZE]);

/* The trace of an event that came without one. */
void trace_id_of_event(const char *source, const char *id, uint8_t trace_id[TRACE_ID_SIZE]);
/* Whether a trace that begins here is among the part (0 to 1) that is looked at; the same for all who ask. */
bool trace_is_chosen(const uint8_t trace_id[TRACE_ID_SIZE], double part);

#endif
