#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "event_fixture.h"

static struct decoded decode_with_id_of(size_t len)
{
    struct decoded decoded;
    struct buf text;

    buf_init(&text, 0);
    buf_append_text(&text, "{\"specversion\":\"1.0\",\"source\":\"s\",\"type\":\"t\",\"data\":"
                           "{},\"id\":\"");
    for (size_t i = 0; i < len; i++) {
        buf_append_char(&text, 'i');
    }
    buf_append_text(&text, "\"}");
    decoded = decode_bytes(text.data, text.len);
    buf_finish(&text);
    return decoded;
}

static void attributes_have_a_longest_length(void **state)
{
    struct decoded decoded = decode_with_id_of(1024);

    (void)state;
    assert_true(decoded.is_event);
    event_finish(&decoded.event);
    assert_refused("1025 bytes", decode_with_id_of(1025), "bad_attribute", "id is longer");
}

/* An event whose innermost list is `depth` levels below the outside. */
static struct decoded decode_with_depth(size_t depth)
{
    struct decoded decoded;
    struct buf text;

    buf_init(&text, 0);
    buf_append_text(&text, "{" ATTRIBUTES ",\"data\":{\"quoted\":\"[[[\\\"[{\",\"deep\":");
    for (size_t i = 2; i < depth; i++) {
        buf_append_char(&text, '[');
    }
    for (size_t i = 2; i < depth; i++) {
        buf_append_char(&text, ']');
    }
    buf_append_text(&text, "}}");
    decoded = decode_bytes(text.data, text.len);
    buf_finish(&text);
    return decoded;
}

static void nesting_is_taken_to_64_levels(void **state)
{
    struct decoded decoded = decode_with_depth(64);

    (void)state;
    assert_true(decoded.is_event);
    event_finish(&decoded.event);
    assert_refused("65", decode_with_depth(65), "too_deep", "byte");
    assert_refused("100,000", decode_with_depth(100000), "too_deep", "byte");
}

static void many_brackets_side_by_side_are_not_deep(void **state)
{
    struct decoded decoded;
    struct buf text;

    (void)state;
    buf_init(&text, 0);
    buf_append_text(&text, "{" ATTRIBUTES ",\"data\":{\"rewards\":[");
    for (int i = 0; i < 500; i++) {
        buf_append_text(&text, "{\"name\":\"x}]\\\\\"},");
    }
    buf_append_text(&text, "[]]}}");
    decoded = decode_bytes(text.data, text.len);
    assert_true(decoded.is_event);
    assert_int_equal(json_array_size(event_find(&decoded.event, "rewards")), 501);
    event_finish(&decoded.event);
    buf_finish(&text);
}

static struct decoded decode_with_size(size_t size)
{
    static const char head[] = "{" ATTRIBUTES ",\"data\":{\"pad\":\"";
    char *text = malloc(size);
    struct decoded decoded;

    memset(text, 'x', size);
    memcpy(text, head, sizeof(head) - 1);
    memcpy(text + size - 3, "\"}}", 3);
    decoded = decode_bytes(text, size);
    free(text);
    return decoded;
}

static void size_is_taken_to_256_kib(void **state)
{
    struct decoded decoded = decode_with_size(256 * 1024);

    (void)state;
    assert_true(decoded.is_event);
    event_finish(&decoded.event);
    assert_refused("one more", decode_with_size(256 * 1024 + 1), "too_large", "262145 bytes");
}

static void key_and_headers_are_taken_to_128_kib_and_ours_on_top(void **state)
{
    enum { ROOM = EVENT_MOST_NOTES - 8 /* names and key */ };
    char *large = calloc(1, ROOM + 1);
    struct record_header headers[] = {{"x-note", {large, ROOM}}, {"perkline-claim", {large, 200}}};
    struct record record = {.value = SLICE("{" ATTRIBUTES ",\"data\":{}}"), .key = SLICE("42"), .headers = headers,
                            .header_count = 2};
    struct decoded decoded = decode_record(record);

    (void)state;
    assert_true(decoded.is_event);
    event_finish(&decoded.event);
    headers[0].value.len++;
    assert_refused("one more", decode_record(record), "too_large", "131073 bytes of key and headers");
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attributes_have_a_longest_length),
        cmocka_unit_test(nesting_is_taken_to_64_levels),
        cmocka_unit_test(many_brackets_side_by_side_are_not_deep),
        cmocka_unit_test(size_is_taken_to_256_kib),
        cmocka_unit_test(key_and_headers_are_taken_to_128_kib_and_ours_on_top),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
