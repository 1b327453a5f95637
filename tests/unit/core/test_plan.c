#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "core/plan.h"

/* A catalog of what the test parsed, in place of core/catalog.c. */
enum { MOST_FLOWS = PLAN_MOST_DELIVERIES + 1 };

struct catalog {
    const struct flow *flows[MOST_FLOWS];
    size_t count;
};

const struct flow *const *catalog_find_by_type(const struct catalog *catalog, const char *type,
                                               size_t *count)
{
    *count = catalog->count > 0 && strcmp(catalog->flows[0]->on, type) == 0 ? catalog->count : 0;
    return catalog->flows;
}

static void add_flow(struct catalog *catalog, const char *name, const char *rest)
{
    struct diag_list diags;
    char text[512];

    diag_list_init(&diags);
    snprintf(text, sizeof(text), "on: loyalty.tier_upgrade\ndedupe: [member.id]\n%s", rest);
    catalog->flows[catalog->count] = flow_parse(name, "flow.yaml", slice_of(text), &diags);
    if (!catalog->flows[catalog->count]) {
        fail_msg("%s", diags.items[0].message);
    }
    catalog->count++;
    diag_list_finish(&diags);
}

static void clear(struct catalog *catalog)
{
    for (size_t i = 0; i < catalog->count; i++) {
        flow_destroy((struct flow *)(uintptr_t)catalog->flows[i]);
    }
    catalog->count = 0;
}

struct planned {
    struct plan plan;
    const char *reason;
    struct err err;
    bool is_made;
};

static struct planned plan_event(const struct catalog *catalog, enum channel channel,
                                 const char *type, const char *data)
{
    struct planned planned = {0};
    struct record record = {.timestamp_ms = 1};
    struct event event;
    char text[1024];

    snprintf(text, sizeof(text),
             "{\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/shop\",\"type\":\"%s\","
             "\"tenant\":\"north\",\"data\":%s}",
             type, data);
    record.value = slice_of(text);
    if (!event_decode(&record, &event, &planned.reason, &planned.err)) {
        fail_msg("%s", planned.err.text);
    }
    planned.is_made = plan_make(catalog, &event, channel, &planned.plan, &planned.reason,
                                &planned.err);
    event_finish(&event);
    return planned;
}

static const char type[] = "loyalty.tier_upgrade";
static const char gold[] = "{\"member\":{\"id\":\"42\"},\"tier\":{\"to\":\"gold\"}}";

static void unknown_type_asks_for_nothing(void **state)
{
    struct catalog catalog = {0};
    struct planned planned;

    (void)state;
    add_flow(&catalog, "a", "channels: { email: }\n");
    planned = plan_event(&catalog, CHANNEL_EMAIL, "loyalty.other", gold);
    assert_true(planned.is_made);
    assert_int_equal(planned.plan.count, 0);
    assert_false(planned.plan.is_known_type);
    clear(&catalog);
}

static void channel_that_is_off_asks_for_nothing_but_the_type_is_known(void **state)
{
    struct catalog catalog = {0};
    struct planned planned;

    (void)state;
    add_flow(&catalog, "a", "channels: { email: }\n");
    planned = plan_event(&catalog, CHANNEL_SMS, type, gold);
    assert_true(planned.is_made);
    assert_int_equal(planned.plan.count, 0);
    assert_true(planned.plan.is_known_type);
    clear(&catalog);
}

static void each_flow_that_applies_gets_a_delivery_with_its_identity(void **state)
{
    struct catalog catalog = {0};
    struct planned email, sms;

    (void)state;
    add_flow(&catalog, "a", "channels: { email: {}, sms: {} }\n");
    add_flow(&catalog, "b", "channels: { email: }\n");
    email = plan_event(&catalog, CHANNEL_EMAIL, type, gold);
    sms = plan_event(&catalog, CHANNEL_SMS, type, gold);
    assert_true(email.is_made);
    assert_null(email.reason);
    assert_int_equal(email.plan.count, 2);
    assert_ptr_equal(email.plan.deliveries[0].flow, catalog.flows[0]);
    assert_ptr_equal(email.plan.deliveries[1].flow, catalog.flows[1]);
    assert_memory_not_equal(&email.plan.deliveries[0].mid, &email.plan.deliveries[1].mid, MID_SIZE);
    assert_int_equal(sms.plan.count, 1);
    assert_memory_not_equal(&email.plan.deliveries[0].mid, &sms.plan.deliveries[0].mid, MID_SIZE);
    clear(&catalog);
}

