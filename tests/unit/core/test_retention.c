#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/retention.h"

#define D(n) ((n) * 86400000LL)

static void what_redis_remembers_must_outlive_the_topic_or_the_age_of_events(void **state)
{
    static const struct {
        int64_t dedupe_for_ms, max_age_ms, retention_ms;
        bool is_covered;
    } rows[] = {
        {0, 0, -1, true},          /* for ever */
        {0, 0, D(365), true},
        {D(400), 0, D(7), true},
        {D(15), 0, D(7), true},    /* 7d, a day of backlog, a week of open segments */
        {D(15) - 1, 0, D(7), false},
        {D(7), 0, D(7), false},
        {D(400), 0, -1, false},    /* the topic keeps for ever */
        {D(400), D(30), -1, true}, /* but what is older than 30 days ends as expired */
        {D(3), D(2), D(365), true},
        {D(3) - 1, D(2), D(365), false},
        {D(3), D(3), D(365), false},
        {D(20), D(365), D(7), true},
        {1, 0, 0, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct flow flow = {.name = (char *)"f", .dedupe_for_ms = rows[i].dedupe_for_ms, .max_age_ms = rows[i].max_age_ms};
        struct err why = {0};
        bool is_covered = retention_is_covered(&flow, "t", rows[i].retention_ms, &why);

        if (is_covered != rows[i].is_covered || is_covered == err_is_set(&why)) {
            fail_msg("row %zu: %s", i, why.text);
        }
    }
}

static void the_reason_names_flow_topic_and_the_ways_out(void **state)
{
    struct flow flow = {.name = (char *)"winback", .dedupe_for_ms = D(10)};
    struct err why = {0};

    (void)state;
    assert_false(retention_is_covered(&flow, "loyalty.events", D(90), &why));
    assert_string_equal(why.text,
                        "flow winback remembers its deliveries for 10d, but topic loyalty.events keeps events for 90d, "
                        "and up to 8d longer with a backlog and open segments: read again, they would be sent again; "
                        "set dedupe_for: 98d or more, or max_age: 9d or less");
    err_clear(&why);
    assert_false(retention_is_covered(&flow, "loyalty.events", RETENTION_FOREVER, &why));
    assert_non_null(strstr(why.text, "for ever"));
    assert_non_null(strstr(why.text, "dedupe_for: forever"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_redis_remembers_must_outlive_the_topic_or_the_age_of_events),
        cmocka_unit_test(the_reason_names_flow_topic_and_the_ways_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
