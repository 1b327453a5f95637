#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "workers/demo/demo_events.h"

enum { HOUR_MS = 3600000, SAMPLES = 2, COPIES = 3, BROKEN = 6 };
static const int64_t now_ms = INT64_C(1795600000000);

static const struct {
    const char *path, *text;
} files[] = {
    {"signup/flow.yaml", "on: loyalty.signup"},
    {"signup/samples/en.json",
     "{\"id\":\"s\",\"type\":\"loyalty.signup\",\"subject\":\"member/7\",\"data\":{\"member\":{\"id\":\"7\"}}}"},
    {"signup/samples/hu.json", "{\"id\":\"s\",\"type\":\"loyalty.signup\",\"data\":{\"member\":{\"id\":8},\"n\":1}}"},
};

static void make(struct demo_events *events, int64_t span_ms)
{
    struct file_tree *tree = file_tree_create();
    struct err err = {0};

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        file_tree_add(tree, files[i].path, slice_of(files[i].text));
    }
    if (!demo_events_make(events, tree, COPIES, (struct demo_time){now_ms, span_ms}, &err)) {
        fail_msg("%s", err.text);
    }
    file_tree_destroy(tree);
    assert_int_equal(events->count, SAMPLES * COPIES + BROKEN);
}

static void events_happen_evenly_in_the_span_before_now(void **state)
{
    static const int64_t spans_ms[] = {0, HOUR_MS};

    (void)state;
    for (size_t i = 0; i < sizeof(spans_ms) / sizeof(spans_ms[0]); i++) {
        struct demo_events events;

        make(&events, spans_ms[i]);
        for (int n = 0; n < SAMPLES * COPIES; n++) {
            int64_t expected = now_ms - spans_ms[i] + n * spans_ms[i] / (SAMPLES * COPIES);
            json_t *event = json_loadb(events.items[n].value, events.items[n].len, 0, NULL);
            char time[CLOCK_ISO_SIZE];

            assert_int_equal(events.items[n].at_ms, expected);
            clock_format_iso(expected, time);
            assert_string_equal(json_string_value(json_object_get(event, "time")), time);
            json_decref(event);
        }
        for (size_t n = SAMPLES * COPIES; n < events.count; n++) {
            assert_int_equal(events.items[n].at_ms, now_ms);
            assert_non_null(events.items[n].broken);
        }
        demo_events_finish(&events);
    }
}

static void each_copy_is_a_member_of_its_own_and_its_events_subject(void **state)
{
    struct demo_events events;

    (void)state;
    make(&events, HOUR_MS);
    assert_string_equal(events.items[0].key, "7-1");
    assert_non_null(strstr(events.items[0].value, "\"subject\":\"member/7-1\""));
    assert_non_null(strstr(events.items[0].value, "\"id\":\"demo/signup/samples/en.json/1\""));
    assert_string_equal(events.items[5].key, "8-3");
    assert_null(strstr(events.items[5].value, "subject"));
    demo_events_finish(&events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_happen_evenly_in_the_span_before_now),
        cmocka_unit_test(each_copy_is_a_member_of_its_own_and_its_events_subject),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
