#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/percent.h"

static void escapes_are_decoded_and_broken_ones_refused(void **state)
{
    static const struct {
        const char *text, *decoded;
    } rows[] = {
        {"", ""},           {"plain", "plain"}, {"a%20b", "a b"}, {"%C3%a9", "\xc3\xa9"}, {"%25%2C", "%,"}, {"%", NULL},
        {"%4", NULL},       {"%zz", NULL},      {"a%00b", NULL},  {"%2", NULL},           {"%2x", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *decoded = percent_decode(slice_of(rows[i].text));

        if (rows[i].decoded) {
            assert_non_null(decoded);
            assert_string_equal(decoded, rows[i].decoded);
        } else {
            assert_null(decoded);
        }
        free(decoded);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_are_decoded_and_broken_ones_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
