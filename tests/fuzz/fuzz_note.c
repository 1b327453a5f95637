/*
 * Fuzzing of the notes that travel in headers: of a parked delivery (retry topics) and of a record in the DLQ or the held
 * topic. The input is a record as in fuzz_event. What is taken is in bounds, and a parked note reads back as it was written.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/park.h"
#include "core/side_note.h"
#include "tests/fuzz/record_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_clean(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            return false;
        }
    }
    return true;
}

static void check_same(const struct park_note *a, const struct park_note *b)
{
    assert(memcmp(&a->mid, &b->mid, sizeof(a->mid)) == 0 && a->channel == b->channel && a->attempts == b->attempts);
    assert(a->first_at == b->first_at && a->due_at == b->due_at);
    assert(strcmp(a->template_version, b->template_version) == 0 && strcmp(a->reason, b->reason) == 0);
    assert(strcmp(a->topic, b->topic) == 0 && a->partition == b->partition && a->offset == b->offset);
    assert(a->may_reopen == b->may_reopen && a->reopen_fence == b->reopen_fence && a->copy == b->copy);
    assert(strcmp(a->claim, b->claim) == 0);
}

static void check_parked(const struct park_note *note)
{
    struct record_header headers[PARK_HEADER_COUNT];
    struct record record = {.topic = "t", .headers = headers, .header_count = PARK_HEADER_COUNT};
    struct park_note again;
    struct err err = {0};
    struct buf store;

    assert((unsigned)note->channel < CHANNEL_COUNT && note->attempts >= 0 && note->topic[0]);
    assert(note->first_at >= 0 && note->due_at >= 0 && note->partition >= 0 && note->offset >= 0);
    assert(note->may_reopen || !note->reopen_fence);
    buf_init(&store, 0);
    park_format(note, &store, headers);
    for (size_t i = 0; i < PARK_HEADER_COUNT; i++) {
        assert(park_is_own_header(headers[i].name));
    }
    assert(park_parse(&record, &again, &err));
    check_same(note, &again);
    buf_finish(&store);
}

static void check_side_note(const struct side_note *note)
{
    assert((unsigned)note->channel < CHANNEL_COUNT && note->topic[0] && note->partition >= 0 && note->offset >= 0);
    assert(is_clean(note->topic) && is_clean(note->reason) && is_clean(note->detail) && is_clean(note->flow));
    side_note_is_of_record(note);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record_input input;
    struct err parked_err = {0}, side_err = {0};
    struct park_note parked;
    struct side_note side;

    record_input_split(&input, data, size);
    if (park_parse(&input.record, &parked, &parked_err)) {
        check_parked(&parked);
        assert(park_tier_for(parked.due_at) < PARK_TIER_COUNT);
    }
    assert(err_is_set(&parked_err) || parked.topic[0]);
    if (side_note_parse(&input.record, &side, &side_err)) {
        assert(!err_is_set(&side_err));
        check_side_note(&side);
    } else {
        assert(err_is_set(&side_err));
    }
    record_input_finish(&input);
    return 0;
}
