/*
 * kafka_reader_inside: what kafka_reader_open.c (which partitions there are, from where to where) and kafka_reader.c (reading,
 * figures, the end) share.
 */
#ifndef IO_KAFKA_READER_INSIDE_H
#define IO_KAFKA_READER_INSIDE_H

#include <librdkafka/rdkafka.h>

#include "io/kafka_range.h"
#include "io/kafka_reader.h"

struct reader_part {
    struct kafka_range range;
    int64_t next;
    bool is_in_range; /* of times that are looked for in the records */
    bool is_started;
    bool is_done;
};

struct reader_topic {
    rd_kafka_topic_t *handle; /* its opaque is this struct */
    char *name;
    struct kafka_reader_range wanted; /* its topic is `name` */
    struct reader_part *parts;
    int32_t part_count;
    rd_kafka_resp_err_t code; /* of the last answer about it */
    bool is_missing;
};

/* Partitions are read with librdkafka's simple consumer into one queue: it knows no group, so none is ever seen by the
 * broker. */
struct kafka_reader {
    rd_kafka_t *rk;
    struct reader_topic *topics;
    size_t topic_count;
    rd_kafka_queue_t *queue;
    int32_t open_parts;
    rd_kafka_message_t *message; /* borrowed by the caller until the next call */
    struct kafka_record record;
    size_t range; /* of the record */
    struct kafka_header *headers;
};

#endif
