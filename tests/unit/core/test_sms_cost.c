#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "core/sms_cost.h"

static void the_longest_prefix_that_fits_counts(void **state)
{
    static const struct {
        const char *number;
        int64_t micro;
    } rows[] = {{"+36301234567", 71000}, {"+3630", 71000}, {"+361", 100000}, {"+40712345678", 50000}, {"+49301", 80000},
                {"+3", 80000}};
    struct sms_costs costs;
    struct err err = {0};

    (void)state;
    assert_true(sms_costs_parse("+36=0.071,+361=0.1,+40=0.05,*=0.08 EUR", &costs, &err));
    assert_string_equal(costs.currency, "EUR");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t micro = 0;

        assert_true(sms_costs_find(&costs, rows[i].number, &micro));
        assert_int_equal(micro, rows[i].micro);
    }
}

static void a_number_that_no_row_is_for_has_no_cost(void **state)
{
    struct sms_costs costs;
    struct err err = {0};
    int64_t micro;

    (void)state;
    assert_true(sms_costs_parse("+36=999.999999", &costs, &err));
    assert_string_equal(costs.currency, "");
    assert_true(sms_costs_find(&costs, "+36", &micro));
    assert_int_equal(micro, 999999999);
    assert_false(sms_costs_find(&costs, "+40", &micro));
}

static void anything_else_is_refused(void **state)
{
    static const char *const rows[] = {
        "",          "=",          "+36",         "+36=",       "36=0.1",       "+=0.1",        "+0=0.1",      "+36=.1",
        "+36=0.",    "+36=-1",     "+36=1000",    "+36=1e1",    "+36=0.1234567", "+36=0.1,",    ",+36=0.1",    "+36=0.1,+36=0.2",
        "*=1,*=2",   "+36=0.1 eur", "+36=0.1 EURO", "+36=0.1  EUR", "+36 =0.1",   "+36a=0.1",   "HU=0.1",      "+36=0,1",
        "+1234567890123456=1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sms_costs costs;
        struct err err = {0};

        if (sms_costs_parse(rows[i], &costs, &err)) {
            fail_msg("\"%s\" was taken", rows[i]);
        }
        assert_true(err_is_set(&err));
    }
}

static void amounts_are_printed_with_the_decimals_that_they_have(void **state)
{
    static const struct {
        int64_t micro;
        const char *text;
    } rows[] = {{0, "0.00 EUR"}, {71000, "0.071 EUR"}, {1500000, "1.50 EUR"}, {1, "0.000001 EUR"}, {12340000, "12.34 EUR"}};
    struct sms_costs costs;
    struct err err = {0};

    (void)state;
    assert_true(sms_costs_parse("*=1 EUR", &costs, &err));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[SMS_COST_TEXT_SIZE];

        sms_cost_format(&costs, rows[i].micro, text);
        assert_string_equal(text, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_prefix_that_fits_counts),
        cmocka_unit_test(a_number_that_no_row_is_for_has_no_cost),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(amounts_are_printed_with_the_decimals_that_they_have),
    };

    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
