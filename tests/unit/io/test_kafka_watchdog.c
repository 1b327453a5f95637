/* The watchdog: by facts, and with a client that really stands still. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "io/kafka_consumer_inside.h"
#include "kafka_fixture.h"

#include <librdkafka/rdkafka_mock.h>

enum { QUIET_MS = 30000, ABSENT_MS = 60000, FIND_COORDINATOR = 10, DENIALS = 2000 };

static const char broker_up[] = "\"b\":{\"nodeid\":1,\"source\":\"learned\",\"state\":\"UP\"}";
static const char broker_down[] = "\"b\":{\"nodeid\":1,\"source\":\"learned\",\"state\":\"DOWN\"}";

static struct kafka_stats parse(const char *brokers, const char *group, const char *partition)
{
    struct kafka_stats stats;
    char text[1024];

    snprintf(text, sizeof(text),
             "{\"brokers\":{\"l\":{\"nodeid\":-1,\"source\":\"logical\",\"state\":\"UP\"},%s},"
             "\"topics\":{\"t\":{\"partitions\":{\"3\":{%s}}}},\"cgrp\":{\"state\":\"%s\"}}",
             brokers, partition, group);
    assert_true(kafka_stats_parse(slice_of(text), &stats));
    return stats;
}

static void what_is_no_statistics_is_refused(void **state)
{
    static const char *const rows[] = {"", "{}", "[]", "{\"brokers\":1}", "{\"brokers\":{}", "\xff"};
    struct kafka_stats stats;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_false(kafka_stats_parse(slice_of(rows[i]), &stats));
    }
    assert_true(kafka_stats_parse(SLICE("{\"brokers\":{}}"), &stats));
    assert_false(stats.has_group);
    assert_false(stats.is_any_broker_up);
    assert_false(kafka_stats_find(&stats, "t", 0, &(struct kafka_stats_partition){0}));
    kafka_stats_finish(&stats);
}

static void a_coordinator_may_be_away_for_a_minute_while_brokers_answer(void **state)
{
    /* At each step: brokers, group's state, time; then: is it fine? */
    static const struct {
        const char *brokers, *group;
        int64_t now_ms;
        bool is_fine;
    } steps[] = {
        {broker_up, "up", 1000, true},
        {broker_up, "wait-broker-transport", 2000, true},
        {broker_up, "query-coord", 61999, true},
        {broker_down, "query-coord", 62500, true}, /* no broker either: that is no fault of the client */
        {broker_up, "query-coord", 63000, true},   /* counted anew */
        {broker_up, "wait-coord", 122999, true},
        {broker_up, "wait-coord", 123000, false},
        {broker_up, "up", 124000, true},
    };
    struct kafka_watchdog watchdog = {.quiet_ms = QUIET_MS, .absent_ms = ABSENT_MS};
    char reason[256] = "";

    (void)state;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct kafka_stats stats = parse(steps[i].brokers, steps[i].group, "");

        if (kafka_watchdog_check_group(&watchdog, &stats, steps[i].now_ms, reason, sizeof(reason)) != steps[i].is_fine) {
            fail_msg("step %zu: %s", i, reason);
        }
        kafka_stats_finish(&stats);
    }
    assert_string_equal(reason, "the group's coordinator was not found for 60 s while brokers answer (wait-coord)");
}

