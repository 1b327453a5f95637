/*
 * Fuzzing of traceparent: what is taken has ids that are none of all zeros, and says the same when it is written again.
 * What is not is as if it were absent.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i]) {
            return false;
        }
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trace_context context, again, untouched;
    char text[TRACE_TEXT_SIZE];

    memset(&context, 0x5a, sizeof(context));
    untouched = context;
    if (!trace_parse(slice_make((const char *)data, size), &context)) {
        assert(memcmp(&context, &untouched, sizeof(context)) == 0);
        return 0;
    }
    assert(size >= TRACE_TEXT_SIZE - 1);
    assert(!is_zero(context.trace_id, TRACE_ID_SIZE) && !is_zero(context.span_id, TRACE_SPAN_SIZE));
    trace_format(&context, text);
    assert(strlen(text) == TRACE_TEXT_SIZE - 1 && memcmp(text + 3, data + 3, 49) == 0);
    assert(trace_parse(slice_of(text), &again));
    assert(memcmp(again.trace_id, context.trace_id, TRACE_ID_SIZE) == 0);
    assert(memcmp(again.span_id, context.span_id, TRACE_SPAN_SIZE) == 0);
    assert(again.is_sampled == context.is_sampled);
    assert(trace_is_chosen(context.trace_id, 1) && !trace_is_chosen(context.trace_id, 0));
    return 0;
}
