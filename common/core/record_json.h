/*
 * record_json: a record as one line of JSON, so that a range of a topic can be kept in a file and read again.
 *
 *     {"topic":"loyalty.events","partition":3,"offset":1017,"timestamp_ms":1795255200123,"key":"42",
 *      "headers":[["traceparent","00-..."]],"value":{"specversion":"1.0",...}}
 *
 * Bytes that are no text (no JSON, for the value) stand in base64: "key_base64", "value_base64", and a header as
 * ["name",{"base64":"..."}]. What is not there is null. The value is kept byte by byte, but for line breaks between its
 * parts, which become spaces, and spaces around it. A line that is just an event is a record too: one with nothing but
 * a value.
 */
#ifndef CORE_RECORD_JSON_H
#define CORE_RECORD_JSON_H

#include <stdbool.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "core/record.h"

/* Appends the line, without its end. */
void record_json_format(const struct record *record, struct buf *out);

/* A line as read; owns what its record points to, except for a value that is JSON, which lies in the line. */
struct record_json {
    struct record record;
    bool has_place; /* topic, partition and offset were in the line */

    struct buf about, bytes;
    struct record_header *headers;
    json_t *root;
};

void record_json_init(struct record_json *line);
void record_json_finish(struct record_json *line);
/* Reads a line; what was read before is gone. Without a place topic is "", partition 0, offset 0, and without a time
 * stamp that is -1. Only what is around the value is checked: the value itself may be broken. False + err, which names
 * the member. */
bool record_json_parse(struct record_json *line, struct slice text, struct err *err);

#endif
