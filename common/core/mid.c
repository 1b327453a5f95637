#include "core/mid.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"

/* Four bytes of length, most significant first, then the bytes: no two lists of parts read the same. */
static void append_part(struct buf *parts, struct slice part)
{
    char len[4] = {(char)(part.len >> 24), (char)(part.len >> 16), (char)(part.len >> 8),
                   (char)part.len};

    buf_append(parts, len, sizeof(len));
    buf_append_slice(parts, part);
}

static void append_int(struct buf *parts, int64_t number)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRId64, number);
    append_part(parts, slice_of(text));
}

/* The fewest digits that read back as the same number. */
static void append_real(struct buf *parts, double number)
{
    char text[32];

    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, number);
        if (strtod(text, NULL) == number) {
            break;
        }
    }
    append_part(parts, slice_of(text));
}

static bool append_value(struct buf *parts, const json_t *value, const char *path, struct err *err)
{
    int64_t number;

    if (!value || json_is_null(value)) {
        return err_set(err, "dedupe field %s is missing", path);
    }
    if (event_read_whole(value, &number)) {
        append_int(parts, number);
    } else if (json_is_real(value)) {
        append_real(parts, json_real_value(value));
    } else if (json_is_boolean(value)) {
        append_part(parts, json_is_true(value) ? SLICE("true") : SLICE("false"));
    } else if (!json_is_string(value)) {
        return err_set(err, "dedupe field %s is a list or an object", path);
    } else if (json_string_length(value) == 0) {
        return err_set(err, "dedupe field %s is empty", path);
    } else {
        append_part(parts, slice_make(json_string_value(value), json_string_length(value)));
    }
    return true;
}

static void digest_parts(struct buf *parts, struct mid *mid)
{
    uint8_t digest[DIGEST_SIZE];

    digest_sha256(buf_slice(parts), digest);
    memcpy(mid->bytes, digest, MID_SIZE);
}

bool mid_make(const struct flow *flow, enum channel channel, const struct event *event,
              struct mid *mid, struct err *err)
{
    struct buf parts;
    bool is_made = true;

    buf_init(&parts, 0);
    buf_reserve(&parts, 255);
    append_part(&parts, SLICE("v1"));
    append_part(&parts, slice_of(flow->name));
    append_part(&parts, slice_of(channel_name(channel)));
    for (size_t i = 0; i < flow->dedupe_count && is_made; i++) {
        const char *path = flow->dedupe[i];

        is_made = append_value(&parts, event_find(event, path), path, err);
    }
    if (is_made) {
        digest_parts(&parts, mid);
    }
    buf_finish(&parts);
    return is_made;
}

void mid_of_record(const struct record *record, struct mid *mid)
{
    struct buf parts;

    buf_init(&parts, 0);
    append_part(&parts, SLICE("v1 record"));
    append_part(&parts, slice_of(record->topic));
    append_int(&parts, record->partition);
    append_int(&parts, record->offset);
    digest_parts(&parts, mid);
    buf_finish(&parts);
}

void mid_of_copy(const struct mid *mid, uint64_t copy, struct mid *key)
{
    struct buf parts;

    *key = *mid;
    if (copy == 0) {
        return;
    }
    buf_init(&parts, 0);
    append_part(&parts, SLICE("v1 copy"));
    append_part(&parts, slice_make((const char *)mid->bytes, MID_SIZE));
    append_int(&parts, (int64_t)copy);
    digest_parts(&parts, key);
    buf_finish(&parts);
}

void mid_format(const struct mid *mid, char text[MID_TEXT_SIZE])
{
    hex_format(mid->bytes, MID_SIZE, text);
}

bool mid_parse(struct slice text, struct mid *mid)
{
    return hex_parse(text, mid->bytes, MID_SIZE);
}
