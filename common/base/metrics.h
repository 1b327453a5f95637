/*
 * metrics: counters, gauges and histograms, printed in the Prometheus text format.
 *
 * A family is a static row {name, type, help, label names}; a series is one combination of label values and is
 * looked up once, then kept as a pointer, so that counting is one addition. Series live as long as the registry, but
 * for those that are forgotten. Label values must never name a member; should one still take more values than anybody
 * can look at, the rest is counted as "other". Names start with perkline_ and use base units.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stdint.h>

#include "base/buf.h"

enum metric_type {
    METRIC_COUNTER,
    METRIC_GAUGE,
    METRIC_HISTOGRAM,      /* buckets from 1 ms to 60 s: requests, deliveries */
    METRIC_HISTOGRAM_FINE, /* from 10 us to 10 s: steps inside of the process */
    METRIC_HISTOGRAM_LONG, /* from 0.1 s to a day: what people wait for */
};

enum { METRIC_MOST_LABELS = 5, METRIC_MOST_SERIES = 4096 /* of one family */ };

struct metric_family {
    const char *name;
    enum metric_type type;
    const char *help;
    const char *labels[METRIC_MOST_LABELS]; /* label names, NULL-terminated when fewer */
};

struct metric;   /* one series */
struct metrics;  /* the registry */

struct metrics *metrics_create(void);
void metrics_destroy(struct metrics *metrics);

/* The family is printed from now on, also while it has no series: who looks sees what there can be. */
void metrics_declare(struct metrics *metrics, const struct metric_family *family);
/* Finds or makes the series with these label values (as many as the family has labels; NULL counts as "").
 * Borrowed; lives as long as the registry. `family` must outlive the registry. */
struct metric *metrics_get(struct metrics *metrics, const struct metric_family *family, const char *const values[]);

/* The series is not printed any more, and nobody may use it (a partition that went to another worker). */
void metrics_forget(struct metrics *metrics, const struct metric_family *family, const char *const values[]);
/* All series of the family, before they are made anew. */
void metrics_forget_all(struct metrics *metrics, const struct metric_family *family);

void metric_add(struct metric *metric, double amount);
void metric_set(struct metric *metric, double value);
/* Histogram. `seconds` below 0 counts as 0. */
void metric_observe(struct metric *metric, double seconds);
/* Counter and gauge: the value. Histogram: how many observations. */
double metric_value(const struct metric *metric);

/* The whole registry, families in order of name. */
void metrics_format(const struct metrics *metrics, struct buf *out);

/* A family and one count for it, for call sites that are not hot. */
void metrics_count(struct metrics *metrics, const struct metric_family *family, const char *const values[]);

#endif
