/*
 * sms_cost: what an SMS segment costs, by the beginning of the number: "+36=0.071,+40=0.05,*=0.08 EUR".
 *
 * The longest prefix that fits counts; `*` is for all other numbers. Amounts are whole millionths of the currency, so
 * that sums are exact.
 */
#ifndef CORE_SMS_COST_H
#define CORE_SMS_COST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { SMS_COST_MOST_ROWS = 256, SMS_COST_PREFIX_SIZE = 16, SMS_COST_CURRENCY_SIZE = 4, SMS_COST_TEXT_SIZE = 40 };

struct sms_costs {
    struct sms_cost_row {
        char prefix[SMS_COST_PREFIX_SIZE]; /* "+36"; "" for all others */
        int64_t micro;                     /* of a segment */
    } rows[SMS_COST_MOST_ROWS];
    size_t count;
    char currency[SMS_COST_CURRENCY_SIZE]; /* "EUR", or "" */
};

/* Amounts have at most 6 decimals and are below 1000; no prefix stands there twice. False + err. */
bool sms_costs_parse(const char *text, struct sms_costs *costs, struct err *err);
/* False: no row is for this number. */
bool sms_costs_find(const struct sms_costs *costs, const char *number, int64_t *micro);

/* "12.34 EUR": at least two decimals, and as many as there are. */
void sms_cost_format(const struct sms_costs *costs, int64_t micro, char text[SMS_COST_TEXT_SIZE]);

#endif
