#include "run/pool_keys.h"

#include <assert.h>
#include <stdio.h>

void pool_keys_init(struct pool_keys *keys, const char *environment)
{
    snprintf(keys->workers, sizeof(keys->workers), "n:{%s.pool}:workers", environment);
    snprintf(keys->worker_prefix, sizeof(keys->worker_prefix), "n:{%s.pool}:worker:", environment);
    snprintf(keys->pauses, sizeof(keys->pauses), "n:{%s.pool}:pauses", environment);
    snprintf(keys->pin, sizeof(keys->pin), "n:{%s.pool}:pin", environment);
    snprintf(keys->history, sizeof(keys->history), "n:{%s.pool}:history", environment);
    snprintf(keys->files_prefix, sizeof(keys->files_prefix), "n:{%s.pool}:files:", environment);
}

struct slice pool_key(const char *prefix, const char *name, char text[POOL_KEY_SIZE])
{
    int len = snprintf(text, POOL_KEY_SIZE, "%s%s", prefix, name);

    assert(len < POOL_KEY_SIZE);
    return slice_make(text, (size_t)len);
}
