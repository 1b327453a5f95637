/*
 * story: what the topics tell of a member, a delivery or an event, put together delivery by delivery, in order of time.
 *
 * From the outcomes, retry, held and DLQ topics, and from the input when asked. What a stage did is taken from the
 * outcome's timings; what nothing tells is said to be unknown, never guessed. Holds no addresses, names or bodies.
 */
#ifndef WORKERS_WHY_STORY_H
#define WORKERS_WHY_STORY_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "core/mid.h"
#include "run/record_source.h"
#include "workers/operator/operator.h"

/* Exactly one of the first three. */
struct story_question {
    const char *member, *event;
    const struct mid *mid;
    struct record_place since;
    bool has_input;    /* read the input topics too */
};

/* {"deliveries": [{"mid", "flow", "channel", "member_id", "timeline": [{"time_ms", "what", "text", ...}], "now": {...}}],
 *  "events": [...], "unknown": ["..."]}; a new reference. NULL + err. */
json_t *story_read(struct operator *operator, const struct story_question *question, struct err *err);

#endif
