/*
 * breaker: stops a channel while its provider is down as a whole, so that an outage burns no attempts.
 *
 * CLOSED -> OPEN: at least half of at least 20 attempts in the last 10 s failed, or one answer said that nothing of this
 * channel is taken (credentials, credits). OPEN -> HALF_OPEN after 1 s: one probe a second. HALF_OPEN -> CLOSED at the
 * first success, -> OPEN at a failure. Pure: time is an argument.
 */
#ifndef CORE_BREAKER_H
#define CORE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

enum { BREAKER_WINDOW_S = 10, BREAKER_LEAST_ATTEMPTS = 20, BREAKER_PROBE_MS = 1000 };

struct breaker {
    enum breaker_state state;
    int64_t opened_at;  /* ms */
    int64_t probe_at;   /* ms: when the next probe may leave */
    struct {
        int64_t second;
        uint32_t attempts, failures;
    } buckets[BREAKER_WINDOW_S];
};

const char *breaker_state_name(enum breaker_state state);

void breaker_init(struct breaker *breaker);
/* May an attempt leave now? While open, true at most once a second: that attempt is the probe. */
bool breaker_allows(struct breaker *breaker, int64_t now_ms);
/* How long until it may, 0 when now. */
int64_t breaker_wait_ms(const struct breaker *breaker, int64_t now_ms);
void breaker_report(struct breaker *breaker, int64_t now_ms, bool is_failure, bool is_channel_stopped);

#endif
