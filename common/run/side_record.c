#include "run/side_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/number.h"
#include "core/side_note.h"

/* Enough to see what it was; any topic takes it. */
enum { CUT_BYTES = 64 << 10 };

struct kafka_header *side_record_headers(const struct parcel *parcel, const struct record_header *more, size_t count,
                                         size_t *total)
{
    size_t original_count = parcel ? parcel->record.header_count : 0;
    struct kafka_header *headers = xcalloc(original_count + count, sizeof(*headers));
    size_t n = 0;

    for (size_t i = 0; i < original_count; i++) {
        if (!park_is_own_header(parcel->record.headers[i].name)) {
            headers[n++] = (struct kafka_header){parcel->record.headers[i].name, parcel->record.headers[i].value};
        }
    }
    for (size_t i = 0; i < count; i++) {
        headers[n++] = (struct kafka_header){more[i].name, more[i].value};
    }
    *total = n;
    return headers;
}

static struct slice cut(struct slice value)
{
    return slice_make(value.data, value.len < CUT_BYTES ? value.len : CUT_BYTES);
}

void side_record_produce(struct kafka_producer *producer, const char *topic, const struct task *task,
                         enum channel channel, kafka_produce_fn fn, void *arg)
{
    const struct parcel *parcel = task->parcel;
    char mid[MID_TEXT_SIZE], partition_text[16], offset_text[24], time_text[CLOCK_ISO_SIZE], bytes_text[24];
    const char *from_topic;
    int32_t partition;
    int64_t offset;
    struct kafka_header *headers;
    size_t count;

    parcel_origin(parcel, &from_topic, &partition, &offset);
    mid_format(&task->mid, mid);
    snprintf(partition_text, sizeof(partition_text), "%d", partition);
    snprintf(offset_text, sizeof(offset_text), "%lld", (long long)offset);
    snprintf(bytes_text, sizeof(bytes_text), "%zu", parcel->record.value.len);
    clock_format_iso(clock_wall_ms(), time_text);

    const struct record_header own[] = {
        {"perkline-reason", slice_of(task->reason)},
        {"perkline-detail", slice_of(task->detail)},
        {"perkline-mid", slice_of(mid)},
        {"perkline-channel", slice_of(channel_name(channel))},
        {"perkline-flow", slice_of(task->flow ? task->flow->name : "")},
        {"perkline-topic", slice_of(from_topic)},
        {"perkline-partition", slice_of(partition_text)},
        {"perkline-offset", slice_of(offset_text)},
        {"perkline-time", slice_of(time_text)},
        {task->is_cut ? SIDE_NOTE_WHOLE_BYTES : SIDE_NOTE_KEY, task->is_cut ? slice_of(bytes_text) : parcel->record.key},
    };
    /* The last: not every record has a key. */
    const size_t own_count = sizeof(own) / sizeof(own[0]) - (task->is_cut || parcel->record.key.data ? 0 : 1);

    headers = side_record_headers(task->is_cut ? NULL : parcel, own, own_count, &count);
    kafka_produce(producer,
                  &(struct kafka_message){
                      .topic = topic,
                      .partition = -1,
                      .key = slice_of(mid),
                      .value = task->is_cut ? cut(parcel->record.value) : parcel->record.value,
                      .headers = headers,
                      .header_count = count,
                  },
                  fn, arg);
    free(headers);
}

/* --- back again --------------------------------------------------------------------------------------------------- */

static int64_t read_number(const struct record *side, const char *name, int64_t most, int64_t otherwise)
{
    const struct record_header *header = record_find_header(side, name);
    int64_t number;

    return header && number_parse(header->value, &number) && number >= 0 && number <= most ? number : otherwise;
}

static void copy_original_headers(const struct record *side, struct side_record_original *original)
{
    size_t count = 0;

    original->headers = xreallocarray(original->headers, side->header_count + 1, sizeof(*original->headers));
    for (size_t i = 0; i < side->header_count; i++) {
        if (!park_is_own_header(side->headers[i].name)) {
            original->headers[count++] = side->headers[i];
        }
    }
    original->record.headers = original->headers;
    original->record.header_count = count;
}

const struct record *side_record_unwrap(const struct record *side, struct side_record_original *original)
{
    const struct record_header *topic = record_find_header(side, "perkline-topic");
    const struct record_header *key = record_find_header(side, SIDE_NOTE_KEY);
    bool has_topic = topic && topic->value.len > 0 && topic->value.len < sizeof(original->topic);
    struct slice name = has_topic ? topic->value : slice_of(side->topic);

    original->record = (struct record){
        .topic = original->topic,
        .partition = (int32_t)read_number(side, "perkline-partition", INT32_MAX, side->partition),
        .offset = read_number(side, "perkline-offset", INT64_MAX, side->offset),
        .timestamp_ms = side->timestamp_ms,
        .key = key ? key->value : slice_make(NULL, 0),
        .value = side->value,
    };
    snprintf(original->topic, sizeof(original->topic), "%.*s", (int)name.len, name.data);
    copy_original_headers(side, original);
    return &original->record;
}

void side_record_original_finish(struct side_record_original *original)
{
    free(original->headers);
    original->headers = NULL;
}
