/*
 * Reading dates. A time of day is looked for first and taken out of the text; what is left is read as a date in one of
 * the usual orders: names of months decide, then ISO, then year/month/day and day/month/year with slashes or points.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/liquid/date.h"

enum { MAX_TEXT = 128, MAX_NUMBERS = 3 };

struct reading {
    char text[MAX_TEXT + 1]; /* small letters; what was understood becomes blanks */
    bool has_time, has_zone, has_date;
    int hour, minute, second, nanos;
    int offset;
    int64_t year;
    bool has_year;
    int month, day; /* 0: not given */
};

static int digits_at(const char *p)
{
    int n = 0;

    while (isdigit((unsigned char)p[n])) {
        n++;
    }
    return n;
}

static int number_of(const char *p, int n)
{
    int value = 0;

    for (int i = 0; i < n && i < 9; i++) {
        value = value * 10 + (p[i] - '0');
    }
    return value;
}

/* A zero that was written stays wrong; 0 means that nothing was given. */
static int written(int number)
{
    return number ? number : -1;
}

static void blank_out(char *from, const char *to)
{
    while (from < to) {
        *from++ = ' ';
    }
}

/* --- time of day ---------------------------------------------------------------------------- */

static const struct {
    const char *name;
    int hours;
} zones[] = {{"utc", 0},  {"gmt", 0},  {"z", 0},    {"est", -5}, {"edt", -4}, {"cst", -6}, {"cdt", -5},
             {"mst", -7}, {"mdt", -6}, {"pst", -8}, {"pdt", -7}, {"wet", 0},  {"cet", 1},  {"cest", 2},
             {"bst", 1},  {"eet", 2},  {"eest", 3}, {"msk", 3},  {"jst", 9}};

static const char *read_offset(struct reading *r, const char *p)
{
    int sign = *p == '-' ? -1 : 1;
    int n = digits_at(p + 1);
    int hours, minutes = 0;

    if (n != 1 && n != 2 && n != 4) {
        return p;
    }
    hours = number_of(p + 1, n == 1 ? 1 : 2);
    if (n == 4) {
        minutes = number_of(p + 3, 2);
    } else if (p[1 + n] == ':' && digits_at(p + 2 + n) == 2) {
        minutes = number_of(p + 2 + n, 2);
        n += 3;
    }
    if (hours > 23 || minutes > 59) {
        return p;
    }
    r->offset = sign * (hours * 3600 + minutes * 60);
    r->has_zone = r->offset != 0;
    return p + 1 + n;
}

static const char *read_zone(struct reading *r, const char *p)
{
    const char *start = p;

    while (*p == ' ') {
        p++;
    }
    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
        size_t len = strlen(zones[i].name);

        if (strncmp(p, zones[i].name, len) == 0 && !isalnum((unsigned char)p[len])) {
            r->offset = zones[i].hours * 3600;
            r->has_zone = zones[i].hours != 0;
            p += len;
            return *p == '+' || *p == '-' ? read_offset(r, p) : p;
        }
    }
    if (*p == '+' || (*p == '-' && digits_at(p + 1) >= 1)) {
        return read_offset(r, p);
    }
    return start;
}

static const char *read_fraction(struct reading *r, const char *p)
{
    int n = digits_at(p + 1);
    int scale = 100000000;

    for (int i = 0; i < n && i < 9; i++, scale /= 10) {
        r->nanos += (p[1 + i] - '0') * scale;
    }
    return p + 1 + n;
}

/* am, pm, a.m.; moves behind it and says 12 hours more or not, -1 when there is none. */
static int read_half(const char **at)
{
    const char *p = *at;
    int half;

    while (*p == ' ') {
        p++;
    }
    if (*p != 'a' && *p != 'p') {
        return -1;
    }
    half = *p == 'p';
    p++;
    p += *p == '.';
    if (*p != 'm') {
        return -1;
    }
    p++;
    p += *p == '.';
    if (isalnum((unsigned char)*p)) {
        return -1;
    }
    *at = p;
    return half;
}

/* Reads a time that begins at p; NULL when there is none, false in `is_fine` when it is no time of a day. */
static const char *read_clock(struct reading *r, const char *p, bool *is_fine)
{
    int n = digits_at(p);
    int half;

    r->hour = number_of(p, n);
    r->minute = r->second = r->nanos = 0;
    p += n;
    if (*p == ':' && digits_at(p + 1) >= 1 && digits_at(p + 1) <= 2) {
        r->minute = number_of(p + 1, digits_at(p + 1));
        p += 1 + digits_at(p + 1);
        if (*p == ':' && digits_at(p + 1) >= 1 && digits_at(p + 1) <= 2) {
            r->second = number_of(p + 1, digits_at(p + 1));
            p += 1 + digits_at(p + 1);
            if ((*p == '.' || *p == ',') && isdigit((unsigned char)p[1])) {
                p = read_fraction(r, p);
            }
        }
        half = read_half(&p);
    } else {
        half = read_half(&p);
        if (half < 0) {
            return NULL;
        }
    }
    if (half >= 0) {
        *is_fine = r->hour <= 12;
        r->hour = r->hour % 12 + half * 12;
    }
    *is_fine = *is_fine && r->hour <= 24 && r->minute <= 59 && r->second <= 60;
    return p;
}

