#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/err.h"

static void the_first_error_wins(void **state)
{
    struct err err = {0};

    (void)state;
    assert_false(err_is_set(&err));
    assert_false(err_set(&err, "first %d", 1));
    assert_false(err_set(&err, "second"));
    assert_true(err_is_set(&err));
    assert_string_equal(err.text, "first 1");
    err_clear(&err);
    assert_false(err_is_set(&err));
    err_set(&err, "third");
    assert_string_equal(err.text, "third");
}

static void nobody_has_to_listen(void **state)
{
    (void)state;
    assert_false(err_set(NULL, "lost"));
    assert_false(err_prefix(NULL, "lost"));
}

static void a_prefix_goes_before_what_is_there(void **state)
{
    struct err err = {0};

    (void)state;
    err_set(&err, "cause");
    assert_false(err_prefix(&err, "file %d", 7));
    assert_false(err_prefix(&err, "while reading"));
    assert_string_equal(err.text, "while reading: file 7: cause");
}

static void a_long_text_is_cut_and_still_ends_in_nul(void **state)
{
    struct err err = {0};
    char longer[2000];

    (void)state;
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    err_set(&err, "%s", longer);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    err_prefix(&err, "p");
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    assert_memory_equal(err.text, "p: xxx", 6);
    err_prefix(&err, "%s", longer);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_error_wins),
        cmocka_unit_test(nobody_has_to_listen),
        cmocka_unit_test(a_prefix_goes_before_what_is_there),
        cmocka_unit_test(a_long_text_is_cut_and_still_ends_in_nul),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
