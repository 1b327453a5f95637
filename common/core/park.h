/*
 * park: a delivery on its way through a retry topic: which tier, and what travels in the record's headers. The record's
 * value and event headers are the original ones; the notes come on top with the prefix "perkline-".
 */
#ifndef CORE_PARK_H
#define CORE_PARK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/channel.h"
#include "core/mid.h"
#include "core/record.h"

enum park_tier { PARK_1M, PARK_10M, PARK_1H, PARK_6H, PARK_TIER_COUNT };

const char *park_tier_name(enum park_tier tier); /* "1m": the end of the topic's name */
int64_t park_tier_delay_ms(enum park_tier tier);
/* The longest tier that is not longer than `delay_ms`, at least 1m. */
enum park_tier park_tier_for(int64_t delay_ms);

struct park_note {
    struct mid mid;
    enum channel channel;
    int attempts;
    int64_t first_at; /* wall ms of the first attempt; 0: none yet */
    int64_t due_at;   /* wall ms: not before */
    char template_version[17];
    char reason[64];
    char topic[250]; /* the record it came from first */
    int32_t partition;
    int64_t offset;
    /* An operator lets it begin anew although it is dead or held, if it still is so under this fence: once, however often
     * the record is read. */
    bool may_reopen;
    uint64_t reopen_fence;
    uint64_t copy; /* see mid_of_copy(); the fence of the held state that an operator's resend left */
    /* What its claim had come to, unknown or proved not sent, as Redis knew it when it was parked (run/claims.h), since Redis may
     * have forgotten it before the note is read. "": never claimed, or an earlier version wrote the note. */
    char claim[160];
};

/* The reason of a delivery that was never tried, because people paused its flow. */
#define PARK_REASON_PAUSED "paused"

enum { PARK_HEADER_COUNT = 13 };

/* Header values as text in `store`, which must outlive `headers`. Fills exactly PARK_HEADER_COUNT. */
void park_format(const struct park_note *note, struct buf *store, struct record_header headers[PARK_HEADER_COUNT]);
/* False + err when the record is no parked delivery or a header is not understood. */
bool park_parse(const struct record *record, struct park_note *note, struct err *err);
/* True for headers that park_format() or dlq headers made, so that they are not copied twice. */
bool park_is_own_header(const char *name);

#endif
