#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "core/record_json.h"

static const struct record_header two_headers[] = {{"traceparent", SLICE("00-ab")}, {"bin", {"\xff\0", 2}}};
static const struct record_header odd_headers[] = {{"", SLICE("")}, {"none", {NULL, 0}}, {"same", SLICE("1")}, {"same", SLICE("2")}};

static const struct {
    struct record record;
    const char *line;
} round_trips[] = {
    {{"loyalty.events", 3, 1017, 1795255200123, SLICE("42"), SLICE("{\"specversion\":\"1.0\",\"n\":1.0}"), NULL, 0},
     "{\"topic\":\"loyalty.events\",\"partition\":3,\"offset\":1017,\"timestamp_ms\":1795255200123,\"key\":\"42\","
     "\"headers\":[],\"value\":{\"specversion\":\"1.0\",\"n\":1.0}}"},
    {{"t", 0, 0, -1, {NULL, 0}, {NULL, 0}, NULL, 0},
     "{\"topic\":\"t\",\"partition\":0,\"offset\":0,\"timestamp_ms\":-1,\"key\":null,\"headers\":[],\"value\":null}"},
    {{"t", 1, INT64_MAX, 0, SLICE(""), SLICE(""), two_headers, 2},
     "{\"topic\":\"t\",\"partition\":1,\"offset\":9223372036854775807,\"timestamp_ms\":0,\"key\":\"\","
     "\"headers\":[[\"traceparent\",\"00-ab\"],[\"bin\",{\"base64\":\"/wA=\"}]],\"value_base64\":\"\"}"},
    {{"t", INT32_MAX, 7, 1, {"\xff", 1}, SLICE("not json"), odd_headers, 4},
     "{\"topic\":\"t\",\"partition\":2147483647,\"offset\":7,\"timestamp_ms\":1,\"key_base64\":\"/w==\","
     "\"headers\":[[\"\",\"\"],[\"none\",null],[\"same\",\"1\"],[\"same\",\"2\"]],\"value_base64\":\"bm90IGpzb24=\"}"},
    {{"t", 0, 1, 1, {"a\0\n\"b", 5}, SLICE("[\"}\\\"],\", {\"value\": null}]"), NULL, 0},
     "{\"topic\":\"t\",\"partition\":0,\"offset\":1,\"timestamp_ms\":1,\"key\":\"a\\u0000\\n\\\"b\",\"headers\":[],"
     "\"value\":[\"}\\\"],\", {\"value\": null}]}"},
    {{"t", 0, 1, 1, {NULL, 0}, SLICE("null"), NULL, 0},
     "{\"topic\":\"t\",\"partition\":0,\"offset\":1,\"timestamp_ms\":1,\"key\":null,\"headers\":[],"
     "\"value_base64\":\"bnVsbA==\"}"},
};

static void assert_same(struct slice a, struct slice b)
{
    assert_int_equal(a.data == NULL, b.data == NULL);
    assert_true(slice_equal(a, b));
}

static void a_record_becomes_a_line_and_the_line_the_same_record(void **state)
{
    struct record_json line;

    (void)state;
    record_json_init(&line);
    for (size_t i = 0; i < sizeof(round_trips) / sizeof(round_trips[0]); i++) {
        const struct record *record = &round_trips[i].record;
        struct buf text;
        struct err err = {0};

        buf_init(&text, 0);
        record_json_format(record, &text);
        assert_string_equal(buf_text(&text), round_trips[i].line);
        assert_true(record_json_parse(&line, buf_slice(&text), &err));
        assert_true(line.has_place);
        assert_string_equal(line.record.topic, record->topic);
        assert_int_equal(line.record.partition, record->partition);
        assert_int_equal(line.record.offset, record->offset);
        assert_int_equal(line.record.timestamp_ms, record->timestamp_ms);
        assert_same(line.record.key, record->key);
        assert_same(line.record.value, record->value);
        assert_int_equal(line.record.header_count, record->header_count);
        for (size_t h = 0; h < record->header_count; h++) {
            assert_string_equal(line.record.headers[h].name, record->headers[h].name);
            assert_same(line.record.headers[h].value, record->headers[h].value);
        }
        buf_finish(&text);
    }
    record_json_finish(&line);
}

