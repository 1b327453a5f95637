#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "io/kafka_reader.h"
#include "run/record_source_inside.h"

struct topic_source {
    struct record_source source;
    struct kafka_reader *reader;
    struct record record;
    struct record_header *headers;
    size_t header_cap;
};

static void topic_close(struct record_source *source)
{
    struct topic_source *self = (struct topic_source *)source;

    kafka_reader_close(self->reader);
    free(self->headers);
    free(self);
}

static void copy_headers(struct topic_source *self, const struct kafka_record *from)
{
    if (from->header_count > self->header_cap) {
        self->header_cap = from->header_count;
        self->headers = xreallocarray(self->headers, self->header_cap, sizeof(*self->headers));
    }
    for (size_t i = 0; i < from->header_count; i++) {
        self->headers[i] = (struct record_header){from->headers[i].name, from->headers[i].value};
    }
}

static bool topic_next(struct record_source *source, int64_t wait_ms, const struct record **record, bool *is_end,
                       struct err *err)
{
    struct topic_source *self = (struct topic_source *)source;
    const struct kafka_record *from;

    if (!kafka_reader_next(self->reader, wait_ms, &from, is_end, err)) {
        return false;
    }
    if (from) {
        copy_headers(self, from);
        self->record = (struct record){
            .topic = from->topic,
            .partition = from->partition,
            .offset = from->offset,
            .timestamp_ms = from->timestamp_ms,
            .key = from->key,
            .value = from->value,
            .headers = self->headers,
            .header_count = from->header_count,
        };
        *record = &self->record;
    }
    return true;
}

static int64_t topic_total(const struct record_source *source)
{
    return kafka_reader_total(((const struct topic_source *)source)->reader);
}

static double topic_share(const struct record_source *source)
{
    const struct topic_source *self = (const struct topic_source *)source;
    int64_t total = kafka_reader_total(self->reader);

    return total > 0 ? 1 - (double)kafka_reader_left(self->reader) / (double)total : 1;
}

static const char *topic_note(const struct record_source *source)
{
    const struct topic_source *self = (const struct topic_source *)source;

    return kafka_reader_is_scan(self->reader)
               ? "the broker cannot look up times: the whole log is read, and what is of another time left out"
               : "";
}

static const struct record_source_type topic_type = {topic_close, topic_next, topic_total, topic_share, topic_note};

static struct kafka_reader_place place_of(const struct record_place *place)
{
    switch (place->kind) {
    case RECORD_PLACE_BEGINNING:
        return (struct kafka_reader_place){KAFKA_READER_BEGINNING, 0};
    case RECORD_PLACE_END:
        return (struct kafka_reader_place){KAFKA_READER_END, 0};
    case RECORD_PLACE_TIME:
        return (struct kafka_reader_place){KAFKA_READER_TIME, place->value};
    case RECORD_PLACE_OFFSET:
        break;
    }
    return (struct kafka_reader_place){place->value, 0};
}

static struct topic_source *open_part(const struct kafka_settings *kafka, const struct record_range *range,
                                      int32_t partition, struct err *err)
{
    struct kafka_reader_range wanted = {range->topic, partition, place_of(&range->from), place_of(&range->to),
                                        false};
    struct kafka_reader *reader = kafka_reader_open_range(kafka, &wanted, err);
    struct topic_source *self;

    if (!reader) {
        return NULL;
    }
    self = xcalloc(1, sizeof(*self));
    self->source.type = &topic_type;
    self->reader = reader;
    return self;
}

/* A reader for each partition, so that each can wait for the others. `first` is that of partition 0. */
static struct record_source *open_by_time(const struct kafka_settings *kafka, const struct record_range *range,
                                          struct topic_source *first, struct err *err)
{
    int32_t count = kafka_reader_partition_count(first->reader);
    struct record_source **parts = xcalloc((size_t)count, sizeof(struct record_source *));

    parts[0] = &first->source;
    for (int32_t i = 1; i < count; i++) {
        struct topic_source *part = open_part(kafka, range, i, err);

        if (!part) {
            while (i-- > 0) {
                record_source_close(parts[i]);
            }
            free(parts);
            return NULL;
        }
        parts[i] = &part->source;
    }
    return record_source_merge(parts, (size_t)count);
}

struct record_source *record_source_open_topic(const struct kafka_settings *kafka, const struct record_range *range,
                                               struct err *err)
{
    bool is_merged = range->is_by_time && range->partition < 0;
    struct topic_source *self = open_part(kafka, range, is_merged ? 0 : range->partition, err);

    if (!self) {
        return NULL;
    }
    return is_merged ? open_by_time(kafka, range, self, err) : &self->source;
}