static bool read_time(struct reading *r)
{
    bool is_fine = true;

    for (char *p = r->text; *p; p++) {
        const char *end;
        int n = digits_at(p);

        if (n == 0) {
            continue;
        }
        end = n <= 2 ? read_clock(r, p, &is_fine) : NULL;
        if (end) {
            r->has_time = true;
            end = read_zone(r, end);
            if (p > r->text && p[-1] == 't') {
                p--;
            }
            blank_out(p, end);
            return is_fine;
        }
        p += n - 1;
    }
    r->hour = r->minute = r->second = 0;
    return true;
}

/* 20160314, 20160314t101112z */
static bool read_compact(struct reading *r)
{
    const char *p = r->text;

    if (digits_at(p) != 8 || (p[8] && p[8] != 't' && p[8] != ' ')) {
        return false;
    }
    r->has_year = r->has_date = true;
    r->year = number_of(p, 4);
    r->month = written(number_of(p + 4, 2));
    r->day = written(number_of(p + 6, 2));
    if (p[8] == 't' && (digits_at(p + 9) == 6 || digits_at(p + 9) == 4)) {
        r->has_time = true;
        r->hour = number_of(p + 9, 2);
        r->minute = number_of(p + 11, 2);
        r->second = digits_at(p + 9) == 6 ? number_of(p + 13, 2) : 0;
        read_zone(r, p + 9 + digits_at(p + 9));
    }
    return true;
}

/* --- date ----------------------------------------------------------------------------------- */

/* Number of the month whose name (at least three letters of it) begins at p; 0 when none. */
static int month_at(const char *p)
{
    for (int m = 0; m < 12; m++) {
        if (strncasecmp(p, date_months[m], 3) == 0) {
            return m + 1;
        }
    }
    return 0;
}

static void set_year(struct reading *r, const char *p, int n)
{
    r->year = number_of(p, n);
    r->has_year = true;
    if (n <= 2) {
        r->year += r->year >= 69 ? 1900 : 2000;
    }
}

/* "14 march 2016", "march 14, 2016", "march 2016" */
static bool read_named_month(struct reading *r)
{
    bool has_day = false;

    for (const char *p = r->text; *p; p++) {
        if (isalpha((unsigned char)*p)) {
            r->month = r->month ? r->month : month_at(p);
            while (isalpha((unsigned char)p[1])) {
                p++;
            }
        } else if (isdigit((unsigned char)*p)) {
            int n = digits_at(p);

            if (n <= 2 && !has_day) {
                r->day = number_of(p, n);
                has_day = true;
            } else if (!r->has_year) {
                set_year(r, p, n);
            }
            p += n - 1;
        }
    }
    return r->month != 0;
}

/* Three (or two) numbers with the same mark between them. */
static bool read_numbers(struct reading *r)
{
    const char *parts[MAX_NUMBERS];
    int lens[MAX_NUMBERS];
    int count = 0;
    char mark = 0;
    const char *p = r->text;

    while (*p && !isdigit((unsigned char)*p)) {
        p++;
    }
    while (count < MAX_NUMBERS && digits_at(p)) {
        parts[count] = p;
        lens[count] = digits_at(p);
        p += lens[count++];
        if (!*p || !strchr("-/.", *p) || (mark && mark != *p)) {
            break;
        }
        mark = *p++;
    }
    if (count == 2 && mark == '/' && lens[0] <= 2 && lens[1] <= 2) {
        r->month = written(number_of(parts[0], lens[0]));
        r->day = written(number_of(parts[1], lens[1]));
        return true;
    }
    if (count < 3) {
        return false;
    }
    r->month = written(number_of(parts[1], lens[1]));
    if (lens[0] <= 2 && lens[2] > 2) {
        r->day = written(number_of(parts[0], lens[0]));
        set_year(r, parts[2], lens[2]);
    } else {
        r->day = written(number_of(parts[2], lens[2]));
        set_year(r, parts[0], lens[0]);
    }
    return lens[1] <= 2 && (lens[0] <= 4 && lens[2] <= 4);
}

static bool read_date(struct reading *r)
{
    struct reading start = *r;

    r->has_date = true;
    if (read_named_month(r)) {
        return true;
    }
    *r = start;
    r->has_date = read_numbers(r);
    if (!r->has_date) {
        *r = start;
    }
    return r->has_date;
}

/* Parts that stand before those given come from now, those behind are the first. */
static void fill(struct reading *r, int64_t now_s)
{
    int64_t year;
    int month, day;

    date_civil((now_s + r->offset) / 86400, &year, &month, &day);
    r->year = r->has_year ? r->year : year;
    if (!r->month) {
        r->month = r->has_year ? 1 : month;
        r->day = r->day ? r->day : r->has_year ? 1 : day;
    }
    r->day = r->day ? r->day : 1;
}

bool date_parse(struct slice text, int64_t now_s, struct date *date)
{
    struct reading r = {.hour = 0};

    if (!text.len || text.len > MAX_TEXT || memchr(text.data, '\0', text.len)) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        r.text[i] = (char)tolower((unsigned char)text.data[i]);
    }
    if (!read_compact(&r)) {
        if (!read_time(&r)) {
            return false;
        }
        read_date(&r);
    }
    if (!r.has_time && !r.has_date) {
        return false;
    }
    fill(&r, now_s);
    if (r.month < 1 || r.month > 12 || r.day < 1 || r.day > 31 || r.hour > 24 || r.minute > 59 || r.second > 60) {
        return false;
    }
    *date = (struct date){.nanos = r.nanos, .offset = r.offset, .has_offset = r.has_zone};
    date->seconds = (date_days(r.year, r.month, 1) + r.day - 1) * 86400;
    date->seconds += r.hour * 3600 + r.minute * 60 + r.second - r.offset;
    return true;
}
