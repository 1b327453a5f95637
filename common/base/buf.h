/*
 * buf: growable output with a maximum, and a sticky overflow.
 *
 * Append as often as needed and check `overflowed` once at the end: after the first append that would pass
 * the maximum nothing is added any more. The text is always NUL-terminated (the NUL is not in `len`).
 * The caller owns the struct; buf_finish() frees the bytes; buf_take() hands them over.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct buf {
    char *data; /* NULL until the first append */
    size_t len; /* bytes used */
    size_t cap; /* bytes allocated */
    size_t max; /* most bytes allowed, not counting the NUL */
    bool overflowed;
};

enum { BUF_DEFAULT_MAX = 64 << 20 };

/* `max` 0 means BUF_DEFAULT_MAX. Allocates nothing. */
void buf_init(struct buf *buf, size_t max);
void buf_finish(struct buf *buf);
/* Empties it, keeps the memory. */
void buf_clear(struct buf *buf);
/* Cuts back to an earlier length. */
void buf_truncate(struct buf *buf, size_t len);
/* The caller owns the returned NUL-terminated text; the buffer is empty afterwards. Never NULL. */
char *buf_take(struct buf *buf);

/* Makes room for `extra` more bytes and returns where they go (write them, then buf_advance()), or NULL when
 * that would pass the maximum. */
char *buf_reserve(struct buf *buf, size_t extra);
void buf_advance(struct buf *buf, size_t written);

void buf_append(struct buf *buf, const void *data, size_t len);
void buf_append_slice(struct buf *buf, struct slice slice);
void buf_append_text(struct buf *buf, const char *text);
void buf_append_char(struct buf *buf, char c);
void buf_append_int(struct buf *buf, int64_t number);
void buf_appendf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Borrowed view, valid until the next change. */
static inline struct slice buf_slice(const struct buf *buf)
{
    return (struct slice){buf->data ? buf->data : "", buf->len};
}

/* Borrowed C string, valid until the next change. */
static inline const char *buf_text(const struct buf *buf)
{
    return buf->data ? buf->data : "";
}

#endif
