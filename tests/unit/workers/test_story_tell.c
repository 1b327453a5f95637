/*
 * Sentences about outcomes that others may have written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "workers/why/story_inside.h"

static json_t *tell(const char *outcome_text)
{
    json_t *delivery = json_pack("{s:[]}", "timeline"), *outcome = json_loads(outcome_text, 0, NULL);

    assert_non_null(outcome);
    story_tell_outcome(delivery, outcome);
    json_decref(outcome);
    return delivery;
}

static json_t *item_of(const json_t *delivery, size_t index)
{
    return json_array_get(json_object_get(delivery, "timeline"), index);
}

static void stages_are_counted_back_from_the_end(void **state)
{
    json_t *delivery = tell("{\"state\":\"sent\",\"time\":\"1970-01-01T00:00:01.000Z\","
                            "\"timings_ms\":{\"queue\":100,\"render\":50,\"total\":900}}");

    (void)state;
    assert_int_equal(json_integer_value(json_object_get(item_of(delivery, 0), "time_ms")), 100);
    assert_int_equal(json_integer_value(json_object_get(item_of(delivery, 1), "time_ms")), 200);
    assert_int_equal(json_integer_value(json_object_get(item_of(delivery, 2), "time_ms")), 250);
    assert_int_equal(json_integer_value(json_object_get(item_of(delivery, 3), "time_ms")), 1000);
    json_decref(delivery);
}

static void durations_that_cannot_be_are_not_told(void **state)
{
    static const struct {
        const char *timings;
        size_t items;
    } rows[] = {
        {"{\"total\":-9223372036854775808}", 1},
        {"{\"total\":9223372036854775807}", 1},
        {"{\"total\":-1}", 1},
        {"{\"total\":1.5}", 1},
        {"{\"total\":5,\"queue\":9223372036854775807,\"render\":1}", 2},
        {"{\"total\":5,\"queue\":1,\"render\":\"x\"}", 3},
        {"[]", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[200];
        json_t *delivery;

        snprintf(text, sizeof(text), "{\"state\":\"sent\",\"time\":\"2026-11-21T10:00:00Z\",\"timings_ms\":%s}", rows[i].timings);
        delivery = tell(text);
        assert_int_equal(json_array_size(json_object_get(delivery, "timeline")), rows[i].items);
        json_decref(delivery);
    }
}

static void sentences_hold_no_control_characters(void **state)
{
    json_t *delivery = tell("{\"state\":\"a\\u001b[2J\",\"reason\":\"\\u0007\"}");
    const char *text = json_string_value(json_object_get(item_of(delivery, 0), "text"));

    (void)state;
    assert_string_equal(text, "not sent: a [2J ( )");
    json_decref(delivery);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stages_are_counted_back_from_the_end),
        cmocka_unit_test(durations_that_cannot_be_are_not_told),
        cmocka_unit_test(sentences_hold_no_control_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
