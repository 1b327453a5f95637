#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "core/flow.h"

#define LEAST "on: loyalty.signup\ndedupe: [member.id]\nchannels: { email: }\n"

static struct flow *parse_good(const char *text)
{
    struct diag_list diags;
    struct flow *flow;

    diag_list_init(&diags);
    flow = flow_parse("a_flow", "a_flow/flow.yaml", slice_of(text), &diags);
    if (!flow || diags.count > 0) {
        fail_msg("%s", diags.count > 0 ? diags.items[0].message : "no flow, no error");
    }
    diag_list_finish(&diags);
    return flow;
}

static void every_key_is_read(void **state)
{
    struct flow *flow = parse_good("on: loyalty.tier_upgrade\n"
                                   "when: tier.to != \"bronze\"   # a Liquid condition\n"
                                   "class: marketing\n"
                                   "dedupe: [member.id, tier.to, tier.effective_on]\n"
                                   "dedupe_for: 400d\n"
                                   "max_age: 48h\n"
                                   "expect_every: 6h\n"
                                   "priority: high\n"
                                   "requires:\n"
                                   "  - tier.benefits\n"
                                   "channels:\n"
                                   "  email: { ambiguous: query }\n"
                                   "  sms: { when: member.tier == \"gold\", ambiguous: resend,\n"
                                   "         segments_max: 2, transliterate: true }\n");
    const struct flow_channel *email = &flow->channels[CHANNEL_EMAIL];
    const struct flow_channel *sms = &flow->channels[CHANNEL_SMS];

    (void)state;
    assert_string_equal(flow->name, "a_flow");
    assert_string_equal(flow->on, "loyalty.tier_upgrade");
    assert_non_null(flow->when);
    assert_int_equal(flow->class, FLOW_MARKETING);
    assert_string_equal(flow_class_name(flow->class), "marketing");
    assert_int_equal(flow->dedupe_count, 3);
    assert_string_equal(flow->dedupe[2], "tier.effective_on");
    assert_int_equal(flow->dedupe_for_ms, 400 * INT64_C(86400000));
    assert_int_equal(flow->max_age_ms, 48 * 3600000);
    assert_int_equal(flow->expect_every_ms, 6 * 3600000);
    assert_int_equal(flow->priority, FLOW_PRIORITY_HIGH);
    assert_int_equal(flow->requires_count, 1);
    assert_string_equal(flow->requires[0], "tier.benefits");
    assert_true(email->is_on);
    assert_null(email->when);
    assert_int_equal(email->ambiguous, FLOW_AMBIGUOUS_QUERY);
    assert_true(sms->is_on);
    assert_non_null(sms->when);
    assert_int_equal(sms->ambiguous, FLOW_AMBIGUOUS_RESEND);
    assert_int_equal(sms->segments_max, 2);
    assert_true(sms->is_transliterated);
    flow_destroy(flow);
}

static void what_is_left_out_has_a_default(void **state)
{
    struct flow *flow = parse_good("on: loyalty.signup\ndedupe: [member.id]\n"
                                   "channels: { email: {}, sms: }\n");

    (void)state;
    assert_null(flow->when);
    assert_int_equal(flow->class, FLOW_TRANSACTIONAL);
    assert_int_equal(flow->priority, FLOW_PRIORITY_NORMAL);
    assert_int_equal(flow->dedupe_for_ms, 0);
    assert_int_equal(flow->max_age_ms, 0);
    assert_int_equal(flow->expect_every_ms, 0);
    assert_int_equal(flow->requires_count, 0);
    assert_int_equal(flow->channels[CHANNEL_EMAIL].ambiguous, FLOW_AMBIGUOUS_RESEND);
    assert_int_equal(flow->channels[CHANNEL_SMS].ambiguous, FLOW_AMBIGUOUS_HOLD);
    assert_int_equal(flow->channels[CHANNEL_SMS].segments_max, 3);
    assert_false(flow->channels[CHANNEL_SMS].is_transliterated);
    flow_destroy(flow);
}

static void channel_that_is_not_named_is_off(void **state)
{
    struct flow *flow = parse_good(LEAST "dedupe_for: forever\n");

    (void)state;
    assert_true(flow->channels[CHANNEL_EMAIL].is_on);
    assert_false(flow->channels[CHANNEL_SMS].is_on);
    assert_int_equal(flow->dedupe_for_ms, 0);
    flow_destroy(flow);
}

