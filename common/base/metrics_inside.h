/*
 * metrics_inside: what metrics.c (counting) and metrics_text.c (printing) share.
 */
#ifndef BASE_METRICS_INSIDE_H
#define BASE_METRICS_INSIDE_H

#include <stddef.h>

#include "base/hash_table.h"
#include "base/metrics.h"

struct bucket {
    double seconds;
    const char *text;
};

/* By type, each up to a row without a text; NULL: no histogram. */
extern const struct bucket *const metrics_buckets[];

struct metric {
    const struct metric_family *family;
    char *labels;     /* as printed, without the braces: a="x",b="y" */
    double value;     /* histogram: the sum */
    uint64_t *counts; /* histogram: one for each bucket and one for those above all; else NULL */
    UT_hash_handle hh;
    size_t key_len;
    char key[]; /* family name and label values, each with its NUL */
};

struct declared {
    const struct metric_family *family;
    size_t series_count;
    UT_hash_handle hh;
};

struct metrics {
    struct metric *series;     /* hash table by key */
    struct declared *families; /* hash table by name */
    struct buf key;            /* scratch of metrics_get() */
};

size_t metrics_bucket_count(const struct metric_family *family);

#endif
