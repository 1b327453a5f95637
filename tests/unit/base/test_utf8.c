#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static void every_code_point_reads_back(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x10ffff; c += c < 0x3000 ? 1 : 61) {
        struct buf buf;
        size_t at = 0;
        bool valid = true;
        bool is_surrogate = c >= 0xd800 && c <= 0xdfff;

        buf_init(&buf, 0);
        utf8_append(&buf, c);
        assert_int_equal(utf8_next(buf_slice(&buf), &at, &valid), is_surrogate ? UTF8_REPLACEMENT : c);
        assert_true(valid);
        assert_int_equal(at, buf.len);
        assert_int_equal(buf.len, c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4);
        buf_finish(&buf);
    }
}

static void what_is_no_code_point_is_written_as_the_replacement(void **state)
{
    static const uint32_t rows[] = {0xd800, 0xdbff, 0xdc00, 0xdfff, 0x110000, UINT32_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf buf;

        buf_init(&buf, 0);
        utf8_append(&buf, rows[i]);
        assert_string_equal(buf_text(&buf), "\xef\xbf\xbd");
        buf_finish(&buf);
    }
}

static void invalid_bytes_are_found_where_they_begin(void **state)
{
    static const struct {
        const char *name, *text;
        size_t valid;
    } rows[] = {
        {"plain", "abc", 3},
        {"empty", "", 0},
        {"two, three and four bytes", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\x81", 9},
        {"first and last of two bytes", "\xc2\x80\xdf\xbf", 4},
        {"first and last of three bytes", "\xe0\xa0\x80\xef\xbf\xbf", 6},
        {"around the surrogates", "\xed\x9f\xbf\xee\x80\x80", 6},
        {"first and last of four bytes", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8},
        {"lone continuation", "a\x80", 1},
        {"overlong slash", "\xc0\xaf", 0},
        {"overlong 0x7f", "\xc1\xbf", 0},
        {"overlong three", "\xe0\x9f\xbf", 0},
        {"overlong four", "\xf0\x8f\xbf\xbf", 0},
        {"first surrogate", "\xed\xa0\x80", 0},
        {"last surrogate", "ab\xed\xbf\xbf", 2},
        {"above the last code point", "\xf4\x90\x80\x80", 0},
        {"five-byte form", "\xf8\x88\x80\x80\x80", 0},
        {"0xff", "a\xff", 1},
        {"two bytes cut", "a\xc3", 1},
        {"three bytes cut", "a\xe2\x82", 1},
        {"four bytes cut", "a\xf0\x9f\x8e", 1},
        {"second byte is no continuation", "\xc3(", 0},
        {"third byte is no continuation", "\xe2\x82(", 0},
        {"fourth byte is no continuation", "\xf0\x9f\x8e(", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct slice text = slice_of(rows[i].text);

        if (utf8_valid_prefix(text) != rows[i].valid) {
            fail_msg("%s: %zu", rows[i].name, utf8_valid_prefix(text));
        }
        assert_int_equal(utf8_is_valid(text), rows[i].valid == text.len);
    }
}

static void reading_goes_on_one_byte_after_an_invalid_one(void **state)
{
    struct slice text = SLICE("\xe2\x82" "a");
    size_t at = 0;
    bool valid = true;

    (void)state;
    assert_int_equal(utf8_next(text, &at, &valid), UTF8_REPLACEMENT);
    assert_false(valid);
    assert_int_equal(at, 1);
    assert_int_equal(utf8_next(text, &at, NULL), UTF8_REPLACEMENT);
    valid = true;
    assert_int_equal(utf8_next(text, &at, &valid), 'a');
    assert_true(valid);
    assert_int_equal(at, 3);
}

static void truncating_never_cuts_a_code_point(void **state)
{
    struct slice text = SLICE("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\x81");
    static const size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};

    (void)state;
    for (size_t max = 0; max < sizeof(expected) / sizeof(expected[0]); max++) {
        assert_int_equal(utf8_truncate(text, max), expected[max]);
    }
    assert_int_equal(utf8_truncate(SLICE("\x80\x80\x80"), 2), 0);
    assert_int_equal(utf8_truncate(slice_make(NULL, 0), 5), 0);
}

static void controls_become_blanks(void **state)
{
    static const struct {
        const char *text, *one_line, *lines;
    } rows[] = {
        {"a\x1b[2Jb", "a [2Jb", "a [2Jb"},
        {"a\nb\r\tc\x7f", "a b  c ", "a\nb  c "},
        {"\xc2\x9b" "2J\xc2\xa0", "\xc2\xa0" "2J\xc2\xa0", "\xc2\xa0" "2J\xc2\xa0"},
        {"\xc3\x9b \xe2\x80\x9c", "\xc3\x9b \xe2\x80\x9c", "\xc3\x9b \xe2\x80\x9c"},
        {"", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[32];

        snprintf(text, sizeof(text), "%s", rows[i].text);
        utf8_blank_controls(text, strlen(text), true);
        assert_string_equal(text, rows[i].lines);
        utf8_blank_controls(text, strlen(text), false);
        assert_string_equal(text, rows[i].one_line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_reads_back),
        cmocka_unit_test(what_is_no_code_point_is_written_as_the_replacement),
        cmocka_unit_test(invalid_bytes_are_found_where_they_begin),
        cmocka_unit_test(reading_goes_on_one_byte_after_an_invalid_one),
        cmocka_unit_test(truncating_never_cuts_a_code_point),
        cmocka_unit_test(controls_become_blanks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
