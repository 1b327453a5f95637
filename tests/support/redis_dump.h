/*
 * redis_dump: what Redis holds of deliveries, read by a test over a connection of its own.
 */
#ifndef SUPPORT_REDIS_DUMP_H
#define SUPPORT_REDIS_DUMP_H

#include <stdbool.h>
#include <stdint.h>

/* A record ("n:{test.3f}:<mid>"), or, with mid "", the guard of a shard. */
struct redis_dump_entry {
    char mid[33];
    unsigned shard;
    char state;
    uint64_t fence;
};

typedef void (*redis_dump_fn)(void *arg, const struct redis_dump_entry *entry);
/* Everything that is there. False: Redis does not answer, or is not up (again) yet; some entries may have been told. */
bool redis_dump(const char *socket, const char *environment, redis_dump_fn fn, void *arg);

#endif
