#include "core/plan.h"

/* Bounds of a condition; it prints nothing and loops over nothing. */
static const struct liquid_limits limits = {.output_bytes = 4096, .depth = 32, .steps = 10000};

bool plan_holds(const struct liquid_condition *condition, const struct event *event)
{
    struct liquid_scope scope;

    if (!condition) {
        return true;
    }
    scope = (struct liquid_scope){
        .data = event->data,
        .more_data = event_envelope(event),
        .now_ms = event->time_ms,
        .limits = limits,
    };
    return liquid_condition_holds(condition, &scope);
}

/* NULL when all are there. */
static const char *find_missing(const struct flow *flow, const struct event *event)
{
    for (size_t i = 0; i < flow->requires_count; i++) {
        json_t *value = event_find(event, flow->requires[i]);

        if (!value || json_is_null(value)) {
            return flow->requires[i];
        }
    }
    return NULL;
}

static bool add_delivery(struct plan *plan, const struct flow *flow, enum channel channel,
                         const struct event *event, const char **reason, struct err *err)
{
    const char *missing = find_missing(flow, event);
    struct delivery *delivery;

    if (plan->count == PLAN_MOST_DELIVERIES) {
        *reason = "too_many_flows";
        return err_set(err, "more than %d flows apply", PLAN_MOST_DELIVERIES);
    }
    *reason = "missing_field";
    if (missing) {
        return err_set(err, "flow %s: required field %s is missing", flow->name, missing);
    }
    delivery = &plan->deliveries[plan->count];
    delivery->flow = flow;
    if (!mid_make(flow, channel, event, &delivery->mid, err)) {
        return err_prefix(err, "flow %s", flow->name);
    }
    *reason = NULL;
    plan->count++;
    return true;
}

bool plan_make(const struct catalog *catalog, const struct event *event, enum channel channel,
               struct plan *plan, const char **reason, struct err *err)
{
    size_t count = 0;
    const struct flow *const *flows = catalog_find_by_type(catalog, event->type, &count);

    plan->count = 0;
    plan->is_known_type = count > 0;
    *reason = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct flow_channel *on = &flows[i]->channels[channel];

        if (on->is_on && plan_holds(flows[i]->when, event) && plan_holds(on->when, event) &&
            !add_delivery(plan, flows[i], channel, event, reason, err)) {
            return false;
        }
    }
    return true;
}
