#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "core/policy.h"

static struct event event_of(const char *member)
{
    struct event event = {.time_ms = 1000000};
    char text[1024];

    snprintf(text, sizeof(text), "{\"member\":%s}", member);
    event.data = json_loads(text, 0, NULL);
    assert_non_null(event.data);
    return event;
}

static void consent_decides_by_channel_and_class(void **state)
{
    static const struct {
        const char *consent;
        const char *transactional; /* wanted reason, NULL: allowed */
        const char *marketing;
    } cases[] = {
        {"{\"email\":true,\"marketing\":true}", NULL, NULL},
        {"{\"email\":true,\"marketing\":false}", NULL, "no_marketing_consent"},
        {"{\"email\":true}", NULL, "no_marketing_consent"},
        {"{\"email\":false,\"marketing\":true}", "no_consent", "no_consent"},
        {"{\"marketing\":true}", NULL, "no_consent"},
        {"{\"marketing\":false}", NULL, "no_consent"},
        {"{\"sms\":false}", NULL, "no_consent"},
        {"{}", NULL, "no_consent"},
        {"{\"email\":\"true\",\"marketing\":true}", "no_consent", "no_consent"},
        {"{\"email\":1,\"marketing\":true}", "no_consent", "no_consent"},
        {"{\"email\":null,\"marketing\":true}", "no_consent", "no_consent"},
        {"{\"email\":true,\"marketing\":\"yes\"}", NULL, "no_marketing_consent"},
        {"false", "no_consent", "no_consent"},
        {"null", "no_consent", "no_consent"},
        {"[]", "no_consent", "no_consent"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int class = FLOW_TRANSACTIONAL; class <= FLOW_MARKETING; class++) {
            struct flow flow = {.class = (enum flow_class)class};
            const char *want = class == FLOW_MARKETING ? cases[i].marketing
                                                       : cases[i].transactional;
            enum policy_answer answer;
            const char *reason = "unset";
            struct event event;
            char member[256];

            snprintf(member, sizeof(member), "{\"email\":\"a@b.c\",\"consent\":%s}",
                     cases[i].consent);
            event = event_of(member);
            answer = policy_check(&flow, CHANNEL_EMAIL, &event, 0, &reason);
            if (answer != (want ? POLICY_SUPPRESS : POLICY_ALLOW) || !want != !reason ||
                (want && strcmp(reason, want) != 0)) {
                fail_msg("%s, class %d: got %s", cases[i].consent, class,
                         reason ? reason : "allowed");
            }
            json_decref(event.data);
        }
    }
}

static void member_without_consent_gets_transactional_messages_only(void **state)
{
    struct event event = event_of("{\"phone\":\"+36301234567\"}");
    struct flow flow = {.class = FLOW_TRANSACTIONAL};
    const char *reason;

    (void)state;
    assert_int_equal(policy_check(&flow, CHANNEL_SMS, &event, 0, &reason), POLICY_ALLOW);
    assert_null(reason);
    flow.class = FLOW_MARKETING;
    assert_int_equal(policy_check(&flow, CHANNEL_SMS, &event, 0, &reason), POLICY_SUPPRESS);
    assert_string_equal(reason, "no_consent");
    json_decref(event.data);
}

static void each_channel_asks_for_its_own_consent(void **state)
{
    struct event event = event_of("{\"phone\":\"+36301234567\",\"email\":\"a@b.c\","
                                  "\"consent\":{\"sms\":false,\"email\":true}}");
    struct flow flow = {.class = FLOW_TRANSACTIONAL};
    const char *reason;

    (void)state;
    assert_int_equal(policy_check(&flow, CHANNEL_EMAIL, &event, 0, &reason), POLICY_ALLOW);
    assert_int_equal(policy_check(&flow, CHANNEL_SMS, &event, 0, &reason), POLICY_SUPPRESS);
    json_decref(event.data);
}

static void event_older_than_max_age_expires(void **state)
{
    struct event event = event_of("{\"email\":\"a@b.c\"}"); /* of time 1,000,000 */
    struct flow flow = {.max_age_ms = 500};
    const char *reason;

    (void)state;
    assert_int_equal(policy_check(&flow, CHANNEL_EMAIL, &event, 1000500, &reason), POLICY_ALLOW);
    assert_int_equal(policy_check(&flow, CHANNEL_EMAIL, &event, 1000501, &reason), POLICY_EXPIRE);
    assert_string_equal(reason, "too_old");
    assert_int_equal(policy_check(&flow, CHANNEL_EMAIL, &event, 5, &reason), POLICY_ALLOW);
    flow.max_age_ms = 0;
    assert_int_equal(policy_check(&flow, CHANNEL_EMAIL, &event, INT64_C(1) << 50, &reason),
                     POLICY_ALLOW);
    flow.max_age_ms = 500;
    event.time_ms = 0;
    assert_int_equal(policy_check(&flow, CHANNEL_EMAIL, &event, INT64_C(1) << 50, &reason),
                     POLICY_ALLOW);
    json_decref(event.data);
}

struct address_case {
    const char *json; /* value of the member's field; NULL: absent */
    const char *reason;
};

