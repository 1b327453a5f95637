#include "core/tracker.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"

static const char version_prefix[] = "1:";

enum {
    FEWEST_SLOTS = 64,
    MOST_IDLE_SLOTS = 4096, /* what an empty tracker keeps */
    MOST_BITMAP_BYTES = (TRACKER_METADATA_MOST - 2) / 4 * 3,
};

struct slot {
    int64_t offset;
    bool is_closed;
};

/* Slots are received offsets in increasing order, in a ring. The first one is open, or there is none: closing the first
 * drops it and all closed ones behind it, so each slot is dropped once. */
struct tracker {
    struct slot *slots;
    size_t cap; /* a power of two, or 0 */
    size_t first;
    size_t count;
    size_t open_count;
    int64_t last; /* received */
    int64_t next; /* nothing below it can still be received */

    int64_t done_base; /* `done` has a bit for each offset from here on that was closed before this process */
    size_t done_len;   /* bytes */
    uint8_t *done;
};

/* --- the bitmap of the metadata ----------------------------------------------------------------------------------- */

static void read_metadata(struct tracker *tracker, const char *metadata)
{
    struct slice text = slice_of(metadata);
    struct buf bytes;

    if (!slice_starts_with(text, version_prefix) || text.len > TRACKER_METADATA_MOST) {
        return;
    }
    buf_init(&bytes, TRACKER_METADATA_MOST);
    if (base64_parse(slice_make(text.data + 2, text.len - 2), &bytes) && bytes.len) {
        tracker->done_len = bytes.len;
        tracker->done = (uint8_t *)buf_take(&bytes);
    }
    buf_finish(&bytes);
}

static bool was_done(const struct tracker *tracker, int64_t offset)
{
    uint64_t bit = (uint64_t)(offset - tracker->done_base);

    return tracker->done && bit / 8 < tracker->done_len && (tracker->done[bit / 8] >> (bit % 8) & 1);
}

static void forget_done(struct tracker *tracker)
{
    if (tracker->done && tracker->next - tracker->done_base >= (int64_t)tracker->done_len * 8) {
        free(tracker->done);
        tracker->done = NULL;
        tracker->done_len = 0;
    }
}

/* --- the ring ----------------------------------------------------------------------------------------------------- */

static struct slot *slot_at(const struct tracker *tracker, size_t index)
{
    return &tracker->slots[(tracker->first + index) & (tracker->cap - 1)];
}

static void resize(struct tracker *tracker, size_t cap)
{
    struct slot *slots = xreallocarray(NULL, cap, sizeof(*slots));

    for (size_t i = 0; i < tracker->count; i++) {
        slots[i] = *slot_at(tracker, i);
    }
    free(tracker->slots);
    tracker->slots = slots;
    tracker->cap = cap;
    tracker->first = 0;
}

static void push(struct tracker *tracker, int64_t offset, bool is_closed)
{
    if (tracker->count == tracker->cap) {
        resize(tracker, tracker->cap ? tracker->cap * 2 : FEWEST_SLOTS);
    }
    tracker->count++;
    *slot_at(tracker, tracker->count - 1) = (struct slot){.offset = offset, .is_closed = is_closed};
}

/* Without gaps the distance of the offsets is the index; with gaps it is an upper bound of it. */
static struct slot *find(const struct tracker *tracker, int64_t offset)
{
    size_t low = 0;
    size_t high = tracker->count;
    uint64_t distance;

    if (high == 0 || offset < slot_at(tracker, 0)->offset) {
        return NULL;
    }
    distance = (uint64_t)(offset - slot_at(tracker, 0)->offset);
    if (distance < high) {
        if (slot_at(tracker, distance)->offset == offset) {
            return slot_at(tracker, distance);
        }
        high = distance;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct slot *slot = slot_at(tracker, middle);

        if (slot->offset == offset) {
            return slot;
        }
        if (slot->offset < offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

static void drop_closed(struct tracker *tracker)
{
    while (tracker->count > 0 && tracker->slots[tracker->first].is_closed) {
        tracker->first = (tracker->first + 1) & (tracker->cap - 1);
        tracker->count--;
    }
    if (tracker->count == 0 && tracker->cap > MOST_IDLE_SLOTS) {
        resize(tracker, FEWEST_SLOTS);
    }
}

/* --- the interface ------------------------------------------------------------------------------------------------ */

struct tracker *tracker_create(int64_t first_offset, const char *metadata)
{
    struct tracker *tracker = xcalloc(1, sizeof(*tracker));

    tracker->last = first_offset - 1;
    tracker->next = first_offset;
    tracker->done_base = first_offset;
    read_metadata(tracker, metadata);
    return tracker;
}

void tracker_destroy(struct tracker *tracker)
{
    if (tracker) {
        free(tracker->slots);
        free(tracker->done);
        free(tracker);
    }
}

bool tracker_open(struct tracker *tracker, int64_t offset)
{
    bool is_closed;

    assert(offset >= tracker->next);
    is_closed = was_done(tracker, offset);
    if (!is_closed || tracker->count > 0) {
        push(tracker, offset, is_closed);
    }
    tracker->open_count += !is_closed;
    tracker->last = offset;
    tracker->next = offset + 1;
    forget_done(tracker);
    return !is_closed;
}

void tracker_close(struct tracker *tracker, int64_t offset)
{
    struct slot *slot = find(tracker, offset);

    assert(slot && !slot->is_closed);
    slot->is_closed = true;
    tracker->open_count--;
    drop_closed(tracker);
}

void tracker_reach(struct tracker *tracker, int64_t next_offset)
{
    if (next_offset > tracker->next) {
        tracker->next = next_offset;
        forget_done(tracker);
    }
}

int64_t tracker_watermark(const struct tracker *tracker)
{
    return tracker->count > 0 ? tracker->slots[tracker->first].offset : tracker->next;
}

int64_t tracker_last(const struct tracker *tracker)
{
    return tracker->last;
}

size_t tracker_open_count(const struct tracker *tracker)
{
    return tracker->open_count;
}

/* False when the bit lies behind what the metadata can hold. */
static bool set_bit(uint8_t *bitmap, size_t *len, uint64_t bit)
{
    if (bit / 8 >= MOST_BITMAP_BYTES) {
        return false;
    }
    bitmap[bit / 8] |= (uint8_t)(1U << (bit % 8));
    *len = *len > bit / 8 + 1 ? *len : bit / 8 + 1;
    return true;
}

void tracker_format_metadata(const struct tracker *tracker, struct buf *out)
{
    uint8_t bitmap[MOST_BITMAP_BYTES] = {0};
    int64_t watermark = tracker_watermark(tracker);
    size_t len = 0;

    for (size_t i = 0; i < tracker->count; i++) {
        const struct slot *slot = slot_at(tracker, i);

        if (slot->is_closed && !set_bit(bitmap, &len, (uint64_t)(slot->offset - watermark))) {
            break;
        }
    }
    /* What an earlier process closed and this one has not met again is still closed. */
    for (size_t i = 0; i < tracker->done_len * 8; i++) {
        int64_t offset = tracker->done_base + (int64_t)i;

        if (offset >= tracker->next && was_done(tracker, offset)) {
            set_bit(bitmap, &len, (uint64_t)(offset - watermark));
        }
    }
    if (len) {
        buf_append_text(out, version_prefix);
        base64_append(out, slice_make((const char *)bitmap, len));
    }
}
