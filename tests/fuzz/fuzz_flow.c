/*
 * Fuzzing of flow.yaml: YAML, the flow's keys and its conditions. Either a flow whose values are in bounds, or errors
 * with a place inside the file.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/flow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_flow(const struct flow *flow)
{
    bool is_any_on = false;

    assert(flow->on && flow->on[0] && flow->dedupe_count > 0);
    assert(flow->dedupe_for_ms >= 0 && flow->max_age_ms >= 0);
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        is_any_on = is_any_on || flow->channels[i].is_on;
    }
    assert(is_any_on);
    assert(flow->channels[CHANNEL_SMS].segments_max >= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct diag_list diags;
    struct flow *flow;
    size_t lines = 1;

    for (size_t i = 0; i < size; i++) {
        lines += data[i] == '\n' || data[i] == '\r';
    }
    diag_list_init(&diags);
    flow = flow_parse("a_flow", "flow.yaml", slice_make((const char *)data, size), &diags);
    assert(!flow == (diags.error_count > 0));
    for (size_t i = 0; i < diags.count; i++) {
        assert(diags.items[i].message[0] && diags.items[i].line >= 0);
        assert(memchr(data, 0xe2, size) || memchr(data, 0xc2, size) ||
               (size_t)diags.items[i].line <= lines + 1); /* YAML has more line breaks than \n */
    }
    if (flow) {
        check_flow(flow);
    }
    flow_destroy(flow);
    diag_list_finish(&diags);
    return 0;
}
