#include "core/sms_cost.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/slice.h"

enum { MOST_WHOLE = 1000, DECIMALS = 6 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "0.071" in millionths. */
static bool parse_amount(struct slice text, int64_t *micro)
{
    int64_t whole = 0, fraction = 0;
    size_t at = 0, decimals = 0;

    for (; at < text.len && is_digit(text.data[at]) && whole < MOST_WHOLE; at++) {
        whole = whole * 10 + (text.data[at] - '0');
    }
    if (at == 0 || whole >= MOST_WHOLE) {
        return false;
    }
    if (at < text.len && text.data[at] == '.') {
        for (at++; at < text.len && is_digit(text.data[at]) && decimals < DECIMALS; at++, decimals++) {
            fraction = fraction * 10 + (text.data[at] - '0');
        }
        if (decimals == 0) {
            return false;
        }
    }
    for (; decimals < DECIMALS; decimals++) {
        fraction *= 10;
    }
    *micro = whole * 1000000 + fraction;
    return at == text.len;
}

/* "+36", or "*" as "". */
static bool parse_prefix(struct slice text, char prefix[SMS_COST_PREFIX_SIZE])
{
    if (slice_is(text, "*")) {
        prefix[0] = '\0';
        return true;
    }
    if (text.len < 2 || text.len >= SMS_COST_PREFIX_SIZE || text.data[0] != '+' || text.data[1] == '0') {
        return false;
    }
    for (size_t i = 1; i < text.len; i++) {
        if (!is_digit(text.data[i])) {
            return false;
        }
    }
    memcpy(prefix, text.data, text.len);
    prefix[text.len] = '\0';
    return true;
}

static bool has_prefix(const struct sms_costs *costs, const char *prefix)
{
    for (size_t i = 0; i < costs->count; i++) {
        if (strcmp(costs->rows[i].prefix, prefix) == 0) {
            return true;
        }
    }
    return false;
}

static bool add_row(struct sms_costs *costs, struct slice item, struct err *err)
{
    const char *equals = memchr(item.data, '=', item.len);
    struct sms_cost_row row;
    size_t len = equals ? (size_t)(equals - item.data) : 0;
    int shown = (int)(item.len < 40 ? item.len : 40);

    if (!equals || !parse_prefix(slice_make(item.data, len), row.prefix)) {
        return err_set(err, "\"%.*s\": expected +36=0.071, or *=0.08 for all others", shown, item.data);
    }
    if (!parse_amount(slice_make(equals + 1, item.len - len - 1), &row.micro)) {
        return err_set(err, "\"%.*s\": expected an amount below %d with at most %d decimals", shown, item.data,
                       MOST_WHOLE, DECIMALS);
    }
    if (has_prefix(costs, row.prefix)) {
        return err_set(err, "\"%.*s\": this prefix stands there twice", (int)len, item.data);
    }
    if (costs->count == SMS_COST_MOST_ROWS) {
        return err_set(err, "more than %d prefixes", SMS_COST_MOST_ROWS);
    }
    costs->rows[costs->count++] = row;
    return true;
}

/* " EUR" off the end. */
static bool take_currency(struct slice *text, struct sms_costs *costs, struct err *err)
{
    const char *space = memchr(text->data, ' ', text->len);
    size_t at = space ? (size_t)(space - text->data) : text->len;
    struct slice currency = slice_make(text->data + at, text->len - at);

    if (!space) {
        return true;
    }
    if (currency.len != SMS_COST_CURRENCY_SIZE) {
        return err_set(err, "expected three letters of a currency after the blank");
    }
    for (size_t i = 1; i < currency.len; i++) {
        if (currency.data[i] < 'A' || currency.data[i] > 'Z') {
            return err_set(err, "expected three letters of a currency after the blank");
        }
        costs->currency[i - 1] = currency.data[i];
    }
    text->len = at;
    return true;
}

bool sms_costs_parse(const char *text, struct sms_costs *costs, struct err *err)
{
    struct slice rest = slice_of(text);

    memset(costs, 0, sizeof(*costs));
    if (!take_currency(&rest, costs, err)) {
        return false;
    }
    for (;;) {
        const char *comma = memchr(rest.data, ',', rest.len);
        size_t len = comma ? (size_t)(comma - rest.data) : rest.len;

        if (!add_row(costs, slice_make(rest.data, len), err)) {
            return false;
        }
        if (!comma) {
            return true;
        }
        rest = slice_make(comma + 1, rest.len - len - 1);
    }
}

bool sms_costs_find(const struct sms_costs *costs, const char *number, int64_t *micro)
{
    const struct sms_cost_row *best = NULL;

    for (size_t i = 0; i < costs->count; i++) {
        const struct sms_cost_row *row = &costs->rows[i];
        size_t len = strlen(row->prefix);

        if (strncmp(number, row->prefix, len) == 0 && (!best || len > strlen(best->prefix))) {
            best = row;
        }
    }
    if (best) {
        *micro = best->micro;
    }
    return best != NULL;
}

void sms_cost_format(const struct sms_costs *costs, int64_t micro, char text[SMS_COST_TEXT_SIZE])
{
    int len = snprintf(text, SMS_COST_TEXT_SIZE, "%" PRId64 ".%06d", micro / 1000000, (int)(micro % 1000000));

    for (int cut = 0; cut < DECIMALS - 2 && text[len - 1] == '0'; cut++) {
        text[--len] = '\0';
    }
    if (costs->currency[0]) {
        snprintf(text + len, SMS_COST_TEXT_SIZE - (size_t)len, " %s", costs->currency);
    }
}
