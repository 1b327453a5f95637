#include "core/liquid/decimal.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/liquid/lexer.h"

enum { MAX_DIGITS = 30 };

#define LOWEST (-(((decimal_units)1 << 126) - 1) * 2 - 2)

static double to_double(const struct decimal *d)
{
    char text[64];
    char *p = text + sizeof(text);
    decimal_units rest = d->units < 0 ? -d->units : d->units; /* never the lowest: see exact() */

    if (!d->is_exact) {
        return d->approx;
    }
    p -= 12;
    snprintf(p, 12, "e%d", -d->scale);
    do {
        *--p = (char)('0' + (int)(rest % 10));
        rest /= 10;
    } while (rest);
    return d->units < 0 ? -strtod(p, NULL) : strtod(p, NULL);
}

static struct decimal from_double(double number, bool is_float)
{
    return (struct decimal){.is_float = is_float, .approx = number};
}

static struct decimal from_int(int64_t integer)
{
    return (struct decimal){.is_exact = true, .units = integer};
}

static bool times_ten(decimal_units *units, int64_t n)
{
    while (n-- > 0) {
        if (__builtin_mul_overflow(*units, (decimal_units)10, units)) {
            return false;
        }
    }
    return true;
}

/* "-12.50" or "1.5e+20", all of it. */
static struct decimal from_text(const char *text)
{
    struct decimal d = {.is_float = true, .is_exact = true};
    const char *p = text + (*text == '-');
    bool has_point = false;
    int digits = 0;

    for (; isdigit((unsigned char)*p) || *p == '.'; p++) {
        if (*p == '.') {
            has_point = true;
        } else if (++digits > MAX_DIGITS) {
            return from_double(strtod(text, NULL), true);
        } else {
            d.units = d.units * 10 + (*p - '0');
            d.scale += has_point;
        }
    }
    if (*p == 'e') {
        d.scale -= (int)strtol(p + 1, NULL, 10);
    }
    if (d.scale > MAX_DIGITS || d.scale < -MAX_DIGITS || (d.scale < 0 && !times_ten(&d.units, -d.scale))) {
        return from_double(strtod(text, NULL), true);
    }
    d.scale = d.scale < 0 ? 0 : d.scale;
    d.units = *text == '-' ? -d.units : d.units;
    return d;
}

/* Digits, a point and digits, with or without a minus. */
static bool has_point(struct slice text)
{
    size_t i = text.len && text.data[0] == '-';
    size_t before = i;
    size_t point;

    while (i < text.len && isdigit((unsigned char)text.data[i])) {
        i++;
    }
    if (i == before || i >= text.len || text.data[i] != '.') {
        return false;
    }
    point = i++;
    while (i < text.len && isdigit((unsigned char)text.data[i])) {
        i++;
    }
    return i == text.len && i > point + 1;
}

struct decimal decimal_from(const struct liquid_value *value)
{
    char text[FLOAT_TEXT_SIZE * 2];
    struct slice trimmed;

    switch (value->kind) {
    case LIQUID_INT:
        return from_int(value->integer);
    case LIQUID_FLOAT:
        if (!isfinite(value->number)) {
            return from_double(value->number, true);
        }
        float_format(value->number, text);
        return from_text(text);
    case LIQUID_STRING:
        trimmed = lexer_trim(value->string);
        if (!has_point(trimmed)) {
            return from_int(text_to_integer(trimmed));
        }
        trimmed.len = trimmed.len < sizeof(text) - 1 ? trimmed.len : sizeof(text) - 1;
        memcpy(text, trimmed.data, trimmed.len);
        text[trimmed.len] = '\0';
        return from_text(text);
    default:
        return from_int(0);
    }
}

static struct liquid_value integer_value(decimal_units units)
{
    if (units < INT64_MIN || units > INT64_MAX) {
        return value_float((double)units);
    }
    return value_int((int64_t)units);
}

struct liquid_value decimal_value(const struct decimal *d)
{
    return d->is_float || !d->is_exact ? value_float(to_double(d)) : integer_value(d->units);
}

/* --- rounding ------------------------------------------------------------------------------- */

/* units / 10^n in the given direction. */
static decimal_units divide_ten(decimal_units units, int64_t n, int direction)
{
    decimal_units power = 1;
    decimal_units quotient, rest;

    if (!times_ten(&power, n)) {
        return 0;
    }
    quotient = units / power;
    rest = units % power;
    if (direction < 0) {
        return quotient - (rest < 0);
    }
    if (direction > 0) {
        return quotient + (rest > 0);
    }
    rest = rest < 0 ? -rest : rest;
    if (power > 1 && rest >= power / 2) {
        quotient += units < 0 ? -1 : 1;
    }
    return quotient;
}

struct liquid_value decimal_integer(const struct decimal *d, int direction)
{
    double number;

