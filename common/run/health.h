/*
 * health: /healthz (the loop turns), /readyz (it can work: 503 with the reasons otherwise), /metrics.
 */
#ifndef RUN_HEALTH_H
#define RUN_HEALTH_H

#include "base/buf.h"
#include "base/err.h"
#include "base/metrics.h"
#include "io/loop.h"

struct health;

struct health_parts {
    struct loop *loop;
    const char *listen;
    struct metrics *metrics;
    /* Adds one line for each reason why it cannot work now; nothing when it can. */
    void (*add_problems)(void *arg, struct buf *out);
    /* Brings gauges up to date before they are printed. */
    void (*update_metrics)(void *arg);
    void *arg;
};

struct health *health_open(const struct health_parts *parts, struct err *err);
void health_close(struct health *health);
const char *health_address(const struct health *health);

#endif
