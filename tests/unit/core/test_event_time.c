#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/event.h"

static void time_follows_rfc_3339(void **state)
{
    static const struct {
        const char *text;
        int64_t ms; /* -1: refused */
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:00.001Z", 1},
        {"2026-11-21T10:00:00Z", 1795255200000},
        {"2026-11-21t10:00:00z", 1795255200000},
        {"2026-11-21 10:00:00Z", 1795255200000},
        {"2026-11-21T11:30:00+01:30", 1795255200000},
        {"2026-11-21T03:00:00-07:00", 1795255200000},
        {"2026-11-21T10:00:00.123456789Z", 1795255200123},
        {"2026-11-21T10:00:00.5-00:00", 1795255200500},
        {"2000-02-29T00:00:00Z", 951782400000},
        {"2024-02-29T00:00:00Z", 1709164800000},
        {"2016-12-31T23:59:60Z", 1483228800000},
        {"9999-12-31T23:59:59.999Z", 253402300799999},
        {"2023-02-29T00:00:00Z", -1},
        {"1900-02-29T00:00:00Z", -1},
        {"2026-04-31T00:00:00Z", -1},
        {"2026-13-01T00:00:00Z", -1},
        {"2026-00-01T00:00:00Z", -1},
        {"2026-01-00T00:00:00Z", -1},
        {"2026-01-01T24:00:00Z", -1},
        {"2026-01-01T00:60:00Z", -1},
        {"2026-01-01T00:00:61Z", -1},
        {"2026-01-01T00:00:00", -1},
        {"2026-01-01T00:00:00+0100", -1},
        {"2026-01-01T00:00:00+24:00", -1},
        {"2026-01-01T00:00:00.Z", -1},
        {"2026-01-01T00:00Z", -1},
        {"2026-01-01", -1},
        {"26-01-01T00:00:00Z", -1},
        {"2026-01-01T00:00:00Zx", -1},
        {" 2026-01-01T00:00:00Z", -1},
        {"+026-01-01T00:00:00Z", -1},
        {"", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t ms = -1;

        if (event_parse_time(cases[i].text, &ms) != (cases[i].ms != -1) || ms != cases[i].ms) {
            fail_msg("\"%s\": got %lld", cases[i].text, (long long)ms);
        }
    }
}

static void time_before_1970_and_year_zero_are_negative(void **state)
{
    int64_t ms;

    (void)state;
    assert_true(event_parse_time("1969-12-31T23:59:59.999Z", &ms));
    assert_int_equal(ms, -1);
    assert_true(event_parse_time("0000-01-01T00:00:00Z", &ms));
    assert_int_equal(ms, -62167219200000);
    assert_true(event_parse_time("0001-01-01T00:00:00Z", &ms));
    assert_int_equal(ms, -62135596800000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_follows_rfc_3339),
        cmocka_unit_test(time_before_1970_and_year_zero_are_negative),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
