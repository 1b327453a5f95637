#include "workers/replay/mid_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { FIRST_SIZE = 1024 };

static uint64_t *find(uint64_t *slots, size_t size, uint64_t key)
{
    size_t at = key & (size - 1);

    while (slots[at] && slots[at] != key) {
        at = (at + 1) & (size - 1);
    }
    return &slots[at];
}

static void grow(struct mid_set *set)
{
    size_t size = set->size ? set->size * 2 : FIRST_SIZE;
    uint64_t *slots = xcalloc(size, sizeof(*slots));

    for (size_t i = 0; i < set->size; i++) {
        if (set->slots[i]) {
            *find(slots, size, set->slots[i]) = set->slots[i];
        }
    }
    free(set->slots);
    set->slots = slots;
    set->size = size;
}

bool mid_set_add(struct mid_set *set, const struct mid *mid)
{
    uint64_t key;
    uint64_t *slot;

    memcpy(&key, mid->bytes, sizeof(key));
    key = key ? key : 1;
    if (set->count * 4 >= set->size * 3 && set->count < MID_SET_MOST) {
        grow(set);
    }
    slot = find(set->slots, set->size, key);
    if (*slot) {
        return false;
    }
    if (set->count < MID_SET_MOST) {
        *slot = key;
        set->count++;
    }
    return true;
}

bool mid_set_is_full(const struct mid_set *set)
{
    return set->count >= MID_SET_MOST;
}

void mid_set_finish(struct mid_set *set)
{
    free(set->slots);
    *set = (struct mid_set){0};
}
