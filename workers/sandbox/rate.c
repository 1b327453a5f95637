#include "workers/sandbox/rate.h"

bool rate_take(struct rate *rate, int64_t now_ms)
{
    int64_t second = now_ms / 1000;

    if (rate->second != second) {
        rate->second = second;
        rate->used = 0;
    }
    if (rate->per_s && rate->used >= rate->per_s) {
        return false;
    }
    rate->used++;
    return true;
}

int64_t rate_remaining(const struct rate *rate)
{
    int64_t limit = rate->per_s ? rate->per_s : RATE_UNLIMITED;

    return rate->used < limit ? limit - rate->used : 0;
}