static void each_mistake_is_one_error_with_its_place(void **state)
{
    static const struct {
        const char *text;
        const char *want; /* as diag_format() prints it; a prefix */
    } cases[] = {
        {"dedupe: [member.id]\nchannels: { email: }\n", ":1:1: error: key \"on\" is missing"},
        {"on: x\nchannels: { email: }\n", ":1:1: error: key \"dedupe\" is missing"},
        {"on: x\ndedupe: [member.id]\n", ":1:1: error: key \"channels\" is missing"},
        {LEAST "prioritty: high\n",
         ":4:1: error: unknown key \"prioritty\" (did you mean \"priority\"?)"},
        {LEAST "description: x\n", ":4:1: error: unknown key \"description\" (one of: on, when"},
        {LEAST "class: transactonal\n", ":4:8: error: class cannot be \"transactonal\" (did you "
                                        "mean \"transactional\"?)"},
        {LEAST "class: true\n", ":4:8: error: class must be a text (one of: transactional,"},
        {LEAST "priority: urgent\n",
         ":4:11: error: priority cannot be \"urgent\" (one of: high, normal, low)"},
        {LEAST "max_age: 48\n", ":4:10: error: max_age must be a text (a number and a unit"},
        {LEAST "max_age: 48x\n", ":4:10: error: max_age: \"48x\" is not a duration"},
        {LEAST "max_age: 0s\n", ":4:10: error: max_age must be longer than nothing"},
        {LEAST "max_age: forever\n", ":4:10: error: max_age: \"forever\" is not a duration"},
        {LEAST "dedupe_for: 400\n", ":4:13: error: dedupe_for must be a text"},
        {LEAST "dedupe_for: 101w5\n", ":4:13: error: dedupe_for: \"101w5\" is not a duration"},
        {LEAST "dedupe_for: 9999w\n", ":4:13: error: dedupe_for: \"9999w\" is longer than"},
        {LEAST "when: true\n", ":4:7: error: when must be a text"},
        {LEAST "when: ''\n", ":4:7: error: when must be a text"},
        {LEAST "requires: member.email\n", ":4:11: error: requires must be a list"},
        {LEAST "requires: []\n", ":4:11: error: requires must be a list"},
        {LEAST "requires: [a..b]\n", ":4:12: error: requires must name fields"},
        {LEAST "requires: [.a]\n", ":4:12: error: requires must name fields"},
        {LEAST "requires: [a, b.]\n", ":4:15: error: requires must name fields"},
        {LEAST "requires: ['a b']\n", ":4:12: error: requires must name fields"},
        {LEAST "requires: [5]\n", ":4:12: error: requires must name fields"},
        {LEAST "requires: [a, b, a]\n", ":4:18: error: a is in requires twice"},
        {"on: x\ndedupe: member.id\nchannels: { email: }\n",
         ":2:9: error: dedupe must be a list of 1 to 16 fields (as [member.id, tier.to])"},
        {"on: x\ndedupe: [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]\nchannels: { email: }\n",
         ":2:9: error: dedupe must be a list of 1 to 16 fields"},
        {"on: a b\ndedupe: [member.id]\nchannels: { email: }\n",
         ":1:5: error: on must be an event type"},
        {"on: [x]\ndedupe: [member.id]\nchannels: { email: }\n", ":1:5: error: on must be a text"},
        {"on: x\ndedupe: [member.id]\nchannels: email\n",
         ":3:11: error: channels must name at least one channel"},
        {"on: x\ndedupe: [member.id]\nchannels: {}\n",
         ":3:11: error: channels must name at least one channel"},
        {"on: x\ndedupe: [member.id]\nchannels: { emial: {} }\n",
         ":3:13: error: unknown key \"emial\" (did you mean \"email\"?)"},
        {"on: x\ndedupe: [member.id]\nchannels: { email: true }\n",
         ":3:20: error: channels.email must be keys and values"},
        {"on: x\ndedupe: [member.id]\nchannels: { email: { segments_max: 2 } }\n",
         ":3:22: error: unknown key \"segments_max\" (only sms has it)"},
        {"on: x\ndedupe: [member.id]\nchannels: { sms: { segment_max: 2 } }\n",
         ":3:20: error: unknown key \"segment_max\" (did you mean \"segments_max\"?)"},
        {"on: x\ndedupe: [member.id]\nchannels: { sms: { segments_max: 0 } }\n",
         ":3:34: error: segments_max must be a whole number from 1 to 10"},
        {"on: x\ndedupe: [member.id]\nchannels: { sms: { segments_max: 11 } }\n",
         ":3:34: error: segments_max must be"},
        {"on: x\ndedupe: [member.id]\nchannels: { sms: { segments_max: two } }\n",
         ":3:34: error: segments_max must be"},
        {"on: x\ndedupe: [member.id]\nchannels: { sms: { transliterate: yes } }\n",
         ":3:35: error: transliterate must be true or false"},
        {"on: x\ndedupe: [member.id]\nchannels: { sms: { ambiguous: ask } }\n",
         ":3:31: error: channels.sms.ambiguous cannot be \"ask\" (one of: hold, resend, query)"},
        {"on: x\non: y\n", ":2:1: error: \"on\" is there twice"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct diag_list diags;
        struct buf got;

        diag_list_init(&diags);
        buf_init(&got, 0);
        assert_null(flow_parse("a_flow", "f.yaml", slice_of(cases[i].text), &diags));
        diag_format(&diags.items[0], &got);
        if (diags.count != 1 ||
            strncmp(buf_text(&got), "f.yaml", 6) != 0 ||
            strncmp(buf_text(&got) + 6, cases[i].want, strlen(cases[i].want)) != 0) {
            fail_msg("%s: got %zu: %s", cases[i].text, diags.count, buf_text(&got));
        }
        buf_finish(&got);
        diag_list_finish(&diags);
    }
}

static void all_mistakes_are_told_at_once(void **state)
{
    struct diag_list diags;

    (void)state;
    diag_list_init(&diags);
    assert_null(flow_parse("a_flow", "f.yaml",
                           SLICE("on: x\nclass: y\nmax_age: z\nchannels: { email: 5, fax: }\n"),
                           &diags));
    assert_int_equal(diags.error_count, 5);
    diag_list_finish(&diags);
}

static void condition_that_does_not_compile_is_refused_at_its_line(void **state)
{
    static const struct {
        const char *text;
        int line;
    } cases[] = {
        {LEAST "\nwhen: tier.to ==\n", 5},
        {"on: x\ndedupe: [member.id]\nchannels:\n  email:\n    when: tier.to ==\n", 5},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct diag_list diags;

        diag_list_init(&diags);
        assert_null(flow_parse("a_flow", "f.yaml", slice_of(cases[i].text), &diags));
        assert_true(diags.error_count >= 1);
        assert_int_equal(diags.items[0].line, cases[i].line);
        diag_list_finish(&diags);
    }
}

static void name_of_a_flow_is_short_and_plain(void **state)
{
    static const struct {
        const char *name;
        bool is_good;
    } cases[] = {
        {"tier_upgrade", true},
        {"Tier-2", true},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true}, /* 63 */
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
        {"", false},
        {"a b", false},
        {"a/b", false},
        {"\xc3\xa1", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct diag_list diags;
        struct flow *flow;

        diag_list_init(&diags);
        flow = flow_parse(cases[i].name, "f.yaml", SLICE(LEAST), &diags);
        assert_int_equal(flow != NULL, cases[i].is_good);
        assert_int_equal(diags.error_count, !cases[i].is_good);
        flow_destroy(flow);
        diag_list_finish(&diags);
    }
}

static void identity_without_anything_of_the_member_is_warned_of(void **state)
{
    static const struct {
        const char *dedupe;
        size_t warnings;
    } cases[] = {
        {"[member.id]", 0},    {"[redemption.id]", 0}, {"[order_id]", 0},
        {"[id]", 0},           {"[tier.to]", 1},       {"[tier.to, tier.effective_on]", 1},
        {"[tier.paid]", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct diag_list diags;
        struct flow *flow;
        char text[256];

        diag_list_init(&diags);
        snprintf(text, sizeof(text), "on: x\ndedupe: %s\nchannels: { sms: }\n", cases[i].dedupe);
        flow = flow_parse("a_flow", "f.yaml", slice_of(text), &diags);
        assert_non_null(flow);
        assert_int_equal(diags.count, cases[i].warnings);
        flow_destroy(flow);
        diag_list_finish(&diags);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(what_is_left_out_has_a_default),
        cmocka_unit_test(channel_that_is_not_named_is_off),
        cmocka_unit_test(each_mistake_is_one_error_with_its_place),
        cmocka_unit_test(all_mistakes_are_told_at_once),
        cmocka_unit_test(condition_that_does_not_compile_is_refused_at_its_line),
        cmocka_unit_test(name_of_a_flow_is_short_and_plain),
        cmocka_unit_test(identity_without_anything_of_the_member_is_warned_of),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
