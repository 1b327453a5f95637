#include "core/locale.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <unicode/ucal.h>
#include <unicode/ucurr.h>
#include <unicode/udat.h>
#include <unicode/uloc.h>
#include <unicode/unum.h>
#include <unicode/unumberformatter.h>
#include <unicode/upluralrules.h>
#include <unicode/ustring.h>

#include "base/die.h"
#include "base/hash_table.h"
#include "core/text_memo.h"

enum { TEXT_UNITS = 256, CURRENCY_LEN = 3, ZONE_NAME_MOST = 63, PLURAL_SAMPLES = 200, DAY_MS = 24 * 3600 * 1000 };

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

struct zone {
    char name[ZONE_NAME_MOST + 1];
    UCalendar *calendar;
    UT_hash_handle hh;
};

struct locale_set {
    struct locale *locales;
    struct zone *zones;
    char **known; /* sorted tags that ICU has data for: "hu_HU" */
    size_t known_count;
};

static const char *const plural_names[LOCALE_PLURAL_COUNT] = {"zero", "one", "two", "few", "many", "other"};
static const char *const style_names[LOCALE_DATE_STYLE_COUNT] = {"short", "medium", "long", "full"};
static const UDateFormatStyle icu_styles[LOCALE_DATE_STYLE_COUNT] = {UDAT_SHORT, UDAT_MEDIUM, UDAT_LONG, UDAT_FULL};
static const UChar utc[] = u"UTC";

/* ICU's failures here are want of memory, missing data of the installation or a bug of ours, never the caller's input. */
static void check(UErrorCode status)
{
    if (status == U_MEMORY_ALLOCATION_ERROR) {
        die("out of memory (ICU)");
    }
    assert(U_SUCCESS(status));
    (void)status;
}

static void append_utf16(struct buf *out, const UChar *text, int32_t len)
{
    char utf8[4 * TEXT_UNITS];
    int32_t written = 0;
    UErrorCode status = U_ZERO_ERROR;

    u_strToUTF8(utf8, sizeof(utf8), &written, text, len, &status);
    check(status);
    buf_append(out, utf8, (size_t)written);
}

/* --- names ------------------------------------------------------------------------------------------------------ */

bool locale_is_known_language(const char *tag)
{
    return uloc_getISO3Language(tag)[0] != '\0';
}

static int find_name(const char *const names[], int count, struct slice name)
{
    int i = 0;

    while (i < count && !slice_is(name, names[i])) {
        i++;
    }
    return i;
}

const char *locale_plural_name(enum locale_plural plural)
{
    return plural_names[plural];
}

bool locale_plural_parse(struct slice name, enum locale_plural *plural)
{
    *plural = (enum locale_plural)find_name(plural_names, LOCALE_PLURAL_COUNT, name);
    return *plural < LOCALE_PLURAL_COUNT;
}

bool locale_date_style_parse(struct slice name, enum locale_date_style *style)
{
    *style = (enum locale_date_style)find_name(style_names, LOCALE_DATE_STYLE_COUNT, name);
    return *style < LOCALE_DATE_STYLE_COUNT;
}

/* --- sets ------------------------------------------------------------------------------------------------------- */