static void a_partition_with_lag_may_be_silent_for_half_a_minute(void **state)
{
    static const char led_by_1[] = "\"leader\":1", led_by_2[] = "\"leader\":2";
    static const struct {
        const char *brokers, *partition;
        int64_t next_offset, quiet_since_ms, end, end_told_ms, now_ms;
        bool is_fine, must_ask;
    } rows[] = {
        {broker_up, led_by_1, 50, 1000, 80, 31000, 35000, false, false},
        {broker_up, led_by_1, 50, 1000, 80, 31000, 34999, true, false},  /* just told: it may be on its way */
        {broker_up, led_by_1, 50, 1000, 80, 2000, 30999, true, false},   /* not silent for long enough */
        {broker_up, led_by_1, 50, 1000, 0, 0, 31000, true, true},        /* not asked yet */
        {broker_up, led_by_1, 50, 40000, 80, 31000, 90000, true, true},  /* told before it became silent */
        {broker_up, led_by_1, 80, 1000, 80, 31000, 61000, true, true},   /* nothing waits; asked again */
        {broker_up, led_by_1, 80, 1000, 80, 31000, 60999, true, false},
        {broker_up, led_by_2, 50, 1000, 80, 31000, 99000, true, true},   /* nobody that we know leads it */
        {broker_down, led_by_1, 50, 1000, 80, 31000, 99000, true, true}, /* its broker is away */
        {broker_up, led_by_1, -1, 1000, 80, 31000, 99000, true, false},  /* where it starts is not known */
    };
    const struct kafka_watchdog watchdog = {.quiet_ms = QUIET_MS, .absent_ms = ABSENT_MS, .grace_ms = 4000};
    char reason[256] = "";

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct kafka_stats stats = parse(rows[i].brokers, "up", rows[i].partition);
        struct kafka_watched watched = {.topic = "t",
                                        .partition = 3,
                                        .next_offset = rows[i].next_offset,
                                        .quiet_since_ms = rows[i].quiet_since_ms,
                                        .end = rows[i].end,
                                        .end_told_ms = rows[i].end_told_ms,
                                        .others_read_up_ms = INT64_MAX};

        if (kafka_watchdog_check_partition(&watchdog, &stats, &watched, rows[i].now_ms, reason, sizeof(reason)) !=
                rows[i].is_fine ||
            kafka_watchdog_must_ask(&watchdog, &watched, rows[i].now_ms) != rows[i].must_ask) {
            fail_msg("row %zu: %s", i, reason);
        }
        watched.partition = 4; /* nothing is told about that */
        assert_true(kafka_watchdog_check_partition(&watchdog, &stats, &watched, rows[i].now_ms, reason, sizeof(reason)));
        kafka_stats_finish(&stats);
    }
}

static void a_partition_may_be_silent_while_the_client_works_off_another(void **state)
{
    static const struct {
        int64_t others_read_up_ms;
        bool must_wait;
    } rows[] = {
        {INT64_MAX, false}, /* they give nothing either */
        {34000, false},     /* they give something now and then, and are read up */
        {1000, false},
        {999, true}, /* one of them has had more all the time */
        {0, true},
    };
    const struct kafka_watchdog watchdog = {.quiet_ms = QUIET_MS, .absent_ms = ABSENT_MS, .grace_ms = 4000};
    struct kafka_stats stats = parse(broker_up, "up", "\"leader\":1");
    char reason[256] = "";

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct kafka_watched watched = {.topic = "t", .partition = 3, .next_offset = 50, .quiet_since_ms = 1000,
                                              .end = 80, .end_told_ms = 31000, .others_read_up_ms = rows[i].others_read_up_ms};

        assert_int_equal(kafka_watchdog_must_wait(&watched), rows[i].must_wait);
        assert_int_equal(kafka_watchdog_check_partition(&watchdog, &stats, &watched, 99000, reason, sizeof(reason)),
                         rows[i].must_wait);
    }
    kafka_stats_finish(&stats);
}

/* --- a client that stands still ----------------------------------------------------------------------------------- */

/* Statistics often enough for a test. Returns the properties file; the caller frees it. */
static char *hurry(struct fixture *f)
{
    char *path = xasprintf("/tmp/perkline-watchdog-%d.properties", (int)getpid());
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs("statistics.interval.ms=100\n", file);
    fclose(file);
    f->settings.properties_file = path;
    return path;
}

/* What a pause that outlives an assignment leaves behind: paused in the client, and nobody here knows of it. */
static void pause_behind_our_back(struct observer *o, const char *topic)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

    rd_kafka_topic_partition_list_add(list, topic, 0);
    assert_int_equal(rd_kafka_pause_partitions(o->consumer->rk, list), 0);
    rd_kafka_topic_partition_list_destroy(list);
}

