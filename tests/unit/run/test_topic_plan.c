#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/topic_plan.h"

#define DAY_MS 86400000LL

static const char *const events[] = {"shop.events", "web.events", NULL};

static void make_plan(struct topic_plan *plan, int broker_count)
{
    const struct topic_plan_options options = {
        .outcomes_ms = 400 * DAY_MS, .partitions = 24, .broker_count = broker_count};
    struct topics topics;

    assert_true(topics_init(&topics, "loyalty", NULL));
    topic_plan_init(plan, &topics, events, &options);
}

static const struct topic_wish *find_wish(const struct topic_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (strcmp(plan->items[i].name, name) == 0) {
            return &plan->items[i];
        }
    }
    fail_msg("no %s in the plan", name);
    return NULL;
}

static const char *find_setting(const struct topic_settings *settings, const char *name)
{
    for (const struct kafka_admin_pair *pair = settings->pairs; pair->name; pair++) {
        if (strcmp(pair->name, name) == 0) {
            return pair->value;
        }
    }
    return "";
}

/* --- making ------------------------------------------------------------------------------------------------------- */

static void every_topic_is_made_with_the_settings_of_its_role(void **state)
{
    static const struct {
        const char *topic;
        int partitions;
        const char *cleanup, *retention;
    } rows[] = {
        {"shop.events", 24, "delete", "604800000"},
        {"web.events", 24, "delete", "604800000"},
        {"loyalty.outcomes", 24, "compact,delete", "34560000000"},
        {"loyalty.retry.1m", 3, "delete", "604800000"},
        {"loyalty.retry.10m", 3, "delete", "604800000"},
        {"loyalty.retry.1h", 3, "delete", "604800000"},
        {"loyalty.retry.6h", 3, "delete", "604800000"},
        {"loyalty.dlq", 3, "delete", "2592000000"},
        {"loyalty.held", 3, "delete", "-1"},
    };
    struct topic_plan plan;

    (void)state;
    make_plan(&plan, 3);
    assert_int_equal(plan.count, sizeof(rows) / sizeof(rows[0]));
    assert_int_equal(plan.replicas, 3);
    for (size_t i = 0; i < plan.count; i++) {
        const struct topic_wish *wish = find_wish(&plan, rows[i].topic);
        struct topic_settings settings;

        topic_plan_settings(&plan, wish, &settings);
        assert_int_equal(wish->partitions, rows[i].partitions);
        assert_string_equal(find_setting(&settings, "cleanup.policy"), rows[i].cleanup);
        assert_string_equal(find_setting(&settings, "retention.ms"), rows[i].retention);
        assert_string_equal(find_setting(&settings, "min.insync.replicas"), "2");
        assert_string_equal(find_setting(&settings, "unclean.leader.election.enable"), "false");
    }
}

static void there_are_no_more_copies_than_brokers(void **state)
{
    static const struct {
        int brokers, copies;
        const char *in_sync;
    } rows[] = {{1, 1, "1"}, {2, 2, "1"}, {3, 3, "2"}, {9, 3, "2"}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct topic_plan plan;
        struct topic_settings settings;

        make_plan(&plan, rows[i].brokers);
        topic_plan_settings(&plan, &plan.items[0], &settings);
        assert_int_equal(plan.replicas, rows[i].copies);
        assert_string_equal(find_setting(&settings, "min.insync.replicas"), rows[i].in_sync);
    }
}

/* --- checking ----------------------------------------------------------------------------------------------------- */

