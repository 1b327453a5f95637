/*
 * delivery_trace: one delivery as a span, with a child for each stage that it went through.
 *
 * It belongs to its task, and there is one only while traces are exported and this one is sampled: by whoever began it,
 * or, when the event came without, by our own choice. Without it a traceparent that came with the event is still passed
 * on as it came.
 */
#ifndef RUN_DELIVERY_TRACE_H
#define RUN_DELIVERY_TRACE_H

#include "run/parcel.h"
#include "run/trace_export.h"

/* NULL: not traced. `export` may be NULL. For a task that is about to enter the pipeline. */
struct delivery_trace *delivery_trace_begin(struct trace_export *export, enum channel channel, const struct task *task);
/* The task leaves its stage. The next two do nothing for a task that is not traced. */
void delivery_trace_mark(const struct task *task, int64_t now_us);
/* The task leaves the pipeline, from its stage: its spans are handed over. */
void delivery_trace_end(const struct task *task);

/* What a request to a provider carries; NULL: nothing. */
const char *delivery_trace_parent(const struct task *task, char text[TRACE_TEXT_SIZE]);
/* The trace that the delivery is part of, 32 hex digits; "" when there is none. */
void delivery_trace_id(const struct task *task, char text[TRACE_ID_TEXT_SIZE]);

#endif
