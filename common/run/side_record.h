/*
 * side_record: a delivery that leaves by a topic beside the outcomes: the original bytes, the original headers, and ours
 * on top ("perkline-...").
 */
#ifndef RUN_SIDE_RECORD_H
#define RUN_SIDE_RECORD_H

#include "io/kafka_producer.h"
#include "core/record.h"
#include "run/parcel.h"

/* To the DLQ or the held topic, with the mid as key: headers as in core/side_note.h. One that is_cut goes with the beginning
 * of its value only, and without its own headers and key. */
void side_record_produce(struct kafka_producer *producer, const char *topic, const struct task *task,
                         enum channel channel, kafka_produce_fn fn, void *arg);

/* A record of the DLQ or the held topic as it was: its bytes, its headers without ours, and the key and place that ours
 * name. */
struct side_record_original {
    struct record record; /* points into the record that it was made of, and into what follows */
    struct record_header *headers;
    char topic[250];
};

/* `original` is zeroed before its first use and may be used again; the result lies in it. */
const struct record *side_record_unwrap(const struct record *side, struct side_record_original *original);
void side_record_original_finish(struct side_record_original *original);

/* The original headers (parcel NULL: none) without those that we put on top, followed by `count` more. Caller frees the
 * array. */
struct kafka_header *side_record_headers(const struct parcel *parcel, const struct record_header *more, size_t count,
                                         size_t *total);

#endif
