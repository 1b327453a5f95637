#include "core/locale_inside.h"

#include <assert.h>
#include <string.h>

#include <unicode/ucurr.h>
#include <unicode/ustring.h>

#include "base/mem.h"

enum { PLURAL_SAMPLES = 200, DAY_MS = 24 * 3600 * 1000 };

static const UDateFormatStyle icu_styles[LOCALE_DATE_STYLE_COUNT] = {UDAT_SHORT, UDAT_MEDIUM, UDAT_LONG, UDAT_FULL};
static const UChar utc[] = u"UTC";

static void append_utf16(struct buf *out, const UChar *text, int32_t len)
{
    char utf8[4 * LOCALE_TEXT_UNITS];
    int32_t written = 0;
    UErrorCode status = U_ZERO_ERROR;

    u_strToUTF8(utf8, sizeof(utf8), &written, text, len, &status);
    locale_check(status);
    buf_append(out, utf8, (size_t)written);
}

static UNumberFormat *number_format(struct locale *locale)
{
    UErrorCode status = U_ZERO_ERROR;

    if (!locale->number) {
        locale->number = unum_open(UNUM_DECIMAL, NULL, 0, locale->tag, NULL, &status);
        locale_check(status);
    }
    return locale->number;
}

void locale_format_int(struct locale *locale, int64_t number, struct buf *out)
{
    UErrorCode status = U_ZERO_ERROR;
    UChar text[LOCALE_TEXT_UNITS];
    size_t start = out->len;
    int32_t len;

    if (text_memo_append(&locale->known_ints, number, out)) {
        return;
    }
    len = unum_formatInt64(number_format(locale), number, text, LOCALE_TEXT_UNITS, NULL, &status);
    locale_check(status);
    append_utf16(out, text, len);
    text_memo_put(&locale->known_ints, number, slice_make(out->data + start, out->len - start));
}

static void append_double(UNumberFormat *format, double number, struct buf *out)
{
    UErrorCode status = U_ZERO_ERROR;
    UChar text[LOCALE_TEXT_UNITS];
    int32_t len;

    assert(number < LOCALE_NUMBER_MOST && number > -LOCALE_NUMBER_MOST);
    len = unum_formatDouble(format, number, text, LOCALE_TEXT_UNITS, NULL, &status);
    locale_check(status);
    append_utf16(out, text, len);
}

void locale_format_number(struct locale *locale, double number, struct buf *out)
{
    append_double(number_format(locale), number, out);
}

static bool is_upper(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < 'A' || text.data[i] > 'Z') {
            return false;
        }
    }
    return true;
}

static UNumberFormat *open_money(const char *tag, const char *currency)
{
    UErrorCode status = U_ZERO_ERROR;
    UChar code[CURRENCY_LEN + 1] = {0};
    UNumberFormat *format;

    for (int i = 0; i < CURRENCY_LEN; i++) {
        code[i] = (UChar)currency[i];
    }
    if (ucurr_getNumericCode(code) == 0) {
        return NULL;
    }
    format = unum_open(UNUM_CURRENCY, NULL, 0, tag, NULL, &status);
    unum_setTextAttribute(format, UNUM_CURRENCY_CODE, code, CURRENCY_LEN, &status);
    locale_check(status);
    return format;
}

bool locale_format_money(struct locale *locale, double amount, struct slice currency, struct buf *out)
{
    struct money_format *money = locale->money;

    while (money && !slice_is(currency, money->currency)) {
        money = money->next;
    }
    if (!money) {
        UNumberFormat *format = NULL;

        if (currency.len == CURRENCY_LEN && is_upper(currency)) {
            format = open_money(locale->tag, currency.data);
        }
        if (!format) {
            return false;
        }
        money = xcalloc(1, sizeof(*money));
        memcpy(money->currency, currency.data, CURRENCY_LEN);
        money->format = format;
        money->next = locale->money;
        locale->money = money;
    }
    append_double(money->format, amount, out);
    return true;
}

void locale_format_date(struct locale *locale, enum locale_date_style style, int64_t local_ms, struct buf *out)
{
    int64_t day = local_ms / DAY_MS - (local_ms % DAY_MS < 0);
    UErrorCode status = U_ZERO_ERROR;
    UChar text[LOCALE_TEXT_UNITS];
    size_t start = out->len;
    int32_t len;

    if (text_memo_append(&locale->known_dates[style], day, out)) {
        return;
    }
    if (!locale->dates[style]) {
        locale->dates[style] = udat_open(UDAT_NONE, icu_styles[style], locale->tag, utc, -1, NULL, 0, &status);
        locale_check(status);
    }
    len = udat_format(locale->dates[style], (UDate)local_ms, text, LOCALE_TEXT_UNITS, NULL, &status);
    locale_check(status);
    append_utf16(out, text, len);
    text_memo_put(&locale->known_dates[style], day, slice_make(out->data + start, out->len - start));
}

static UNumberFormatter *unit_formatter(struct locale *locale, enum locale_unit unit)
{
    static const UChar *const skeletons[LOCALE_UNIT_COUNT] = {
        u"measure-unit/duration-minute unit-width-full-name",
        u"measure-unit/duration-hour unit-width-full-name",
        u"measure-unit/duration-day unit-width-full-name",
    };
    UErrorCode status = U_ZERO_ERROR;

    if (!locale->units[unit]) {
        locale->units[unit] = unumf_openForSkeletonAndLocale(skeletons[unit], -1, locale->tag, &status);
    }
    if (!locale->unit_result) {
        locale->unit_result = unumf_openResult(&status);
    }
    locale_check(status);
    return locale->units[unit];
}

void locale_format_span(struct locale *locale, enum locale_unit unit, int64_t count, struct buf *out)
{
    UNumberFormatter *formatter = unit_formatter(locale, unit);
    UErrorCode status = U_ZERO_ERROR;
    UChar text[LOCALE_TEXT_UNITS];
    int32_t len;

    unumf_formatInt(formatter, count, locale->unit_result, &status);
    len = unumf_resultToString(locale->unit_result, text, LOCALE_TEXT_UNITS, &status);
    locale_check(status);
    append_utf16(out, text, len);
}

/* --- plurals ------------------------------------------------------------------------------------------------------ */

enum locale_plural locale_plural_of(struct locale *locale, double number)
{
    UErrorCode status = U_ZERO_ERROR;
    UChar keyword[16];
    char name[16];
    enum locale_plural plural;
    int32_t len;

    if (!locale->plurals) {
        locale->plurals = uplrules_openForType(locale->tag, UPLURAL_TYPE_CARDINAL, &status);
        locale_check(status);
    }
    len = uplrules_select(locale->plurals, number, keyword, 16, &status);
    locale_check(status);
    u_UCharsToChars(keyword, name, len);
    return locale_plural_parse(slice_make(name, (size_t)len), &plural) ? plural : LOCALE_PLURAL_OTHER;
}

bool locale_needs_plural(struct locale *locale, enum locale_plural plural)
{
    if (!locale->is_sampled) {
        locale->is_sampled = true;
        locale->needs_plural[LOCALE_PLURAL_OTHER] = true;
        for (int number = 0; number <= PLURAL_SAMPLES; number++) {
            locale->needs_plural[locale_plural_of(locale, number)] = true;
        }
    }
    return locale->needs_plural[plural];
}
