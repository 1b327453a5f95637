#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool err_set(struct err *err, const char *format, ...)
{
    va_list args;

    if (!err || err_is_set(err)) {
        return false;
    }
    va_start(args, format);
    vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    return false;
}

/* Cut when it does not fit. */
static void append(struct err *err, const char *text)
{
    size_t used = strlen(err->text);
    size_t len = strlen(text);
    size_t room = sizeof(err->text) - 1 - used;

    len = len < room ? len : room;
    memcpy(err->text + used, text, len);
    err->text[used + len] = '\0';
}

bool err_prefix(struct err *err, const char *format, ...)
{
    char rest[sizeof(err->text)];
    va_list args;

    if (!err) {
        return false;
    }
    memcpy(rest, err->text, sizeof(rest));
    va_start(args, format);
    vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    append(err, ": ");
    append(err, rest);
    return false;
}
