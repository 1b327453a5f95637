#include "workers/sandbox/keys.h"

#include <stdlib.h>

#include "base/hash_table.h"
#include "base/mem.h"

struct key {
    uint8_t bytes[KEY_SIZE];
    int64_t until_ms;
    UT_hash_handle hh;
};

struct keys {
    struct key *table; /* uthash keeps the order of adding: the head is the oldest */
    int64_t ttl_ms;
};

struct keys *keys_create(int64_t ttl_ms)
{
    struct keys *keys = xcalloc(1, sizeof(*keys));

    keys->ttl_ms = ttl_ms;
    return keys;
}

static void forget(struct keys *keys, struct key *key)
{
    HASH_DEL(keys->table, key);
    free(key);
}

void keys_destroy(struct keys *keys)
{
    if (!keys) {
        return;
    }
    while (keys->table) {
        forget(keys, keys->table);
    }
    free(keys);
}

bool keys_has(struct keys *keys, const uint8_t key[KEY_SIZE], int64_t now_ms)
{
    struct key *found;

    while (keys->table && keys->table->until_ms <= now_ms) {
        forget(keys, keys->table);
    }
    HASH_FIND(hh, keys->table, key, KEY_SIZE, found);
    return found != NULL;
}

void keys_add(struct keys *keys, const uint8_t key[KEY_SIZE], int64_t now_ms)
{
    struct key *added = xcalloc(1, sizeof(*added));

    memcpy(added->bytes, key, KEY_SIZE);
    added->until_ms = now_ms + keys->ttl_ms;
    HASH_ADD(hh, keys->table, bytes, KEY_SIZE, added);
}
