/*
 * mid_set: which deliveries this run has met already, so that one that is asked for twice counts once.
 *
 * Eight bytes of each mid (a hash itself), in one table that doubles up to MID_SET_MOST: 64 MiB at the most. Beyond
 * that nothing more is remembered, which mid_set_is_full() tells.
 */
#ifndef WORKERS_REPLAY_MID_SET_H
#define WORKERS_REPLAY_MID_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/mid.h"

enum { MID_SET_MOST = 6 << 20 };

struct mid_set {
    uint64_t *slots; /* 0: free */
    size_t size, count;
};

/* Zeroed before its first use. False: it is in there already. */
bool mid_set_add(struct mid_set *set, const struct mid *mid);
bool mid_set_is_full(const struct mid_set *set);
void mid_set_finish(struct mid_set *set);

#endif
