/*
 * metrics: counters, gauges and histograms, printed in the Prometheus text format.
 *
 * A family is a static row {name, type, help, label names}; a series is one combination of label values and is
 * looked up once, then kept as a pointer, so that counting is one addition. Series live as long as the registry.
 * Label values must never name a member. Names start with perkline_ and use base units.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stdint.h>

#include "base/buf.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric_family {
    const char *name;
    enum metric_type type;
    const char *help;
    const char *labels[4]; /* label names, NULL-terminated when fewer */
};

struct metric;   /* one series */
struct metrics;  /* the registry */

struct metrics *metrics_create(void);
void metrics_destroy(struct metrics *metrics);

/* Finds or makes the series with these label values (as many as the family has labels; NULL counts as "").
 * Borrowed; lives as long as the registry. `family` must outlive the registry. */
struct metric *metrics_get(struct metrics *metrics, const struct metric_family *family, const char *const values[]);

void metric_add(struct metric *metric, double amount);
void metric_set(struct metric *metric, double value);
/* Histogram; buckets are fixed: 1 ms to 60 s. `seconds` below 0 counts as 0. */
void metric_observe(struct metric *metric, double seconds);
/* Counter and gauge: the value. Histogram: how many observations. */
double metric_value(const struct metric *metric);

/* The whole registry, families in order of name. */
void metrics_format(const struct metrics *metrics, struct buf *out);

/* A family and one count for it, for call sites that are not hot. */
void metrics_count(struct metrics *metrics, const struct metric_family *family, const char *const values[]);

#endif
