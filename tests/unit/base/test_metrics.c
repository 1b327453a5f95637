#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/metrics.h"

static const struct metric_family sent = {
    "perkline_sent_total", METRIC_COUNTER, "Messages that a provider took.", {"channel", "flow"}};
static const struct metric_family open_count = {"perkline_open", METRIC_GAUGE, "In flight.\\ Two\nlines.", {NULL}};
static const struct metric_family four = {"perkline_four", METRIC_GAUGE, "Four labels.", {"a", "b", "c", "d"}};
static const struct metric_family latency = {
    "perkline_latency_seconds", METRIC_HISTOGRAM, "From event to answer.", {"channel"}};

static void assert_text(const struct metrics *metrics, const char *expected)
{
    struct buf text;

    buf_init(&text, 0);
    metrics_format(metrics, &text);
    assert_string_equal(buf_text(&text), expected);
    buf_finish(&text);
}

static void an_empty_registry_prints_nothing(void **state)
{
    struct metrics *metrics = metrics_create();

    (void)state;
    assert_text(metrics, "");
    metrics_destroy(metrics);
    metrics_destroy(NULL);
}

static void families_and_series_are_printed_in_order_whatever_came_first(void **state)
{
    struct metrics *metrics = metrics_create();

    (void)state;
    metrics_count(metrics, &sent, (const char *const[]){"sms", "signup"});
    metric_add(metrics_get(metrics, &sent, (const char *const[]){"email", "tier"}), 2.5);
    metric_set(metrics_get(metrics, &open_count, NULL), -3);
    metrics_count(metrics, &sent, (const char *const[]){"email", "signup"});
    metrics_count(metrics, &sent, (const char *const[]){"email", "signup"});
    metric_set(metrics_get(metrics, &four, (const char *const[]){"1", "2", "3", "4"}), 1e300);
    assert_text(metrics, "# HELP perkline_four Four labels.\n"
                         "# TYPE perkline_four gauge\n"
                         "perkline_four{a=\"1\",b=\"2\",c=\"3\",d=\"4\"} 1e+300\n"
                         "# HELP perkline_open In flight.\\\\ Two\\nlines.\n"
                         "# TYPE perkline_open gauge\n"
                         "perkline_open -3\n"
                         "# HELP perkline_sent_total Messages that a provider took.\n"
                         "# TYPE perkline_sent_total counter\n"
                         "perkline_sent_total{channel=\"email\",flow=\"signup\"} 2\n"
                         "perkline_sent_total{channel=\"email\",flow=\"tier\"} 2.5\n"
                         "perkline_sent_total{channel=\"sms\",flow=\"signup\"} 1\n");
    metrics_destroy(metrics);
}

static void the_same_labels_are_the_same_series(void **state)
{
    struct metrics *metrics = metrics_create();
    struct metric *a = metrics_get(metrics, &sent, (const char *const[]){"x", "y"});

    (void)state;
    assert_ptr_equal(metrics_get(metrics, &sent, (const char *const[]){"x", "y"}), a);
    assert_ptr_not_equal(metrics_get(metrics, &sent, (const char *const[]){"xy", ""}), a);
    assert_ptr_not_equal(metrics_get(metrics, &sent, (const char *const[]){"", "xy"}), a);
    assert_ptr_equal(metrics_get(metrics, &sent, (const char *const[]){NULL, "xy"}),
                     metrics_get(metrics, &sent, (const char *const[]){"", "xy"}));
    metric_add(a, 1);
    metric_add(a, 0.5);
    assert_true(metric_value(a) == 1.5);
    metrics_destroy(metrics);
}

static void label_values_are_escaped_and_always_utf8(void **state)
{
    struct metrics *metrics = metrics_create();

    (void)state;
    metrics_count(metrics, &sent, (const char *const[]){"a\"b\\c\nd", "\xc3\xa9\xff"});
    assert_text(metrics, "# HELP perkline_sent_total Messages that a provider took.\n"
                         "# TYPE perkline_sent_total counter\n"
                         "perkline_sent_total{channel=\"a\\\"b\\\\c\\nd\",flow=\"\xc3\xa9\xef\xbf\xbd\"} 1\n");
    metrics_destroy(metrics);
}

