#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static void it_is_empty_and_allocates_nothing_before_the_first_append(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 0);
    assert_null(buf.data);
    assert_int_equal(buf.max, BUF_DEFAULT_MAX);
    assert_string_equal(buf_text(&buf), "");
    assert_int_equal(buf_slice(&buf).len, 0);
    assert_non_null(buf_slice(&buf).data);
    buf_finish(&buf);
}

static void appends_of_every_kind_follow_one_another_and_end_in_nul(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 0);
    buf_append(&buf, "ab", 2);
    buf_append(&buf, NULL, 0);
    buf_append_text(&buf, "cd");
    buf_append_slice(&buf, slice_make("efxx", 2));
    buf_append_char(&buf, 'g');
    buf_append_int(&buf, -7);
    buf_appendf(&buf, "<%s %d>", "h", 8);
    assert_string_equal(buf.data, "abcdefg-7<h 8>");
    assert_int_equal(buf.len, strlen(buf.data));
    assert_false(buf.overflowed);
    buf_finish(&buf);
    assert_null(buf.data);
}

static void numbers_are_printed_to_the_ends_of_their_range(void **state)
{
    static const struct {
        int64_t number;
        const char *text;
    } rows[] = {
        {0, "0"}, {9, "9"}, {10, "10"}, {-1, "-1"}, {INT64_MAX, "9223372036854775807"},
        {INT64_MIN, "-9223372036854775808"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf buf;

        buf_init(&buf, 0);
        buf_append_int(&buf, rows[i].number);
        assert_string_equal(buf_text(&buf), rows[i].text);
        buf_finish(&buf);
    }
}

static void exactly_the_maximum_fits_and_one_more_byte_does_not(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 5);
    buf_append(&buf, "12345", 5);
    assert_false(buf.overflowed);
    assert_string_equal(buf.data, "12345");
    buf_append_char(&buf, '6');
    assert_true(buf.overflowed);
    assert_string_equal(buf.data, "12345");
    buf_finish(&buf);
}

static void an_overflow_is_sticky_even_for_appends_that_would_fit(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 5);
    buf_append(&buf, "123", 3);
    buf_appendf(&buf, "%s", "too long");
    assert_true(buf.overflowed);
    buf_append_char(&buf, 'x');
    buf_append_int(&buf, 1);
    assert_string_equal(buf.data, "123");
    assert_null(buf_reserve(&buf, 0));
    buf_clear(&buf);
    assert_false(buf.overflowed);
    buf_append_char(&buf, 'y');
    assert_string_equal(buf.data, "y");
    buf_finish(&buf);
}

static void an_absurd_length_overflows_instead_of_wrapping(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 100);
    buf_append_char(&buf, 'a');
    assert_null(buf_reserve(&buf, SIZE_MAX));
    assert_true(buf.overflowed);
    assert_int_equal(buf.len, 1);
    buf_finish(&buf);
}

static void growth_keeps_what_was_there(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 0);
    for (int i = 0; i < 10000; i++) {
        buf_append_char(&buf, (char)('a' + i % 26));
    }
    assert_int_equal(buf.len, 10000);
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(buf.data[i], 'a' + i % 26);
    }
    assert_int_equal(buf.data[10000], 0);
    buf_finish(&buf);
}

static void truncate_only_shortens(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 0);
    buf_truncate(&buf, 0);
    buf_append_text(&buf, "abcdef");
    buf_truncate(&buf, 9);
    assert_string_equal(buf.data, "abcdef");
    buf_truncate(&buf, 2);
    assert_string_equal(buf.data, "ab");
    buf_append_char(&buf, 'z');
    assert_string_equal(buf.data, "abz");
    buf_finish(&buf);
}

static void take_hands_over_the_text_and_leaves_an_empty_buffer(void **state)
{
    struct buf buf;
    char *text;

    (void)state;
    buf_init(&buf, 10);
    text = buf_take(&buf);
    assert_string_equal(text, "");
    free(text);
    buf_append_text(&buf, "abc");
    text = buf_take(&buf);
    assert_string_equal(text, "abc");
    free(text);
    assert_null(buf.data);
    assert_int_equal(buf.len, 0);
    assert_int_equal(buf.max, 10);
    buf_finish(&buf);
}

static void reserved_room_is_no_text_yet(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 0);
    assert_non_null(buf_reserve(&buf, 100));
    assert_string_equal(buf_text(&buf), "");
    buf_finish(&buf);
}

static void reserved_room_is_used_after_advance(void **state)
{
    struct buf buf;
    char *to;

    (void)state;
    buf_init(&buf, 0);
    buf_append_char(&buf, '<');
    to = buf_reserve(&buf, 100);
    assert_non_null(to);
    memcpy(to, "abc", 3);
    buf_advance(&buf, 3);
    assert_string_equal(buf.data, "<abc");
    buf_finish(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_empty_and_allocates_nothing_before_the_first_append),
        cmocka_unit_test(appends_of_every_kind_follow_one_another_and_end_in_nul),
        cmocka_unit_test(numbers_are_printed_to_the_ends_of_their_range),
        cmocka_unit_test(exactly_the_maximum_fits_and_one_more_byte_does_not),
        cmocka_unit_test(an_overflow_is_sticky_even_for_appends_that_would_fit),
        cmocka_unit_test(an_absurd_length_overflows_instead_of_wrapping),
        cmocka_unit_test(growth_keeps_what_was_there),
        cmocka_unit_test(truncate_only_shortens),
        cmocka_unit_test(take_hands_over_the_text_and_leaves_an_empty_buffer),
        cmocka_unit_test(reserved_room_is_no_text_yet),
        cmocka_unit_test(reserved_room_is_used_after_advance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