static void conditions_of_flow_and_channel_must_both_hold(void **state)
{
    static const struct {
        const char *rest;
        size_t count;
    } cases[] = {
        {"when: tier.to == \"gold\"\nchannels: { email: }\n", 1},
        {"when: tier.to == \"silver\"\nchannels: { email: }\n", 0},
        {"when: tier.to != \"silver\"\nchannels: { email: { when: tier.to == \"gold\" } }\n", 1},
        {"when: tier.to == \"gold\"\nchannels: { email: { when: tier.to == \"silver\" } }\n", 0},
        {"channels: { email: { when: tier.to == \"silver\" } }\n", 0},
        {"channels: { email: {}, sms: { when: tier.to == \"silver\" } }\n", 1},
        {"when: member.nothing\nchannels: { email: }\n", 0},
        {"when: event.source == \"/shop\"\nchannels: { email: }\n", 1},
        {"when: event.extensions.tenant == \"south\"\nchannels: { email: }\n", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct catalog catalog = {0};
        struct planned planned;

        add_flow(&catalog, "a", cases[i].rest);
        planned = plan_event(&catalog, CHANNEL_EMAIL, type, gold);
        assert_true(planned.is_made);
        if (planned.plan.count != cases[i].count) {
            fail_msg("%s: got %zu", cases[i].rest, planned.plan.count);
        }
        clear(&catalog);
    }
}

static void field_that_is_missing_is_told_by_flow_and_name(void **state)
{
    static const struct {
        const char *rest;
        const char *data;
        const char *detail;
    } cases[] = {
        {"channels: { email: }\n", "{\"tier\":{}}", "flow a: dedupe field member.id is missing"},
        {"requires: [tier.to]\nchannels: { email: }\n", "{\"member\":{\"id\":1}}",
         "flow a: required field tier.to is missing"},
        {"requires: [tier.to]\nchannels: { email: }\n",
         "{\"member\":{\"id\":1},\"tier\":{\"to\":null}}",
         "flow a: required field tier.to is missing"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct catalog catalog = {0};
        struct planned planned;

        add_flow(&catalog, "a", cases[i].rest);
        planned = plan_event(&catalog, CHANNEL_EMAIL, type, cases[i].data);
        assert_false(planned.is_made);
        assert_string_equal(planned.reason, "missing_field");
        assert_string_equal(planned.err.text, cases[i].detail);
        clear(&catalog);
    }
}

static void flow_that_does_not_apply_requires_nothing(void **state)
{
    struct catalog catalog = {0};
    struct planned planned;

    (void)state;
    add_flow(&catalog, "a",
             "when: tier.to == \"silver\"\nrequires: [tier.none]\nchannels: { email: }\n");
    planned = plan_event(&catalog, CHANNEL_EMAIL, type, gold);
    assert_true(planned.is_made);
    assert_int_equal(planned.plan.count, 0);
    clear(&catalog);
}

static void required_list_or_empty_text_counts_as_there(void **state)
{
    struct catalog catalog = {0};
    struct planned planned;

    (void)state;
    add_flow(&catalog, "a", "requires: [tier.benefits, tier.note]\nchannels: { email: }\n");
    planned = plan_event(&catalog, CHANNEL_EMAIL, type,
                         "{\"member\":{\"id\":1},\"tier\":{\"benefits\":[],\"note\":\"\"}}");
    assert_true(planned.is_made);
    assert_int_equal(planned.plan.count, 1);
    clear(&catalog);
}

static void there_is_a_most_number_of_deliveries(void **state)
{
    struct catalog catalog = {0};
    struct planned planned;

    (void)state;
    while (catalog.count < PLAN_MOST_DELIVERIES) {
        add_flow(&catalog, "a", "channels: { email: }\n");
    }
    planned = plan_event(&catalog, CHANNEL_EMAIL, type, gold);
    assert_true(planned.is_made);
    assert_int_equal(planned.plan.count, PLAN_MOST_DELIVERIES);
    add_flow(&catalog, "a", "channels: { email: }\n");
    planned = plan_event(&catalog, CHANNEL_EMAIL, type, gold);
    assert_false(planned.is_made);
    assert_string_equal(planned.reason, "too_many_flows");
    clear(&catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_type_asks_for_nothing),
        cmocka_unit_test(channel_that_is_off_asks_for_nothing_but_the_type_is_known),
        cmocka_unit_test(each_flow_that_applies_gets_a_delivery_with_its_identity),
        cmocka_unit_test(conditions_of_flow_and_channel_must_both_hold),
        cmocka_unit_test(field_that_is_missing_is_told_by_flow_and_name),
        cmocka_unit_test(flow_that_does_not_apply_requires_nothing),
        cmocka_unit_test(required_list_or_empty_text_counts_as_there),
        cmocka_unit_test(there_is_a_most_number_of_deliveries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