static void numbers_read_back_exactly(void **state)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        {0, "0"}, {0.1, "0.1"}, {1.0 / 3, "0.33333333333333331"}, {9007199254740991.0, "9007199254740991"},
        {1e21, "1e+21"}, {-2.5, "-2.5"}, {INFINITY, "+Inf"}, {-INFINITY, "-Inf"}, {NAN, "NaN"},
        {4294967296.0, "4294967296"}, {1700000000.123, "1700000000.123"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct metrics *metrics = metrics_create();
        char expected[256];

        metric_set(metrics_get(metrics, &open_count, NULL), rows[i].value);
        snprintf(expected, sizeof(expected),
                 "# HELP perkline_open In flight.\\\\ Two\\nlines.\n# TYPE perkline_open gauge\nperkline_open %s\n",
                 rows[i].text);
        assert_text(metrics, expected);
        metrics_destroy(metrics);
    }
}

static void a_histogram_counts_into_cumulative_buckets(void **state)
{
    struct metrics *metrics = metrics_create();
    struct metric *metric = metrics_get(metrics, &latency, (const char *const[]){"sms"});

    (void)state;
    metric_observe(metric, -5);    /* counts as 0 */
    metric_observe(metric, 0.001); /* a bound belongs to its bucket */
    metric_observe(metric, 0.0011);
    metric_observe(metric, 1);
    metric_observe(metric, 60);
    metric_observe(metric, 60.5);
    assert_true(metric_value(metric) == 6);
    assert_text(metrics, "# HELP perkline_latency_seconds From event to answer.\n"
                         "# TYPE perkline_latency_seconds histogram\n"
                         "perkline_latency_seconds_bucket{channel=\"sms\",le=\"0.001\"} 2\n"
                         "perkline_latency_seconds_bucket{channel=\"sms\",le=\"0.0025\"} 3\n"
                         "perkline_latency_seconds_bucket{channel=\"sms\",le=\"0.005\"} 3\n"
                         "perkline_latency_seconds_bucket{channel=\"sms\",le=\"0.01\"} 3\n"
                         "perkline_latency_seconds_bucket{channel=\"sms\",le=\"0.025\"} 3\n"
                         "perkline_latency_seconds_bucket{channel=\"sms\",le=\"0.05\"} 3\n"
                         "perkline_latency_seconds_bucket{channel=\"sms\",le=\"0.1\"} 3\n"
                         "perkline_latency_seconds_bucket{channel=\"sms\",le=\"0.25\"} 3\n"
                         "perkline_latency_seconds_bucket{channel=\"sms\",le=\"0.5\"} 3\n"
                         "perkline_latency_seconds_bucket{channel=\"sms\",le=\"1\"} 4\n"
                         "perkline_latency_seconds_bucket{channel=\"sms\",le=\"2.5\"} 4\n"
                         "perkline_latency_seconds_bucket{channel=\"sms\",le=\"5\"} 4\n"
                         "perkline_latency_seconds_bucket{channel=\"sms\",le=\"10\"} 4\n"
                         "perkline_latency_seconds_bucket{channel=\"sms\",le=\"30\"} 4\n"
                         "perkline_latency_seconds_bucket{channel=\"sms\",le=\"60\"} 5\n"
                         "perkline_latency_seconds_bucket{channel=\"sms\",le=\"+Inf\"} 6\n"
                         "perkline_latency_seconds_sum{channel=\"sms\"} 121.5021\n"
                         "perkline_latency_seconds_count{channel=\"sms\"} 6\n");
    metrics_destroy(metrics);
}

static void thousands_of_series_are_kept_apart(void **state)
{
    struct metrics *metrics = metrics_create();

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 4000; i++) {
            char name[16];

            snprintf(name, sizeof(name), "f%d", i);
            metric_add(metrics_get(metrics, &sent, (const char *const[]){"email", name}), i);
        }
    }
    assert_true(metric_value(metrics_get(metrics, &sent, (const char *const[]){"email", "f3210"})) == 2 * 3210);
    metrics_destroy(metrics);
}

static void a_family_that_grows_beyond_bounds_counts_the_rest_as_other(void **state)
{
    struct metrics *metrics = metrics_create();

    (void)state;
    for (int i = 0; i < METRIC_MOST_SERIES + 10; i++) {
        char name[16];

        snprintf(name, sizeof(name), "f%d", i);
        metrics_count(metrics, &sent, (const char *const[]){"email", name});
    }
    metrics_count(metrics, &sent, (const char *const[]){"email", "f1"});
    assert_true(metric_value(metrics_get(metrics, &sent, (const char *const[]){"email", "f1"})) == 2);
    assert_true(metric_value(metrics_get(metrics, &sent, (const char *const[]){"other", "other"})) == 10);
    metric_set(metrics_get(metrics, &open_count, NULL), 1); /* other families go on */
    assert_true(metric_value(metrics_get(metrics, &open_count, NULL)) == 1);
    metrics_destroy(metrics);
}

