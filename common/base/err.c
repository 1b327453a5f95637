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

bool err_prefix(struct err *err, const char *format, ...)
{
    char rest[sizeof(err->text)];
    va_list args;
    int len;

    if (!err) {
        return false;
    }
    memcpy(rest, err->text, sizeof(rest));
    va_start(args, format);
    len = vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    if (len >= 0 && (size_t)len < sizeof(err->text)) {
        snprintf(err->text + len, sizeof(err->text) - (size_t)len, ": %s", rest);
    }
    return false;
}
