/*
 * fake_redis_table: the keys of the fake Redis: texts, and the guards of the shards, with their time of expiry; and the
 * copy that a replica holds. What expires is gone when it is next looked for.
 */
#ifndef SUPPORT_FAKE_REDIS_TABLE_H
#define SUPPORT_FAKE_REDIS_TABLE_H

#include <stdint.h>

#include "base/hash_table.h"
#include "base/slice.h"

struct fake_entry {
    char *key;
    size_t key_len;
    char *value;          /* of a text */
    char *epoch, *fence, *mark; /* fields "e", "f" and "r" of a hash; each may be NULL */
    int64_t expires_us;   /* 0: never */
    UT_hash_handle hh;
};

void fake_table_begin(void);
void fake_table_end(void);
/* What fake_redis_save() kept is there again, and nothing else. */
void fake_table_load(void);

/* The server's clock. */
int64_t fake_table_us(void);
struct fake_entry *fake_table_find(struct slice key);
struct fake_entry *fake_table_find_or_add(struct slice key);
void fake_table_remove(struct fake_entry *entry);
/* NULL: no such key. */
const char *fake_table_text(struct slice key);
/* 0: never expires. */
void fake_table_set_text(struct slice key, const char *value, int64_t ttl_ms);
void fake_text_replace(char **text, struct slice with);
/* Of CONFIG GET maxmemory-policy; NULL: the command is refused. */
const char *fake_table_policy(void);

#endif
