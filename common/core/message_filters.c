#include "core/message_filters.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "core/event.h"

enum { DAY_MS = 24 * 3600 * 1000, HOUR_MS = 3600 * 1000, MINUTE_MS = 60 * 1000, NUMBER_MOST_LEN = 40, SHOWN_MOST = 40 };

/* --- values ----------------------------------------------------------------------------------------------------- */

struct number {
    bool is_integer;
    int64_t integer;
    double value;
};

/* -?digits[.digits]: what a shop's export may hold as text. */
static bool parse_number(struct slice text, struct number *number)
{
    char copy[NUMBER_MOST_LEN + 1];
    size_t at = text.len && text.data[0] == '-';
    size_t digits;
    bool has_point = false;

    if (text.len > NUMBER_MOST_LEN) {
        return false;
    }
    for (digits = 0; at < text.len; at++) {
        if (text.data[at] == '.' && !has_point && digits) {
            has_point = true;
        } else if (text.data[at] < '0' || text.data[at] > '9') {
            return false;
        } else {
            digits++;
        }
    }
    if (!digits || text.data[text.len - 1] == '.') {
        return false;
    }
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    number->value = strtod(copy, NULL);
    number->is_integer = !has_point && digits < 19;
    number->integer = number->is_integer ? strtoll(copy, NULL, 10) : 0;
    return true;
}

static bool read_number(const struct liquid_value *value, struct number *number)
{
    switch (value->kind) {
    case LIQUID_INT:
        *number = (struct number){true, value->integer, (double)value->integer};
        return true;
    case LIQUID_FLOAT:
        *number = (struct number){false, 0, value->number};
        break;
    case LIQUID_STRING:
        if (!parse_number(value->string, number)) {
            return false;
        }
        break;
    default:
        return false;
    }
    return number->is_integer || (isfinite(number->value) && fabs(number->value) < LOCALE_NUMBER_MOST);
}

/* "'abc' is no number", with the value cut when it is long. */
static bool refuse(const struct liquid_call *call, const struct liquid_value *value, const char *expected,
                   struct err *err)
{
    struct slice text;

    if (value->kind == LIQUID_UNDEFINED || value->kind == LIQUID_NIL) {
        return err_set(err, "the value is missing");
    }
    text = liquid_to_text(call->run, value);
    return err_set(err, "'%.*s' is no %s", (int)utf8_truncate(text, SHOWN_MOST), text.data, expected);
}

/* Moves the text to the run's memory. */
static bool give(const struct liquid_call *call, struct buf *text, struct liquid_value *result)
{
    char *copy = liquid_alloc(call->run, text->len + 1);

    memcpy(copy, buf_text(text), text->len + 1);
    *result = (struct liquid_value){.kind = LIQUID_STRING, .string = slice_make(copy, text->len)};
    buf_finish(text);
    return true;
}

static void append_number(struct locale *locale, const struct number *number, struct buf *out)
{
    if (number->is_integer) {
        locale_format_int(locale, number->integer, out);
    } else {
        locale_format_number(locale, number->value, out);
    }
}

/* --- number, money ---------------------------------------------------------------------------------------------- */

static bool filter_number(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    const struct message_context *context = call->context;
    struct number number;
    struct buf out;

    if (!read_number(&call->input, &number)) {
        return refuse(call, &call->input, "number", err);
    }
    buf_init(&out, 0);
    append_number(context->locale, &number, &out);
    return give(call, &out, result);
}

static bool filter_money(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    const struct message_context *context = call->context;
    struct number number;
    struct buf out;

    if (call->arg_count != 1 || call->args[0].kind != LIQUID_STRING) {
        return err_set(err, "name the currency, as in money: \"EUR\"");
    }
    if (!read_number(&call->input, &number) || fabs(number.value) >= LOCALE_NUMBER_MOST) {
        return refuse(call, &call->input, "amount", err);
    }
    buf_init(&out, 0);
    if (!locale_format_money(context->locale, number.value, call->args[0].string, &out)) {
        buf_finish(&out);
        return refuse(call, &call->args[0], "currency", err);
    }
    return give(call, &out, result);
}

/* --- local_date, time_left -------------------------------------------------------------------------------------- */

