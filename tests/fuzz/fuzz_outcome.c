/*
 * Fuzzing of outcome records, which a rebuild of Redis reads. What is taken is in bounds and, written as a worker writes
 * an outcome, says the same again; what is of a later version is named as that, and never passed over as unreadable.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/outcome.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Years that a time stamp of an outcome can be written in. */
static const int64_t least_wall_ms = -62167219200000, most_wall_ms = 253402300799999;

static void check_taken(const struct outcome_summary *summary)
{
    static const struct event event = {.id = "e", .source = "/s", .type = "t", .member_id = "42"};
    const struct outcome outcome = {
        .mid = &summary->mid,
        .state = summary->state,
        .reason = summary->reason,
        .flow = "f",
        .provider_id = summary->provider_id,
        .fence = summary->fence,
        .dedupe_for_ms = summary->dedupe_for_ms,
        .wall_ms = summary->wall_ms,
        .event = &event,
        .topic = "loyalty.events",
        .queue_ms = -1, .render_ms = 0, .admit_ms = -1, .deliver_ms = 1, .total_ms = 2,
    };
    struct outcome_summary again;
    struct err err = {0};
    struct buf text;

    assert((unsigned)summary->state < OUTCOME_STATE_COUNT && outcome_state_name(summary->state)[0]);
    assert(summary->fence <= INT64_MAX && summary->dedupe_for_ms >= 0 && !summary->is_newer);
    assert(summary->wall_ms >= least_wall_ms && summary->wall_ms <= most_wall_ms);
    buf_init(&text, 0);
    outcome_format(&outcome, &text);
    assert(outcome_parse(buf_slice(&text), &again, &err));
    assert(memcmp(&again.mid, &summary->mid, sizeof(again.mid)) == 0 && again.state == summary->state);
    assert(again.fence == summary->fence && again.dedupe_for_ms == summary->dedupe_for_ms);
    assert(again.wall_ms == summary->wall_ms);
    assert(strcmp(again.provider_id, summary->provider_id) == 0 && strcmp(again.reason, summary->reason) == 0);
    buf_finish(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome_summary summary;
    struct err err = {0};

    if (outcome_parse(slice_make((const char *)data, size), &summary, &err)) {
        assert(!err_is_set(&err));
        check_taken(&summary);
    } else {
        assert(err_is_set(&err));
    }
    return 0;
}
