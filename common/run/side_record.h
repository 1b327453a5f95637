/*
 * side_record: a delivery that leaves by a topic beside the outcomes: the original bytes, the original headers, and ours
 * on top ("perkline-...").
 */
#ifndef RUN_SIDE_RECORD_H
#define RUN_SIDE_RECORD_H

#include "io/kafka_producer.h"
#include "run/parcel.h"

/* To the DLQ or the held topic: headers with reason, detail, mid, channel, flow and where it came from. */
void side_record_produce(struct kafka_producer *producer, const char *topic, const struct task *task,
                         enum channel channel, kafka_produce_fn fn, void *arg);

/* The original headers without those that we put on top, followed by `count` more. Caller frees the array. */
struct kafka_header *side_record_headers(const struct parcel *parcel, const struct record_header *more, size_t count,
                                         size_t *total);

#endif
