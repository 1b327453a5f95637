#include "base/metrics_inside.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The shortest of two forms that reads back as the same number. */
static void append_number(struct buf *out, double number)
{
    char text[32];

    if (isnan(number)) {
        buf_append_text(out, "NaN");
    } else if (isinf(number)) {
        buf_append_text(out, number > 0 ? "+Inf" : "-Inf");
    } else {
        snprintf(text, sizeof(text), "%.15g", number);
        if (strtod(text, NULL) != number) {
            snprintf(text, sizeof(text), "%.17g", number);
        }
        buf_append_text(out, text);
    }
}

/* name + suffix + {labels, extra label} + space */
static void append_name(struct buf *out, const struct metric *metric, const char *suffix, const char *le)
{
    bool has_labels = metric->labels[0];

    buf_append_text(out, metric->family->name);
    buf_append_text(out, suffix);
    if (has_labels || le) {
        buf_append_char(out, '{');
        buf_append_text(out, metric->labels);
        if (le) {
            buf_appendf(out, "%sle=\"%s\"", has_labels ? "," : "", le);
        }
        buf_append_char(out, '}');
    }
    buf_append_char(out, ' ');
}

static void append_histogram(struct buf *out, const struct metric *metric)
{
    const struct bucket *buckets = metrics_buckets[metric->family->type];
    size_t count = metrics_bucket_count(metric->family);
    uint64_t below = 0;

    for (size_t i = 0; i <= count; i++) {
        below += metric->counts[i];
        append_name(out, metric, "_bucket", i < count ? buckets[i].text : "+Inf");
        buf_append_int(out, (int64_t)below);
        buf_append_char(out, '\n');
    }
    append_name(out, metric, "_sum", NULL);
    append_number(out, metric->value);
    buf_append_char(out, '\n');
    append_name(out, metric, "_count", NULL);
    buf_append_int(out, (int64_t)below);
    buf_append_char(out, '\n');
}

static void append_family(struct buf *out, const struct metric_family *family)
{
    static const char *const types[] = {"counter", "gauge", "histogram", "histogram", "histogram"};

    buf_appendf(out, "# HELP %s ", family->name);
    for (const char *p = family->help; *p; p++) {
        if (*p == '\\' || *p == '\n') {
            buf_append_text(out, *p == '\\' ? "\\\\" : "\\n");
        } else {
            buf_append_char(out, *p);
        }
    }
    buf_appendf(out, "\n# TYPE %s %s\n", family->name, types[family->type]);
}

static void append_series(struct buf *out, const struct metric *metric)
{
    if (metric->counts) {
        append_histogram(out, metric);
    } else {
        append_name(out, metric, "", NULL);
        append_number(out, metric->value);
        buf_append_char(out, '\n');
    }
}

static int compare_series(const void *left, const void *right)
{
    const struct metric *a = *(const struct metric *const *)left;
    const struct metric *b = *(const struct metric *const *)right;
    int by_name = strcmp(a->family->name, b->family->name);

    return by_name ? by_name : strcmp(a->labels, b->labels);
}

static int compare_families(const void *left, const void *right)
{
    const struct declared *a = *(const struct declared *const *)left;
    const struct declared *b = *(const struct declared *const *)right;

    return strcmp(a->family->name, b->family->name);
}

void metrics_format(const struct metrics *metrics, struct buf *out)
{
    size_t family_count = HASH_COUNT(metrics->families);
    const struct declared **families = xcalloc(family_count, sizeof(struct declared *));
    const struct metric **series = xcalloc(HASH_COUNT(metrics->series), sizeof(struct metric *));
    size_t n = 0;

    for (const struct declared *declared = metrics->families; declared; declared = declared->hh.next) {
        families[n++] = declared;
    }
    qsort(families, family_count, sizeof(struct declared *), compare_families);
    n = 0;
    for (const struct metric *metric = metrics->series; metric; metric = metric->hh.next) {
        series[n++] = metric;
    }
    qsort(series, n, sizeof(struct metric *), compare_series);
    n = 0;
    for (size_t i = 0; i < family_count; i++) {
        append_family(out, families[i]->family);
        for (size_t k = 0; k < families[i]->series_count; k++) {
            append_series(out, series[n++]);
        }
    }
    free(families);
    free(series);
}
