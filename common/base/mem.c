#include "base/mem.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/die.h"

void *xmalloc(size_t size)
{
    void *p = malloc(size ? size : 1);

    if (!p) {
        die_at_once("out of memory (%zu bytes)", size);
    }
    return p;
}

void *xcalloc(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size ? size : 1);

    if (!p) {
        die_at_once("out of memory (%zu * %zu bytes)", count, size);
    }
    return p;
}

void *xreallocarray(void *old, size_t count, size_t size)
{
    void *p;

    if (size && count > SIZE_MAX / size) {
        die_at_once("out of memory (%zu * %zu bytes)", count, size);
    }
    p = realloc(old, count && size ? count * size : 1);
    if (!p) {
        die_at_once("out of memory (%zu * %zu bytes)", count, size);
    }
    return p;
}

void *xrealloc(void *old, size_t size)
{
    return xreallocarray(old, size, 1);
}

char *xstrdup(const char *text)
{
    return text ? xmemdup(text, strlen(text)) : NULL;
}

char *xmemdup(const char *data, size_t len)
{
    char *copy = xmalloc(len + 1);

    if (len) {
        memcpy(copy, data, len);
    }
    copy[len] = '\0';
    return copy;
}

char *xasprintf(const char *format, ...)
{
    va_list args;
    char *text;
    int len;

    va_start(args, format);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0) {
        die("cannot format \"%s\"", format);
    }
    text = xmalloc((size_t)len + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return text;
}

void mem_trim(void)
{
    malloc_trim(0);
}
