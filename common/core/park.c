#include "core/park.h"

#include <limits.h>
#include <string.h>

#include "base/number.h"

#define PREFIX "perkline-"

static const struct {
    const char *name;
    int64_t delay_ms;
} tiers[PARK_TIER_COUNT] = {
    [PARK_1M] = {"1m", 60 * 1000},
    [PARK_10M] = {"10m", 600 * 1000},
    [PARK_1H] = {"1h", 3600 * 1000},
    [PARK_6H] = {"6h", 6 * 3600 * 1000},
};

enum { MID, CHANNEL, ATTEMPTS, FIRST_AT, DUE_AT, TEMPLATE_VERSION, REASON, TOPIC, PARTITION, OFFSET, REOPEN, COPY, CLAIM };

static const char *const names[PARK_HEADER_COUNT] = {
    [MID] = PREFIX "mid",
    [CHANNEL] = PREFIX "channel",
    [ATTEMPTS] = PREFIX "attempts",
    [FIRST_AT] = PREFIX "first-at",
    [DUE_AT] = PREFIX "due-at",
    [TEMPLATE_VERSION] = PREFIX "template-version",
    [REASON] = PREFIX "reason",
    [TOPIC] = PREFIX "topic",
    [PARTITION] = PREFIX "partition",
    [OFFSET] = PREFIX "offset",
    [REOPEN] = PREFIX "reopen",
    [COPY] = PREFIX "copy",
    [CLAIM] = PREFIX "claim",
};

const char *park_tier_name(enum park_tier tier)
{
    return tiers[tier].name;
}

int64_t park_tier_delay_ms(enum park_tier tier)
{
    return tiers[tier].delay_ms;
}

enum park_tier park_tier_for(int64_t delay_ms)
{
    int tier = PARK_TIER_COUNT - 1;

    while (tier > 0 && tiers[tier].delay_ms > delay_ms) {
        tier--;
    }
    return (enum park_tier)tier;
}

bool park_is_own_header(const char *name)
{
    return slice_starts_with(slice_of(name), PREFIX);
}

/* --- value to headers --------------------------------------------------------------------------------------------- */

static void append_value(const struct park_note *note, int index, struct buf *store)
{
    char mid[MID_TEXT_SIZE];

    switch (index) {
    case MID:
        mid_format(&note->mid, mid);
        buf_append_text(store, mid);
        break;
    case CHANNEL:
        buf_append_text(store, channel_name(note->channel));
        break;
    case ATTEMPTS:
        buf_append_int(store, note->attempts);
        break;
    case FIRST_AT:
        buf_append_int(store, note->first_at);
        break;
    case DUE_AT:
        buf_append_int(store, note->due_at);
        break;
    case TEMPLATE_VERSION:
        buf_append_text(store, note->template_version);
        break;
    case REASON:
        buf_append_text(store, note->reason);
        break;
    case TOPIC:
        buf_append_text(store, note->topic);
        break;
    case PARTITION:
        buf_append_int(store, note->partition);
        break;
    case OFFSET:
        buf_append_int(store, note->offset);
        break;
    case REOPEN:
        if (note->may_reopen) {
            buf_append_int(store, (int64_t)note->reopen_fence);
        }
        break;
    case COPY:
        buf_append_int(store, (int64_t)note->copy);
        break;
    case CLAIM:
        buf_append_text(store, note->claim);
        break;
    default:
        break;
    }
}

/* The store may move while it grows, so the values are pointed to when all are there. */
void park_format(const struct park_note *note, struct buf *store, struct record_header headers[PARK_HEADER_COUNT])
{
    size_t starts[PARK_HEADER_COUNT + 1];

    for (int i = 0; i < PARK_HEADER_COUNT; i++) {
        starts[i] = store->len;
        append_value(note, i, store);
    }
    starts[PARK_HEADER_COUNT] = store->len;
    for (int i = 0; i < PARK_HEADER_COUNT; i++) {
        headers[i].name = names[i];
        headers[i].value = slice_make(buf_text(store) + starts[i], starts[i + 1] - starts[i]);
    }
}

/* --- headers to value --------------------------------------------------------------------------------------------- */

static bool read_number(struct slice text, int64_t least, int64_t most, int64_t *number)
{
    return number_parse(text, number) && *number >= least && *number <= most;
}

static bool read_text(struct slice text, char *to, size_t size)
{
    if (text.len >= size || (text.len && memchr(text.data, '\0', text.len))) {
        return false;
    }
    if (text.len) {
        memcpy(to, text.data, text.len);
    }
    to[text.len] = '\0';
    return true;
}

static bool read_value(struct park_note *note, int index, struct slice value)
{
    int64_t number = 0;
    bool ok = false;

    switch (index) {
    case MID:
        return mid_parse(value, &note->mid);
    case CHANNEL:
        return channel_parse(value, &note->channel);
    case ATTEMPTS:
        ok = read_number(value, 0, INT_MAX, &number);
        note->attempts = (int)number;
        return ok;
    case FIRST_AT:
        return read_number(value, 0, INT64_MAX, &note->first_at);
    case DUE_AT:
        return read_number(value, 0, INT64_MAX, &note->due_at);
    case TEMPLATE_VERSION:
        return read_text(value, note->template_version, sizeof(note->template_version));
    case REASON:
        return read_text(value, note->reason, sizeof(note->reason));
    case TOPIC:
        return value.len > 0 && read_text(value, note->topic, sizeof(note->topic));
    case PARTITION:
        ok = read_number(value, 0, INT32_MAX, &number);
        note->partition = (int32_t)number;
        return ok;
    case OFFSET:
        return read_number(value, 0, INT64_MAX, &note->offset);
    case REOPEN:
        note->may_reopen = value.len > 0;
        ok = value.len == 0 || read_number(value, 0, INT64_MAX, &number);
        note->reopen_fence = (uint64_t)number;
        return ok;
    case COPY:
        ok = read_number(value, 0, INT64_MAX, &number);
        note->copy = (uint64_t)number;
        return ok;
    case CLAIM:
        return read_text(value, note->claim, sizeof(note->claim));
    default:
        return false;
    }
}

bool park_parse(const struct record *record, struct park_note *note, struct err *err)
{
    *note = (struct park_note){0};
    for (int i = 0; i < PARK_HEADER_COUNT; i++) {
        const struct record_header *header = record_find_header(record, names[i]);

        if (!header && i >= REOPEN) { /* of an earlier version */
            continue;
        }
        if (!header) {
            return err_set(err, "no parked delivery: header %s is missing", names[i]);
        }
        if (!read_value(note, i, header->value)) {
            return err_set(err, "header %s is not understood: \"%.*s\"", names[i],
                           (int)(header->value.len < 60 ? header->value.len : 60),
                           header->value.data ? header->value.data : "");
        }
    }
    return true;
}
