/* What a worker refuses as the name of an installation, no other command takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "run/setting_rows.h"

static void only_names_that_fit_into_keys_are_environments(void **state)
{
    static const struct {
        const char *name;
        bool is_fine;
    } rows[] = {
        {"dev", true},
        {"eu-prod_2", true},
        {"abcdefghijklmnopqrstuvwxyz012345", true},
        {"abcdefghijklmnopqrstuvwxyz0123456", false},
        {"", false},
        {"Prod", false},
        {"prod ", false},
        {"a}b", false},
        {"a:b", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = {0};

        assert_int_equal(setting_rows_check_environment(rows[i].name, &err), rows[i].is_fine);
        assert_int_equal(err_is_set(&err), !rows[i].is_fine);
        assert_true(rows[i].is_fine || strstr(err.text, "ENVIRONMENT") == err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_names_that_fit_into_keys_are_environments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
