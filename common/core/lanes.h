/*
 * lanes: order per member. Work of one member goes one after the other, in the order it came; different members never
 * wait for each other. Pure data structure; the owner embeds a lane_entry in what it queues.
 */
#ifndef CORE_LANES_H
#define CORE_LANES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct lanes;
struct lane;

struct lane_entry {
    struct lane *lane;       /* NULL: in no lane */
    struct lane_entry *previous, *next; /* list: lane */
    void *owner;
};

struct lanes *lanes_create(void);
/* Entries that are still in a lane are in none afterwards. */
void lanes_destroy(struct lanes *lanes);
/* Puts the entry, which must be in no lane, at the end of the member's lane. True when it is the head: it may go on at
 * once. An empty key means no order: always true, and lanes_leave() does nothing. */
bool lanes_enter(struct lanes *lanes, struct slice key, struct lane_entry *entry, void *owner);
/* The entry is through (it need not be the head). Returns the owner of the entry that is head from now on, or NULL when
 * nobody new may go. */
void *lanes_leave(struct lanes *lanes, struct lane_entry *entry);
/* Members that have work now. */
size_t lanes_count(const struct lanes *lanes);

#endif