static void a_partition_that_died_in_the_client_ends_the_process(void **state)
{
    struct observer o = {0};
    struct fixture f;
    char *path;

    (void)state;
    fixture_start(&f, 1);
    path = hurry(&f);
    observer_open(&f, &o, "0");
    o.consumer->watchdog.quiet_ms = 1000;
    o.consumer->watchdog.grace_ms = 200;
    fixture_produce(&f, 0, 0, 10);
    WAIT_UNTIL(&f, o.records == 10);
    pause_behind_our_back(&o, f.topic);
    fixture_produce(&f, 0, 10, 5);
    WAIT_UNTIL(&f, o.fatal > 0);
    assert_non_null(strstr(o.reason, "5 records wait in it and it is not paused"));
    assert_int_equal(o.records, 10);
    observer_close(&o);
    fixture_stop(&f);
    unlink(path);
    free(path);
}

static void a_partition_that_we_paused_or_that_has_nothing_does_not(void **state)
{
    struct observer o = {0};
    struct fixture f;
    int64_t until_ms;
    char *path;

    (void)state;
    fixture_start(&f, 2);
    path = hurry(&f);
    observer_open(&f, &o, "0-1");
    o.consumer->watchdog.quiet_ms = 300;
    o.consumer->watchdog.grace_ms = 200;
    fixture_produce(&f, 0, 0, 10);
    WAIT_UNTIL(&f, o.records == 10);
    observer_pause(&f, &o, 0, true);
    fixture_produce(&f, 0, 10, 5);
    until_ms = clock_mono_ms() + 1500;
    WAIT_UNTIL(&f, clock_mono_ms() > until_ms);
    assert_int_equal(o.fatal, 0);
    observer_pause(&f, &o, 0, false);
    WAIT_UNTIL(&f, o.records == 15);
    assert_int_equal(o.fatal, 0);
    observer_close(&o);
    fixture_stop(&f);
    unlink(path);
    free(path);
}

static void a_coordinator_that_is_never_found_ends_the_process(void **state)
{
    rd_kafka_resp_err_t codes[DENIALS];
    rd_kafka_mock_cluster_t *cluster;
    struct observer o = {0};
    struct fixture f;
    rd_kafka_t *rk;
    char *path;

    (void)state;
    if (fixture_is_real()) {
        skip();
    }
    fixture_start(&f, 1);
    path = hurry(&f);
    rk = fixture_client(f.bootstrap);
    cluster = rd_kafka_mock_cluster_new(rk, 1);
    assert_int_equal(rd_kafka_mock_topic_create(cluster, f.topic, 1, 1), 0);
    for (int i = 0; i < DENIALS; i++) {
        codes[i] = RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE;
    }
    rd_kafka_mock_push_request_errors_array(cluster, FIND_COORDINATOR, DENIALS, codes);
    f.settings.brokers = rd_kafka_mock_cluster_bootstraps(cluster);
    observer_open(&f, &o, NULL);
    o.consumer->watchdog.absent_ms = 1500;
    WAIT_UNTIL(&f, o.fatal > 0);
    assert_non_null(strstr(o.reason, "coordinator was not found"));
    observer_close(&o);
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(rk);
    fixture_stop(&f);
    unlink(path);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_statistics_is_refused),
        cmocka_unit_test(a_coordinator_may_be_away_for_a_minute_while_brokers_answer),
        cmocka_unit_test(a_partition_with_lag_may_be_silent_for_half_a_minute),
        cmocka_unit_test(a_partition_may_be_silent_while_the_client_works_off_another),
        cmocka_unit_test(a_partition_that_died_in_the_client_ends_the_process),
        cmocka_unit_test(a_partition_that_we_paused_or_that_has_nothing_does_not),
        cmocka_unit_test(a_coordinator_that_is_never_found_ends_the_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
