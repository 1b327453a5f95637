/*
 * claims_ring: what this process wrote to Redis in the last 60 s, to be put back after a reconnect. At most 65,536
 * entries; older ones are the outcomes topic's business.
 */
#ifndef RUN_CLAIMS_RING_H
#define RUN_CLAIMS_RING_H

#include <stddef.h>
#include <stdint.h>

#include "core/mid.h"

enum { CLAIMS_RING_MOST = 65536, CLAIMS_RING_KEEP_MS = 60000 };

struct claims_ring_entry {
    struct mid mid;
    int64_t at_ms; /* monotonic */
    int64_t ttl_ms;
    char *record; /* "S|...": as RESTORE takes it; owned by the ring */
};

struct claims_ring {
    struct claims_ring_entry *entries; /* circular */
    size_t cap, first, count;
};

void claims_ring_finish(struct claims_ring *ring);
/* Takes over `record`. */
void claims_ring_add(struct claims_ring *ring, const struct mid *mid, char *record, int64_t ttl_ms, int64_t now_ms);
const struct claims_ring_entry *claims_ring_get(const struct claims_ring *ring, size_t index);

#endif
