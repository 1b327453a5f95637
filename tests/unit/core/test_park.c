#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <string.h>

#include "core/park.h"

static const struct park_note some_note = {
    .mid = {{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}},
    .channel = CHANNEL_SMS,
    .attempts = 3,
    .first_at = 1795255200123,
    .due_at = 1795255260123,
    .template_version = "0123456789abcdef",
    .reason = "http_503",
    .topic = "loyalty.events",
    .partition = 5,
    .offset = 1017,
};

enum { FIRST_OPTIONAL = 10 };

static void the_longest_tier_that_is_not_longer_is_taken(void **state)
{
    static const struct {
        int64_t delay_ms;
        enum park_tier tier;
    } rows[] = {
        {INT64_MIN, PARK_1M}, {0, PARK_1M},        {59999, PARK_1M},    {60000, PARK_1M},      {599999, PARK_1M},
        {600000, PARK_10M},   {3599999, PARK_10M}, {3600000, PARK_1H},  {21599999, PARK_1H},   {21600000, PARK_6H},
        {INT64_MAX, PARK_6H},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(park_tier_for(rows[i].delay_ms), rows[i].tier);
    }
}

static void each_tier_has_the_delay_that_its_name_says(void **state)
{
    (void)state;
    assert_string_equal(park_tier_name(PARK_1M), "1m");
    assert_string_equal(park_tier_name(PARK_10M), "10m");
    assert_string_equal(park_tier_name(PARK_1H), "1h");
    assert_string_equal(park_tier_name(PARK_6H), "6h");
    assert_int_equal(park_tier_delay_ms(PARK_1M), 60000);
    assert_int_equal(park_tier_delay_ms(PARK_10M), 600000);
    assert_int_equal(park_tier_delay_ms(PARK_1H), 3600000);
    assert_int_equal(park_tier_delay_ms(PARK_6H), 21600000);
}

static void the_headers_are_text_under_fixed_names(void **state)
{
    static const char *const expected[PARK_HEADER_COUNT][2] = {
        {"perkline-mid", "00112233445566778899aabbccddeeff"},
        {"perkline-channel", "sms"},
        {"perkline-attempts", "3"},
        {"perkline-first-at", "1795255200123"},
        {"perkline-due-at", "1795255260123"},
        {"perkline-template-version", "0123456789abcdef"},
        {"perkline-reason", "http_503"},
        {"perkline-topic", "loyalty.events"},
        {"perkline-partition", "5"},
        {"perkline-offset", "1017"},
        {"perkline-reopen", ""},
        {"perkline-copy", "0"},
        {"perkline-claim", ""},
    };
    struct record_header headers[PARK_HEADER_COUNT];
    struct buf store;

    (void)state;
    buf_init(&store, 0);
    buf_append_text(&store, "what was there before");
    park_format(&some_note, &store, headers);
    for (int i = 0; i < PARK_HEADER_COUNT; i++) {
        assert_string_equal(headers[i].name, expected[i][0]);
        assert_true(slice_is(headers[i].value, expected[i][1]));
        assert_true(park_is_own_header(headers[i].name));
    }
    buf_finish(&store);
}

static void assert_reads_back(const struct park_note *note)
{
    struct record_header headers[PARK_HEADER_COUNT];
    struct record record = {.headers = headers, .header_count = PARK_HEADER_COUNT};
    struct park_note back;
    struct err err = {0};
    struct buf store;

    buf_init(&store, 0);
    park_format(note, &store, headers);
    memset(&back, 0xaa, sizeof(back));
    if (!park_parse(&record, &back, &err)) {
        fail_msg("%s", err.text);
    }
    assert_memory_equal(&back.mid, &note->mid, sizeof(back.mid));
    assert_int_equal(back.channel, note->channel);
    assert_int_equal(back.attempts, note->attempts);
    assert_int_equal(back.first_at, note->first_at);
    assert_int_equal(back.due_at, note->due_at);
    assert_string_equal(back.template_version, note->template_version);
    assert_string_equal(back.reason, note->reason);
    assert_string_equal(back.topic, note->topic);
    assert_int_equal(back.partition, note->partition);
    assert_int_equal(back.offset, note->offset);
    assert_int_equal(back.may_reopen, note->may_reopen);
    assert_int_equal(back.reopen_fence, note->reopen_fence);
    assert_int_equal(back.copy, note->copy);
    assert_string_equal(back.claim, note->claim);
    buf_finish(&store);
}

static void a_note_reads_back_also_at_its_limits(void **state)
{
    struct park_note note = some_note;

    (void)state;
    assert_reads_back(&note);
    note.channel = CHANNEL_EMAIL;
    note.attempts = INT_MAX;
    note.first_at = 0;
    note.due_at = INT64_MAX;
    note.template_version[0] = '\0';
    memset(note.reason, 'r', sizeof(note.reason) - 1);
    memset(note.claim, 'c', sizeof(note.claim) - 1);
    memset(note.topic, 't', sizeof(note.topic) - 1);
    note.partition = INT32_MAX;
    note.offset = INT64_MAX;
    note.may_reopen = true; /* under fence 0: it died without a claim */
    assert_reads_back(&note);
    note.reopen_fence = note.copy = INT64_MAX;
    assert_reads_back(&note);
}

