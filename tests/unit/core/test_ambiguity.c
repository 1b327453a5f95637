/*
 * What may be done when nobody knows: a table of providers, flows and ages.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/ambiguity.h"

enum { MINUTE = 60000, KEY = 15 * MINUTE, LAG = 10 * MINUTE };

static const struct {
    const char *name;
    struct ambiguity facts;
    int64_t age_ms;
    enum ambiguity_way way;
    int64_t wait_ms;
} cases[] = {
    {"a living key is used, whatever the flow says", {FLOW_AMBIGUOUS_HOLD, true, true, KEY, 0}, 0, AMBIGUITY_RESEND, 0},
    {"six tenths of its life", {FLOW_AMBIGUOUS_HOLD, true, true, KEY, 0}, 9 * MINUTE, AMBIGUITY_RESEND, 0},
    {"and not later", {FLOW_AMBIGUOUS_HOLD, true, true, KEY, 0}, 9 * MINUTE + 1, AMBIGUITY_HOLD, 0},
    {"a person decides although it could be asked", {FLOW_AMBIGUOUS_HOLD, true, true, KEY, LAG}, 60 * MINUTE,
     AMBIGUITY_HOLD, 0},
    {"a dead key is followed by a question", {FLOW_AMBIGUOUS_RESEND, true, true, KEY, LAG}, 19 * MINUTE, AMBIGUITY_ASK, 0},
    {"when the last resend must be visible too", {FLOW_AMBIGUOUS_RESEND, true, true, KEY, LAG}, 10 * MINUTE,
     AMBIGUITY_WAIT, 9 * MINUTE},
    {"nobody to ask: the flow's word counts", {FLOW_AMBIGUOUS_RESEND, true, true, KEY, 0}, 10 * MINUTE, AMBIGUITY_RESEND,
     0},
    {"keys that are not trusted are no reason to send blindly", {FLOW_AMBIGUOUS_RESEND, true, true, 0, LAG}, 0,
     AMBIGUITY_WAIT, LAG},
    {"what cannot be repeated is asked for while the key lives", {FLOW_AMBIGUOUS_RESEND, false, true, KEY, LAG}, 0,
     AMBIGUITY_WAIT, 19 * MINUTE},
    {"or held", {FLOW_AMBIGUOUS_RESEND, false, true, KEY, 0}, 0, AMBIGUITY_HOLD, 0},
    {"no key: too early to ask", {FLOW_AMBIGUOUS_QUERY, true, false, 0, LAG}, LAG - 1, AMBIGUITY_WAIT, 1},
    {"no key: time to ask", {FLOW_AMBIGUOUS_QUERY, true, false, 0, LAG}, LAG, AMBIGUITY_ASK, 0},
    {"no key: asked even when it cannot be repeated", {FLOW_AMBIGUOUS_QUERY, false, false, 0, LAG}, LAG, AMBIGUITY_ASK, 0},
    {"neither key nor question", {FLOW_AMBIGUOUS_QUERY, true, false, 0, 0}, 0, AMBIGUITY_HOLD, 0},
    {"neither, and the flow would rather have two than none", {FLOW_AMBIGUOUS_RESEND, true, false, 0, 0}, 0,
     AMBIGUITY_RESEND, 0},
    {"no key: resend means at once, not after a question", {FLOW_AMBIGUOUS_RESEND, true, false, 0, LAG}, 0,
     AMBIGUITY_RESEND, 0},
    {"no key: resend, but it cannot", {FLOW_AMBIGUOUS_RESEND, false, false, 0, LAG}, LAG, AMBIGUITY_HOLD, 0},
    {"no key, hold", {FLOW_AMBIGUOUS_HOLD, true, false, 0, LAG}, LAG, AMBIGUITY_HOLD, 0},
};

static void the_way_out_follows_from_provider_flow_and_age(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t wait_ms = -1;
        enum ambiguity_way way = ambiguity_decide(&cases[i].facts, cases[i].age_ms, &wait_ms);

        if (way != cases[i].way || wait_ms != cases[i].wait_ms) {
            fail_msg("%s: way %d, wait %d", cases[i].name, (int)way, (int)wait_ms);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_way_out_follows_from_provider_flow_and_age),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
