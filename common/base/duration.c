#include "base/duration.h"

#include <inttypes.h>
#include <stdio.h>

static const struct {
    const char *name;
    int64_t ms;
} units[] = {
    {"ms", 1},        {"s", 1000},       {"m", 60000},
    {"h", 3600000},   {"d", 86400000},   {"w", 604800000},
};

static const int64_t most_ms = 100LL * 366 * 86400000;

bool duration_parse_ms(struct slice text, int64_t *ms, struct err *err)
{
    int64_t number = 0;
    size_t digits = 0;

    while (digits < text.len && text.data[digits] >= '0' && text.data[digits] <= '9' && digits < 15) {
        number = number * 10 + (text.data[digits] - '0');
        digits++;
    }
    for (size_t i = 0; digits > 0 && i < sizeof(units) / sizeof(units[0]); i++) {
        if (!slice_is(slice_make(text.data + digits, text.len - digits), units[i].name)) {
            continue;
        }
        if (number > most_ms / units[i].ms) {
            return err_set(err, "\"%.*s\" is longer than 100 years", (int)text.len, text.data);
        }
        *ms = number * units[i].ms;
        return true;
    }
    return err_set(err, "\"%.*s\" is not a duration (a number and one of ms, s, m, h, d, w: 48h)",
                   (int)(text.len < 40 ? text.len : 40), text.data);
}

const char *duration_format(int64_t ms, char text[DURATION_TEXT_SIZE])
{
    size_t unit = 0;

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]) - 1; i++) {
        if (ms % units[i].ms == 0) {
            unit = i;
        }
    }
    snprintf(text, DURATION_TEXT_SIZE, "%" PRId64 "%s", ms / units[unit].ms, units[unit].name);
    return text;
}