    if (d->is_exact) {
        return integer_value(divide_ten(d->units, d->scale, direction));
    }
    number = direction < 0 ? floor(d->approx) : direction > 0 ? ceil(d->approx) : round(d->approx);
    return fabs(number) < 9e18 ? value_int((int64_t)number) : value_float(number);
}

struct liquid_value decimal_round(const struct decimal *d, int64_t places)
{
    struct decimal rounded = *d;

    if (!d->is_exact || places == 0) {
        return decimal_integer(d, 0);
    }
    if (places >= d->scale) {
        return decimal_value(d);
    }
    if (places > 0) {
        rounded.units = divide_ten(d->units, d->scale - places, 0);
        rounded.scale = (int)places;
        return decimal_value(&rounded);
    }
    if (places < -MAX_DIGITS) {
        return value_int(0);
    }
    rounded.units = divide_ten(d->units, d->scale - places, 0);
    return times_ten(&rounded.units, -places) ? integer_value(rounded.units) : value_float(to_double(d));
}

/* --- arithmetic ----------------------------------------------------------------------------- */

/* The same scale for both; false when that does not fit. */
static bool align(const struct decimal *a, const struct decimal *b, decimal_units *x, decimal_units *y, int *scale)
{
    *x = a->units;
    *y = b->units;
    *scale = a->scale > b->scale ? a->scale : b->scale;
    return a->is_exact && b->is_exact && times_ten(x, *scale - a->scale) && times_ten(y, *scale - b->scale);
}

static struct decimal exact(const struct decimal *a, const struct decimal *b, decimal_units units, int scale)
{
    struct decimal d = {.is_float = a->is_float || b->is_float, .is_exact = true, .units = units, .scale = scale};

    /* An integer that no longer fits 64 bits goes on as a float, and so does what has no positive counterpart. */
    if ((!d.is_float && (units < INT64_MIN || units > INT64_MAX)) || units == LOWEST) {
        d = from_double((double)units, true);
        d.approx /= pow(10, scale);
    }
    return d;
}

struct decimal decimal_add(const struct decimal *a, const struct decimal *b)
{
    decimal_units x, y, sum;
    int scale;

    if (align(a, b, &x, &y, &scale) && !__builtin_add_overflow(x, y, &sum)) {
        return exact(a, b, sum, scale);
    }
    return from_double(to_double(a) + to_double(b), true);
}

struct decimal decimal_subtract(const struct decimal *a, const struct decimal *b)
{
    decimal_units x, y, difference;
    int scale;

    if (align(a, b, &x, &y, &scale) && !__builtin_sub_overflow(x, y, &difference)) {
        return exact(a, b, difference, scale);
    }
    return from_double(to_double(a) - to_double(b), true);
}

struct decimal decimal_multiply(const struct decimal *a, const struct decimal *b)
{
    decimal_units product;

    if (a->is_exact && b->is_exact && !__builtin_mul_overflow(a->units, b->units, &product)) {
        return exact(a, b, product, a->scale + b->scale);
    }
    return from_double(to_double(a) * to_double(b), true);
}

static bool is_zero(const struct decimal *d)
{
    return d->is_exact ? d->units == 0 : d->approx == 0;
}

bool decimal_divide(const struct decimal *a, const struct decimal *b, struct decimal *result)
{
    decimal_units x, y;
    int scale;

    if (is_zero(b)) {
        return false;
    }
    if (!align(a, b, &x, &y, &scale)) {
        *result = from_double(to_double(a) / to_double(b), true);
    } else if (a->is_float || b->is_float) {
        *result = from_double((double)((long double)x / (long double)y), true);
    } else {
        *result = exact(a, b, x / y - (x % y != 0 && (x < 0) != (y < 0)), 0);
    }
    return true;
}

bool decimal_modulo(const struct decimal *a, const struct decimal *b, struct decimal *result)
{
    decimal_units x, y, rest;
    int scale;

    if (is_zero(b)) {
        return false;
    }
    if (!align(a, b, &x, &y, &scale)) {
        double n = to_double(a);
        double m = to_double(b);

        *result = from_double(n - floor(n / m) * m, true);
        return true;
    }
    rest = x % y;
    if (rest && (rest < 0) != (y < 0)) {
        rest += y;
    }
    *result = exact(a, b, rest, scale);
    return true;
}

int decimal_compare(const struct decimal *a, const struct decimal *b)
{
    decimal_units x, y;
    double n, m;
    int scale;

    if (align(a, b, &x, &y, &scale)) {
        return (x > y) - (x < y);
    }
    n = to_double(a);
    m = to_double(b);
    return (n > m) - (n < m);
}

struct decimal decimal_abs(const struct decimal *a)
{
    struct decimal d = *a;

    d.units = d.units < 0 ? -d.units : d.units;
    d.approx = fabs(d.approx);
    return !d.is_float && d.units > INT64_MAX ? from_double((double)d.units, true) : d;
}
