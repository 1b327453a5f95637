#include "core/lanes.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash_table.h"
#include "base/mem.h"

enum { LEAST_KEY_SIZE = 64, MOST_SPARES = 1024 };

struct lane {
    struct lane_entry *head, *tail;
    struct lane *next_spare; /* list: spares */
    UT_hash_handle hh;
    size_t key_size;
    char key[];
};

/* A lane lives as long as it has entries and then waits among the spares: members come and go with every record, and
 * neither should cost an allocation. */
struct lanes {
    struct lane *by_key; /* hash table; holds the anchor all the time, for uthash frees a table that runs empty */
    struct lane *anchor; /* has the empty key, which no member has */
    struct lane *spares;
    size_t spare_count;
};

static struct lane *make_lane(struct lanes *lanes, struct slice key)
{
    struct lane *lane = lanes->spares;

    if (lane && lane->key_size >= key.len) {
        lanes->spares = lane->next_spare;
        lanes->spare_count--;
    } else {
        size_t key_size = key.len > LEAST_KEY_SIZE ? key.len : LEAST_KEY_SIZE;

        lane = xmalloc(sizeof(*lane) + key_size);
        lane->key_size = key_size;
    }
    lane->head = NULL;
    lane->tail = NULL;
    if (key.len) {
        memcpy(lane->key, key.data, key.len);
    }
    HASH_ADD_KEYPTR(hh, lanes->by_key, lane->key, key.len, lane);
    return lane;
}

static void drop_lane(struct lanes *lanes, struct lane *lane)
{
    HASH_DEL(lanes->by_key, lane);
    /* Only lanes of the usual size: a long key needs room once, not for ever. */
    if (lanes->spare_count == MOST_SPARES || lane->key_size > LEAST_KEY_SIZE) {
        free(lane);
        return;
    }
    lane->next_spare = lanes->spares;
    lanes->spares = lane;
    lanes->spare_count++;
}

struct lanes *lanes_create(void)
{
    struct lanes *lanes = xcalloc(1, sizeof(*lanes));

    lanes->anchor = make_lane(lanes, SLICE(""));
    return lanes;
}

void lanes_destroy(struct lanes *lanes)
{
    struct lane *lane, *next;

    if (!lanes) {
        return;
    }
    HASH_ITER (hh, lanes->by_key, lane, next) {
        for (struct lane_entry *entry = lane->head; entry; entry = entry->next) {
            entry->lane = NULL;
        }
        HASH_DEL(lanes->by_key, lane);
        free(lane);
    }
    while (lanes->spares) {
        lane = lanes->spares;
        lanes->spares = lane->next_spare;
        free(lane);
    }
    free(lanes);
}

bool lanes_enter(struct lanes *lanes, struct slice key, struct lane_entry *entry, void *owner)
{
    struct lane *lane;

    *entry = (struct lane_entry){.owner = owner};
    if (key.len == 0) {
        return true;
    }
    HASH_FIND(hh, lanes->by_key, key.data, key.len, lane);
    if (!lane) {
        lane = make_lane(lanes, key);
    }
    entry->lane = lane;
    entry->previous = lane->tail;
    if (lane->tail) {
        lane->tail->next = entry;
    } else {
        lane->head = entry;
    }
    lane->tail = entry;
    return lane->head == entry;
}

void *lanes_leave(struct lanes *lanes, struct lane_entry *entry)
{
    struct lane *lane = entry->lane;
    struct lane_entry *next = entry->next;
    bool was_head;

    if (!lane) {
        return NULL;
    }
    was_head = lane->head == entry;
    if (was_head) {
        lane->head = next;
    } else {
        entry->previous->next = next;
    }
    if (next) {
        next->previous = entry->previous;
    } else {
        lane->tail = entry->previous;
    }
    entry->lane = NULL;
    entry->previous = NULL;
    entry->next = NULL;
    if (!lane->head) {
        drop_lane(lanes, lane);
    }
    return was_head && next ? next->owner : NULL;
}

size_t lanes_count(const struct lanes *lanes)
{
    return HASH_COUNT(lanes->by_key) - 1;
}
