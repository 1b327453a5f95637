#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/digest.h"
#include "core/mid.h"

static char name[] = "tier_upgrade", member_id[] = "member.id", tier_to[] = "tier.to";
static char *dedupe[] = {member_id, tier_to};
static const struct flow tier_upgrade = {.name = name, .dedupe = dedupe, .dedupe_count = 2};

/* Text of the mid, or "" with the error in *err. */
static const char *make(const struct flow *flow, enum channel channel, const char *data,
                        struct err *err)
{
    static char texts[4][MID_TEXT_SIZE];
    static int turn;
    struct event event = {.data = json_loads(data, 0, NULL)};
    char *text = texts[turn++ % 4];
    struct mid mid;

    assert_non_null(event.data);
    err_clear(err);
    if (mid_make(flow, channel, &event, &mid, err)) {
        mid_format(&mid, text);
    } else {
        text[0] = '\0';
    }
    json_decref(event.data);
    return text;
}

static void identity_is_the_documented_hash_of_length_prefixed_parts(void **state)
{
    /* Written out by hand: a change here makes every message of the past new. */
    static const char parts[] = "\0\0\0\2v1"
                                "\0\0\0\14tier_upgrade"
                                "\0\0\0\5email"
                                "\0\0\0\2"
                                "42"
                                "\0\0\0\4gold";
    uint8_t digest[DIGEST_SIZE];
    char want[2 * DIGEST_SIZE + 1];
    struct err err = {0};

    (void)state;
    digest_sha256(slice_make(parts, sizeof(parts) - 1), digest);
    hex_format(digest, MID_SIZE, want);
    assert_string_equal(make(&tier_upgrade, CHANNEL_EMAIL,
                             "{\"member\":{\"id\":\"42\"},\"tier\":{\"to\":\"gold\"}}", &err),
                        want);
}

static void type_of_a_value_does_not_count(void **state)
{
    static const struct {
        const char *one, *other;
        bool is_same;
    } cases[] = {
        {"42", "\"42\"", true},
        {"42", "42.0", true},
        {"42", "4.2e1", true},
        {"0", "-0.0", true},
        {"0.1", "\"0.1\"", true},
        {"1.50", "\"1.5\"", true},
        {"1e300", "\"1e+300\"", true},
        {"0.1", "0.10000000000000002", false},
        {"true", "\"true\"", true},
        {"true", "false", false},
        {"42", "43", false},
        {"\"42\"", "\"042\"", false},
        {"\"a\"", "\"A\"", false},
        {"\"a\"", "\"a \"", false},
        {"9007199254740993", "9007199254740992", false},
    };
    struct err err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char one[128], other[128];
        const char *a, *b;

        snprintf(one, sizeof(one), "{\"member\":{\"id\":%s},\"tier\":{\"to\":1}}", cases[i].one);
        snprintf(other, sizeof(other), "{\"member\":{\"id\":%s},\"tier\":{\"to\":1}}",
                 cases[i].other);
        a = make(&tier_upgrade, CHANNEL_SMS, one, &err);
        b = make(&tier_upgrade, CHANNEL_SMS, other, &err);
        assert_int_equal(strlen(a), 32);
        assert_int_equal(strlen(b), 32);
        if ((strcmp(a, b) == 0) != cases[i].is_same) {
            fail_msg("%s and %s: %s", cases[i].one, cases[i].other, a);
        }
    }
}

static void flow_channel_and_the_limits_between_fields_count(void **state)
{
    const char *data = "{\"member\":{\"id\":\"42\"},\"tier\":{\"to\":\"gold\"}}";
    char other_name[] = "tier_upgrad";
    struct flow other = tier_upgrade;
    struct err err = {0};
    const char *mid = make(&tier_upgrade, CHANNEL_EMAIL, data, &err);

    (void)state;
    assert_string_not_equal(mid, make(&tier_upgrade, CHANNEL_SMS, data, &err));
    other.name = other_name;
    assert_string_not_equal(mid, make(&other, CHANNEL_EMAIL, data, &err));
    assert_string_not_equal(
        make(&tier_upgrade, CHANNEL_EMAIL, "{\"member\":{\"id\":\"ab\"},\"tier\":{\"to\":\"c\"}}",
             &err),
        make(&tier_upgrade, CHANNEL_EMAIL, "{\"member\":{\"id\":\"a\"},\"tier\":{\"to\":\"bc\"}}",
             &err));
}

