/*
 * slice: borrowed bytes with a length. Never owns, need not end in NUL, may hold any byte.
 */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
    const char *data;
    size_t len;
};

/* Compile-time form for string literals. */
#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})

static inline struct slice slice_of(const char *text)
{
    return (struct slice){text, text ? strlen(text) : 0};
}

static inline struct slice slice_make(const char *data, size_t len)
{
    return (struct slice){data, len};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool slice_is(struct slice a, const char *text)
{
    return slice_equal(a, slice_of(text));
}

static inline bool slice_starts_with(struct slice a, const char *prefix)
{
    size_t len = strlen(prefix);

    return len == 0 || (a.len >= len && memcmp(a.data, prefix, len) == 0);
}

static inline bool slice_ends_with(struct slice a, const char *suffix)
{
    size_t len = strlen(suffix);

    return len == 0 || (a.len >= len && memcmp(a.data + a.len - len, suffix, len) == 0);
}

#endif
