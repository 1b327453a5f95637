/*
 * locale: how a language writes numbers, money, dates, spans of time and plurals. All of it comes from ICU (CLDR's
 * data), which only locale.c and locale_format.c see.
 *
 * Opening an ICU formatter costs 10 to 100 us, using one less than one, so formatters are opened at first use and kept
 * in the locale, locales in the set. A set belongs to one thread. What it keeps is bounded although tags, zones and
 * currencies come from outside: only tags that ICU knows, zones of the tz database and ISO 4217 codes are taken.
 * Texts are UTF-8, appended to the caller's buffer.
 */
#ifndef CORE_LOCALE_H
#define CORE_LOCALE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/slice.h"
#include "core/locale_tag.h"

struct locale;     /* one language, or language and region; lives as long as its set */
struct locale_set; /* owns locales and time zones */

/* Numbers to format must be between the negative of this and this, both excluded. */
#define LOCALE_NUMBER_MOST 1e18

enum locale_date_style {
    LOCALE_DATE_SHORT,
    LOCALE_DATE_MEDIUM,
    LOCALE_DATE_LONG,
    LOCALE_DATE_FULL,
    LOCALE_DATE_STYLE_COUNT
};

enum locale_unit { LOCALE_MINUTE, LOCALE_HOUR, LOCALE_DAY, LOCALE_UNIT_COUNT };

/* CLDR's categories; a language uses some of them, always OTHER. */
enum locale_plural {
    LOCALE_PLURAL_ZERO,
    LOCALE_PLURAL_ONE,
    LOCALE_PLURAL_TWO,
    LOCALE_PLURAL_FEW,
    LOCALE_PLURAL_MANY,
    LOCALE_PLURAL_OTHER,
    LOCALE_PLURAL_COUNT
};

/* ICU takes its memory from base/mem.h: much of it says "not there" for want of memory, and a time zone that is not there is
 * a reason to refuse an event. First in a process. */
void locale_use_memory(void);

/* Has ICU's data a language of that code? */
bool locale_is_known_language(const char *tag);

const char *locale_plural_name(enum locale_plural plural);
bool locale_plural_parse(struct slice name, enum locale_plural *plural);
bool locale_date_style_parse(struct slice name, enum locale_date_style *style);

struct locale_set *locale_set_create(void);
void locale_set_destroy(struct locale_set *set);
/* `tag` as locale_tag_parse() made it. A region that ICU has no data for gives the locale of the language alone. */
struct locale *locale_set_get(struct locale_set *set, const char *tag);
/* What must be added to UTC in that zone at that moment. False when the zone is not in the tz database. */
bool locale_set_find_offset(struct locale_set *set, struct slice zone, int64_t utc_ms, int64_t *offset_ms);

const char *locale_tag(const struct locale *locale);
bool locale_is_rtl(const struct locale *locale);
/* {"tag": "hu-HU", "language": "hu", "dir": "ltr"}; borrowed. */
json_t *locale_json(const struct locale *locale);

void locale_format_int(struct locale *locale, int64_t number, struct buf *out);
void locale_format_number(struct locale *locale, double number, struct buf *out);
/* `amount` in major units. False when `currency` is no ISO 4217 code. */
bool locale_format_money(struct locale *locale, double amount, struct slice currency, struct buf *out);
/* The day that `local_ms` falls on, read as if it were UTC (the caller added the zone's offset). */
void locale_format_date(struct locale *locale, enum locale_date_style style, int64_t local_ms, struct buf *out);
/* "3 days" */
void locale_format_span(struct locale *locale, enum locale_unit unit, int64_t count, struct buf *out);

enum locale_plural locale_plural_of(struct locale *locale, double number);
/* Can a whole number fall into that category in this language? (Some categories are for fractions or millions only.)
 */
bool locale_needs_plural(struct locale *locale, enum locale_plural plural);

#endif
