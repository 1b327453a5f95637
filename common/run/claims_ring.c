#include "run/claims_ring.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

void claims_ring_finish(struct claims_ring *ring)
{
    for (size_t i = 0; i < ring->count; i++) {
        free(ring->entries[(ring->first + i) % ring->cap].record);
    }
    free(ring->entries);
    *ring = (struct claims_ring){0};
}

static void drop_first(struct claims_ring *ring)
{
    free(ring->entries[ring->first].record);
    ring->first = (ring->first + 1) % ring->cap;
    ring->count--;
}

static void grow(struct claims_ring *ring)
{
    size_t cap = ring->cap ? ring->cap * 2 : 256;
    struct claims_ring_entry *entries = xcalloc(cap, sizeof(*entries));

    for (size_t i = 0; i < ring->count; i++) {
        entries[i] = ring->entries[(ring->first + i) % ring->cap];
    }
    free(ring->entries);
    ring->entries = entries;
    ring->cap = cap;
    ring->first = 0;
}

void claims_ring_add(struct claims_ring *ring, const struct mid *mid, char *record, int64_t ttl_ms, int64_t now_ms)
{
    while (ring->count > 0 && (ring->count == CLAIMS_RING_MOST ||
                               ring->entries[ring->first].at_ms < now_ms - CLAIMS_RING_KEEP_MS)) {
        drop_first(ring);
    }
    if (ring->count == ring->cap) {
        grow(ring);
    }
    ring->entries[(ring->first + ring->count) % ring->cap] =
        (struct claims_ring_entry){.mid = *mid, .at_ms = now_ms, .ttl_ms = ttl_ms, .record = record};
    ring->count++;
}

const struct claims_ring_entry *claims_ring_get(const struct claims_ring *ring, size_t index)
{
    assert(index < ring->count);
    return &ring->entries[(ring->first + index) % ring->cap];
}
