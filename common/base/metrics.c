#include "base/metrics_inside.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

/* Bounds with their text, and the end. */
static const struct bucket usual_buckets[] = {
    {0.001, "0.001"}, {0.0025, "0.0025"}, {0.005, "0.005"}, {0.01, "0.01"}, {0.025, "0.025"}, {0.05, "0.05"},
    {0.1, "0.1"},     {0.25, "0.25"},     {0.5, "0.5"},     {1, "1"},       {2.5, "2.5"},     {5, "5"},
    {10, "10"},       {30, "30"},         {60, "60"},       {0, NULL},
};
static const struct bucket fine_buckets[] = {
    {0.00001, "1e-05"}, {0.00003, "3e-05"}, {0.0001, "0.0001"}, {0.0003, "0.0003"}, {0.001, "0.001"}, {0.003, "0.003"},
    {0.01, "0.01"},     {0.03, "0.03"},     {0.1, "0.1"},       {0.3, "0.3"},       {1, "1"},         {3, "3"},
    {10, "10"},         {0, NULL},
};
static const struct bucket long_buckets[] = {
    {0.1, "0.1"}, {0.25, "0.25"}, {0.5, "0.5"}, {1, "1"},     {2.5, "2.5"},   {5, "5"},         {10, "10"},
    {30, "30"},   {60, "60"},     {300, "300"}, {900, "900"}, {3600, "3600"}, {21600, "21600"}, {86400, "86400"},
    {0, NULL},
};

const struct bucket *const metrics_buckets[] = {
    [METRIC_COUNTER] = NULL,
    [METRIC_GAUGE] = NULL,
    [METRIC_HISTOGRAM] = usual_buckets,
    [METRIC_HISTOGRAM_FINE] = fine_buckets,
    [METRIC_HISTOGRAM_LONG] = long_buckets,
};

struct metrics *metrics_create(void)
{
    struct metrics *metrics = xcalloc(1, sizeof(*metrics));

    buf_init(&metrics->key, 0);
    return metrics;
}

static void drop(struct metrics *metrics, struct metric *metric)
{
    HASH_DEL(metrics->series, metric);
    free(metric->labels);
    free(metric->counts);
    free(metric);
}

void metrics_destroy(struct metrics *metrics)
{
    struct metric *metric, *next;
    struct declared *declared, *next_declared;

    if (!metrics) {
        return;
    }
    HASH_ITER (hh, metrics->series, metric, next) {
        drop(metrics, metric);
    }
    HASH_ITER (hh, metrics->families, declared, next_declared) {
        HASH_DEL(metrics->families, declared);
        free(declared);
    }
    buf_finish(&metrics->key);
    free(metrics);
}

/* --- families ----------------------------------------------------------------------------------------------------- */

static struct declared *find_declared(const struct metrics *metrics, const struct metric_family *family)
{
    struct declared *declared;

    HASH_FIND(hh, metrics->families, family->name, strlen(family->name), declared);
    assert(!declared || declared->family->type == family->type);
    return declared;
}

static struct declared *declare(struct metrics *metrics, const struct metric_family *family)
{
    struct declared *declared = find_declared(metrics, family);

    if (!declared) {
        declared = xcalloc(1, sizeof(*declared));
        declared->family = family;
        HASH_ADD_KEYPTR(hh, metrics->families, family->name, strlen(family->name), declared);
    }
    return declared;
}

void metrics_declare(struct metrics *metrics, const struct metric_family *family)
{
    declare(metrics, family);
}

/* --- series ------------------------------------------------------------------------------------------------------- */

static size_t label_count(const struct metric_family *family)
{
    size_t count = 0;

    while (count < METRIC_MOST_LABELS && family->labels[count]) {
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

size_t metrics_bucket_count(const struct metric_family *family)
{
    size_t count = 0;

    while (metrics_buckets[family->type][count].text) {
        count++;
    }
    return count;
}

static struct metric *make(struct metrics *metrics, const struct metric_family *family, const char *const values[])
{
    struct slice key = buf_slice(&metrics->key);
    struct metric *metric = xcalloc(1, sizeof(*metric) + key.len);

    metric->family = family;
    metric->labels = format_labels(family, values);
    metric->key_len = key.len;
    memcpy(metric->key, key.data, key.len);
    if (metrics_buckets[family->type]) {
        metric->counts = xcalloc(metrics_bucket_count(family) + 1, sizeof(*metric->counts));
    }
    HASH_ADD_KEYPTR(hh, metrics->series, metric->key, metric->key_len, metric);
    declare(metrics, family)->series_count++;
    return metric;
}

static struct metric *find(struct metrics *metrics, const struct metric_family *family, const char *const values[])
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
    return metric;
}

struct metric *metrics_get(struct metrics *metrics, const struct metric_family *family, const char *const values[])
{
    static const char *const other[METRIC_MOST_LABELS] = {"other", "other", "other", "other", "other"};
    struct metric *metric = find(metrics, family, values);

    if (metric) {
        return metric;
    }
    if (declare(metrics, family)->series_count < METRIC_MOST_SERIES) {
        return make(metrics, family, values);
    }
    metric = find(metrics, family, other);
    return metric ? metric : make(metrics, family, other);
}

void metrics_forget(struct metrics *metrics, const struct metric_family *family, const char *const values[])
{
    struct metric *metric = find(metrics, family, values);

    if (metric) {
        drop(metrics, metric);
        find_declared(metrics, family)->series_count--;
    }
}

void metrics_forget_all(struct metrics *metrics, const struct metric_family *family)
{
    struct declared *declared = declare(metrics, family);
    struct metric *metric, *next;

    if (declared->series_count == 0) {
        return;
    }
    HASH_ITER (hh, metrics->series, metric, next) {
        if (metric->family == family) {
            drop(metrics, metric);
        }
    }
    declared->series_count = 0;
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
    assert(!metric->counts);
    metric->value = value;
}

void metric_observe(struct metric *metric, double seconds)
{
    const struct bucket *buckets = metrics_buckets[metric->family->type];
    size_t i = 0;

    assert(buckets);
    seconds = seconds > 0 ? seconds : 0; /* also for NaN */
    while (buckets[i].text && seconds > buckets[i].seconds) {
        i++;
    }
    metric->counts[i]++;
    metric->value += seconds;
}

static uint64_t observation_count(const struct metric *metric)
{
    uint64_t count = 0;

    for (size_t i = 0; i <= metrics_bucket_count(metric->family); i++) {
        count += metric->counts[i];
    }
    return count;
}

double metric_value(const struct metric *metric)
{
    return metric->counts ? (double)observation_count(metric) : metric->value;
}
