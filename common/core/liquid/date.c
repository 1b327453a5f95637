#include "core/liquid/date.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

const char *const date_months[12] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};
const char *const date_weekdays[7] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

/* Days since 1970-01-01 by counting eras of 400 years that begin in March, so that leap days come last. */
int64_t date_days(int64_t year, int month, int day)
{
    int64_t era, day_of_era, year_of_era;
    int day_of_year;

    year -= month <= 2;
    era = (year >= 0 ? year : year - 399) / 400;
    year_of_era = year - era * 400;
    day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

void date_civil(int64_t days, int64_t *year, int *month, int *day)
{
    int64_t era, day_of_era, year_of_era;
    int day_of_year, shifted;

    days += 719468;
    era = (days >= 0 ? days : days - 146096) / 146097;
    day_of_era = days - era * 146097;
    year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    day_of_year = (int)(day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100));
    shifted = (5 * day_of_year + 2) / 153;
    *day = day_of_year - (153 * shifted + 2) / 5 + 1;
    *month = shifted < 10 ? shifted + 3 : shifted - 9;
    *year = year_of_era + era * 400 + (*month <= 2);
}

/* --- broken down ---------------------------------------------------------------------------- */

struct fields {
    const struct date *date;
    int64_t year;
    int month, day, hour, minute, second;
    int weekday;  /* 0 Sunday */
    int year_day; /* from 1 */
};

static struct fields break_down(const struct date *date)
{
    struct fields f = {.date = date};
    int64_t local = date->seconds + date->offset;
    int64_t days = (local >= 0 ? local : local - 86399) / 86400;
    int rest = (int)(local - days * 86400);

    date_civil(days, &f.year, &f.month, &f.day);
    f.hour = rest / 3600;
    f.minute = rest / 60 % 60;
    f.second = rest % 60;
    f.weekday = (int)((days % 7 + 11) % 7);
    f.year_day = (int)(days - date_days(f.year, 1, 1)) + 1;
    return f;
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Week of ISO 8601 and the year it belongs to. */
static int iso_week(const struct fields *f, int64_t *year)
{
    int weekday = (f->weekday + 6) % 7; /* 0 Monday */
    int week = (f->year_day - 1 - weekday + 10) / 7;
    int jan1;

    *year = f->year;
    if (week < 1) {
        --*year;
        jan1 = (weekday - (f->year_day - 1) % 7 + 7) % 7;
        jan1 = (jan1 - (is_leap(*year) ? 366 : 365) % 7 + 7) % 7;
        return jan1 == 3 || (jan1 == 2 && is_leap(*year)) ? 53 : 52;
    }
    if (week == 53) {
        jan1 = (weekday - (f->year_day - 1) % 7 + 7) % 7;
        if (jan1 != 3 && !(jan1 == 2 && is_leap(f->year))) {
            ++*year;
            return 1;
        }
    }
    return week;
}

/* --- directives ----------------------------------------------------------------------------- */

enum { MAX_WIDTH = 1024 };

struct directive {
    char flag;       /* padding: '-', '_', '0' or none */
    bool is_upper;   /* ^ */
    bool is_swapped; /* # */
    int colons;
    int width; /* 0: none given */
};

static void add_padding(struct text *out, char c, int count)
{
    while (count-- > 0 && !out->run->has_failed) {
        text_add_char(out, c);
    }
}

static void add_number(struct text *out, const struct directive *d, int64_t number, int width, char pad)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%lld", (long long)(number < 0 ? -number : number));

    pad = d->flag == '_' ? ' ' : d->flag == '0' ? '0' : pad;
    width = d->flag == '-' ? 0 : d->width ? d->width : width;
    len += number < 0;
    if (number < 0 && pad == '0') {
        text_add_char(out, '-');
    }
    add_padding(out, pad, width - len);
    if (number < 0 && pad != '0') {
        text_add_char(out, '-');
    }
    text_add(out, slice_of(digits));
}

static void add_word(struct text *out, const struct directive *d, struct slice word)
{
    add_padding(out, d->flag == '0' ? '0' : ' ', d->flag == '-' ? 0 : d->width - (int)word.len);
    for (size_t i = 0; i < word.len; i++) {
        char c = word.data[i];

        text_add_char(out, d->is_upper || d->is_swapped ? (char)toupper((unsigned char)c) : c);
    }
}

