/* RFC 3339, section 5.6: date-time = full-date "T" full-time. */
#include <stddef.h>

#include "core/event.h"

struct reader {
    const char *at;
    bool is_bad;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Exactly `digits` digits, between least and most. */
static int read_number(struct reader *reader, int digits, int least, int most)
{
    int number = 0;

    for (int i = 0; i < digits && !reader->is_bad; i++) {
        if (!is_digit(*reader->at)) {
            reader->is_bad = true;
            return 0;
        }
        number = number * 10 + (*reader->at++ - '0');
    }
    if (number < least || number > most) {
        reader->is_bad = true;
    }
    return number;
}

/* One character of `set`. */
static char read_one_of(struct reader *reader, const char *set)
{
    for (; !reader->is_bad && *set; set++) {
        if (*reader->at == *set) {
            reader->at++;
            return *set;
        }
    }
    reader->is_bad = true;
    return '\0';
}

/* ".123456" cut to whole milliseconds; 0 when there is none. */
static int read_fraction_ms(struct reader *reader)
{
    int ms = 0;
    int weight = 100;

    if (reader->is_bad || *reader->at != '.') {
        return 0;
    }
    reader->at++;
    reader->is_bad = !is_digit(*reader->at);
    for (; is_digit(*reader->at); reader->at++) {
        ms += (*reader->at - '0') * weight;
        weight /= 10;
    }
    return ms;
}

/* Minutes east of Greenwich. */
static int read_offset(struct reader *reader)
{
    char sign = read_one_of(reader, "Zz+-");
    int minutes;

    if (sign == 'Z' || sign == 'z') {
        return 0;
    }
    minutes = 60 * read_number(reader, 2, 0, 23);
    read_one_of(reader, ":");
    minutes += read_number(reader, 2, 0, 59);
    return sign == '-' ? -minutes : minutes;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && is_leap);
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar. The year is taken to begin in March, so that the leap
 * day is its last. */
static int64_t days_since_1970(int year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t leaps_before = (y >= 0 ? y / 4 - y / 100 + y / 400 : -1);

    return 365 * y + leaps_before + day_of_year - 719468;
}

bool event_parse_time(const char *text, int64_t *ms)
{
    struct reader reader = {.at = text};
    int year, month, day, hour, minute, second, fraction, offset;

    year = read_number(&reader, 4, 0, 9999);
    read_one_of(&reader, "-");
    month = read_number(&reader, 2, 1, 12);
    read_one_of(&reader, "-");
    day = read_number(&reader, 2, 1, 31);
    read_one_of(&reader, "Tt ");
    hour = read_number(&reader, 2, 0, 23);
    read_one_of(&reader, ":");
    minute = read_number(&reader, 2, 0, 59);
    read_one_of(&reader, ":");
    second = read_number(&reader, 2, 0, 60); /* 60: a leap second, counted as the next minute's first */
    fraction = read_fraction_ms(&reader);
    offset = read_offset(&reader);
    if (reader.is_bad || *reader.at || day > days_in_month(year, month)) {
        return false;
    }
    *ms = days_since_1970(year, month, day) * 86400000 + hour * 3600000LL +
          (minute - offset) * 60000LL + second * 1000LL + fraction;
    return true;
}