static void a_declared_family_is_printed_without_series(void **state)
{
    struct metrics *metrics = metrics_create();

    (void)state;
    metrics_declare(metrics, &sent);
    metrics_declare(metrics, &sent);
    assert_text(metrics, "# HELP perkline_sent_total Messages that a provider took.\n"
                         "# TYPE perkline_sent_total counter\n");
    metrics_destroy(metrics);
}

static void forgotten_series_are_gone_and_begin_anew(void **state)
{
    struct metrics *metrics = metrics_create();

    (void)state;
    metrics_count(metrics, &sent, (const char *const[]){"email", "a"});
    metrics_count(metrics, &sent, (const char *const[]){"email", "b"});
    metric_set(metrics_get(metrics, &open_count, NULL), 7);
    metrics_forget(metrics, &sent, (const char *const[]){"email", "a"});
    metrics_forget(metrics, &sent, (const char *const[]){"email", "never there"});
    assert_text(metrics, "# HELP perkline_open In flight.\\\\ Two\\nlines.\n"
                         "# TYPE perkline_open gauge\n"
                         "perkline_open 7\n"
                         "# HELP perkline_sent_total Messages that a provider took.\n"
                         "# TYPE perkline_sent_total counter\n"
                         "perkline_sent_total{channel=\"email\",flow=\"b\"} 1\n");
    metrics_forget_all(metrics, &sent);
    metrics_forget_all(metrics, &sent);
    assert_true(metric_value(metrics_get(metrics, &sent, (const char *const[]){"email", "b"})) == 0);
    assert_true(metric_value(metrics_get(metrics, &open_count, NULL)) == 7);
    metrics_destroy(metrics);
}

static void each_kind_of_histogram_has_its_own_range(void **state)
{
    static const struct {
        enum metric_type type;
        double least, most;
        const char *first, *last;
    } rows[] = {
        {METRIC_HISTOGRAM, 0.001, 60, "le=\"0.001\"} 1\n", "le=\"60\"} 2\n"},
        {METRIC_HISTOGRAM_FINE, 0.00001, 10, "le=\"1e-05\"} 1\n", "le=\"10\"} 2\n"},
        {METRIC_HISTOGRAM_LONG, 0.1, 86400, "le=\"0.1\"} 1\n", "le=\"86400\"} 2\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct metric_family family = {"perkline_x_seconds", rows[i].type, "X.", {NULL}};
        struct metrics *metrics = metrics_create();
        struct metric *metric = metrics_get(metrics, &family, NULL);
        struct buf text;

        metric_observe(metric, rows[i].least);
        metric_observe(metric, rows[i].most);
        metric_observe(metric, rows[i].most * 1.01);
        buf_init(&text, 0);
        metrics_format(metrics, &text);
        assert_non_null(strstr(buf_text(&text), rows[i].first));
        assert_non_null(strstr(buf_text(&text), rows[i].last));
        assert_non_null(strstr(buf_text(&text), "le=\"+Inf\"} 3\n"));
        assert_non_null(strstr(buf_text(&text), "# TYPE perkline_x_seconds histogram\n"));
        buf_finish(&text);
        metrics_destroy(metrics);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_registry_prints_nothing),
        cmocka_unit_test(families_and_series_are_printed_in_order_whatever_came_first),
        cmocka_unit_test(the_same_labels_are_the_same_series),
        cmocka_unit_test(label_values_are_escaped_and_always_utf8),
        cmocka_unit_test(numbers_read_back_exactly),
        cmocka_unit_test(a_histogram_counts_into_cumulative_buckets),
        cmocka_unit_test(thousands_of_series_are_kept_apart),
        cmocka_unit_test(a_family_that_grows_beyond_bounds_counts_the_rest_as_other),
        cmocka_unit_test(a_declared_family_is_printed_without_series),
        cmocka_unit_test(forgotten_series_are_gone_and_begin_anew),
        cmocka_unit_test(each_kind_of_histogram_has_its_own_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
