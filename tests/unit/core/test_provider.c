#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/provider.h"

static void a_fresh_request_is_an_empty_post(void **state)
{
    struct provider_request request;

    (void)state;
    provider_request_init(&request);
    assert_string_equal(request.method, "POST");
    assert_int_equal(request.header_count, 0);
    assert_string_equal(buf_text(&request.url), "");
    assert_string_equal(buf_text(&request.body), "");
    provider_request_finish(&request);
}

static void headers_are_kept_in_their_order(void **state)
{
    struct provider_request request;

    (void)state;
    provider_request_init(&request);
    for (int i = 0; i < PROVIDER_MOST_HEADERS; i++) {
        provider_request_add_header(&request, i % 2 ? "odd" : "even", "value");
    }
    assert_int_equal(request.header_count, PROVIDER_MOST_HEADERS);
    assert_string_equal(request.headers[0].name, "even");
    assert_string_equal(request.headers[PROVIDER_MOST_HEADERS - 1].name, "odd");
    assert_string_equal(request.headers[3].value, "value");
    provider_request_finish(&request);
}

static void clearing_keeps_the_memory_and_nothing_else(void **state)
{
    struct provider_request request;
    const char *memory;

    (void)state;
    provider_request_init(&request);
    request.method = "GET";
    buf_append_text(&request.url, "https://example.com/");
    buf_append_text(&request.body, "{}");
    provider_request_add_header(&request, "api-key", "k");
    memory = request.body.data;
    provider_request_clear(&request);
    assert_string_equal(request.method, "POST");
    assert_int_equal(request.header_count, 0);
    assert_int_equal(request.url.len, 0);
    buf_append_text(&request.body, "[]");
    assert_ptr_equal(request.body.data, memory);
    assert_string_equal(request.body.data, "[]");
    provider_request_finish(&request);
}

static void an_overlong_url_overflows_and_a_large_body_fits(void **state)
{
    struct provider_request request;

    (void)state;
    provider_request_init(&request);
    for (int i = 0; i < 4097; i++) {
        buf_append_char(&request.url, 'u');
    }
    assert_true(request.url.overflowed);
    /* Two parts of 256 KiB, each byte escaped to six. */
    for (int i = 0; i < 2 * 256 * 1024; i++) {
        buf_append(&request.body, "\\u0001", 6);
    }
    assert_false(request.body.overflowed);
    provider_request_finish(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_request_is_an_empty_post),
        cmocka_unit_test(headers_are_kept_in_their_order),
        cmocka_unit_test(clearing_keeps_the_memory_and_nothing_else),
        cmocka_unit_test(an_overlong_url_overflows_and_a_large_body_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