struct moment {
    bool is_date;   /* a day of the calendar, the same in every zone */
    int64_t utc_ms; /* midnight when is_date */
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* "2026-11-21" */
static bool parse_date(struct slice text, int64_t *utc_ms)
{
    char time[sizeof("2026-11-21T00:00:00Z")] = {0};

    if (text.len != 10) {
        return false;
    }
    memcpy(time, text.data, 10);
    memcpy(time + 10, "T00:00:00Z", 10);
    return event_parse_time(time, utc_ms);
}

static bool read_moment(const struct liquid_call *call, struct moment *moment)
{
    const struct message_context *context = call->context;
    struct slice text = call->input.string;
    char copy[64];

    if (call->input.kind != LIQUID_STRING || text.len >= sizeof(copy)) {
        return false;
    }
    if (slice_is(text, "now") || slice_is(text, "today")) {
        *moment = (struct moment){false, context->now_ms};
        return true;
    }
    moment->is_date = parse_date(text, &moment->utc_ms);
    if (moment->is_date) {
        return true;
    }
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return strlen(copy) == text.len && event_parse_time(copy, &moment->utc_ms);
}

static int64_t to_local(const struct message_context *context, int64_t utc_ms)
{
    int64_t offset = 0;

    locale_set_find_offset(context->locales, context->zone, utc_ms, &offset);
    return utc_ms + offset;
}

static bool filter_local_date(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    const struct message_context *context = call->context;
    enum locale_date_style style = LOCALE_DATE_MEDIUM;
    struct moment moment;
    struct buf out;

    if (call->arg_count > 1 || (call->arg_count == 1 && (call->args[0].kind != LIQUID_STRING ||
                                                         !locale_date_style_parse(call->args[0].string, &style)))) {
        return err_set(err, "the style must be \"short\", \"medium\", \"long\" or \"full\"");
    }
    if (!read_moment(call, &moment)) {
        return refuse(call, &call->input, "date like 2026-11-21 or 2026-11-21T10:00:00Z", err);
    }
    buf_init(&out, 0);
    locale_format_date(context->locale, style, moment.is_date ? moment.utc_ms : to_local(context, moment.utc_ms), &out);
    return give(call, &out, result);
}

/* The largest unit of which at least one whole is left; never more than there is, never below zero. A calendar day is
 * counted in days of the member's calendar. */
static bool filter_time_left(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    const struct message_context *context = call->context;
    enum locale_unit unit = LOCALE_DAY;
    struct moment moment;
    int64_t left;
    struct buf out;

    if (!read_moment(call, &moment)) {
        return refuse(call, &call->input, "date like 2026-11-21 or 2026-11-21T10:00:00Z", err);
    }
    if (moment.is_date) {
        left = floor_div(moment.utc_ms, DAY_MS) - floor_div(to_local(context, context->now_ms), DAY_MS);
    } else {
        left = moment.utc_ms - context->now_ms;
        unit = left >= DAY_MS ? LOCALE_DAY : left >= HOUR_MS ? LOCALE_HOUR : LOCALE_MINUTE;
        left /= unit == LOCALE_DAY ? DAY_MS : unit == LOCALE_HOUR ? HOUR_MS : MINUTE_MS;
    }
    buf_init(&out, 0);
    locale_format_span(context->locale, unit, left > 0 ? left : 0, &out);
    return give(call, &out, result);
}

/* --- t ---------------------------------------------------------------------------------------------------------- */

static const struct liquid_value *find_named(const struct liquid_call *call, struct slice name)
{
    for (size_t i = 0; i < call->named_count; i++) {
        if (slice_equal(call->named[i].name, name)) {
            return &call->named[i].value;
        }
    }
    return NULL;
}

static bool append_value(const struct liquid_call *call, struct slice key, struct slice name, struct buf *out,
                         struct err *err)
{
    const struct message_context *context = call->context;
    const struct liquid_value *value = find_named(call, name);
    struct number number;

    if (!value || value->kind == LIQUID_UNDEFINED || value->kind == LIQUID_NIL) {
        return err_set(err, "'%.*s' needs a value for {%.*s}", (int)key.len, key.data, (int)name.len, name.data);
    }
    if (value->kind != LIQUID_STRING && read_number(value, &number)) {
        append_number(context->locale, &number, out);
    } else {
        buf_append_slice(out, liquid_to_text(call->run, value));
    }
    return true;
}

static bool choose_form(const struct liquid_call *call, struct slice key, const struct string_entry *entry,
                        const struct string_pattern **pattern, struct err *err)
{
    const struct message_context *context = call->context;
    enum locale_plural plural = LOCALE_PLURAL_OTHER;
    struct number number;

    if (string_entry_has_plurals(entry)) {
        const struct liquid_value *count = find_named(call, SLICE("count"));

        if (!count || !read_number(count, &number)) {
            return err_set(err, "'%.*s' has plural forms and needs a number as count", (int)key.len, key.data);
        }
        plural = locale_plural_of(context->locale, number.value);
    }
    *pattern = string_entry_get(entry, plural);
    return true;
}

static bool filter_t(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    const struct message_context *context = call->context;
    const struct string_pattern *pattern = NULL;
    const struct string_entry *entry;
    struct slice key;
    struct buf out;

    if (call->input.kind != LIQUID_STRING) {
        return refuse(call, &call->input, "key", err);
    }
    key = call->input.string;
    entry = strings_find(context->strings, key);
    if (!entry) {
        return err_set(err, "no text '%.*s' in the strings of '%s'", (int)utf8_truncate(key, 100), key.data,
                       locale_tag(context->locale));
    }
    if (!choose_form(call, key, entry, &pattern, err)) {
        return false;
    }
    buf_init(&out, 0);
    for (size_t i = 0; i < pattern->count; i++) {
        const struct string_piece *piece = &pattern->pieces[i];

        if (!piece->is_placeholder) {
            buf_append_slice(&out, piece->text);
        } else if (!append_value(call, key, piece->text, &out, err)) {
            buf_finish(&out);
            return false;
        }
    }
    return give(call, &out, result);
}

const struct liquid_filter message_filters[] = {
    {"number", filter_number},       {"money", filter_money}, {"local_date", filter_local_date},
    {"time_left", filter_time_left}, {"t", filter_t},         {NULL, NULL},
};
