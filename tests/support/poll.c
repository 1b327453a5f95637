#include "tests/support/poll.h"

#include <time.h>

#include "base/clock.h"

enum { PAUSE_MS = 20 };

void poll_pause_ms(int64_t ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000 * 1000};

    while (nanosleep(&pause, &pause) != 0) {
    }
}

bool poll_until_within(poll_fn fn, void *arg, int64_t most_ms)
{
    int64_t end_ms = clock_mono_ms() + most_ms;

    while (!fn(arg)) {
        if (clock_mono_ms() > end_ms) {
            return false;
        }
        poll_pause_ms(PAUSE_MS);
    }
    return true;
}

bool poll_until(poll_fn fn, void *arg)
{
    return poll_until_within(fn, arg, POLL_DEADLINE_MS);
}
