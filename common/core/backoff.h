/*
 * backoff: how long to wait before the next attempt. Full jitter: uniform in [0, min(cap, base * 2^attempt)]
 * (AWS Builders' Library, "Timeouts, retries and backoff with jitter").
 */
#ifndef CORE_BACKOFF_H
#define CORE_BACKOFF_H

#include <stdint.h>

#include "base/random.h"

enum { BACKOFF_BASE_MS = 1000, BACKOFF_CAP_MS = 6 * 3600 * 1000 };

/* `attempt` counts from 1. Never below 50 ms. */
int64_t backoff_delay_ms(struct random *random, int attempt);

#endif
