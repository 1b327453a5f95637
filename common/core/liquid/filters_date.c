#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "core/liquid/date.h"
#include "core/liquid/filter_support.h"
#include "core/liquid/lexer.h"

/* Beyond this many seconds a year has more than nine digits, and no date is meant. */
static const int64_t MAX_SECONDS = INT64_C(10000000000000000);

static bool is_word(struct slice text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.data, word, text.len) == 0;
}

static bool is_digits(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!isdigit((unsigned char)text.data[i])) {
            return false;
        }
    }
    return text.len > 0;
}

static bool to_date(const struct liquid_call *call, struct date *date)
{
    const struct liquid_value *in = &call->input;
    int64_t now_ms = call->run->scope->now_ms;
    int64_t now_s = (now_ms >= 0 ? now_ms : now_ms - 999) / 1000;

    *date = (struct date){.seconds = now_s, .nanos = (int32_t)((now_ms - now_s * 1000) * 1000000)};
    if (in->kind == LIQUID_INT) {
        *date = (struct date){.seconds = in->integer};
    } else if (in->kind != LIQUID_STRING) {
        return false;
    } else if (is_digits(in->string)) {
        *date = (struct date){.seconds = text_to_integer(in->string)};
    } else if (!is_word(in->string, "now") && !is_word(in->string, "today")) {
        return date_parse(in->string, now_s, date);
    }
    return date->seconds > -MAX_SECONDS && date->seconds < MAX_SECONDS;
}

bool filter_date(const struct liquid_call *call, struct liquid_value *result, struct err *err)
{
    struct slice format = arg_text(call, 0);
    struct date date;
    struct text text;

    if (!format.len || !to_date(call, &date)) {
        return give(result, call->input);
    }
    text_init(&text, call->run);
    if (!date_format(&text, &date, format)) {
        return err_set(err, "the format ends inside a directive; a percent sign is %%%%");
    }
    return give_text(result, text_slice(&text));
}