static int compare_texts(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* The tags that ICU has data for, old forms ("zh_TW") too. */
static void fill_known(struct locale_set *set)
{
    UErrorCode status = U_ZERO_ERROR;
    UEnumeration *tags = uloc_openAvailableByType(ULOC_AVAILABLE_WITH_LEGACY_ALIASES, &status);
    const char *tag;
    size_t cap = 0;

    check(status);
    while ((tag = uenum_next(tags, NULL, &status)) != NULL) {
        if (set->known_count == cap) {
            cap = cap ? 2 * cap : 1024;
            set->known = xreallocarray(set->known, cap, sizeof(*set->known));
        }
        set->known[set->known_count++] = xstrdup(tag);
    }
    check(status);
    uenum_close(tags);
    qsort(set->known, set->known_count, sizeof(*set->known), compare_texts);
}

struct locale_set *locale_set_create(void)
{
    struct locale_set *set = xcalloc(1, sizeof(*set));

    fill_known(set);
    return set;
}

static void destroy_locale(struct locale *locale)
{
    while (locale->money) {
        struct money_format *next = locale->money->next;

        unum_close(locale->money->format);
        free(locale->money);
        locale->money = next;
    }
    for (int i = 0; i < LOCALE_DATE_STYLE_COUNT; i++) {
        udat_close(locale->dates[i]);
    }
    for (int i = 0; i < LOCALE_UNIT_COUNT; i++) {
        unumf_close(locale->units[i]);
    }
    unumf_closeResult(locale->unit_result);
    unum_close(locale->number);
    uplrules_close(locale->plurals);
    json_decref(locale->json);
    free(locale);
}

void locale_set_destroy(struct locale_set *set)
{
    struct locale *locale, *next_locale;
    struct zone *zone, *next_zone;

    if (!set) {
        return;
    }
    HASH_ITER(hh, set->locales, locale, next_locale)
    {
        HASH_DEL(set->locales, locale);
        destroy_locale(locale);
    }
    HASH_ITER(hh, set->zones, zone, next_zone)
    {
        HASH_DEL(set->zones, zone);
        ucal_close(zone->calendar);
        free(zone);
    }
    for (size_t i = 0; i < set->known_count; i++) {
        free(set->known[i]);
    }
    free(set->known);
    free(set);
}

static struct locale *create_locale(const char *tag)
{
    struct locale *locale = xcalloc(1, sizeof(*locale));

    memcpy(locale->tag, tag, strlen(tag) + 1);
    locale->is_rtl = uloc_isRightToLeft(tag);
    locale->json = json_pack("{s:s, s:s%, s:s}", "tag", tag, "language", tag, locale_tag_language_len(tag), "dir",
                             locale->is_rtl ? "rtl" : "ltr");
    assert(locale->json);
    return locale;
}

static bool is_known_tag(const struct locale_set *set, const char *tag)
{
    char icu_tag[LOCALE_TAG_SIZE];
    const char *key = icu_tag;
    size_t len = strlen(tag);

    for (size_t i = 0; i <= len; i++) {
        icu_tag[i] = (char)(tag[i] == '-' ? '_' : tag[i]);
    }
    return bsearch(&key, set->known, set->known_count, sizeof(*set->known), compare_texts) != NULL;
}

struct locale *locale_set_get(struct locale_set *set, const char *tag)
{
    struct locale *locale;
    size_t language_len = locale_tag_language_len(tag);

    assert(strlen(tag) < LOCALE_TAG_SIZE);
    HASH_FIND_STR(set->locales, tag, locale);
    if (locale) {
        return locale;
    }
    if (tag[language_len] && !is_known_tag(set, tag)) {
        char language[LOCALE_TAG_SIZE] = {0};

        memcpy(language, tag, language_len);
        return locale_set_get(set, language);
    }
    locale = create_locale(tag);
    HASH_ADD_STR(set->locales, tag, locale);
    return locale;
}

const char *locale_tag(const struct locale *locale)
{
    return locale->tag;
}

bool locale_is_rtl(const struct locale *locale)
{
    return locale->is_rtl;
}

json_t *locale_json(const struct locale *locale)
{
    return locale->json;
}

/* --- time zones ------------------------------------------------------------------------------------------------- */

/* NULL when the tz database has no zone of that name ("GMT+3" and the like are no zones either). */
static UCalendar *open_calendar(const char *name, size_t len)
{
    UChar zone[ZONE_NAME_MOST + 1];
    UChar canonical[TEXT_UNITS];
    UBool is_system = false;
    UErrorCode status = U_ZERO_ERROR;
    UCalendar *calendar;

    for (size_t i = 0; i < len; i++) {
        zone[i] = (UChar)(unsigned char)name[i];
    }
    ucal_getCanonicalTimeZoneID(zone, (int32_t)len, canonical, TEXT_UNITS, &is_system, &status);
    if (U_FAILURE(status) || !is_system) {
        return NULL;
    }
    calendar = ucal_open(zone, (int32_t)len, "en", UCAL_GREGORIAN, &status);
    check(status);
    return calendar;
}

bool locale_set_find_offset(struct locale_set *set, struct slice name, int64_t utc_ms, int64_t *offset_ms)
{
    UErrorCode status = U_ZERO_ERROR;
    struct zone *zone;

    if (name.len == 0 || name.len > ZONE_NAME_MOST) {
        return false;
    }
    HASH_FIND(hh, set->zones, name.data, name.len, zone);
    if (!zone) {
        UCalendar *calendar = open_calendar(name.data, name.len);

        if (!calendar) {
            return false;
        }
        zone = xcalloc(1, sizeof(*zone));
        memcpy(zone->name, name.data, name.len);
        zone->calendar = calendar;
        HASH_ADD_KEYPTR(hh, set->zones, zone->name, name.len, zone);
    }
    ucal_setMillis(zone->calendar, (UDate)utc_ms, &status);
    *offset_ms = ucal_get(zone->calendar, UCAL_ZONE_OFFSET, &status);
    *offset_ms += ucal_get(zone->calendar, UCAL_DST_OFFSET, &status);
    check(status);
    return true;
}

/* --- formats ---------------------------------------------------------------------------------------------------- */

static UNumberFormat *number_format(struct locale *locale)
{
    UErrorCode status = U_ZERO_ERROR;

    if (!locale->number) {
        locale->number = unum_open(UNUM_DECIMAL, NULL, 0, locale->tag, NULL, &status);
        check(status);
    }
    return locale->number;
}

void locale_format_int(struct locale *locale, int64_t number, struct buf *out)
{
    UErrorCode status = U_ZERO_ERROR;
    UChar text[TEXT_UNITS];
    size_t start = out->len;
    int32_t len;

    if (text_memo_append(&locale->known_ints, number, out)) {
        return;
    }
    len = unum_formatInt64(number_format(locale), number, text, TEXT_UNITS, NULL, &status);
    check(status);
    append_utf16(out, text, len);
    text_memo_put(&locale->known_ints, number, slice_make(out->data + start, out->len - start));
}

static void append_double(UNumberFormat *format, double number, struct buf *out)
{
    UErrorCode status = U_ZERO_ERROR;
    UChar text[TEXT_UNITS];
    int32_t len;

    assert(number < LOCALE_NUMBER_MOST && number > -LOCALE_NUMBER_MOST);
    len = unum_formatDouble(format, number, text, TEXT_UNITS, NULL, &status);
    check(status);
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
    check(status);
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
    UChar text[TEXT_UNITS];
    size_t start = out->len;
    int32_t len;

    if (text_memo_append(&locale->known_dates[style], day, out)) {
        return;
    }
    if (!locale->dates[style]) {
        locale->dates[style] = udat_open(UDAT_NONE, icu_styles[style], locale->tag, utc, -1, NULL, 0, &status);
        check(status);
    }
    len = udat_format(locale->dates[style], (UDate)local_ms, text, TEXT_UNITS, NULL, &status);
    check(status);
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
    check(status);
    return locale->units[unit];
}

void locale_format_span(struct locale *locale, enum locale_unit unit, int64_t count, struct buf *out)
{
    UNumberFormatter *formatter = unit_formatter(locale, unit);
    UErrorCode status = U_ZERO_ERROR;
    UChar text[TEXT_UNITS];
    int32_t len;

    unumf_formatInt(formatter, count, locale->unit_result, &status);
    len = unumf_resultToString(locale->unit_result, text, TEXT_UNITS, &status);
    check(status);
    append_utf16(out, text, len);
}

/* --- plurals ---------------------------------------------------------------------------------------------------- */

enum locale_plural locale_plural_of(struct locale *locale, double number)
{
    UErrorCode status = U_ZERO_ERROR;
    UChar keyword[16];
    char name[16];
    enum locale_plural plural;
    int32_t len;

    if (!locale->plurals) {
        locale->plurals = uplrules_openForType(locale->tag, UPLURAL_TYPE_CARDINAL, &status);
        check(status);
    }
    len = uplrules_select(locale->plurals, number, keyword, 16, &status);
    check(status);
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
