/* Help texts keep to a width, in their own column. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/fold.h"

static char *print(size_t at, const char *text)
{
    char *printed = NULL;
    size_t len;
    FILE *to = open_memstream(&printed, &len);

    fold_print(to, at, text);
    fclose(to);
    return printed;
}

static void text_that_fits_stays_on_its_line(void **state)
{
    static const struct {
        size_t at;
        const char *text, *expected;
    } rows[] = {
        {0, "", "\n"},
        {40, "One line.", "One line.\n"},
        {FOLD_WIDTH - 8, "to the e", "to the e\n"},
        {FOLD_WIDTH - 2, "far_too_long", "far_too_long\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *printed = print(rows[i].at, rows[i].text);

        assert_string_equal(printed, rows[i].expected);
        free(printed);
    }
}

static void what_is_too_long_goes_on_below_its_beginning(void **state)
{
    char expected[4 * FOLD_WIDTH];
    char *printed = print(FOLD_WIDTH - 8, "to the end far_too_long x");

    (void)state;
    snprintf(expected, sizeof(expected), "to the\n%*send\n%*sfar_too_long\n%*sx\n", FOLD_WIDTH - 8, "", FOLD_WIDTH - 8,
             "", FOLD_WIDTH - 8, "");
    assert_string_equal(printed, expected);
    free(printed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_that_fits_stays_on_its_line),
        cmocka_unit_test(what_is_too_long_goes_on_below_its_beginning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
