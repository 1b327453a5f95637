#include "run/expected_flows.h"

#include "base/clock.h"

static const struct metric_family expected_family = {
    "perkline_flow_expected_every_seconds", METRIC_GAUGE,
    "An event of the flow is expected at least so often (expect_every in flow.yaml).", {"flow", NULL}};
static const struct metric_family last_event_family = {
    "perkline_flow_last_event_timestamp_seconds", METRIC_GAUGE,
    "When an event asked for the flow last; until the first, when the flow came into use here. Only flows with "
    "expect_every.",
    {"flow", NULL}};

void expected_flows_declare(struct metrics *metrics)
{
    metrics_declare(metrics, &expected_family);
    metrics_declare(metrics, &last_event_family);
}

static struct metric *last_event_metric(struct metrics *metrics, const struct flow *flow)
{
    return metrics_get(metrics, &last_event_family, (const char *const[]){flow->name});
}

void expected_flows_note(struct metrics *metrics, const struct flow *flow)
{
    if (flow->expect_every_ms > 0) {
        metric_set(last_event_metric(metrics, flow), (double)clock_wall_ms() / 1000);
    }
}

/* A flow that is not expected any more keeps its time stamp, which then says nothing. */
void expected_flows_show(struct metrics *metrics, const struct catalog *catalog)
{
    metrics_forget_all(metrics, &expected_family);
    for (size_t i = 0; i < catalog_flow_count(catalog); i++) {
        const struct flow *flow = catalog_flow(catalog, i);

        if (flow->expect_every_ms == 0) {
            continue;
        }
        metric_set(metrics_get(metrics, &expected_family, (const char *const[]){flow->name}),
                   (double)flow->expect_every_ms / 1000);
        if (metric_value(last_event_metric(metrics, flow)) == 0) {
            expected_flows_note(metrics, flow);
        }
    }
}
