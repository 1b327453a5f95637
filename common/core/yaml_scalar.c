#include "core/yaml_scalar.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_one_of(struct slice text, const char *const words[])
{
    for (; *words; words++) {
        if (slice_is(text, *words)) {
            return true;
        }
    }
    return false;
}

static size_t skip_sign(const char *text)
{
    return *text == '-' || *text == '+';
}

static size_t skip_digits(const char *text)
{
    return strspn(text, "0123456789");
}

/* 10, 8, 16, or 0 when the text is no integer. */
static int integer_base(struct slice text)
{
    const char *digits = text.data + skip_sign(text.data);

    if (*digits && digits[skip_digits(digits)] == '\0') {
        return 10;
    }
    if (slice_starts_with(text, "0o") && text.len > 2 &&
        strspn(text.data + 2, "01234567") == text.len - 2) {
        return 8;
    }
    if (slice_starts_with(text, "0x") && text.len > 2 &&
        strspn(text.data + 2, "0123456789abcdefABCDEF") == text.len - 2) {
        return 16;
    }
    return 0;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool is_real(const char *text)
{
    const char *at = text + skip_sign(text);
    size_t whole = skip_digits(at);
    size_t fraction = 0;

    at += whole;
    if (*at == '.') {
        at++;
        fraction = skip_digits(at);
        at += fraction;
    }
    if (whole + fraction == 0) {
        return false;
    }
    if (*at == 'e' || *at == 'E') {
        at++;
        at += skip_sign(at);
        if (skip_digits(at) == 0) {
            return false;
        }
        at += skip_digits(at);
    }
    return *at == '\0';
}

static json_t *refuse_number(struct slice text, const char *why, struct err *err)
{
    err_set(err, "%.*s%s %s", (int)(text.len < 40 ? text.len : 40), text.data,
            text.len < 40 ? "" : "...", why);
    return NULL;
}

json_t *yaml_scalar_resolve(struct slice text, struct err *err)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    static const char *const specials[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN", NULL};
    size_t sign = skip_sign(text.data);
    int base = integer_base(text);

    if (is_one_of(text, nulls)) {
        return json_null();
    }
    if (is_one_of(text, trues)) {
        return json_true();
    }
    if (is_one_of(text, falses)) {
        return json_false();
    }
    if (is_one_of(slice_make(text.data + sign, text.len - sign), specials)) {
        return refuse_number(text, "is no number that can be used", err);
    }
    if (base) {
        long long number;

        errno = 0;
        number = strtoll(text.data + (base == 10 ? 0 : 2), NULL, base);
        return errno ? refuse_number(text, "is too large for a number; put it in quotes", err)
                     : json_integer(number);
    }
    if (is_real(text.data)) {
        double number = strtod(text.data, NULL);

        return isfinite(number)
                   ? json_real(number)
                   : refuse_number(text, "is too large for a number; put it in quotes", err);
    }
    return json_stringn(text.data, text.len);
}
