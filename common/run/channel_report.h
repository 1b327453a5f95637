/*
 * channel_report: what a worker says of one channel in its beat: what it has in hand, how fast it goes, what holds it
 * back, and each of its partitions.
 *
 *     {"name":"email","provider":"brevo","gate":"brevo-email","in_flight":3,"window":256,"on_wire":2,"connections":256,
 *      "breaker":"closed","rate_limit":1000,"rates":{"sent":41.5,"suppressed":0.3},"totals":{"sent":10233,"parked":1},
 *      "partitions":[["loyalty.events",0,17,3,false],...]}
 *
 * A partition is topic, number, lag (null: not known yet), records read and not done, paused. Rates and totals of 0 are
 * left out.
 */
#ifndef RUN_CHANNEL_REPORT_H
#define RUN_CHANNEL_REPORT_H

#include "base/json_text.h"
#include "core/rate.h"
#include "run/channel_worker.h"

/* How fast each outcome comes; zeroed before its first use. */
struct channel_report {
    struct rate rates[OUTCOME_STATE_COUNT], parked;
};

/* Called at each beat. */
void channel_report_write(struct channel_report *report, const struct channel_worker_facts *facts, int64_t now_ms,
                          struct json_text *j);

#endif
