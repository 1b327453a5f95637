/*
 * rate: requests per second of one call, counted in whole seconds as Brevo's limit headers tell them.
 */
#ifndef SANDBOX_RATE_H
#define SANDBOX_RATE_H

#include <stdbool.h>
#include <stdint.h>

/* Told when there is no limit: far above what one machine sends. */
enum { RATE_UNLIMITED = 1000000 };

struct rate {
    int64_t per_s; /* 0: unlimited */
    int64_t second;
    int64_t used;
};

/* Counts one request. False when it is one too many. */
bool rate_take(struct rate *rate, int64_t now_ms);
int64_t rate_remaining(const struct rate *rate);

#endif
