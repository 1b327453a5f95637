/*
 * locale_inside: what locale.c (names, sets, time zones) and locale_format.c (numbers, money, dates, spans, plurals)
 * share.
 */
#ifndef CORE_LOCALE_INSIDE_H
#define CORE_LOCALE_INSIDE_H

#include <unicode/udat.h>
#include <unicode/unum.h>
#include <unicode/unumberformatter.h>
#include <unicode/upluralrules.h>

#include "base/hash_table.h"
#include "core/locale.h"
#include "core/text_memo.h"

enum { CURRENCY_LEN = 3, LOCALE_TEXT_UNITS = 256 };

struct money_format {
    char currency[CURRENCY_LEN + 1];
    UNumberFormat *format;
    struct money_format *next;
};

struct locale {
    char tag[LOCALE_TAG_SIZE];
    json_t *json;
    bool is_rtl;
    UNumberFormat *number;
    struct money_format *money;
    UDateFormat *dates[LOCALE_DATE_STYLE_COUNT];
    struct text_memo known_dates[LOCALE_DATE_STYLE_COUNT]; /* by day since 1970 */
    struct text_memo known_ints;
    UNumberFormatter *units[LOCALE_UNIT_COUNT];
    UFormattedNumber *unit_result;
    UPluralRules *plurals;
    bool is_sampled; /* needs_plural is filled */
    bool needs_plural[LOCALE_PLURAL_COUNT];
    UT_hash_handle hh;
};

/* ICU's failures here are want of memory, missing data of the installation or a bug of ours, never the caller's input. */
void locale_check(UErrorCode status);

#endif
