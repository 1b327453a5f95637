#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "io/kafka_reader.h"
#include "run/record_source_private.h"

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

struct record_source *record_source_open_topic(const struct kafka_settings *kafka, const struct record_range *range,
                                               struct err *err)
{
    struct kafka_reader_range wanted = {range->topic, range->partition, place_of(&range->from), place_of(&range->to)};
    struct kafka_reader *reader = kafka_reader_open_range(kafka, &wanted, err);
    struct topic_source *self;

    if (!reader) {
        return NULL;
    }
    self = xcalloc(1, sizeof(*self));
    self->source.type = &topic_type;
    self->reader = reader;
    return &self->source;
}
