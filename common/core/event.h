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

enum { EVENT_MOST_BYTES = 256 << 10, EVENT_MOST_DEPTH = 64 };

struct event {
    json_t *data;      /* object; owned. Its members are the templates' top-level variables */
    json_t *envelope;  /* object {"event": {id, source, type, time, subject, extensions}}; owned */
    const char *id;    /* borrowed from envelope, as all texts here */
    const char *source;
    const char *type;
    const char *subject;     /* NULL when absent */
    const char *time;        /* as written; NULL when absent (then the record's time stamp counts) */
    const char *traceparent; /* NULL when absent */
    int64_t time_ms;         /* of the event: attribute time, else the record's time stamp, else 0 */
    char member_id[129];     /* data.member.id as text ("" when absent): the key of order */
};

/* Why a record is no event: a stable word for headers and metrics ("not_json", "too_large", "too_deep",
 * "duplicate_key", "not_utf8", "missing_attribute", "bad_attribute", "empty"), with the detail in err. */
bool event_decode(const struct record *record, struct event *event, const char **reason, struct err *err);
/* NULL-safe members; the struct may be zeroed. */
void event_finish(struct event *event);

/* Value at a dotted path in data ("member.id", "rewards.0.name"); NULL when absent. Borrowed. */
json_t *event_find(const struct event *event, const char *path);

/* RFC 3339 date-time to milliseconds since 1970. */
bool event_parse_time(const char *text, int64_t *ms);

#endif
