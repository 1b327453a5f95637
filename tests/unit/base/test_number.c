#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/number.h"

static void whole_numbers_are_read_to_the_ends_of_their_range(void **state)
{
    static const struct {
        const char *text;
        int64_t number;
    } rows[] = {
        {"0", 0}, {"-0", 0}, {"7", 7}, {"-7", -7}, {"007", 7}, {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN}, {"00000000000000000000000000001", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t number = 99;

        assert_true(number_parse(slice_of(rows[i].text), &number));
        assert_int_equal(number, rows[i].number);
    }
}

static void anything_else_is_refused_and_changes_nothing(void **state)
{
    static const char *const rows[] = {
        "", "-", "+1", " 1", "1 ", "1.0", "1e3", "0x10", "--1", "1-", "a", "9223372036854775808",
        "-9223372036854775809", "18446744073709551616", "18446744073709551617", "99999999999999999999999", "1\n",
        "\xd9\xa1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t number = 99;

        assert_false(number_parse(slice_of(rows[i]), &number));
        assert_int_equal(number, 99);
    }
    assert_false(number_parse(slice_make("1\0", 2), &(int64_t){0}));
    assert_false(number_parse(slice_make(NULL, 0), &(int64_t){0}));
}

static void what_is_written_reads_back_and_has_no_byte_too_many(void **state)
{
    static const struct {
        int64_t number;
        const char *text;
    } rows[] = {
        {0, "0"}, {7, "7"}, {-7, "-7"}, {10, "10"}, {1234567890123, "1234567890123"},
        {INT64_MAX, "9223372036854775807"}, {INT64_MIN, "-9223372036854775808"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[NUMBER_TEXT_SIZE];
        struct slice slice = number_format(rows[i].number, text);

        assert_true(slice_is(slice, rows[i].text));
        assert_string_equal(slice.data, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_are_read_to_the_ends_of_their_range),
        cmocka_unit_test(anything_else_is_refused_and_changes_nothing),
        cmocka_unit_test(what_is_written_reads_back_and_has_no_byte_too_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
