/*
 * hash_table: uthash, set up for this program: memory from mem.h, and a hash function that both compilers accept
 * without a warning (uthash's own falls through its cases). Include this, never <uthash.h>.
 */
#ifndef BASE_HASH_TABLE_H
#define BASE_HASH_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)(a ^ 0x9e3779b97f4a7c15U) * (b ^ 0xbf58476d1ce4e5b9U);

    return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

/* Eight bytes at a time; the upper and lower half of each product are folded. Not for secrets. */
static inline unsigned hash_bytes(const void *key, size_t len)
{
    const unsigned char *p = key;
    uint64_t hash = len;
    uint64_t word;

    for (; len >= 8; len -= 8, p += 8) {
        memcpy(&word, p, 8);
        hash = hash_mix(hash, word);
    }
    if (len) {
        word = 0;
        memcpy(&word, p, len);
        hash = hash_mix(hash, word);
    }
    return (unsigned)(hash ^ hash >> 32);
}

#define uthash_malloc(size) xmalloc(size)
#define HASH_FUNCTION(key, len, hash) ((hash) = hash_bytes((key), (len)))

#include <uthash.h>

#endif
