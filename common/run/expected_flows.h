/*
 * expected_flows: two metrics for flows with `expect_every`, so that operators hear of a flow's silence: how often an event
 * is expected, and when the last one came.
 */
#ifndef RUN_EXPECTED_FLOWS_H
#define RUN_EXPECTED_FLOWS_H

#include "base/metrics.h"
#include "core/catalog.h"

void expected_flows_declare(struct metrics *metrics);
/* This catalog is in use from now on. A flow that was not expected before counts from now. */
void expected_flows_show(struct metrics *metrics, const struct catalog *catalog);
/* An event asked for the flow. Does nothing for one that is not expected. */
void expected_flows_note(struct metrics *metrics, const struct flow *flow);

#endif
