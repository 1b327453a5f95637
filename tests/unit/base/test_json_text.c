#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <jansson.h>

#include "base/json_text.h"
#include "base/utf8.h"

/* The text as jansson reads it back from our JSON; the caller frees. */
static json_t *read_back(struct slice text)
{
    struct json_text j;
    struct buf buf;
    json_t *value;

    buf_init(&buf, 0);
    json_text_init(&j, &buf);
    json_text_string(&j, text);
    value = json_loadb(buf.data, buf.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    assert_non_null(value);
    assert_true(json_is_string(value));
    buf_finish(&buf);
    return value;
}

/* Every byte at every place of a word of eight, so that the fast path and the slow one are both taken. */
static void every_ascii_byte_at_every_place_reads_back(void **state)
{
    (void)state;
    for (int c = 0; c < 0x80; c++) {
        for (size_t at = 0; at < 20; at++) {
            char text[20];
            json_t *value;

            memset(text, 'a', sizeof(text));
            text[at] = (char)c;
            value = read_back(slice_make(text, sizeof(text)));
            assert_int_equal(json_string_length(value), sizeof(text));
            assert_memory_equal(json_string_value(value), text, sizeof(text));
            json_decref(value);
        }
    }
}

static void every_other_byte_alone_becomes_the_replacement(void **state)
{
    (void)state;
    for (int c = 0x80; c < 0x100; c++) {
        for (size_t at = 0; at < 12; at++) {
            char text[12];
            json_t *value;

            memset(text, 'a', sizeof(text));
            text[at] = (char)c;
            value = read_back(slice_make(text, sizeof(text)));
            assert_int_equal(json_string_length(value), sizeof(text) + 2);
            assert_memory_equal(json_string_value(value) + at, "\xef\xbf\xbd", 3);
            assert_int_equal(strspn(json_string_value(value), "a"), at);
            json_decref(value);
        }
    }
}

static void code_points_of_every_length_stay_as_they_are(void **state)
{
    static const char *const rows[] = {
        "",
        "Ilona Kov\303\241cs",
        "\xe2\x82\xac\xe2\x80\xa8\xe2\x80\xa9",
        "\xf0\x9f\x8e\x81 gift",
        "\"quoted\\\"\r\n\ttab\b\f\x7f",
        "eight by eight is plain text, quite long, with no escape at all.",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *value = read_back(slice_of(rows[i]));

        assert_string_equal(json_string_value(value), rows[i]);
        json_decref(value);
    }
}

static void commas_stand_between_members_and_nowhere_else(void **state)
{
    struct json_text j;
    struct buf buf;

    (void)state;
    buf_init(&buf, 0);
    json_text_init(&j, &buf);
    json_text_open(&j, '{');
    json_text_member(&j, "a", "x");
    json_text_member_if(&j, "gone", NULL);
    json_text_member_if(&j, "gone", "");
    json_text_member_if(&j, "b", "y");
    json_text_key(&j, "list");
    json_text_open(&j, '[');
    json_text_int(&j, INT64_MIN);
    json_text_bool(&j, true);
    json_text_bool(&j, false);
    json_text_null(&j);
    json_text_open(&j, '{');
    json_text_close(&j, '}');
    json_text_open(&j, '[');
    json_text_close(&j, ']');
    json_text_raw(&j, SLICE("{\"raw\":1}"));
    json_text_close(&j, ']');
    json_text_member_int(&j, "k\"ey", 7);
    json_text_member_slice(&j, "s", slice_make("abc", 2));
    json_text_member(&j, "none", NULL);
    json_text_close(&j, '}');
    assert_string_equal(buf_text(&buf), "{\"a\":\"x\",\"b\":\"y\",\"list\":[-9223372036854775808,true,false,null,{},[],"
                                        "{\"raw\":1}],\"k\\\"ey\":7,\"s\":\"ab\",\"none\":\"\"}");
    buf_finish(&buf);
}

static void a_full_buffer_overflows_and_does_not_crash(void **state)
{
    (void)state;
    for (size_t max = 1; max < 40; max++) {
        struct json_text j;
        struct buf buf;

        buf_init(&buf, max);
        json_text_init(&j, &buf);
        json_text_open(&j, '{');
        json_text_member(&j, "key", "some \"text\" \xff that is longer than the room");
        json_text_close(&j, '}');
        assert_true(buf.overflowed);
        assert_true(buf.len <= max);
        buf_finish(&buf);
    }
}

/* Text is escaped in blocks; a code point, or what grows, may stand across the border of two. */
static void long_text_reads_back_wherever_its_special_characters_stand(void **state)
{
    static const char *const specials[] = {"\"", "\n", "\x01", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x99\x82"};
    char text[700];

    (void)state;
    for (size_t i = 0; i < sizeof(specials) / sizeof(specials[0]); i++) {
        size_t len = strlen(specials[i]);

        for (size_t at = 0; at + len < sizeof(text); at++) {
            struct buf out;
            json_t *back;

            memset(text, 'x', sizeof(text));
            memcpy(text + at, specials[i], len);
            buf_init(&out, 0);
            buf_append_char(&out, '"');
            json_escape_append(&out, slice_make(text, sizeof(text)));
            buf_append_char(&out, '"');
            back = json_loadb(out.data, out.len, JSON_DECODE_ANY, NULL);
            assert_int_equal(json_string_length(back), sizeof(text));
            assert_memory_equal(json_string_value(back), text, sizeof(text));
            json_decref(back);
            buf_finish(&out);
        }
    }
}

static void text_may_fill_a_buffer_to_its_maximum(void **state)
{
    char text[1000];
    struct buf out;

    (void)state;
    memset(text, '"', sizeof(text));
    buf_init(&out, 2 * sizeof(text));
    json_escape_append(&out, slice_make(text, sizeof(text)));
    assert_false(out.overflowed);
    assert_int_equal(out.len, 2 * sizeof(text));
    json_escape_append(&out, SLICE("x"));
    assert_true(out.overflowed);
    buf_finish(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_ascii_byte_at_every_place_reads_back),
        cmocka_unit_test(every_other_byte_alone_becomes_the_replacement),
        cmocka_unit_test(code_points_of_every_length_stay_as_they_are),
        cmocka_unit_test(commas_stand_between_members_and_nowhere_else),
        cmocka_unit_test(a_full_buffer_overflows_and_does_not_crash),
        cmocka_unit_test(long_text_reads_back_wherever_its_special_characters_stand),
        cmocka_unit_test(text_may_fill_a_buffer_to_its_maximum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
