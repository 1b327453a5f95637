#include "run/side_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

struct kafka_header *side_record_headers(const struct parcel *parcel, const struct record_header *more, size_t count,
                                         size_t *total)
{
    struct kafka_header *headers = xcalloc(parcel->record.header_count + count, sizeof(*headers));
    size_t n = 0;

    for (size_t i = 0; i < parcel->record.header_count; i++) {
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

void side_record_produce(struct kafka_producer *producer, const char *topic, const struct task *task,
                         enum channel channel, kafka_produce_fn fn, void *arg)
{
    const struct parcel *parcel = task->parcel;
    char mid[MID_TEXT_SIZE], partition_text[16], offset_text[24], time_text[CLOCK_ISO_SIZE];
    const char *from_topic;
    int32_t partition;
    int64_t offset;
    struct kafka_header *headers;
    size_t count;

    parcel_origin(parcel, &from_topic, &partition, &offset);
    mid_format(&task->mid, mid);
    snprintf(partition_text, sizeof(partition_text), "%d", partition);
    snprintf(offset_text, sizeof(offset_text), "%lld", (long long)offset);
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
    };

    headers = side_record_headers(parcel, own, sizeof(own) / sizeof(own[0]), &count);
    kafka_produce(producer,
                  &(struct kafka_message){
                      .topic = topic,
                      .partition = -1,
                      .key = slice_of(mid),
                      .value = parcel->record.value,
                      .headers = headers,
                      .header_count = count,
                  },
                  fn, arg);
    free(headers);
}
