#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <jansson.h>

#include "core/otlp.h"

static const uint8_t trace_id[TRACE_ID_SIZE] = {0x0a, 0xf7, 1};
static const uint8_t span_id[TRACE_SPAN_SIZE] = {0xb7, 2};
static const uint8_t parent_id[TRACE_SPAN_SIZE] = {0, 3};

static const struct otlp_attribute resource[] = {{"service.name", "perkline", false, 0}};
static const struct otlp_attribute attributes[] = {
    {"perkline.flow", "sign\"up", false, 0}, {"left.out", NULL, false, 0}, {"also.left.out", "", false, 0},
    {"perkline.attempts", NULL, true, 9007199254740993},
};

static void a_request_is_what_the_specification_says(void **state)
{
    const struct otlp_span first = {trace_id, span_id, NULL, "email", OTLP_CONSUMER, 1700000000000001, 1700000000250000,
                                    attributes, 4, NULL};
    const struct otlp_span second = {trace_id, parent_id, span_id, "deliver", OTLP_CLIENT, 5, 6, NULL, 0, "timeout"};
    struct buf text;

    (void)state;
    buf_init(&text, 0);
    otlp_begin(&text, resource, 1, "1.2");
    otlp_add(&text, &first, true);
    otlp_add(&text, &second, false);
    otlp_end(&text);
    assert_string_equal(
        buf_text(&text),
        "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":"
        "\"perkline\"}}]},\"scopeSpans\":[{\"scope\":{\"name\":\"perkline\",\"version\":\"1.2\"},\"spans\":["
        "{\"traceId\":\"0af70100000000000000000000000000\",\"spanId\":\"b702000000000000\",\"name\":\"email\",\"kind\":5,"
        "\"startTimeUnixNano\":\"1700000000000001000\",\"endTimeUnixNano\":\"1700000000250000000\",\"attributes\":["
        "{\"key\":\"perkline.flow\",\"value\":{\"stringValue\":\"sign\\\"up\"}},"
        "{\"key\":\"perkline.attempts\",\"value\":{\"intValue\":\"9007199254740993\"}}]},"
        "{\"traceId\":\"0af70100000000000000000000000000\",\"spanId\":\"0003000000000000\",\"parentSpanId\":"
        "\"b702000000000000\",\"name\":\"deliver\",\"kind\":3,\"startTimeUnixNano\":\"5000\",\"endTimeUnixNano\":\"6000\","
        "\"attributes\":[],\"status\":{\"code\":2,\"message\":\"timeout\"}}]}]}]}");
    buf_finish(&text);
}

static void a_request_without_spans_is_json_too(void **state)
{
    struct buf text;
    json_t *json;

    (void)state;
    buf_init(&text, 0);
    otlp_begin(&text, resource, 1, "1");
    otlp_end(&text);
    json = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    json_decref(json);
    buf_finish(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_what_the_specification_says),
        cmocka_unit_test(a_request_without_spans_is_json_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
