/*
 * mid: the identity of a delivery, 16 bytes made of business facts: flow, channel and the values of the flow's dedupe
 * fields. Never of offsets, groups, addresses, template versions or our clock, so that producer duplicates, replays
 * and second groups all meet the same record.
 */
#ifndef CORE_MID_H
#define CORE_MID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "core/channel.h"
#include "core/event.h"
#include "core/flow.h"

enum { MID_SIZE = 16, MID_TEXT_SIZE = 33 };

struct mid {
    uint8_t bytes[MID_SIZE];
};

/* First 16 bytes of SHA-256 over length-prefixed parts: "v1", flow, channel, then each dedupe value as text.
 *
 * The JSON type of a value does not count: 42, 42.0 and "42" are one value, as are true and "true", because a producer
 * that changes a type must not make everybody's messages new. Other numbers are written with the fewest digits that
 * read back the same.
 *
 * False + err when a dedupe field is absent, null, empty, an array or an object: members without an id, say, must not
 * all share one identity. */
bool mid_make(const struct flow *flow, enum channel channel, const struct event *event, struct mid *mid,
              struct err *err);
/* Identity of a record that is no event: made of its coordinates, so that it reaches the DLQ once. */
void mid_of_record(const struct record *record, struct mid *mid);
/* What the provider's idempotency key of a deliberate second copy is made of; copy 0 is the delivery itself. */
void mid_of_copy(const struct mid *mid, uint64_t copy, struct mid *key);
void mid_format(const struct mid *mid, char text[MID_TEXT_SIZE]); /* 32 hex digits */
bool mid_parse(struct slice text, struct mid *mid);

#endif
