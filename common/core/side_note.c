#include "core/side_note.h"

#include <string.h>

#include "base/number.h"
#include "core/event.h"

static struct slice value_of(const struct record *record, const char *name)
{
    const struct record_header *header = record_find_header(record, name);

    return header ? header->value : slice_make(NULL, 0);
}

/* Without control characters, which would reach a terminal. */
static void copy_text(const struct record *record, const char *name, char *to, size_t size)
{
    struct slice value = value_of(record, name);
    size_t len = value.len < size - 1 ? value.len : size - 1;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value.data[i];

        to[i] = c < 0x20 || c == 0x7f ? '?' : (char)c;
    }
    to[len] = '\0';
}

static bool read_number(const struct record *record, const char *name, int64_t most, int64_t *number)
{
    return number_parse(value_of(record, name), number) && *number >= 0 && *number <= most;
}

bool side_note_parse(const struct record *record, struct side_note *note, struct err *err)
{
    int64_t partition = 0;
    char time[64];

    *note = (struct side_note){.partition = 0};
    if (!mid_parse(value_of(record, "perkline-mid"), &note->mid)) {
        return err_set(err, "header perkline-mid is missing or not 32 hex digits");
    }
    if (!channel_parse(value_of(record, "perkline-channel"), &note->channel)) {
        return err_set(err, "header perkline-channel is missing or not a channel");
    }
    copy_text(record, "perkline-topic", note->topic, sizeof(note->topic));
    if (!note->topic[0] || !read_number(record, "perkline-partition", INT32_MAX, &partition) ||
        !read_number(record, "perkline-offset", INT64_MAX, &note->offset)) {
        return err_set(err, "headers perkline-topic, -partition and -offset do not name a place");
    }
    note->partition = (int32_t)partition;
    copy_text(record, "perkline-time", time, sizeof(time));
    if (!event_parse_time(time, &note->left_at)) {
        note->left_at = record->timestamp_ms;
    }
    copy_text(record, "perkline-reason", note->reason, sizeof(note->reason));
    copy_text(record, "perkline-detail", note->detail, sizeof(note->detail));
    copy_text(record, "perkline-flow", note->flow, sizeof(note->flow));
    return true;
}

bool side_note_is_of_record(const struct side_note *note)
{
    const struct record place = {.topic = note->topic, .partition = note->partition, .offset = note->offset};
    struct mid mid;

    mid_of_record(&place, &mid);
    return memcmp(&mid, &note->mid, sizeof(mid)) == 0;
}
