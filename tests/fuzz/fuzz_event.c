/*
 * Fuzzing of everything that is done with a record's bytes before any flow is known. The input is a block of headers
 * ("name: value" lines), an empty line, and the value. Whatever comes in, it is an event that keeps its promises or a
 * refusal with a reason.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "core/event.h"
#include "core/mid.h"
#include "core/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_HEADERS = 16 };

struct input {
    struct record_header headers[MOST_HEADERS];
    char *names[MOST_HEADERS];
    size_t header_count;
    struct slice value;
};

static void add_header(struct input *input, struct slice line)
{
    const char *colon = memchr(line.data, ':', line.len);
    size_t name_len = colon ? (size_t)(colon - line.data) : line.len;
    size_t value_at = name_len + 2 <= line.len ? name_len + 2 : line.len;
    char *name = xmemdup(line.data, name_len);

    input->names[input->header_count] = name;
    input->headers[input->header_count++] = (struct record_header){
        name, slice_make(line.data + value_at, line.len - value_at)};
}

static void split(struct input *input, const char *data, size_t size)
{
    while (size > 0 && input->header_count < MOST_HEADERS) {
        const char *end = memchr(data, '\n', size);
        size_t len = end ? (size_t)(end - data) : size;
        size_t taken = len + (end != NULL);

        if (len > 0) {
            add_header(input, slice_make(data, len));
        }
        data += taken;
        size -= taken;
        if (len == 0) {
            break;
        }
    }
    input->value = slice_make(data, size);
}

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
            policy_check(&flow, (enum channel)channel, event, event->time_ms, &reason);

        assert((answer == POLICY_ALLOW) == !reason);
        if (mid_make(&flow, (enum channel)channel, event, &mid, NULL)) {
            assert(mid_make(&flow, (enum channel)channel, event, &again, NULL));
            assert(memcmp(&mid, &again, sizeof(mid)) == 0);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {0};
    struct record record = {.topic = "loyalty.events", .timestamp_ms = 1};
    const char *reason = NULL;
    struct err err = {0};
    struct event event;

    split(&input, (const char *)data, size);
    record.headers = input.headers;
    record.header_count = input.header_count;
    record.value = input.value;
    if (event_decode(&record, &event, &reason, &err)) {
        assert(!reason && !err_is_set(&err));
        check_event(&event);
    } else {
        assert(reason && err_is_set(&err) && !event.data && !event.attributes);
        assert(utf8_is_valid(slice_of(err.text)));
    }
    event_finish(&event);
    for (size_t i = 0; i < input.header_count; i++) {
        free(input.names[i]);
    }
    return 0;
}
