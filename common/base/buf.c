#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"

enum { LEAST_CAP = 64 };

void buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf){.max = max ? max : BUF_DEFAULT_MAX};
}

void buf_finish(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){.max = buf->max};
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->overflowed = false;
    if (buf->data) {
        buf->data[0] = '\0';
    }
}

void buf_truncate(struct buf *buf, size_t len)
{
    if (len < buf->len) {
        buf->len = len;
        buf->data[len] = '\0';
    }
}

char *buf_take(struct buf *buf)
{
    char *data = buf->data ? buf->data : xmemdup("", 0);

    *buf = (struct buf){.max = buf->max};
    return data;
}

char *buf_reserve(struct buf *buf, size_t extra)
{
    size_t need;

    if (buf->overflowed || extra > buf->max - buf->len) {
        buf->overflowed = true;
        return NULL;
    }
    need = buf->len + extra + 1;
    if (need > buf->cap) {
        size_t cap = buf->cap > SIZE_MAX / 2 ? need : buf->cap * 2;

        cap = cap < LEAST_CAP ? LEAST_CAP : cap;
        cap = cap < need ? need : cap;
        buf->data = xreallocarray(buf->data, cap, 1);
        buf->data[buf->len] = '\0';
        buf->cap = cap;
    }
    return buf->data + buf->len;
}

void buf_advance(struct buf *buf, size_t written)
{
    buf->len += written;
    buf->data[buf->len] = '\0';
}

void buf_append(struct buf *buf, const void *data, size_t len)
{
    char *to = buf_reserve(buf, len);

    if (!to) {
        return;
    }
    if (len) {
        memcpy(to, data, len);
    }
    buf_advance(buf, len);
}

void buf_append_slice(struct buf *buf, struct slice slice)
{
    buf_append(buf, slice.data, slice.len);
}

void buf_append_text(struct buf *buf, const char *text)
{
    buf_append(buf, text, strlen(text));
}

void buf_append_char(struct buf *buf, char c)
{
    char *to = buf_reserve(buf, 1);

    if (to) {
        *to = c;
        buf_advance(buf, 1);
    }
}

void buf_append_int(struct buf *buf, int64_t number)
{
    char digits[NUMBER_TEXT_SIZE];

    buf_append_slice(buf, number_format(number, digits));
}

void buf_appendf(struct buf *buf, const char *format, ...)
{
    va_list args;
    char *to;
    int len;

    va_start(args, format);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0) {
        buf->overflowed = true;
        return;
    }
    to = buf_reserve(buf, (size_t)len);
    if (!to) {
        return;
    }
    va_start(args, format);
    vsnprintf(to, (size_t)len + 1, format, args);
    va_end(args);
    buf->len += (size_t)len;
}
