/*
 * plan: the deliveries that one event asks for on one channel.
 */
#ifndef CORE_PLAN_H
#define CORE_PLAN_H

#include <stddef.h>

#include "core/catalog.h"
#include "core/channel.h"
#include "core/event.h"
#include "core/mid.h"

enum { PLAN_MOST_DELIVERIES = 16 };

struct delivery {
    const struct flow *flow; /* borrowed from the catalog */
    struct mid mid;
};

struct plan {
    struct delivery deliveries[PLAN_MOST_DELIVERIES];
    size_t count;
    bool is_known_type; /* some flow names this type, on any channel */
};

/* A flow applies when the channel is on and both conditions hold. False + reason/err: a flow applies, but a required
 * field is absent or null, or its identity cannot be made from this event (reason "missing_field"), or more than
 * PLAN_MOST_DELIVERIES apply ("too_many_flows"). err names flow and field. */
bool plan_make(const struct catalog *catalog, const struct event *event, enum channel channel, struct plan *plan,
               const char **reason, struct err *err);

/* A condition of a flow file; NULL always holds. */
bool plan_holds(const struct liquid_condition *condition, const struct event *event);

#endif
