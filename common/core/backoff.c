#include "core/backoff.h"

enum { LEAST_MS = 50 };

int64_t backoff_delay_ms(struct random *random, int attempt)
{
    int64_t most = BACKOFF_BASE_MS;
    int64_t delay;

    for (int i = 0; i < attempt && most < BACKOFF_CAP_MS; i++) {
        most *= 2;
    }
    most = most < BACKOFF_CAP_MS ? most : BACKOFF_CAP_MS;
    delay = (int64_t)random_below(random, (uint64_t)most + 1);
    return delay > LEAST_MS ? delay : LEAST_MS;
}
