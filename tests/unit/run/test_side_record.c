#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "run/side_record.h"

static void a_record_of_the_dlq_is_as_it_was(void **state)
{
    static const struct record_header headers[] = {
        {"traceparent", SLICE("00-ab")},        {"perkline-reason", SLICE("not_json")},
        {"perkline-topic", SLICE("loyalty.events")}, {"ce_id", SLICE("7")},
        {"perkline-partition", SLICE("3")},     {"perkline-offset", SLICE("1017")},
        {"perkline-key", SLICE("member/42")},
    };
    const struct record side = {.topic = "loyalty.dlq", .partition = 1, .offset = 4, .timestamp_ms = 99, .key = SLICE("mid"),
                                .value = SLICE("bytes"), .headers = headers, .header_count = 7};
    struct side_record_original original = {0};

    (void)state;
    for (int i = 0; i < 2; i++) { /* the memory is used again */
        const struct record *record = side_record_unwrap(&side, &original);

        assert_string_equal(record->topic, "loyalty.events");
        assert_int_equal(record->partition, 3);
        assert_int_equal(record->offset, 1017);
        assert_int_equal(record->timestamp_ms, 99);
        assert_true(slice_is(record->key, "member/42"));
        assert_true(slice_is(record->value, "bytes"));
        assert_int_equal(record->header_count, 2);
        assert_string_equal(record->headers[0].name, "traceparent");
        assert_string_equal(record->headers[1].name, "ce_id");
    }
    side_record_original_finish(&original);
}

static void headers_that_are_not_ours_or_make_no_sense_leave_the_place_in_the_dlq(void **state)
{
    static char long_name[300];
    static const char *const numbers[] = {"-1", "x", "", "2147483648"};

    (void)state;
    memset(long_name, 'a', sizeof(long_name) - 1);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        const struct record_header headers[] = {{"perkline-topic", slice_of(long_name)},
                                                {"perkline-partition", slice_of(numbers[i])}};
        const struct record side = {.topic = "loyalty.dlq", .partition = 1, .offset = 4, .headers = headers,
                                    .header_count = 2};
        struct side_record_original original = {0};
        const struct record *record = side_record_unwrap(&side, &original);

        assert_string_equal(record->topic, "loyalty.dlq");
        assert_int_equal(record->partition, 1);
        assert_int_equal(record->offset, 4);
        assert_null(record->key.data);
        assert_int_equal(record->header_count, 0);
        side_record_original_finish(&original);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_of_the_dlq_is_as_it_was),
        cmocka_unit_test(headers_that_are_not_ours_or_make_no_sense_leave_the_place_in_the_dlq),
    };

    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
