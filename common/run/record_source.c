#include <string.h>

#include "base/duration.h"
#include "base/number.h"
#include "core/event.h"
#include "run/record_source_inside.h"

/* --- places ------------------------------------------------------------------------------------------------------- */

enum { MOST_TIME_TEXT = 64 };

/* RFC 3339, or its shorter forms: the seconds may be missing, or the whole time of day (UTC then). */
static bool parse_time(const char *text, int64_t *ms)
{
    static const char midnight[] = "T00:00:00Z", seconds[] = ":00";
    static const size_t date_len = sizeof("2026-11-01") - 1, minute_len = sizeof("2026-11-01T00:00") - 1;
    char full[MOST_TIME_TEXT + sizeof(midnight)];
    size_t len = strlen(text);

    if (event_parse_time(text, ms)) {
        return true;
    }
    if (len < date_len || len > MOST_TIME_TEXT) {
        return false;
    }
    if (len == date_len) {
        memcpy(full, text, len);
        memcpy(full + len, midnight, sizeof(midnight));
        return event_parse_time(full, ms);
    }
    if (len <= minute_len) {
        return false;
    }
    memcpy(full, text, minute_len);
    memcpy(full + minute_len, seconds, sizeof(seconds) - 1);
    memcpy(full + minute_len + sizeof(seconds) - 1, text + minute_len, len - minute_len + 1);
    return event_parse_time(full, ms);
}

bool record_place_parse(const char *text, int64_t now_ms, struct record_place *place, struct err *err)
{
    struct err ignored = {0};
    int64_t value = 0;

    if (strcmp(text, "beginning") == 0) {
        *place = (struct record_place){RECORD_PLACE_BEGINNING, 0};
    } else if (strcmp(text, "end") == 0) {
        *place = (struct record_place){RECORD_PLACE_END, 0};
    } else if (text[0] == '-' && duration_parse_ms(slice_of(text + 1), &value, &ignored)) {
        *place = (struct record_place){RECORD_PLACE_TIME, now_ms - value};
    } else if (text[0] != '-' && number_parse(slice_of(text), &value)) {
        *place = (struct record_place){RECORD_PLACE_OFFSET, value};
    } else if (parse_time(text, &value)) {
        *place = (struct record_place){RECORD_PLACE_TIME, value};
    } else {
        return err_set(
            err,
            "\"%.60s\" is no place in a topic: \"beginning\", \"end\", a time (2026-11-01T00:00Z), a time before "
            "now (-7d, -90m), or an offset",
            text);
    }
    return true;
}

/* --- of all kinds ------------------------------------------------------------------------------------------------- */

void record_source_close(struct record_source *source)
{
    if (source) {
        source->type->close(source);
    }
}

bool record_source_next(struct record_source *source, int64_t wait_ms, const struct record **record, bool *is_end,
                        struct err *err)
{
    *record = NULL;
    *is_end = false;
    return source->type->next(source, wait_ms, record, is_end, err);
}

int64_t record_source_total(const struct record_source *source)
{
    return source->type->total(source);
}

double record_source_share(const struct record_source *source)
{
    return source->type->share(source);
}

const char *record_source_note(const struct record_source *source)
{
    return source->type->note(source);
}