static void a_missing_header_is_named(void **state)
{
    struct buf store;

    (void)state;
    buf_init(&store, 0);
    for (int missing = 0; missing < FIRST_OPTIONAL; missing++) {
        struct record_header headers[PARK_HEADER_COUNT];
        struct record record = {.headers = headers, .header_count = PARK_HEADER_COUNT - 1};
        struct park_note note;
        struct err err = {0};
        const char *name;

        park_format(&some_note, &store, headers);
        name = headers[missing].name;
        headers[missing] = headers[PARK_HEADER_COUNT - 1];
        assert_false(park_parse(&record, &note, &err));
        assert_non_null(strstr(err.text, name));
        assert_non_null(strstr(err.text, "is missing"));
    }
    buf_finish(&store);
    assert_false(park_parse(&(struct record){0}, &(struct park_note){0}, &(struct err){0}));
}

/* Retry topics hold records of the version before for six hours and more. */
static void a_record_of_an_earlier_version_reopens_nothing(void **state)
{
    struct record_header headers[PARK_HEADER_COUNT];
    struct record record = {.headers = headers, .header_count = FIRST_OPTIONAL};
    struct park_note note;
    struct err err = {0};
    struct buf store;

    (void)state;
    buf_init(&store, 0);
    park_format(&some_note, &store, headers);
    assert_true(park_parse(&record, &note, &err));
    assert_false(note.may_reopen);
    assert_int_equal(note.copy, 0);
    assert_string_equal(note.claim, "");
    buf_finish(&store);
}

static void a_header_that_is_not_understood_is_named(void **state)
{
    static const char too_long[300] = {[0 ... 298] = 'x'};
    static const struct {
        const char *name, *value;
    } rows[] = {
        {"perkline-mid", "0011"},
        {"perkline-mid", "x0112233445566778899aabbccddeeff"},
        {"perkline-channel", "fax"},
        {"perkline-channel", ""},
        {"perkline-attempts", "-1"},
        {"perkline-attempts", "2147483648"},
        {"perkline-attempts", "3.0"},
        {"perkline-first-at", "yesterday"},
        {"perkline-first-at", "-1"},
        {"perkline-due-at", "9223372036854775808"},
        {"perkline-template-version", "0123456789abcdef0"},
        {"perkline-reason", too_long},
        {"perkline-topic", ""},
        {"perkline-topic", too_long},
        {"perkline-partition", "2147483648"},
        {"perkline-partition", "-1"},
        {"perkline-offset", ""},
        {"perkline-reopen", "-1"},
        {"perkline-reopen", "yes"},
        {"perkline-copy", ""},
        {"perkline-copy", "9223372036854775808"},
        {"perkline-claim", too_long},
    };
    struct buf store;

    (void)state;
    buf_init(&store, 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct record_header headers[PARK_HEADER_COUNT + 1];
        struct record record = {.headers = headers, .header_count = PARK_HEADER_COUNT + 1};
        struct park_note note;
        struct err err = {0};

        park_format(&some_note, &store, headers);
        /* The last header of a name counts. */
        headers[PARK_HEADER_COUNT] = (struct record_header){rows[i].name, slice_of(rows[i].value)};
        assert_false(park_parse(&record, &note, &err));
        assert_non_null(strstr(err.text, rows[i].name));
        assert_non_null(strstr(err.text, "is not understood"));
        headers[PARK_HEADER_COUNT].value = slice_make(NULL, 0);
        park_parse(&record, &note, &err);
        headers[PARK_HEADER_COUNT].value = slice_make("a\0b", 3);
        assert_false(park_parse(&record, &note, &err));
    }
    buf_finish(&store);
}

static void only_our_prefix_is_our_own(void **state)
{
    (void)state;
    assert_true(park_is_own_header("perkline-mid"));
    assert_true(park_is_own_header("perkline-dlq-error"));
    assert_false(park_is_own_header("perkline"));
    assert_false(park_is_own_header("ce_id"));
    assert_false(park_is_own_header(""));
    assert_false(park_is_own_header("x-perkline-mid"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_tier_that_is_not_longer_is_taken),
        cmocka_unit_test(each_tier_has_the_delay_that_its_name_says),
        cmocka_unit_test(the_headers_are_text_under_fixed_names),
        cmocka_unit_test(a_note_reads_back_also_at_its_limits),
        cmocka_unit_test(a_missing_header_is_named),
        cmocka_unit_test(a_record_of_an_earlier_version_reopens_nothing),
        cmocka_unit_test(a_header_that_is_not_understood_is_named),
        cmocka_unit_test(only_our_prefix_is_our_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
