/*
 * event: a record decoded and validated as a CloudEvents 1.0 event, in structured or in binary mode.
 *
 * Everything about the bytes is checked here, once: size, UTF-8, depth, duplicate keys, required attributes, the time
 * stamp. What passes is a plain tree that the rest may trust in form (not in content).
 */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "core/record.h"

enum { EVENT_MOST_BYTES = 256 << 10, EVENT_MOST_NOTES = 128 << 10, EVENT_MOST_DEPTH = 64, EVENT_MOST_ATTRIBUTE = 1024 };

struct event {
    json_t *data;            /* object; owned. Its members are the templates' top-level variables */
    json_t *attributes;      /* object; owned. What came around the data, as it came */
    json_t *lazy_envelope;   /* object; owned. Empty until event_envelope() fills it */
    const char *id;          /* borrowed from attributes, as all texts here */
    const char *source;
    const char *type;
    const char *subject;     /* NULL when absent */
    const char *time;        /* as written; NULL when absent (then the record's time stamp counts) */
    const char *traceparent; /* NULL when absent or malformed */
    int64_t time_ms;         /* of the event: attribute time, else the record's time stamp, else 0 */
    char member_id[129];     /* data.member.id as text ("" when absent): the key of order */
};

/* Decodes a record. Structured mode: content-type application/cloudevents+json, or no ce_ header. Binary mode: any of
 * ce_specversion, ce_id, ce_source, ce_type; the value is the data. The record need not outlive the event.
 *
 * False: why the record is no event, as a stable word for headers and metrics, with the detail (attribute or byte
 * offset, never content) in err:
 *   empty              no value (a tombstone) or no byte in it
 *   too_large          over EVENT_MOST_BYTES, or key and headers over EVENT_MOST_NOTES: a retry topic must take them with ours
 *   too_deep           nested deeper than EVENT_MOST_DEPTH
 *   not_json           anything but one JSON text, or a number that fits no type
 *   not_utf8           the value or a ce_ header
 *   has_nul            a string or key holds U+0000
 *   duplicate_key      two members of an object have the same name
 *   missing_attribute  specversion, id, source, type or data is absent, null or empty
 *   bad_attribute      wrong type, over-long, control characters, no RFC 3339 time, data no object, no member id */
bool event_decode(const struct record *record, struct event *event, const char **reason,
                  struct err *err);
/* Does the record carry an event in binary mode: attributes in ce_ headers, the value is the data? */
bool event_is_binary(const struct record *record);
/* Frees what the event owns; the struct may be zeroed, and is zeroed afterwards. */
void event_finish(struct event *event);

/* One more owner of the same event, which neither of them changes. */
void event_share(const struct event *event, struct event *copy);

/* Object {"event": {id, source, type, time, subject, extensions}} for templates and conditions. Made at the first
 * call, because a duplicate never asks for it. Borrowed, lives as long as the event. `subject` is left out when absent;
 * an absent `time` is the record's. */
json_t *event_envelope(const struct event *event);

/* Value at a dotted path in data ("member.id", "rewards.0.name"); NULL when absent. Borrowed. */
json_t *event_find(const struct event *event, const char *path);

/* The number when the value is a whole one, also when written as 42.0 or 4.2e1. */
bool event_read_whole(const json_t *value, int64_t *number);

/* RFC 3339 date-time to milliseconds since 1970. */
bool event_parse_time(const char *text, int64_t *ms);

#endif
