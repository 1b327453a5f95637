#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "event_fixture.h"

static void structured_event_gives_attributes_data_and_member(void **state)
{
    struct decoded decoded =
        decode_text("{" ATTRIBUTES ",\"time\":\"2026-11-21T10:00:00Z\",\"subject\":\"member/42\","
                    "\"data\":{\"member\":{\"id\":\"42\"},\"tier\":{\"to\":\"gold\"}}}");
    struct event *event = &decoded.event;

    (void)state;
    assert_true(decoded.is_event);
    assert_null(decoded.reason);
    assert_string_equal(event->id, "e1");
    assert_string_equal(event->source, "/engine");
    assert_string_equal(event->type, "loyalty.signup");
    assert_string_equal(event->subject, "member/42");
    assert_string_equal(event->time, "2026-11-21T10:00:00Z");
    assert_int_equal(event->time_ms, 1795255200000);
    assert_string_equal(event->member_id, "42");
    assert_null(event->traceparent);
    assert_string_equal(json_string_value(event_find(event, "tier.to")), "gold");
    event_finish(event);
    assert_null(event->data);
    event_finish(event);
}

static void without_a_time_the_record_tells_it(void **state)
{
    struct decoded decoded = decode_text("{" ATTRIBUTES ",\"data\":{}}");

    (void)state;
    assert_true(decoded.is_event);
    assert_null(decoded.event.time);
    assert_int_equal(decoded.event.time_ms, 5000);
    assert_string_equal(decoded.event.member_id, "");
    event_finish(&decoded.event);

    decoded = decode_record((struct record){.value = SLICE("{" ATTRIBUTES ",\"data\":{}}"),
                                            .timestamp_ms = -1});
    assert_true(decoded.is_event);
    assert_int_equal(decoded.event.time_ms, 0);
    event_finish(&decoded.event);
}

static void binary_event_reads_headers_and_outlives_the_record(void **state)
{
    char value[] = "{\"member\":{\"id\":7},\"specversion\":\"data may say this\"}";
    char id[] = "e2";
    struct record_header headers[] = {
        {"ce_specversion", SLICE("1.0")},   {"ce_id", {id, 2}},
        {"ce_source", SLICE("/pos")},       {"ce_type", SLICE("loyalty.signup")},
        {"ce_subject", SLICE("")},          {"ce_tenant", SLICE("north")},
        {"ce_data", SLICE("no attribute")}, {"ce_X-Y", SLICE("\xff")},
        {"content-type", SLICE("application/json; charset=utf-8")},
    };
    struct decoded decoded = decode_record((struct record){
        .value = slice_of(value), .headers = headers, .header_count = 9, .timestamp_ms = 9});
    json_t *inner, *extensions;

    (void)state;
    assert_true(decoded.is_event);
    memset(value, 'x', sizeof(value) - 1);
    memset(id, 'x', sizeof(id) - 1);
    assert_string_equal(decoded.event.id, "e2");
    assert_string_equal(decoded.event.source, "/pos");
    assert_null(decoded.event.subject);
    assert_string_equal(decoded.event.member_id, "7");
    inner = json_object_get(event_envelope(&decoded.event), "event");
    extensions = json_object_get(inner, "extensions");
    assert_string_equal(json_string_value(json_object_get(extensions, "tenant")), "north");
    assert_int_equal(json_object_size(extensions), 1);
    assert_null(json_object_get(inner, "subject"));
    event_finish(&decoded.event);
}