static void add_half(struct text *out, const struct directive *d, const struct fields *f, bool is_upper)
{
    const char *word = f->hour < 12 ? "AM" : "PM";
    struct directive plain = *d;

    if (!is_upper && !d->is_upper && !d->is_swapped) {
        word = f->hour < 12 ? "am" : "pm";
    }
    if (is_upper && d->is_swapped) {
        word = f->hour < 12 ? "am" : "pm";
        plain.is_swapped = plain.is_upper = false;
    }
    add_word(out, &plain, slice_of(word));
}

static void add_fraction(struct text *out, const struct directive *d, const struct fields *f, int width)
{
    char digits[12];

    width = d->width ? d->width : width;
    snprintf(digits, sizeof(digits), "%09d", (int)f->date->nanos);
    for (int i = 0; i < width && !out->run->has_failed; i++) {
        text_add_char(out, i < 9 ? digits[i] : '0');
    }
}

static void add_zone(struct text *out, const struct directive *d, const struct fields *f)
{
    int offset = f->date->offset;
    int minutes = (offset < 0 ? -offset : offset) / 60;
    char zone[24];
    int len;

    if (d->colons == 0) {
        len = snprintf(zone, sizeof(zone), "%c%02d%02d", offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
    } else {
        len = snprintf(zone, sizeof(zone), "%c%02d:%02d%s", offset < 0 ? '-' : '+', minutes / 60, minutes % 60,
                       d->colons == 1 ? "" : ":00");
    }
    if (d->flag != '-' && d->width > len) {
        text_add_char(out, zone[0]);
        add_padding(out, d->flag == '_' ? ' ' : '0', d->width - len);
        text_add(out, slice_of(zone + 1));
        return;
    }
    text_add(out, slice_make(zone, (size_t)len));
}

static void add_composed(struct text *out, const struct directive *d, const struct date *date, const char *format)
{
    struct text inner;

    text_init(&inner, out->run);
    date_format(&inner, date, slice_of(format));
    add_word(out, d, text_slice(&inner));
}

static const char *composed(char c)
{
    switch (c) {
    case 'c':
        return "%a %b %e %H:%M:%S %Y";
    case 'D':
    case 'x':
        return "%m/%d/%y";
    case 'F':
        return "%Y-%m-%d";
    case 'R':
        return "%H:%M";
    case 'r':
        return "%I:%M:%S %p";
    case 'T':
    case 'X':
        return "%H:%M:%S";
    case 'v':
        return "%e-%^b-%Y";
    default:
        return NULL;
    }
}

static bool add_calendar(struct text *out, const struct directive *d, const struct fields *f, char c)
{
    int64_t iso_year;
    int monday = (f->weekday + 6) % 7;

    switch (c) {
    case 'Y':
        add_number(out, d, f->year, f->year < 0 ? 5 : 4, '0');
        return true;
    case 'C':
        add_number(out, d, f->year / 100, 2, '0');
        return true;
    case 'y':
        add_number(out, d, (f->year % 100 + 100) % 100, 2, '0');
        return true;
    case 'G':
        iso_week(f, &iso_year);
        add_number(out, d, iso_year, 4, '0');
        return true;
    case 'g':
        iso_week(f, &iso_year);
        add_number(out, d, (iso_year % 100 + 100) % 100, 2, '0');
        return true;
    case 'V':
        add_number(out, d, iso_week(f, &iso_year), 2, '0');
        return true;
    case 'U':
        add_number(out, d, (f->year_day - 1 + 7 - f->weekday) / 7, 2, '0');
        return true;
    case 'W':
        add_number(out, d, (f->year_day - 1 + 7 - monday) / 7, 2, '0');
        return true;
    case 'm':
        add_number(out, d, f->month, 2, '0');
        return true;
    case 'd':
        add_number(out, d, f->day, 2, '0');
        return true;
    case 'e':
        add_number(out, d, f->day, 2, ' ');
        return true;
    case 'j':
        add_number(out, d, f->year_day, 3, '0');
        return true;
    case 'u':
        add_number(out, d, f->weekday ? f->weekday : 7, 1, '0');
        return true;
    case 'w':
        add_number(out, d, f->weekday, 1, '0');
        return true;
    default:
        return false;
    }
}

static bool add_clock(struct text *out, const struct directive *d, const struct fields *f, char c)
{
    int half = f->hour % 12 ? f->hour % 12 : 12;

    switch (c) {
    case 'H':
        add_number(out, d, f->hour, 2, '0');
        return true;
    case 'k':
        add_number(out, d, f->hour, 2, ' ');
        return true;
    case 'I':
        add_number(out, d, half, 2, '0');
        return true;
    case 'l':
        add_number(out, d, half, 2, ' ');
        return true;
    case 'M':
        add_number(out, d, f->minute, 2, '0');
        return true;
    case 'S':
        add_number(out, d, f->second, 2, '0');
        return true;
    case 's':
        add_number(out, d, f->date->seconds, 1, '0');
        return true;
    case 'L':
        add_fraction(out, d, f, 3);
        return true;
    case 'N':
        add_fraction(out, d, f, 9);
        return true;
    case 'P':
        add_half(out, d, f, false);
        return true;
    case 'p':
        add_half(out, d, f, true);
        return true;
    case 'z':
        add_zone(out, d, f);
        return true;
    case 'Z':
        add_word(out, d, f->date->has_offset ? SLICE("") : SLICE("UTC"));
        return true;
    default:
        return false;
    }
}

static bool add_names(struct text *out, const struct directive *d, const struct fields *f, char c)
{
    struct slice month = slice_of(date_months[f->month - 1]);
    struct slice weekday = slice_of(date_weekdays[f->weekday]);

    switch (c) {
    case 'A':
        add_word(out, d, weekday);
        return true;
    case 'a':
        add_word(out, d, slice_make(weekday.data, 3));
        return true;
    case 'B':
        add_word(out, d, month);
        return true;
    case 'b':
    case 'h':
        add_word(out, d, slice_make(month.data, 3));
        return true;
    case 'n':
        add_word(out, d, SLICE("\n"));
        return true;
    case 't':
        add_word(out, d, SLICE("\t"));
        return true;
    case '%':
        add_word(out, d, SLICE("%"));
        return true;
    default:
        return false;
    }
}

static const char *read_flags(const char *p, const char *end, struct directive *d)
{
    for (; p < end; p++) {
        if (*p == '-' || *p == '_' || *p == '0') {
            d->flag = *p;
        } else if (*p == '^') {
            d->is_upper = true;
        } else if (*p == '#') {
            d->is_swapped = true;
        } else if (*p == ':') {
            d->colons++;
        } else if ((*p == 'E' || *p == 'O') && p + 1 < end && isalpha((unsigned char)p[1])) {
            continue; /* other forms of the locale: there are none */
        } else if (isdigit((unsigned char)*p)) {
            d->width = d->width * 10 + (*p - '0');
            d->width = d->width > MAX_WIDTH ? MAX_WIDTH : d->width;
            while (p + 1 < end && isdigit((unsigned char)p[1])) {
                p++;
                d->width = d->width * 10 + (*p - '0');
                d->width = d->width > MAX_WIDTH ? MAX_WIDTH : d->width;
            }
        } else {
            break;
        }
    }
    return p;
}

bool date_format(struct text *out, const struct date *date, struct slice format)
{
    struct fields f = break_down(date);
    const char *end = format.data + format.len;

    for (const char *p = format.data; p < end && !out->run->has_failed; p++) {
        struct directive d = {0};
        const char *c = p;

        if (*p != '%') {
            text_add_char(out, *p);
            continue;
        }
        c = read_flags(p + 1, end, &d);
        if (c == end) {
            return false;
        }
        if (d.colons && *c != 'z') { /* nothing else is written with them */
            text_add(out, slice_make(p, (size_t)(c - p) + 1));
        } else if (composed(*c)) {
            add_composed(out, &d, date, composed(*c));
        } else if (!add_calendar(out, &d, &f, *c) && !add_clock(out, &d, &f, *c) && !add_names(out, &d, &f, *c)) {
            text_add(out, slice_make(p, (size_t)(c - p) + 1));
        }
        p = c;
    }
    return true;
}
