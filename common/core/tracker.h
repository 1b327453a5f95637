/*
 * tracker: which offsets of one partition are still open.
 *
 * Records finish in any order, Kafka accepts only "everything below N is done". A tracker turns the first into the
 * second, and packs what is done beyond N into a text for the commit's metadata, so that a restart does not look at
 * those again. It walks received offsets, never integers: compaction and transaction markers leave gaps.
 *
 * Invariant: tracker_watermark() never decreases and never passes an open offset.
 */
#ifndef CORE_TRACKER_H
#define CORE_TRACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { TRACKER_METADATA_MOST = 3072 }; /* 75 % of Kafka's 4096 bytes */

struct tracker; /* one partition */

/* `metadata` as committed with `first_offset`, or "". Text that is not ours is ignored. */
struct tracker *tracker_create(int64_t first_offset, const char *metadata);
void tracker_destroy(struct tracker *tracker);

/* A record was taken in; offsets must increase. False: it was done before (it is in the metadata's bitmap), and needs no
 * work; it is already closed. */
bool tracker_open(struct tracker *tracker, int64_t offset);
/* Every delivery of that record has a recorded outcome. The offset must be open. */
void tracker_close(struct tracker *tracker, int64_t offset);
/* Nothing was received between the last record and `next_offset` (end of partition). */
void tracker_reach(struct tracker *tracker, int64_t next_offset);

/* Next offset to commit: all smaller ones are closed. */
int64_t tracker_watermark(const struct tracker *tracker);
/* Last received offset, or first_offset - 1. */
int64_t tracker_last(const struct tracker *tracker);
size_t tracker_open_count(const struct tracker *tracker);
/* "1:<base64>" with a bit for each offset from the watermark on that is closed; "" when none is. Cut to
 * TRACKER_METADATA_MOST bytes (what is cut is only looked at again). */
void tracker_format_metadata(const struct tracker *tracker, struct buf *out);

#endif