static void a_setting_that_is_wrong_is_found_with_what_mends_it(void **state)
{
    static const struct {
        const char *topic, *name, *value;
        const char *mend; /* "": it is fine as it is; NULL: nothing that can be set */
        bool is_grave;
    } rows[] = {
        {"loyalty.outcomes", "cleanup.policy", "delete", "compact,delete", false},
        {"loyalty.outcomes", "cleanup.policy", "compact", "compact,delete", false},
        {"loyalty.outcomes", "cleanup.policy", "delete,compact", "", false},
        {"loyalty.outcomes", "retention.ms", "604800000", "34560000000", true},
        {"loyalty.outcomes", "retention.ms", "34559999999", "34560000000", true},
        {"loyalty.outcomes", "retention.ms", "34560000000", "", false},
        {"loyalty.outcomes", "retention.ms", "-1", "", false},
        {"loyalty.outcomes", "retention.bytes", "1073741824", "-1", false},
        {"loyalty.retry.1m", "cleanup.policy", "compact", "delete", true},
        {"loyalty.retry.1m", "retention.ms", "604799999", "604800000", true},
        {"loyalty.retry.6h", "retention.ms", "604800000", "", false},
        {"loyalty.dlq", "cleanup.policy", "compact,delete", "delete", true},
        {"loyalty.dlq", "retention.ms", "86400000", "2592000000", true},
        {"loyalty.held", "retention.ms", "86400000", "-1", true},
        {"loyalty.held", "retention.ms", "2592000000", "", false},
        {"shop.events", "cleanup.policy", "compact", "delete", true},
        {"shop.events", "retention.ms", "1000", "", false},
        {"shop.events", "retention.bytes", "1073741824", "", false},
        {"shop.events", "unclean.leader.election.enable", "true", "false", true},
        {"shop.events", "unclean.leader.election.enable", "false", "", false},
        {"shop.events", "max.message.bytes", "100000", "1048576", true},
        {"shop.events", "max.message.bytes", "1048588", "", false},
        {"shop.events", "min.insync.replicas", "1", "2", false},
        {"shop.events", "min.insync.replicas", "4", "2", true},
        {"shop.events", "min.insync.replicas", "2", "", false},
        {"shop.events", "retention.ms", "no number", "", false},
    };
    struct topic_plan plan;

    (void)state;
    make_plan(&plan, 3);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct kafka_admin_setting setting = {(char *)rows[i].name, (char *)rows[i].value, true};
        const struct kafka_admin_config config = {&setting, 1};
        struct kafka_admin_topic topic = {.name = (char *)rows[i].topic, .partitions = 3, .replicas = 3, .in_sync = 3};
        struct topic_finding findings[TOPIC_FINDINGS_MOST];
        size_t count = topic_plan_check(&plan, find_wish(&plan, rows[i].topic), &topic, &config, findings);

        if (!rows[i].mend[0]) {
            assert_int_equal(count, 0);
            continue;
        }
        if (count != 1 || !findings[0].mend.name || strcmp(findings[0].mend.name, rows[i].name) != 0 ||
            strcmp(findings[0].mend.value, rows[i].mend) != 0 || findings[0].is_grave != rows[i].is_grave) {
            fail_msg("row %zu: %zu findings: %s", i, count, count ? findings[0].text : "");
        }
    }
}

static void missing_copies_and_leaders_are_found_without_the_settings(void **state)
{
    struct kafka_admin_topic topic = {.name = (char *)"shop.events", .partitions = 3, .replicas = 1, .leaderless = 2};
    struct topic_finding findings[TOPIC_FINDINGS_MOST];
    struct topic_plan plan;

    (void)state;
    make_plan(&plan, 3);
    assert_int_equal(topic_plan_check(&plan, find_wish(&plan, "shop.events"), &topic, NULL, findings), 2);
    assert_true(findings[0].is_grave);
    assert_non_null(strstr(findings[0].text, "2 of 3 partitions have no leader"));
    assert_non_null(strstr(findings[1].text, "1 copies of each partition instead of 3"));
    assert_null(findings[1].mend.name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_topic_is_made_with_the_settings_of_its_role),
        cmocka_unit_test(there_are_no_more_copies_than_brokers),
        cmocka_unit_test(a_setting_that_is_wrong_is_found_with_what_mends_it),
        cmocka_unit_test(missing_copies_and_leaders_are_found_without_the_settings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
