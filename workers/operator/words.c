#include "workers/operator/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"

/* Returns what shall stand in the place of a text; NULL: it stays. */
static json_t *clean_text(const json_t *value)
{
    size_t len = json_string_length(value);
    char *text = xmemdup(json_string_value(value), len);
    json_t *clean = NULL;

    utf8_blank_controls(text, len, false);
    if (memcmp(text, json_string_value(value), len) != 0) {
        clean = json_stringn(text, len);
    }
    free(text);
    return clean;
}

void words_clean_members(json_t *object)
{
    const char *name;
    json_t *value;

    json_object_foreach (object, name, value) {
        json_t *clean = json_is_string(value) ? clean_text(value) : NULL;

        if (clean) {
            json_object_set_new(object, name, clean); /* of a name that is there: the walk may go on */
        }
        words_clean_members(value);
    }
}

json_t *words_load_outcome(struct slice value)
{
    json_t *outcome = value.data ? json_loadb(value.data, value.len, JSON_REJECT_DUPLICATES, NULL) : NULL;

    if (!json_is_object(outcome)) {
        json_decref(outcome);
        return NULL;
    }
    words_clean_members(outcome);
    return outcome;
}

void words_format_time(int64_t wall_ms, char text[WORDS_TIME_SIZE])
{
    char iso[CLOCK_ISO_SIZE];

    if (wall_ms < 0) {
        snprintf(text, WORDS_TIME_SIZE, "-");
        return;
    }
    clock_format_iso(wall_ms, iso);
    snprintf(text, WORDS_TIME_SIZE, "%.10s %.8sZ", iso, iso + 11);
}

void words_append_age(int64_t ms, struct buf *out)
{
    static const struct {
        int64_t ms;
        const char *name;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}};

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (ms >= 2 * units[i].ms) {
            buf_appendf(out, "%" PRId64 " %s", ms / units[i].ms, units[i].name);
            return;
        }
    }
    buf_appendf(out, "%" PRId64 " s", ms > 0 ? ms / 1000 : 0);
}

void words_append_reason(const char *reason, struct buf *out)
{
    static const struct {
        const char *reason, *meaning;
    } words[] = {
        {"timeout", "no answer in time"},
        {"reset", "the connection broke before the answer"},
        {"empty", "the connection was closed without an answer"},
        {"partial", "the connection was closed in the middle of the answer"},
        {"garbage", "the answer was no HTTP"},
        {"too_large", "the answer was longer than any of that provider"},
        {"closed", "the worker ended before the answer"},
    };

    buf_append_text(out, reason);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i].reason, reason) == 0) {
            buf_appendf(out, " (%s)", words[i].meaning);
        }
    }
}

/* Behind "<place> ": an id, or a reason. */
static const char *what_of(const struct claim_record *record)
{
    const char *space = strchr(record->info, ' ');

    return space ? space + 1 : record->info;
}

static void about_open(const struct claim_record *record, int64_t now_ms, struct buf *out)
{
    int64_t left = record->deadline_ms - now_ms;

    if (record->state == 'P') {
        buf_append_text(out, "not sent, that is proved; it waits");
        if (left > 0) {
            buf_append_text(out, " for another ");
            words_append_age(left, out);
        } else {
            buf_append_text(out, " for a worker");
        }
        return;
    }
    buf_append_text(out, record->state == 'W' ? "a worker has it, and may have sent it"
                                              : "nobody knows whether it was sent; that is being found out");
    buf_append_text(out, "; first tried ");
    words_append_age(now_ms - record->first_ms, out);
    buf_append_text(out, left > 0 ? " ago" : " ago; its worker does not answer any more, and the next to read it goes on");
}

static void about_end(const struct claim_record *record, struct buf *out)
{
    const char *what = what_of(record);
    bool has_what = what[0] != '\0';

    switch (record->state) {
    case 'S':
        if (strcmp(what, "operator_sent") == 0) {
            buf_append_text(out, "sent, says an operator");
        } else {
            buf_appendf(out, has_what ? "sent, provider id %s" : "sent; the provider's id is not known", what);
        }
        break;
    case 'X':
        buf_appendf(out, "not to be sent: %s", what);
        break;
    case 'D':
        buf_appendf(out, "dead: %s; it lies in the DLQ", what);
        break;
    default:
        buf_appendf(out, "held: %s; a person must decide (perkline held)", what);
    }
}

void words_about_claim(const struct claim_record *record, bool has_epoch, int64_t now_ms, struct buf *out)
{
    size_t begin = out->len;

    switch (record->state) {
    case 0:
        buf_append_text(out, has_epoch ? "nothing: never begun, or so long ago that it is forgotten"
                                       : "nothing, and Redis has no epoch: it is new or was emptied, and not yet rebuilt");
        break;
    case '?':
        buf_append_text(out, "a record of a later version, which this program cannot read");
        break;
    case '!':
        buf_append_text(out, "a broken record, which nobody can read");
        break;
    case 'W':
    case 'U':
    case 'P':
        about_open(record, now_ms, out);
        break;
    default:
        about_end(record, out);
    }
    utf8_blank_controls(out->data + begin, out->len - begin, false);
}
