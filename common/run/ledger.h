/*
 * ledger: the books of one pipeline, for metrics: consumed = terminal + open, at any moment. Each of the three is counted
 * in its own way: at the entry, at the exit by the stage a delivery leaves from, and by looking at what is there. So a
 * delivery that leaves in a way that is no end shows at once. Also how long deliveries spend in each stage.
 */
#ifndef RUN_LEDGER_H
#define RUN_LEDGER_H

#include <stddef.h>

#include "base/metrics.h"
#include "core/channel.h"
#include "run/parcel.h"

struct ledger;

/* `names` of the stages, STAGE_COUNT of them. The series live in `metrics`. */
struct ledger *ledger_create(struct metrics *metrics, enum channel channel, const char *const names[]);
void ledger_destroy(struct ledger *ledger);

/* So many deliveries came in. */
void ledger_open(struct ledger *ledger, size_t count);
/* The task leaves its stage. */
void ledger_add_stage(struct ledger *ledger, const struct task *task, int64_t now_us);
/* The task leaves the pipeline, from its stage, in this way. */
void ledger_close(struct ledger *ledger, const struct task *task, enum stage_exit way);
/* Looks at the parcels that are there. */
void ledger_show(struct ledger *ledger, const struct parcel *parcels);

#endif
