/*
 * retention: is what Redis remembers of a flow's deliveries kept for as long as its events may be read again?
 *
 * A topic can be read again from its beginning at any time (a replay, a new group, a lost offset). An event that is
 * older than its flow's max_age ends as expired; any other is recognised by its record, which lives for dedupe_for. So
 * either dedupe_for outlives the topic's retention, with room for a backlog and for whole segments that Kafka keeps
 * longer, or it outlives max_age.
 */
#ifndef CORE_RETENTION_H
#define CORE_RETENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "core/catalog.h"

enum { RETENTION_FOREVER = -1 };

/* False + err, which says how to mend it. `retention_ms`: of the topic, or RETENTION_FOREVER. */
bool retention_is_covered(const struct flow *flow, const char *topic, int64_t retention_ms, struct err *why);
/* The first flow of the catalog that is not covered. */
bool retention_all_covered(const struct catalog *catalog, const char *topic, int64_t retention_ms, struct err *why);
/* How long outcomes must be kept so that Redis can be rebuilt from them: the longest dedupe_for, or
 * RETENTION_FOREVER. */
int64_t retention_of_outcomes(const struct catalog *catalog);

#endif