static void a_value_of_several_lines_becomes_one_line(void **state)
{
    const struct record record = {.topic = "t", .value = SLICE("{\n  \"a\": \"x\\ny\",\r\n  \"b\": 1\n}")};
    struct record_json line;
    struct err err = {0};
    struct buf text;

    (void)state;
    buf_init(&text, 0);
    record_json_init(&line);
    record_json_format(&record, &text);
    assert_null(memchr(text.data, '\n', text.len));
    assert_true(record_json_parse(&line, buf_slice(&text), &err));
    assert_true(slice_is(line.record.value, "{   \"a\": \"x\\ny\",    \"b\": 1 }"));
    record_json_finish(&line);
    buf_finish(&text);
}

static void a_line_that_is_no_more_than_an_event_is_its_value(void **state)
{
    static const char *const rows[] = {
        "{\"specversion\":\"1.0\",\"value\":1}", " {\"id\":\"value\",\"data\":{\"value\":1}}", "{}", "", "[1]", "garbage",
        "{\"id\":\"open", "{\"id\"}", "{\"value\":\"open", "{\"id\":\\", "{\"value", "{\"a\":1,",
    };
    struct record_json line;
    struct err err = {0};

    (void)state;
    record_json_init(&line);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(record_json_parse(&line, slice_of(rows[i]), &err));
        assert_true(slice_is(line.record.value, rows[i]));
        assert_false(line.has_place);
        assert_int_equal(line.record.timestamp_ms, -1);
        assert_string_equal(line.record.topic, "");
    }
    record_json_finish(&line);
}

static void a_value_that_is_broken_is_for_the_reader_of_events_to_judge(void **state)
{
    struct record_json line;
    struct err err = {0};

    (void)state;
    record_json_init(&line);
    assert_true(record_json_parse(&line, SLICE("{\"key\":\"k\",\"value\": {\"a\":x} }"), &err));
    assert_true(slice_is(line.record.value, "{\"a\":x}"));
    assert_true(slice_is(line.record.key, "k"));
    assert_false(line.has_place);
    record_json_finish(&line);
}

static void what_is_wrong_around_the_value_is_named(void **state)
{
    static const struct {
        const char *line, *error;
    } rows[] = {
        {"{\"value\":{},\"partition\":-1}", "\"partition\": expected a whole number of at least 0"},
        {"{\"value\":{},\"partition\":2147483648}", "\"partition\": expected a whole number of at least 0"},
        {"{\"value\":{},\"offset\":\"7\"}", "\"offset\": expected a whole number of at least 0"},
        {"{\"value\":{},\"timestamp_ms\":-2}", "\"timestamp_ms\": expected a whole number of at least -1"},
        {"{\"value\":{},\"topic\":7}", "\"topic\": expected a text"},
        {"{\"value\":{},\"topic\":\"a\\u0000\"}", "\"topic\": expected a text"},
        {"{\"value\":{},\"key\":7}", "\"key\": expected a text or null"},
        {"{\"value\":{},\"key_base64\":\"?\"}", "\"key_base64\": expected a text in base64"},
        {"{\"value\":{},\"headers\":{}}", "\"headers\": expected a list of [\"name\", \"value\"]"},
        {"{\"value\":{},\"headers\":[[\"a\"]]}", "\"headers\": expected a list of [\"name\", \"value\"]"},
        {"{\"value\":{},\"headers\":[[\"a\",7]]}", "\"headers\": expected a text or null"},
        {"{\"value\":{},\"headers\":[[\"a\",{}]]}", "\"headers\": expected a text in base64"},
        {"{\"value_base64\":7}", "\"value_base64\": expected a text in base64"},
        {"{\"value\":{},\"value_base64\":\"\"}", "\"value\" and \"value_base64\" are both there"},
        {"{\"value\":,\"key\":\"\"}", "\"value\": nothing is there"},
        {"{\"value\":{},\"key\":x}", "no JSON, near byte 19"},
        {"{\"key\":\"a\",\"key\":\"b\",\"value\":{}}", "no JSON, near byte 16"},
    };
    struct record_json line;

    (void)state;
    record_json_init(&line);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = {0};

        assert_false(record_json_parse(&line, slice_of(rows[i].line), &err));
        assert_string_equal(err.text, rows[i].error);
    }
    record_json_finish(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_becomes_a_line_and_the_line_the_same_record),
        cmocka_unit_test(a_value_of_several_lines_becomes_one_line),
        cmocka_unit_test(a_line_that_is_no_more_than_an_event_is_its_value),
        cmocka_unit_test(a_value_that_is_broken_is_for_the_reader_of_events_to_judge),
        cmocka_unit_test(what_is_wrong_around_the_value_is_named),
    };

    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
