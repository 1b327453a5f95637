/*
 * pace: when each of many records is due: as fast as it goes, at a fixed rate, or at a multiple of the original timing.
 * Pure: the clock is an argument (microseconds, monotonic).
 */
#ifndef WORKERS_REPLAY_PACE_H
#define WORKERS_REPLAY_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct pace {
    double rate;  /* records a second; 0: no rate */
    double speed; /* 2: twice as fast as it was; 0: the original timing does not count */
    int64_t begun_at_us;
    int64_t first_timestamp_ms;
    int64_t count;
    bool has_begun, has_timestamp;
};

/* "500/s" or "500"; "10x", "10" or "0.5x". NULL: not given. Both is an error. */
bool pace_init(struct pace *pace, const char *rate, const char *speed, struct err *err);
/* When the next record is due, which is counted by this. `timestamp_ms` -1: it has none, and is due with the one
 * before. A pace that fell behind does not hurry later: the rate is a limit. */
int64_t pace_next_us(struct pace *pace, int64_t timestamp_ms, int64_t now_us);

#endif
