/*
 * event_fixture: one record decoded, and what was made of it. Included by the tests of events.
 */
#ifndef TEST_CORE_EVENT_FIXTURE_H
#define TEST_CORE_EVENT_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/event.h"

#define ATTRIBUTES "\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/engine\",\"type\":\"loyalty.signup\""

struct decoded {
    struct event event;
    const char *reason;
    struct err err;
    bool is_event;
};

static inline struct decoded decode_record(struct record record)
{
    struct decoded decoded = {0};

    decoded.is_event = event_decode(&record, &decoded.event, &decoded.reason, &decoded.err);
    return decoded;
}

static inline struct decoded decode_bytes(const char *data, size_t len)
{
    return decode_record((struct record){.value = {data, len}, .timestamp_ms = 5000});
}

static inline struct decoded decode_text(const char *text)
{
    return decode_bytes(text, strlen(text));
}

static inline void assert_refused(const char *name, struct decoded decoded, const char *reason,
                           const char *detail)
{
    if (decoded.is_event || strcmp(decoded.reason, reason) != 0 ||
        !strstr(decoded.err.text, detail)) {
        fail_msg("%s: wanted %s (%s), got %s (%s)", name, reason, detail,
                 decoded.is_event ? "an event" : decoded.reason, decoded.err.text);
    }
    assert_null(decoded.event.data);
    assert_null(decoded.event.attributes);
}

#endif