static void what_is_not_a_dedupe_field_does_not_count(void **state)
{
    struct err err = {0};

    (void)state;
    assert_string_equal(
        make(&tier_upgrade, CHANNEL_EMAIL, "{\"member\":{\"id\":\"a\"},\"tier\":{\"to\":1}}", &err),
        make(&tier_upgrade, CHANNEL_EMAIL,
             "{\"tier\":{\"from\":2,\"to\":1},\"member\":{\"email\":\"x\",\"id\":\"a\"}}", &err));
}

static void field_that_identifies_nothing_is_refused_by_name(void **state)
{
    static const struct {
        const char *data;
        const char *detail;
    } cases[] = {
        {"{}", "member.id is missing"},
        {"{\"member\":{}}", "member.id is missing"},
        {"{\"member\":{\"id\":null}}", "member.id is missing"},
        {"{\"member\":{\"id\":\"\"}}", "member.id is empty"},
        {"{\"member\":{\"id\":[]}}", "member.id is a list"},
        {"{\"member\":{\"id\":{}}}", "member.id is a list or an object"},
        {"{\"member\":{\"id\":1},\"tier\":{}}", "tier.to is missing"},
    };
    struct err err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(make(&tier_upgrade, CHANNEL_EMAIL, cases[i].data, &err), "");
        assert_non_null(strstr(err.text, cases[i].detail));
    }
}

static void record_that_is_no_event_is_known_by_its_coordinates(void **state)
{
    struct record record = {.topic = "loyalty.events", .partition = 3, .offset = 1017};
    struct mid mid, same, other;

    (void)state;
    mid_of_record(&record, &mid);
    record.timestamp_ms = 5;
    record.value = SLICE("other bytes");
    mid_of_record(&record, &same);
    assert_memory_equal(mid.bytes, same.bytes, MID_SIZE);
    record.offset++;
    mid_of_record(&record, &other);
    assert_memory_not_equal(mid.bytes, other.bytes, MID_SIZE);
    record.offset--;
    record.partition++;
    mid_of_record(&record, &other);
    assert_memory_not_equal(mid.bytes, other.bytes, MID_SIZE);
    record.partition--;
    record.topic = "loyalty.event";
    mid_of_record(&record, &other);
    assert_memory_not_equal(mid.bytes, other.bytes, MID_SIZE);
}

static void a_copy_has_another_key_and_the_same_one_each_time(void **state)
{
    struct record record = {.topic = "t"};
    struct mid mid, key, same, other;

    (void)state;
    mid_of_record(&record, &mid);
    mid_of_copy(&mid, 0, &key);
    assert_memory_equal(key.bytes, mid.bytes, MID_SIZE);
    mid_of_copy(&mid, 7, &key);
    mid_of_copy(&mid, 7, &same);
    mid_of_copy(&mid, 8, &other);
    assert_memory_not_equal(key.bytes, mid.bytes, MID_SIZE);
    assert_memory_equal(key.bytes, same.bytes, MID_SIZE);
    assert_memory_not_equal(key.bytes, other.bytes, MID_SIZE);
}

static void text_form_reads_back(void **state)
{
    struct record record = {.topic = "t"};
    char text[MID_TEXT_SIZE];
    struct mid mid, back;

    (void)state;
    mid_of_record(&record, &mid);
    mid_format(&mid, text);
    assert_int_equal(strlen(text), 32);
    assert_true(mid_parse(slice_of(text), &back));
    assert_memory_equal(mid.bytes, back.bytes, MID_SIZE);
    assert_false(mid_parse(slice_make(text, 31), &back));
    text[5] = 'g';
    assert_false(mid_parse(slice_of(text), &back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identity_is_the_documented_hash_of_length_prefixed_parts),
        cmocka_unit_test(type_of_a_value_does_not_count),
        cmocka_unit_test(flow_channel_and_the_limits_between_fields_count),
        cmocka_unit_test(what_is_not_a_dedupe_field_does_not_count),
        cmocka_unit_test(field_that_identifies_nothing_is_refused_by_name),
        cmocka_unit_test(record_that_is_no_event_is_known_by_its_coordinates),
        cmocka_unit_test(a_copy_has_another_key_and_the_same_one_each_time),
        cmocka_unit_test(text_form_reads_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
