#include "fake_redis_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fake_world.h"
#include "fakes.h"

static struct {
    struct fake_entry *entries;
    struct fake_entry *saved; /* list by hh.next of copies, not in the table */
    int64_t time_us; /* 0: the world's */
    const char *policy;
} store;

int64_t fake_table_us(void)
{
    return store.time_us ? store.time_us : fakes_redis_us();
}

static void free_parts(struct fake_entry *entry)
{
    free(entry->key);
    free(entry->value);
    free(entry->epoch);
    free(entry->fence);
    free(entry->mark);
    free(entry);
}

void fake_table_remove(struct fake_entry *entry)
{
    HASH_DEL(store.entries, entry);
    free_parts(entry);
}

static void empty_table(struct fake_entry **table)
{
    struct fake_entry *entry = *table;

    HASH_CLEAR(hh, *table);
    while (entry) {
        struct fake_entry *next = entry->hh.next;

        free_parts(entry);
        entry = next;
    }
}

struct fake_entry *fake_table_find(struct slice key)
{
    struct fake_entry *entry;

    HASH_FIND(hh, store.entries, key.data, key.len, entry);
    if (entry && entry->expires_us && entry->expires_us <= fake_table_us()) {
        fake_table_remove(entry);
        return NULL;
    }
    return entry;
}

struct fake_entry *fake_table_find_or_add(struct slice key)
{
    struct fake_entry *entry = fake_table_find(key);

    if (!entry) {
        entry = xcalloc(1, sizeof(*entry));
        entry->key = xmemdup(key.data, key.len);
        entry->key_len = key.len;
        HASH_ADD_KEYPTR(hh, store.entries, entry->key, key.len, entry);
    }
    return entry;
}

const char *fake_table_text(struct slice key)
{
    struct fake_entry *entry = fake_table_find(key);

    return entry ? entry->value : NULL;
}

void fake_text_replace(char **text, struct slice with)
{
    char *copy = xmemdup(with.data, with.len);

    free(*text);
    *text = copy;
}

void fake_table_set_text(struct slice key, const char *value, int64_t ttl_ms)
{
    struct fake_entry *entry = fake_table_find_or_add(key);

    fake_text_replace(&entry->value, slice_of(value));
    entry->expires_us = ttl_ms ? fake_table_us() + ttl_ms * 1000 : 0;
}

const char *fake_table_policy(void)
{
    return store.policy;
}

void fake_table_begin(void)
{
    store.time_us = 0;
    store.policy = "noeviction";
    fake_redis_empty();
}

void fake_table_end(void)
{
    fake_redis_empty();
    empty_table(&store.saved);
}

void fake_redis_empty(void)
{
    struct fake_entry *entry, *next;

    if (!fakes_has_bug(FAKE_BUG_EPOCH_STAYS)) {
        empty_table(&store.entries);
    }
    HASH_ITER(hh, store.entries, entry, next) {
        if (entry->value) {
            fake_table_remove(entry);
        }
    }
}

static char *copy_text(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

static struct fake_entry *copy_entry(const struct fake_entry *from)
{
    struct fake_entry *entry = xcalloc(1, sizeof(*entry));

    entry->key = xmemdup(from->key, from->key_len);
    entry->key_len = from->key_len;
    entry->value = copy_text(from->value);
    entry->epoch = copy_text(from->epoch);
    entry->fence = copy_text(from->fence);
    entry->mark = copy_text(from->mark);
    entry->expires_us = from->expires_us;
    return entry;
}

static void copy_table(const struct fake_entry *from, struct fake_entry **to)
{
    for (; from; from = from->hh.next) {
        struct fake_entry *entry = copy_entry(from);

        HASH_ADD_KEYPTR(hh, *to, entry->key, entry->key_len, entry);
    }
}

void fake_redis_save(void)
{
    empty_table(&store.saved);
    copy_table(store.entries, &store.saved);
}

void fake_table_load(void)
{
    fake_redis_empty();
    copy_table(store.saved, &store.entries);
}

void fake_redis_each(fake_each_fn fn, void *arg)
{
    for (const struct fake_entry *entry = store.entries; entry; entry = entry->hh.next) {
        if (entry->value) {
            fn(arg, slice_make(entry->key, entry->key_len), entry->value);
        }
    }
}

void fake_redis_set_time(int64_t us)
{
    store.time_us = us;
}

void fake_redis_set_policy(const char *policy)
{
    store.policy = policy;
}

struct slice fake_redis_get(struct slice key)
{
    return slice_of(fake_table_text(key));
}

void fake_redis_set(struct slice key, struct slice value)
{
    char *text = xmemdup(value.data, value.len);

    fake_table_set_text(key, text, 0);
    free(text);
}
