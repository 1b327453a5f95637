#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/slice.h"

static void slices_compare_by_bytes_and_length(void **state)
{
    (void)state;
    assert_true(slice_equal(SLICE("a\0b"), slice_make("a\0b", 3)));
    assert_false(slice_equal(SLICE("a\0b"), SLICE("a\0c")));
    assert_false(slice_equal(SLICE("ab"), SLICE("abc")));
    assert_true(slice_equal(slice_make(NULL, 0), SLICE("")));
    assert_true(slice_is(SLICE("x"), "x"));
    assert_false(slice_is(SLICE("x\0"), "x"));
    assert_true(slice_is(slice_of(NULL), ""));
    assert_int_equal(slice_of("four").len, 4);
}

static void prefixes_and_suffixes_are_found_at_their_end_only(void **state)
{
    (void)state;
    assert_true(slice_starts_with(SLICE("abc"), "ab"));
    assert_true(slice_starts_with(SLICE("abc"), "abc"));
    assert_false(slice_starts_with(SLICE("abc"), "abcd"));
    assert_false(slice_starts_with(SLICE("abc"), "b"));
    assert_true(slice_ends_with(SLICE("abc"), "bc"));
    assert_false(slice_ends_with(SLICE("abc"), "ab"));
    assert_false(slice_ends_with(SLICE("c"), "bc"));
    assert_true(slice_starts_with(slice_make(NULL, 0), ""));
    assert_true(slice_ends_with(slice_make(NULL, 0), ""));
    assert_false(slice_ends_with(slice_make(NULL, 0), "x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_compare_by_bytes_and_length),
        cmocka_unit_test(prefixes_and_suffixes_are_found_at_their_end_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
