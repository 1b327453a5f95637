#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/duration.h"

static void a_number_and_a_unit_are_a_duration(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"0s", 0},           {"1ms", 1},           {"90s", 90000},       {"5m", 300000},
        {"48h", 172800000},  {"400d", 34560000000}, {"2w", 1209600000},  {"007s", 7000},
        {"36600d", 3162240000000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = {0};
        int64_t ms = -1;

        assert_true(duration_parse_ms(slice_of(rows[i].text), &ms, &err));
        assert_int_equal(ms, rows[i].ms);
        assert_false(err_is_set(&err));
    }
}

static void anything_else_is_refused(void **state)
{
    static const char *const rows[] = {
        "",     "s",    "5",        "-5s",   "+5s",  " 5s", "5s ", "5 s", "1.5h", "5S", "5y",
        "5mm",  "1h30", "36601d",   "999999999999999w", "99999999999999999999s", "5\xff", "0x5s",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = {0};
        int64_t ms = -1;

        assert_false(duration_parse_ms(slice_of(rows[i]), &ms, &err));
        assert_true(err_is_set(&err));
        assert_int_equal(ms, -1);
    }
    assert_false(duration_parse_ms(slice_make(NULL, 0), &(int64_t){0}, &(struct err){0}));
    assert_false(duration_parse_ms(slice_make("5s\0", 3), &(int64_t){0}, &(struct err){0}));
}

static void a_duration_is_written_in_its_largest_whole_unit(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        {0, "0d"},           {1, "1ms"},         {1500, "1500ms"},          {15000, "15s"},   {5400000, "90m"},
        {172800000, "2d"},   {36000000, "10h"},  {34560000000, "400d"},     {1209600000, "14d"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[DURATION_TEXT_SIZE];
        int64_t again = -1;

        assert_string_equal(duration_format(rows[i].ms, text), rows[i].text);
        assert_true(duration_parse_ms(slice_of(text), &again, NULL));
        assert_int_equal(again, rows[i].ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_and_a_unit_are_a_duration),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(a_duration_is_written_in_its_largest_whole_unit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