static void content_type_decides_between_the_modes(void **state)
{
    const char *structured = "{" ATTRIBUTES ",\"data\":{\"a\":1}}";
    struct record_header headers[] = {
        {"ce_specversion", SLICE("1.0")},
        {"ce_id", SLICE("from header")},
        {"ce_source", SLICE("s")},
        {"ce_type", SLICE("t")},
        {"Content-Type", SLICE("Application/CloudEvents+JSON; charset=UTF-8")},
    };
    struct record record = {.value = slice_of(structured), .headers = headers, .header_count = 5};
    struct decoded decoded = decode_record(record);

    (void)state;
    assert_true(decoded.is_event);
    assert_string_equal(decoded.event.id, "e1");
    event_finish(&decoded.event);

    record.header_count = 4;
    decoded = decode_record(record);
    assert_true(decoded.is_event);
    assert_string_equal(decoded.event.id, "from header");
    assert_int_equal(json_integer_value(event_find(&decoded.event, "data.a")), 1);
    event_finish(&decoded.event);

    record.headers = &headers[1];
    record.header_count = 1;
    assert_refused("part of the headers", decode_record(record), "missing_attribute",
                   "specversion");
}

static void bad_bytes_are_refused_with_a_stable_reason(void **state)
{
    static const struct {
        const char *name;
        struct slice bytes;
        const char *reason;
        const char *detail;
    } cases[] = {
        {"tombstone", {NULL, 0}, "empty", "no value"},
        {"nothing", {"", 0}, "empty", "no value"},
        {"blank", SLICE("  "), "not_json", "byte 2"},
        {"plain text", SLICE("hello"), "not_json", "byte 5"},
        {"cut", SLICE("{\"id\":"), "not_json", "too early, near byte 6"},
        {"two", SLICE("{} {}"), "not_json", "follows"},
        {"raw NUL", SLICE("{\"a\":\"\0\"}"), "not_json", "byte"},
        {"comment", SLICE("{/**/}"), "not_json", "byte"},
        {"number", SLICE("{\"a\":123456789012345678901}"), "not_json", "out of range"},
        {"real", SLICE("{\"a\":1e999}"), "not_json", "out of range"},
        {"NaN", SLICE("{\"a\":NaN}"), "not_json", "byte"},
        {"half a surrogate pair", SLICE("{\"a\":\"\\ud800\"}"), "not_json", "byte"},
        {"latin-1", SLICE("{\"a\":\"\xe9\"}"), "not_utf8", "byte 6"},
        {"overlong", SLICE("{\"a\":\"\xc0\x80\"}"), "not_utf8", "byte 6"},
        {"raw surrogate", SLICE("{\"a\":\"\xed\xa0\x80\"}"), "not_utf8", "byte 6"},
        {"escaped NUL", SLICE("{\"a\":\"x\\u0000\"}"), "has_nul", "byte"},
        {"NUL in a key", SLICE("{\"a\\u0000\":1}"), "has_nul", "byte"},
        {"duplicate", SLICE("{\"id\":1,\"id\":2}"), "duplicate_key", "byte 12"},
        {"deep duplicate", SLICE("{\"a\":[{\"b\":1,\"b\":1}]}"), "duplicate_key", "byte"},
        {"list", SLICE("[{}]"), "bad_attribute", "array"},
        {"no event", SLICE("{\"member\":{}}"), "missing_attribute", "specversion is missing"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        /* A heap copy of exactly these bytes, so that reading past the end is seen. */
        char *copy = cases[i].bytes.data ? malloc(cases[i].bytes.len + !cases[i].bytes.len) : NULL;

        if (copy) {
            memcpy(copy, cases[i].bytes.data, cases[i].bytes.len);
        }
        assert_refused(cases[i].name, decode_bytes(copy, cases[i].bytes.len), cases[i].reason,
                       cases[i].detail);
        free(copy);
    }
}

static void bad_attributes_are_refused_by_name(void **state)
{
    static const struct {
        const char *name;
        const char *text;
        const char *reason;
        const char *detail;
    } cases[] = {
        {"old version",
         "{\"specversion\":\"0.3\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"data\":{}}",
         "bad_attribute", "specversion"},
        {"version as number", "{\"specversion\":1.0}", "bad_attribute", "specversion"},
        {"no id", "{\"specversion\":\"1.0\",\"source\":\"s\",\"type\":\"t\",\"data\":{}}",
         "missing_attribute", "id is missing"},
        {"null id",
         "{\"specversion\":\"1.0\",\"id\":null,\"source\":\"s\",\"type\":\"t\",\"data\":{}}",
         "missing_attribute", "id is missing"},
        {"empty id",
         "{\"specversion\":\"1.0\",\"id\":\"\",\"source\":\"s\",\"type\":\"t\",\"data\":{}}",
         "missing_attribute", "id is empty"},
        {"id as number",
         "{\"specversion\":\"1.0\",\"id\":5,\"source\":\"s\",\"type\":\"t\",\"data\":{}}",
         "bad_attribute", "id is no string"},
        {"no source", "{\"specversion\":\"1.0\",\"id\":\"1\",\"type\":\"t\",\"data\":{}}",
         "missing_attribute", "source"},
        {"no type", "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"t\",\"data\":{}}",
         "missing_attribute", "type"},
        {"newline in type",
         "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"a\\nb\",\"data\":{}}",
         "bad_attribute", "type holds a control"},
        {"C1 in source",
         "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"\\u0085\",\"type\":\"t\",\"data\":{}}",
         "bad_attribute", "source holds a control"},
        {"DEL in id",
         "{\"specversion\":\"1.0\",\"id\":\"\\u007f\",\"source\":\"s\",\"type\":\"t\",\"data\":{}}",
         "bad_attribute", "id holds a control"},
        {"time", "{" ATTRIBUTES ",\"time\":\"yesterday\",\"data\":{}}", "bad_attribute", "time"},
        {"time as number", "{" ATTRIBUTES ",\"time\":1,\"data\":{}}", "bad_attribute", "time"},
        {"no data", "{" ATTRIBUTES "}", "missing_attribute", "data"},
        {"null data", "{" ATTRIBUTES ",\"data\":null}", "missing_attribute", "data"},
        {"data a list", "{" ATTRIBUTES ",\"data\":[]}", "bad_attribute", "data is no JSON object"},
        {"data a string", "{" ATTRIBUTES ",\"data\":\"{}\"}", "bad_attribute", "data is no JSON"},
        {"member id a list", "{" ATTRIBUTES ",\"data\":{\"member\":{\"id\":[1]}}}",
         "bad_attribute", "member.id"},
        {"member id a fraction", "{" ATTRIBUTES ",\"data\":{\"member\":{\"id\":1.5}}}",
         "bad_attribute", "member.id"},
        {"member id a boolean", "{" ATTRIBUTES ",\"data\":{\"member\":{\"id\":true}}}",
         "bad_attribute", "member.id"},
        {"both datas", "{" ATTRIBUTES ",\"data\":{},\"data_base64\":\"e30=\"}", "bad_attribute",
         "both"},
        {"base64", "{" ATTRIBUTES ",\"data_base64\":\"e3!=\"}", "bad_attribute", "not base64"},
        {"base64 as number", "{" ATTRIBUTES ",\"data_base64\":5}", "bad_attribute", "no string"},
        {"base64 of text", "{" ATTRIBUTES ",\"data_base64\":\"aGVsbG8=\"}", "not_json",
         "data_base64: "},
        {"base64 of a list", "{" ATTRIBUTES ",\"data_base64\":\"W10=\"}", "bad_attribute",
         "data is no JSON object"},
        {"base64 of Avro",
         "{" ATTRIBUTES ",\"datacontenttype\":\"application/avro\",\"data_base64\":\"e30=\"}",
         "bad_attribute", "datacontenttype"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_refused(cases[i].name, decode_text(cases[i].text), cases[i].reason,
                       cases[i].detail);
    }
}

static struct decoded decode_with_member_id_of(size_t len)
{
    struct decoded decoded;
    struct buf text;

    buf_init(&text, 0);
    buf_append_text(&text, "{" ATTRIBUTES ",\"data\":{\"member\":{\"id\":\"");
    for (size_t i = 0; i < len; i++) {
        buf_append_char(&text, 'm');
    }
    buf_append_text(&text, "\"}}}");
    decoded = decode_bytes(text.data, text.len);
    buf_finish(&text);
    return decoded;
}

static void member_id_is_text_or_a_whole_number(void **state)
{
    static const struct {
        const char *json;
        const char *text;
    } cases[] = {
        {"\"42\"", "42"},   {"42", "42"},     {"42.0", "42"}, {"4.2e1", "42"},
        {"-7", "-7"},       {"0", "0"},       {"\"\"", ""},   {"null", ""},
        {"\" a b\"", " a b"}, {"9223372036854775807", "9223372036854775807"},
    };
    struct decoded decoded;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];

        snprintf(text, sizeof(text), "{" ATTRIBUTES ",\"data\":{\"member\":{\"id\":%s}}}",
                 cases[i].json);
        decoded = decode_text(text);
        assert_true(decoded.is_event);
        assert_string_equal(decoded.event.member_id, cases[i].text);
        event_finish(&decoded.event);
    }
    decoded = decode_with_member_id_of(128);
    assert_true(decoded.is_event);
    assert_int_equal(strlen(decoded.event.member_id), 128);
    event_finish(&decoded.event);
    assert_refused("129 bytes", decode_with_member_id_of(129), "bad_attribute", "member.id");
}

