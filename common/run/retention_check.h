/*
 * retention_check: does Redis remember every flow's deliveries for as long as their events can be read again?
 *
 * Asked at the start, which is refused when it does not; then every hour, and compared with the flows that are in use
 * every minute, since both change. Brokers that do not tell are taken at their operator's word, with a warning.
 */
#ifndef RUN_RETENTION_CHECK_H
#define RUN_RETENTION_CHECK_H

#include <stdbool.h>

#include "base/err.h"
#include "base/metrics.h"
#include "io/kafka_settings.h"
#include "io/loop.h"
#include "run/templates.h"

struct retention_check;

struct retention_check_parts {
    struct loop *loop;
    struct kafka_settings kafka;
    const char *const *topics; /* with events: names or ^regex */
    struct templates *templates;
    struct metrics *metrics;
};

/* All borrowed; begins to ask. */
struct retention_check *retention_check_create(const struct retention_check_parts *parts);
void retention_check_destroy(struct retention_check *check);
/* Turns the loop until the brokers have told, or `most_ms` are over; not at all when no flow depends on their answer.
 * False + err: a flow forgets too early. */
bool retention_check_wait(struct retention_check *check, int64_t most_ms, struct err *err);

#endif
