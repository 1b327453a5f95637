/*
 * date: points in time as the date filter reads and prints them. The calendar is the Gregorian one, extended in both
 * directions; without a zone in the text the time is UTC.
 */
#ifndef CORE_LIQUID_DATE_H
#define CORE_LIQUID_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "core/liquid/run.h"

struct date {
    int64_t seconds; /* since 1970-01-01T00:00:00Z */
    int32_t nanos;
    int32_t offset;  /* seconds east of UTC */
    bool has_offset; /* the text named an offset other than UTC */
};

/* Reads what people write: "2016-03-14 10:00 +0200", "March 14, 2016", "14.3.2016", "10pm". What is missing comes
 * from `now_s`. False when the text holds no date. */
bool date_parse(struct slice text, int64_t now_s, struct date *date);
/* As strftime of the reference: %-d, %^b, %3N, %:z and so on; unknown directives stay as they are. */
/* False when the format ends inside a directive ("100 %"). */
bool date_format(struct text *out, const struct date *date, struct slice format);

int64_t date_days(int64_t year, int month, int day);
void date_civil(int64_t days, int64_t *year, int *month, int *day);

extern const char *const date_months[12];
extern const char *const date_weekdays[7];

#endif
