/*
 * Fuzzing of everything that is done with a record's bytes before any flow is known. The input is a block of headers
 * ("name: value" lines), an empty line, and the value. Whatever comes in, it is an event that keeps its promises or a
 * refusal with a reason.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "core/event.h"
#include "core/mid.h"
#include "core/policy.h"
#include "tests/fuzz/record_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, bool is_required)
{
    assert(text || !is_required);
    if (text) {
        assert(text[0] && strlen(text) <= EVENT_MOST_ATTRIBUTE && utf8_is_valid(slice_of(text)));
    }
}

static void check_event(const struct event *event)
{
    static char name[] = "flow", member_id[] = "member.id", id[] = "a.0.b";
    char *dedupe[] = {member_id, id};
    struct flow flow = {.name = name, .dedupe = dedupe, .dedupe_count = 2, .max_age_ms = 1};
    const char *reason;
    struct mid mid, again;

    check_text(event->id, true);
    check_text(event->source, true);
    check_text(event->type, true);
    check_text(event->subject, false);
    check_text(event->time, false);
    assert(json_is_object(event->data));
    assert(strlen(event->member_id) < sizeof(event->member_id));
    assert(json_is_object(json_object_get(event_envelope(event), "event")));
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        enum policy_answer answer =
            policy_check(&flow, (enum channel)channel, event, event->time_ms + channel * 2, &reason);

        assert((answer == POLICY_ALLOW) == !reason);
        if (mid_make(&flow, (enum channel)channel, event, &mid, NULL)) {
            assert(mid_make(&flow, (enum channel)channel, event, &again, NULL));
            assert(memcmp(&mid, &again, sizeof(mid)) == 0);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record_input input;
    const char *reason = NULL;
    struct err err = {0};
    struct event event;

    record_input_split(&input, data, size);
    if (event_decode(&input.record, &event, &reason, &err)) {
        assert(!reason && !err_is_set(&err));
        check_event(&event);
    } else {
        assert(reason && err_is_set(&err) && !event.data && !event.attributes);
        assert(utf8_is_valid(slice_of(err.text)));
    }
    event_finish(&event);
    record_input_finish(&input);
    return 0;
}