static void check_addresses(enum channel channel, const char *field,
                            const struct address_case *cases, size_t count)
{
    struct flow flow = {.class = FLOW_TRANSACTIONAL};

    for (size_t i = 0; i < count; i++) {
        const char *reason = "unset", *again = "unset";
        struct event event;
        const char *address;
        char member[1024];

        snprintf(member, sizeof(member), "{\"%s\":%s}", cases[i].json ? field : "other",
                 cases[i].json ? cases[i].json : "1");
        event = event_of(member);
        address = policy_find_address(channel, &event, &reason);
        if (!address != !!cases[i].reason ||
            strcmp(reason ? reason : "", cases[i].reason ? cases[i].reason : "") != 0) {
            fail_msg("%s: got %s", member, reason ? reason : address);
        }
        assert_int_equal(policy_check(&flow, channel, &event, 0, &again),
                         address ? POLICY_ALLOW : POLICY_SUPPRESS);
        assert_ptr_equal(again, reason);
        json_decref(event.data);
    }
}

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X63 X50 "xxxxxxxxxxxxx"

static void email_addresses_are_plausible_and_cannot_inject(void **state)
{
    static const struct address_case cases[] = {
        {"\"ilona@example.com\"", NULL},
        {"\"a@b\"", NULL},
        {"\"first.last+tag@sub.example.co.uk\"", NULL},
        {"\"o'brien/x=y@example-1.com\"", NULL},
        {"\"x@xn--bcher-kva.example\"", NULL},
        {"\"" X63 "x@example.com\"", NULL},
        {"\"a@" X63 ".com\"", NULL},
        {"\"" X50 "@" X50 "." X50 "." X50 "." X50 "\"", NULL}, /* 254 bytes */
        {"\"" X50 "@" X50 "." X50 "." X50 "." X50 "x\"", "bad_address"},
        {"\"" X63 "xx@example.com\"", "bad_address"},
        {"\"a@x" X63 ".com\"", "bad_address"},
        {NULL, "no_address"},
        {"null", "no_address"},
        {"\"\"", "no_address"},
        {"5", "bad_address"},
        {"{}", "bad_address"},
        {"[\"a@b.c\"]", "bad_address"},
        {"\"ilona\"", "bad_address"},
        {"\"@example.com\"", "bad_address"},
        {"\"ilona@\"", "bad_address"},
        {"\"a@b@c\"", "bad_address"},
        {"\"a b@c.d\"", "bad_address"},
        {"\" a@c.d\"", "bad_address"},
        {"\"a@c.d \"", "bad_address"},
        {"\"a@b.c,d@e.f\"", "bad_address"},
        {"\"a,b@c.d\"", "bad_address"},
        {"\"<a@b.c>\"", "bad_address"},
        {"\"Ilona <a@b.c>\"", "bad_address"},
        {"\"a@b.c\\r\\nBcc: d@e.f\"", "bad_address"},
        {"\"a\\r\\n@b.c\"", "bad_address"},
        {"\"a\\u007f@b.c\"", "bad_address"},
        {"\"\\\"a\\\"@b.c\"", "bad_address"},
        {"\"a@b..c\"", "bad_address"},
        {"\"a@.b.c\"", "bad_address"},
        {"\"a@b.c.\"", "bad_address"},
        {"\"a@-b.c\"", "bad_address"},
        {"\"a@b-.c\"", "bad_address"},
        {"\"a@[127.0.0.1]\"", "bad_address"},
        {"\"a@b_c.d\"", "bad_address"},
        {"\"kov\xc3\xa1"
         "cs@example.com\"",
         "bad_address"},
        {"\"a@b\xc3\xbc"
         "cher.example\"",
         "bad_address"},
    };

    (void)state;
    check_addresses(CHANNEL_EMAIL, "email", cases, sizeof(cases) / sizeof(cases[0]));
}

static void phone_numbers_are_strict_e164(void **state)
{
    static const struct address_case cases[] = {
        {"\"+36301234567\"", NULL},
        {"\"+1234567\"", NULL},
        {"\"+123456789012345\"", NULL},
        {NULL, "no_address"},
        {"null", "no_address"},
        {"\"\"", "no_address"},
        {"\"+\"", "bad_address"},
        {"\"+123456\"", "bad_address"},
        {"\"+1234567890123456\"", "bad_address"},
        {"\"+06301234567\"", "bad_address"},
        {"\"36301234567\"", "bad_address"},
        {"\"0036301234567\"", "bad_address"},
        {"\"+36 30 123 4567\"", "bad_address"},
        {"\"+36-30-1234567\"", "bad_address"},
        {"\"+3630123456a\"", "bad_address"},
        {"\"+36301234567\\n\"", "bad_address"},
        {"\"++36301234567\"", "bad_address"},
        {"36301234567", "bad_address"},
    };

    (void)state;
    check_addresses(CHANNEL_SMS, "phone", cases, sizeof(cases) / sizeof(cases[0]));
}

static void consent_is_asked_before_address_and_address_before_age(void **state)
{
    struct flow flow = {.max_age_ms = 1};
    struct event event = event_of("{\"email\":\"bad\",\"consent\":{\"email\":false}}");
    const char *reason;

    (void)state;
    assert_int_equal(policy_check(&flow, CHANNEL_EMAIL, &event, 2000000, &reason),
                     POLICY_SUPPRESS);
    assert_string_equal(reason, "no_consent");
    json_decref(event.data);
    event = event_of("{\"email\":\"bad\"}");
    assert_int_equal(policy_check(&flow, CHANNEL_EMAIL, &event, 2000000, &reason),
                     POLICY_SUPPRESS);
    assert_string_equal(reason, "bad_address");
    json_decref(event.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(consent_decides_by_channel_and_class),
        cmocka_unit_test(member_without_consent_gets_transactional_messages_only),
        cmocka_unit_test(each_channel_asks_for_its_own_consent),
        cmocka_unit_test(event_older_than_max_age_expires),
        cmocka_unit_test(email_addresses_are_plausible_and_cannot_inject),
        cmocka_unit_test(phone_numbers_are_strict_e164),
        cmocka_unit_test(consent_is_asked_before_address_and_address_before_age),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
