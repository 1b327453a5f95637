/*
 * pool_keys: where the things that all workers of an installation share stand in Redis. One hash tag, so that one script
 * reaches them all, also in a cluster. scripts/beat.lua says what each holds.
 */
#ifndef RUN_POOL_KEYS_H
#define RUN_POOL_KEYS_H

#include "base/slice.h"

enum { POOL_KEY_SIZE = 192 };

struct pool_keys {
    char workers[POOL_KEY_SIZE];
    char worker_prefix[POOL_KEY_SIZE]; /* the worker's name follows */
    char pauses[POOL_KEY_SIZE];
    char pin[POOL_KEY_SIZE], history[POOL_KEY_SIZE];
    char files_prefix[POOL_KEY_SIZE];  /* a version of the templates follows */
};

void pool_keys_init(struct pool_keys *keys, const char *environment);
/* Prefix and what follows, in `text`. */
struct slice pool_key(const char *prefix, const char *name, char text[POOL_KEY_SIZE]);

#endif