static void base64_data_is_decoded_when_it_is_json(void **state)
{
    static const char *const types[] = {"", ",\"datacontenttype\":\"application/json\"",
                                        ",\"datacontenttype\":\"application/vnd.x+JSON; v=1\"",
                                        ",\"datacontenttype\":null"};

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct decoded decoded;
        char text[512];

        /* {"member":{"id":"42"}} */
        snprintf(text, sizeof(text),
                 "{" ATTRIBUTES "%s,\"data_base64\":\"eyJtZW1iZXIiOnsiaWQiOiI0MiJ9fQ==\"}",
                 types[i]);
        decoded = decode_text(text);
        assert_true(decoded.is_event);
        assert_string_equal(decoded.event.member_id, "42");
        event_finish(&decoded.event);
    }
}

static void headers_are_checked_like_attributes(void **state)
{
    static const struct {
        const char *name;
        struct slice id;
        const char *reason;
        const char *detail;
    } cases[] = {
        {"latin-1", SLICE("\xe9"), "not_utf8", "header ce_id"},
        {"NUL", SLICE("a\0b"), "has_nul", "header ce_id"},
        {"empty", SLICE(""), "missing_attribute", "id is empty"},
        {"null", {NULL, 0}, "missing_attribute", "id is empty"},
        {"tab", SLICE("a\tb"), "bad_attribute", "id holds a control"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct record_header headers[] = {{"ce_specversion", SLICE("1.0")},
                                          {"ce_id", cases[i].id},
                                          {"ce_source", SLICE("s")},
                                          {"ce_type", SLICE("t")}};
        struct record record = {.value = SLICE("{}"), .headers = headers, .header_count = 4};

        assert_refused(cases[i].name, decode_record(record), cases[i].reason, cases[i].detail);
    }
}

static void traceparent_comes_from_attribute_or_header_and_must_be_well_formed(void **state)
{
    static const char good[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    static const char other[] = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-00";
    static const struct {
        const char *name;
        const char *attribute;
        struct slice header;
        const char *want;
    } cases[] = {
        {"attribute", "\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"", {0}, good},
        {"header", "null", SLICE("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), good},
        {"both", "\"00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-00\"",
         SLICE("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), other},
        {"bad attribute", "\"junk\"",
         SLICE("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), good},
        {"upper case", "null", SLICE("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"),
         NULL},
        {"longer", "null", SLICE("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x"),
         NULL},
        {"version ff", "null", SLICE("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
         NULL},
        {"number", "5", {0}, NULL},
        {"empty", "\"\"", {NULL, 0}, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct record_header header = {"traceparent", cases[i].header};
        struct decoded decoded;
        char text[512];

        snprintf(text, sizeof(text), "{" ATTRIBUTES ",\"data\":{},\"traceparent\":%s}",
                 cases[i].attribute);
        decoded = decode_record(
            (struct record){.value = slice_of(text), .headers = &header, .header_count = 1});
        assert_true(decoded.is_event);
        if (cases[i].want) {
            assert_non_null(decoded.event.traceparent);
            assert_string_equal(decoded.event.traceparent, cases[i].want);
        } else if (decoded.event.traceparent) {
            fail_msg("%s: %s was taken", cases[i].name, decoded.event.traceparent);
        }
        event_finish(&decoded.event);
    }
}

static void envelope_is_made_once_and_holds_what_is_not_data(void **state)
{
    struct decoded decoded = decode_text(
        "{" ATTRIBUTES ",\"subject\":\"m\",\"datacontenttype\":\"application/json\","
        "\"dataschema\":\"x\",\"data\":{\"a\":1},\"tenant\":\"north\",\"weight\":3}");
    json_t *envelope = event_envelope(&decoded.event);
    json_t *want = json_pack("{s:{s:s,s:s,s:s,s:s,s:s,s:{s:s,s:i}}}", "event", "id", "e1",
                             "source", "/engine", "type", "loyalty.signup", "subject", "m", "time",
                             "1970-01-01T00:00:05.000Z", "extensions", "tenant", "north", "weight",
                             3);

    (void)state;
    assert_non_null(want);
    assert_true(json_equal(envelope, want));
    assert_ptr_equal(event_envelope(&decoded.event), envelope);
    json_decref(want);
    event_finish(&decoded.event);
}

static void find_walks_objects_and_lists(void **state)
{
    struct decoded decoded = decode_text(
        "{" ATTRIBUTES ",\"data\":{\"rewards\":[{\"name\":\"mug\"},{\"name\":\"cup\"}],\"n\":1,"
        "\"\":{\"\":2},\"7\":\"seven\"}}");
    struct event *event = &decoded.event;

    (void)state;
    assert_true(decoded.is_event);
    assert_string_equal(json_string_value(event_find(event, "rewards.1.name")), "cup");
    assert_string_equal(json_string_value(event_find(event, "7")), "seven");
    assert_int_equal(json_integer_value(event_find(event, ".")), 2);
    assert_null(event_find(event, "rewards.2.name"));
    assert_null(event_find(event, "rewards.-1"));
    assert_null(event_find(event, "rewards.4294967296.name"));
    assert_null(event_find(event, "rewards.18446744073709551616"));
    assert_null(event_find(event, "rewards.name"));
    assert_null(event_find(event, "n.x"));
    assert_null(event_find(event, "rewards."));
    assert_null(event_find(event, "reward"));
    event_finish(event);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(structured_event_gives_attributes_data_and_member),
        cmocka_unit_test(without_a_time_the_record_tells_it),
        cmocka_unit_test(binary_event_reads_headers_and_outlives_the_record),
        cmocka_unit_test(content_type_decides_between_the_modes),
        cmocka_unit_test(bad_bytes_are_refused_with_a_stable_reason),
        cmocka_unit_test(bad_attributes_are_refused_by_name),
        cmocka_unit_test(member_id_is_text_or_a_whole_number),
        cmocka_unit_test(base64_data_is_decoded_when_it_is_json),
        cmocka_unit_test(headers_are_checked_like_attributes),
        cmocka_unit_test(traceparent_comes_from_attribute_or_header_and_must_be_well_formed),
        cmocka_unit_test(envelope_is_made_once_and_holds_what_is_not_data),
        cmocka_unit_test(find_walks_objects_and_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
