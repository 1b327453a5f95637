#include "core/breaker.h"

#include <string.h>

const char *breaker_state_name(enum breaker_state state)
{
    static const char *const names[] = {"closed", "open", "half_open"};

    return names[state];
}

void breaker_init(struct breaker *breaker)
{
    *breaker = (struct breaker){.state = BREAKER_CLOSED};
}

static void open_it(struct breaker *breaker, int64_t now_ms)
{
    breaker->state = BREAKER_OPEN;
    breaker->opened_at = now_ms;
    breaker->probe_at = now_ms + BREAKER_PROBE_MS;
}

/* The window starts anew: what failed before the outage ended says nothing about now. */
static void close_it(struct breaker *breaker)
{
    breaker->state = BREAKER_CLOSED;
    memset(breaker->buckets, 0, sizeof(breaker->buckets));
}

bool breaker_allows(struct breaker *breaker, int64_t now_ms)
{
    if (breaker->state == BREAKER_CLOSED) {
        return true;
    }
    if (now_ms < breaker->probe_at) {
        return false;
    }
    breaker->state = BREAKER_HALF_OPEN;
    breaker->probe_at = now_ms + BREAKER_PROBE_MS;
    return true;
}

int64_t breaker_wait_ms(const struct breaker *breaker, int64_t now_ms)
{
    return breaker->state == BREAKER_CLOSED || now_ms >= breaker->probe_at ? 0 : breaker->probe_at - now_ms;
}

static void count(struct breaker *breaker, int64_t second, bool is_failure)
{
    size_t i = (size_t)((uint64_t)second % BREAKER_WINDOW_S);

    if (breaker->buckets[i].second != second) {
        breaker->buckets[i].second = second;
        breaker->buckets[i].attempts = 0;
        breaker->buckets[i].failures = 0;
    }
    breaker->buckets[i].attempts++;
    breaker->buckets[i].failures += is_failure;
}

static bool is_too_bad(const struct breaker *breaker, int64_t second)
{
    uint64_t attempts = 0;
    uint64_t failures = 0;

    for (int i = 0; i < BREAKER_WINDOW_S; i++) {
        if (breaker->buckets[i].second > second - BREAKER_WINDOW_S) {
            attempts += breaker->buckets[i].attempts;
            failures += breaker->buckets[i].failures;
        }
    }
    return attempts >= BREAKER_LEAST_ATTEMPTS && failures * 2 >= attempts;
}

void breaker_report(struct breaker *breaker, int64_t now_ms, bool is_failure, bool is_channel_stopped)
{
    bool has_failed = is_failure || is_channel_stopped;

    switch (breaker->state) {
    case BREAKER_CLOSED:
        count(breaker, now_ms / 1000, has_failed);
        if (is_channel_stopped || (has_failed && is_too_bad(breaker, now_ms / 1000))) {
            open_it(breaker, now_ms);
        }
        break;
    case BREAKER_OPEN:
        /* The answer to an attempt from before it opened. */
        break;
    case BREAKER_HALF_OPEN:
        if (has_failed) {
            open_it(breaker, now_ms);
        } else {
            close_it(breaker);
        }
        break;
    }
}
