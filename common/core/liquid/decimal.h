/*
 * decimal: the numbers of the arithmetic filters. 10.1 minus 2.2 is 7.9 there, so numbers with a point are counted
 * in decimal units, as exactly as 128 bits allow. What does not fit goes on as a float.
 */
#ifndef CORE_LIQUID_DECIMAL_H
#define CORE_LIQUID_DECIMAL_H

#include "core/liquid/value.h"

__extension__ typedef __int128 decimal_units;

struct decimal {
    bool is_float;       /* had a point: results print with one */
    bool is_exact;       /* units and scale hold it; else approx does */
    decimal_units units; /* value * 10^scale */
    int scale;
    double approx;
};

/* "3.5" is a number with a point, "12abc" is 12, anything else 0. */
struct decimal decimal_from(const struct liquid_value *value);
struct liquid_value decimal_value(const struct decimal *d);
/* Nearest integer below, above, or nearest with halves away from zero; -1, 1, 0. Stays a float when too large. */
struct liquid_value decimal_integer(const struct decimal *d, int direction);
/* To `places` behind the point; negative: tens, hundreds. */
struct liquid_value decimal_round(const struct decimal *d, int64_t places);

struct decimal decimal_add(const struct decimal *a, const struct decimal *b);
struct decimal decimal_subtract(const struct decimal *a, const struct decimal *b);
struct decimal decimal_multiply(const struct decimal *a, const struct decimal *b);
/* Rounds down for two integers. False when b is zero. */
bool decimal_divide(const struct decimal *a, const struct decimal *b, struct decimal *result);
/* Has the sign of b. False when b is zero. */
bool decimal_modulo(const struct decimal *a, const struct decimal *b, struct decimal *result);
int decimal_compare(const struct decimal *a, const struct decimal *b);
struct decimal decimal_abs(const struct decimal *a);

#endif
