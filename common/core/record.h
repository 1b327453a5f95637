/*
 * record: one Kafka message as received. Plain value; the bytes are borrowed (a parcel owns a copy).
 */
#ifndef CORE_RECORD_H
#define CORE_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct record_header {
    const char *name;
    struct slice value;
};

struct record {
    const char *topic;
    int32_t partition;
    int64_t offset;
    int64_t timestamp_ms; /* -1 when there is none */
    struct slice key;
    struct slice value; /* data NULL for a tombstone */
    const struct record_header *headers;
    size_t header_count;
};

/* Everything in one heap block: free() it. */
struct record *record_copy(const struct record *record);
/* The last header of that name (Kafka allows several), or NULL. */
const struct record_header *record_find_header(const struct record *record, const char *name);

#endif
