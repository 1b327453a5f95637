#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/record.h"

static void a_copy_needs_nothing_of_the_original(void **state)
{
    char topic[] = "loyalty.events", name[] = "ce_id", bytes[] = "a\0b";
    const struct record_header headers[] = {{name, slice_make(bytes, 3)}, {"none", {NULL, 0}}};
    const struct record record = {
        .topic = topic, .partition = 3, .offset = 1017, .timestamp_ms = 5, .key = slice_make(bytes, 3),
        .value = slice_make(NULL, 0), .headers = headers, .header_count = 2};
    struct record *copy = record_copy(&record);

    (void)state;
    memset(topic, 'x', strlen(topic));
    memset(name, 'x', strlen(name));
    memset(bytes, 'x', sizeof(bytes) - 1);
    assert_string_equal(copy->topic, "loyalty.events");
    assert_int_equal(copy->offset, 1017);
    assert_true(slice_equal(copy->key, slice_make("a\0b", 3)));
    assert_null(copy->value.data);
    assert_true(slice_equal(record_find_header(copy, "ce_id")->value, slice_make("a\0b", 3)));
    assert_null(record_find_header(copy, "none")->value.data);
    assert_null(record_find_header(copy, "other"));
    free(copy);
}

static void the_last_header_of_a_name_counts(void **state)
{
    const struct record_header headers[] = {{"a", SLICE("1")}, {"b", SLICE("2")}, {"a", SLICE("3")}};
    const struct record record = {.topic = "t", .headers = headers, .header_count = 3};

    (void)state;
    assert_true(slice_is(record_find_header(&record, "a")->value, "3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_needs_nothing_of_the_original),
        cmocka_unit_test(the_last_header_of_a_name_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
