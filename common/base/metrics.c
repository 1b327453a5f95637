#include "base/metrics.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash_table.h"
#include "base/mem.h"
#include "base/utf8.h"

enum { MOST_LABELS = 4 };

static const struct {
    double seconds;
    const char *text;
} buckets[] = {
    {0.001, "0.001"}, {0.0025, "0.0025"}, {0.005, "0.005"}, {0.01, "0.01"}, {0.025, "0.025"},
    {0.05, "0.05"},   {0.1, "0.1"},       {0.25, "0.25"},   {0.5, "0.5"},   {1, "1"},
    {2.5, "2.5"},     {5, "5"},           {10, "10"},       {30, "30"},     {60, "60"},
};

enum { BUCKET_COUNT = sizeof(buckets) / sizeof(buckets[0]) };

struct metric {
    const struct metric_family *family;
    char *labels;     /* as printed, without the braces: a="x",b="y" */
    double value;     /* histogram: the sum */
    uint64_t *counts; /* histogram: one for each bucket and one for those above all; else NULL */
    UT_hash_handle hh;
    size_t key_len;
    char key[]; /* family name and label values, each with its NUL */
};

struct metrics {
    struct metric *series; /* hash table by key */
    struct buf key;        /* scratch of metrics_get() */
};

struct metrics *metrics_create(void)
{
    struct metrics *metrics = xcalloc(1, sizeof(*metrics));

    buf_init(&metrics->key, 0);
    return metrics;
}

void metrics_destroy(struct metrics *metrics)
{
    struct metric *metric, *next;

    if (!metrics) {
        return;
    }
    HASH_ITER (hh, metrics->series, metric, next) {
        HASH_DEL(metrics->series, metric);
        free(metric->labels);
        free(metric->counts);
        free(metric);
    }
    buf_finish(&metrics->key);
    free(metrics);
}

/* --- series ------------------------------------------------------------------------------------------------------- */

static size_t label_count(const struct metric_family *family)
{
    size_t count = 0;

    while (count < MOST_LABELS && family->labels[count]) {
        count++;
    }
    return count;
}

static void append_label_value(struct buf *out, const char *value)
{
    struct slice text = slice_of(value);
    size_t at = 0;

    while (at < text.len) {
        uint32_t c = utf8_next(text, &at, NULL);

        if (c == '\n') {
            buf_append(out, "\\n", 2);
        } else {
            if (c == '\\' || c == '"') {
                buf_append_char(out, '\\');
            }
            utf8_append(out, c);
        }
    }
}

static char *format_labels(const struct metric_family *family, const char *const values[])
{
    struct buf text;

    buf_init(&text, 0);
    for (size_t i = 0; i < label_count(family); i++) {
        buf_append_text(&text, i ? "," : "");
        buf_append_text(&text, family->labels[i]);
        buf_append(&text, "=\"", 2);
        append_label_value(&text, values[i] ? values[i] : "");
        buf_append_char(&text, '"');
    }
    return buf_take(&text);
}

static struct metric *make(struct metrics *metrics, const struct metric_family *family, const char *const values[])
{
    struct slice key = buf_slice(&metrics->key);
    struct metric *metric = xcalloc(1, sizeof(*metric) + key.len);

    metric->family = family;
    metric->labels = format_labels(family, values);
    metric->key_len = key.len;
    memcpy(metric->key, key.data, key.len);
    if (family->type == METRIC_HISTOGRAM) {
        metric->counts = xcalloc(BUCKET_COUNT + 1, sizeof(*metric->counts));
    }
    HASH_ADD_KEYPTR(hh, metrics->series, metric->key, metric->key_len, metric);
    return metric;
}

struct metric *metrics_get(struct metrics *metrics, const struct metric_family *family, const char *const values[])
{
    struct buf *key = &metrics->key;
    struct metric *metric;

    buf_clear(key);
    buf_append(key, family->name, strlen(family->name) + 1);
    for (size_t i = 0; i < label_count(family); i++) {
        const char *value = values[i] ? values[i] : "";

        buf_append(key, value, strlen(value) + 1);
    }
    HASH_FIND(hh, metrics->series, key->data, key->len, metric);
    assert(!metric || metric->family->type == family->type);
    return metric ? metric : make(metrics, family, values);
}

void metrics_count(struct metrics *metrics, const struct metric_family *family, const char *const values[])
{
    metric_add(metrics_get(metrics, family, values), 1);
}

void metric_add(struct metric *metric, double amount)
{
    assert(metric->family->type == METRIC_GAUGE || (metric->family->type == METRIC_COUNTER && amount >= 0));
    metric->value += amount;
}

void metric_set(struct metric *metric, double value)
{
    assert(metric->family->type != METRIC_HISTOGRAM);
    metric->value = value;
}

void metric_observe(struct metric *metric, double seconds)
{
    size_t i = 0;

    assert(metric->family->type == METRIC_HISTOGRAM);
    seconds = seconds > 0 ? seconds : 0; /* also for NaN */
    while (i < BUCKET_COUNT && seconds > buckets[i].seconds) {
        i++;
    }
    metric->counts[i]++;
    metric->value += seconds;
}

static uint64_t observation_count(const struct metric *metric)
{
    uint64_t count = 0;

    for (size_t i = 0; i <= BUCKET_COUNT; i++) {
        count += metric->counts[i];
    }
    return count;
}

double metric_value(const struct metric *metric)
{
    return metric->counts ? (double)observation_count(metric) : metric->value;
}

/* --- text --------------------------------------------------------------------------------------------------------- */

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
    uint64_t below = 0;

    for (size_t i = 0; i <= BUCKET_COUNT; i++) {
        below += metric->counts[i];
        append_name(out, metric, "_bucket", i < BUCKET_COUNT ? buckets[i].text : "+Inf");
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
    static const char *const types[] = {"counter", "gauge", "histogram"};

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

static int compare(const void *left, const void *right)
{
    const struct metric *a = *(const struct metric *const *)left;
    const struct metric *b = *(const struct metric *const *)right;
    int by_name = strcmp(a->family->name, b->family->name);

    return by_name ? by_name : strcmp(a->labels, b->labels);
}

void metrics_format(const struct metrics *metrics, struct buf *out)
{
    size_t count = HASH_COUNT(metrics->series);
    const struct metric **sorted = xcalloc(count, sizeof(struct metric *));
    const char *family = "";
    size_t i = 0;

    for (const struct metric *metric = metrics->series; metric; metric = metric->hh.next) {
        sorted[i++] = metric;
    }
    qsort(sorted, count, sizeof(struct metric *), compare);
    for (i = 0; i < count; i++) {
        if (strcmp(sorted[i]->family->name, family) != 0) {
            family = sorted[i]->family->name;
            append_family(out, sorted[i]->family);
        }
        if (sorted[i]->family->type == METRIC_HISTOGRAM) {
            append_histogram(out, sorted[i]);
        } else {
            append_name(out, sorted[i], "", NULL);
            append_number(out, sorted[i]->value);
            buf_append_char(out, '\n');
        }
    }
    free(sorted);
}
