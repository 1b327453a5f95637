#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/side_note.h"

enum { MOST = 12 };

static const struct record_header usual[] = {
    {"traceparent", SLICE("00-1-2-3")},
    {"perkline-reason", SLICE("undefined_variable")},
    {"perkline-detail", SLICE("order/email.en.liquid:3:7: no\x1b[31m such variable")},
    {"perkline-mid", SLICE("00112233445566778899aabbccddeeff")},
    {"perkline-channel", SLICE("email")},
    {"perkline-flow", SLICE("order")},
    {"perkline-topic", SLICE("loyalty.events")},
    {"perkline-partition", SLICE("3")},
    {"perkline-offset", SLICE("1017")},
    {"perkline-time", SLICE("2026-11-21T10:00:00.123Z")},
};
enum { USUAL = sizeof(usual) / sizeof(usual[0]) };

static void the_headers_are_read_and_nothing_reaches_a_terminal(void **state)
{
    const struct record record = {.headers = usual, .header_count = USUAL};
    struct side_note note;
    struct err err = {0};
    char mid[MID_TEXT_SIZE];

    (void)state;
    assert_true(side_note_parse(&record, &note, &err));
    mid_format(&note.mid, mid);
    assert_string_equal(mid, "00112233445566778899aabbccddeeff");
    assert_int_equal(note.channel, CHANNEL_EMAIL);
    assert_string_equal(note.reason, "undefined_variable");
    assert_string_equal(note.detail, "order/email.en.liquid:3:7: no?[31m such variable");
    assert_string_equal(note.flow, "order");
    assert_string_equal(note.topic, "loyalty.events");
    assert_int_equal(note.partition, 3);
    assert_int_equal(note.offset, 1017);
    assert_true(note.left_at == 1795255200123);
    assert_false(side_note_is_of_record(&note));
}

static void a_record_is_known_by_its_place(void **state)
{
    const struct record record = {.headers = usual, .header_count = USUAL};
    const struct record place = {.topic = "loyalty.events", .partition = 3, .offset = 1017};
    struct side_note note;
    struct err err = {0};

    (void)state;
    assert_true(side_note_parse(&record, &note, &err));
    mid_of_record(&place, &note.mid);
    assert_true(side_note_is_of_record(&note));
}

static void damaged_headers_are_refused_by_name(void **state)
{
    static const struct {
        const char *name;
        struct slice value;
    } rows[] = {
        {"perkline-mid", SLICE("0011")},      {"perkline-channel", SLICE("fax")},
        {"perkline-topic", SLICE("")},        {"perkline-partition", SLICE("2147483648")},
        {"perkline-partition", SLICE("-1")},  {"perkline-offset", SLICE("9223372036854775808")},
        {"perkline-offset", SLICE("ten")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct record_header headers[MOST];
        const struct record record = {.headers = headers, .header_count = USUAL + 1};
        struct side_note note;
        struct err err = {0};

        memcpy(headers, usual, sizeof(usual));
        headers[USUAL] = (struct record_header){rows[i].name, rows[i].value}; /* the last of a name counts */
        assert_false(side_note_parse(&record, &note, &err));
        assert_non_null(strstr(err.text, "perkline-"));
    }
    assert_false(side_note_parse(&(struct record){.topic = "t"}, &(struct side_note){.partition = 0}, &(struct err){0}));
}

static void a_missing_time_is_the_records(void **state)
{
    const struct record record = {.headers = usual, .header_count = USUAL - 1, .timestamp_ms = 42};
    struct side_note note;
    struct err err = {0};

    (void)state;
    assert_true(side_note_parse(&record, &note, &err));
    assert_int_equal(note.left_at, 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_headers_are_read_and_nothing_reaches_a_terminal),
        cmocka_unit_test(a_record_is_known_by_its_place),
        cmocka_unit_test(damaged_headers_are_refused_by_name),
        cmocka_unit_test(a_missing_time_is_the_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
