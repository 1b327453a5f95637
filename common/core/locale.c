#include "core/locale_inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <unicode/ucal.h>
#include <unicode/uclean.h>
#include <unicode/uloc.h>

#include "base/mem.h"

enum { ZONE_NAME_MOST = 63 };

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

/* --- memory ------------------------------------------------------------------------------------------------------- */

static void *allocate(const void *context, size_t size)
{
    (void)context;
    return xmalloc(size);
}

static void *reallocate(const void *context, void *old, size_t size)
{
    (void)context;
    return xrealloc(old, size);
}

static void release(const void *context, void *memory)
{
    (void)context;
    free(memory);
}

void locale_use_memory(void)
{
    UErrorCode status = U_ZERO_ERROR;

    u_setMemoryFunctions(NULL, allocate, reallocate, release, &status);
    assert(U_SUCCESS(status));
}

/* --- ICU's answers ------------------------------------------------------------------------------------------------- */

/* ICU's failures here are missing data of the installation or a bug of ours, never the caller's input. */
void locale_check(UErrorCode status)
{
    assert(U_SUCCESS(status));
    (void)status;
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

    locale_check(status);
    while ((tag = uenum_next(tags, NULL, &status)) != NULL) {
        if (set->known_count == cap) {
            cap = cap ? 2 * cap : 1024;
            set->known = xreallocarray(set->known, cap, sizeof(*set->known));
        }
        set->known[set->known_count++] = xstrdup(tag);
    }
    locale_check(status);
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
    UChar canonical[LOCALE_TEXT_UNITS];
    UBool is_system = false;
    UErrorCode status = U_ZERO_ERROR;
    UCalendar *calendar;

    for (size_t i = 0; i < len; i++) {
        zone[i] = (UChar)(unsigned char)name[i];
    }
    ucal_getCanonicalTimeZoneID(zone, (int32_t)len, canonical, LOCALE_TEXT_UNITS, &is_system, &status);
    if (U_FAILURE(status) || !is_system) {
        return NULL;
    }
    calendar = ucal_open(zone, (int32_t)len, "en", UCAL_GREGORIAN, &status);
    locale_check(status);
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
    locale_check(status);
    return true;
}
