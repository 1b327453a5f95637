#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "run/claims.h"
#include "run/gate.h"
#include "tests/support/fakes.h"

enum { CONNECTIONS = 3 };

struct world {
    struct loop *loop;
    struct metrics *metrics;
    struct claims *claims;
    struct pauses *pauses;
    struct gate *gate;
    int calls, waiting, passed;
};

static void on_open(void *arg)
{
    struct world *world = arg;

    world->calls++;
    while (world->waiting > 0 && gate_enter(world->gate, world->waiting)) {
        world->waiting--;
        world->passed++;
    }
}

static void on_recover(void *arg)
{
    claims_recovered(((struct world *)arg)->claims);
}

static int set_up(void **state)
{
    const struct redis_settings redis = {"redis://fake", 500, 2000, 50};
    const struct claims_settings claims = {.environment = "test", .lease_ms = 15000, .most_skew_ms = 60000};
    const struct gate_settings gate = {"fake-email", CHANNEL_EMAIL, "fake", CONNECTIONS, {"test", "fake-email", 1000}};
    struct world *world = calloc(1, sizeof(*world));
    struct err err = {0};

    fakes_begin();
    world->loop = loop_create();
    world->metrics = metrics_create();
    world->claims = claims_open(world->loop, &redis, &claims, world->metrics, &err);
    claims_set_recovery(world->claims, on_recover, world);
    world->pauses = pauses_create(world->loop, world->metrics);
    pauses_take(world->pauses, SLICE(""), &err);
    world->gate = gate_create(world->loop, world->claims, world->pauses, &gate, world->metrics, on_open, world);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    claims_close(world->claims);
    gate_destroy(world->gate);
    pauses_destroy(world->pauses);
    loop_destroy(world->loop);
    metrics_destroy(world->metrics);
    free(world);
    fakes_end();
    return 0;
}

static void wait_and_run(struct world *world, int waiting, int64_t ms)
{
    world->waiting = waiting;
    on_open(world);
    fakes_run_ms(world->loop, ms);
}

static void report(struct world *world, enum verdict_kind kind, const char *reason)
{
    struct verdict verdict = {.kind = kind, .limit_per_s = -1};

    snprintf(verdict.reason, sizeof(verdict.reason), "%s", reason);
    gate_report(world->gate, &verdict);
}

static void leave_all(struct world *world)
{
    while (gate_in_flight(world->gate) > 0) {
        gate_leave(world->gate);
    }
}

static void nobody_passes_before_claims_are_ready(void **state)
{
    struct world *world = *state;

    world->waiting = 1;
    on_open(world);
    assert_int_equal(world->passed, 0);
    fakes_run_ms(world->loop, 1000); /* becomes ready meanwhile, and says so */
    assert_int_equal(world->passed, 1);
}

static void no_more_pass_than_there_are_slots(void **state)
{
    struct world *world = *state;

    fakes_run_ms(world->loop, 100);
    wait_and_run(world, 10, 1000);
    assert_int_equal(world->passed, CONNECTIONS);
    assert_int_equal(gate_in_flight(world->gate), CONNECTIONS);
    gate_leave(world->gate);
    loop_turn(world->loop, false);
    fakes_run_ms(world->loop, 100);
    assert_int_equal(world->passed, CONNECTIONS + 1);
}

static void the_waiting_are_woken_at_the_end_of_the_turn(void **state)
{
    struct world *world = *state;

    fakes_run_ms(world->loop, 100);
    wait_and_run(world, CONNECTIONS, 1000);
    world->calls = 0;
    gate_leave(world->gate);
    gate_leave(world->gate);
    assert_int_equal(world->calls, 0);
    loop_turn(world->loop, false);
    assert_int_equal(world->calls, 1);
}

static void an_outage_closes_the_gate_and_a_probe_opens_it(void **state)
{
    struct world *world = *state;

    fakes_run_ms(world->loop, 100);
    for (int i = 0; i < BREAKER_LEAST_ATTEMPTS; i++) {
        wait_and_run(world, 1, 50);
        report(world, VERDICT_NOT_SENT_TRANSIENT, "connect");
        leave_all(world);
    }
    assert_int_equal(gate_breaker_state(world->gate), BREAKER_OPEN);
    world->passed = 0;
    wait_and_run(world, 10, 500);
    assert_int_equal(world->passed, 0);
    fakes_run_ms(world->loop, 700);
    assert_int_equal(world->passed, 1); /* the probe, though three slots are free */
    report(world, VERDICT_SENT, "accepted");
    gate_leave(world->gate);
    assert_int_equal(gate_breaker_state(world->gate), BREAKER_CLOSED);
    fakes_run_ms(world->loop, 1000); /* the tokens of before are too old: it asks for new ones */
    assert_int_equal(world->passed, 1 + CONNECTIONS);
}

static void one_answer_that_the_channel_is_refused_closes_the_gate(void **state)
{
    struct world *world = *state;

    fakes_run_ms(world->loop, 100);
    wait_and_run(world, 1, 100);
    report(world, VERDICT_NOT_SENT_CHANNEL, "http_401");
    assert_int_equal(gate_breaker_state(world->gate), BREAKER_OPEN);
}

static void why_the_provider_takes_nothing_is_told_until_it_takes_again(void **state)
{
    struct world *world = *state;

    fakes_run_ms(world->loop, 100);
    assert_string_equal(gate_trouble(world->gate), "");
    report(world, VERDICT_NOT_SENT_TRANSIENT, "http_429"); /* no failure, but why nothing goes out */
    report(world, VERDICT_NOT_SENT_PERMANENT, "invalid_parameter");
    assert_string_equal(gate_trouble(world->gate), "http_429");
    report(world, VERDICT_SENT, "accepted");
    assert_string_equal(gate_trouble(world->gate), "");
    report(world, VERDICT_AMBIGUOUS, "timeout");
    fakes_run_ms(world->loop, 61000);
    assert_string_equal(gate_trouble(world->gate), ""); /* one, long ago */
    report(world, VERDICT_NOT_SENT_CHANNEL, "unauthorized");
    fakes_run_ms(world->loop, 61000);
    assert_string_equal(gate_trouble(world->gate), "unauthorized"); /* the breaker is open since */
}

static void what_says_nothing_about_the_provider_does_not_close_the_gate(void **state)
{
    struct world *world = *state;

    fakes_run_ms(world->loop, 100);
    for (int i = 0; i < 4 * BREAKER_LEAST_ATTEMPTS; i++) {
        report(world, VERDICT_NOT_SENT_PERMANENT, "http_400");
        report(world, VERDICT_NOT_SENT_TRANSIENT, "http_429");
        report(world, VERDICT_NOT_SENT_TRANSIENT, "lease_over");
    }
    assert_int_equal(gate_breaker_state(world->gate), BREAKER_CLOSED);
}

static void too_many_stops_everybody_for_a_while(void **state)
{
    struct world *world = *state;
    struct verdict verdict = {.kind = VERDICT_NOT_SENT_TRANSIENT, .reason = "http_429", .retry_after_ms = 5000,
                              .limit_per_s = -1};

    fakes_run_ms(world->loop, 100);
    wait_and_run(world, 1, 100);
    gate_report(world->gate, &verdict);
    leave_all(world);
    world->passed = 0;
    wait_and_run(world, 1, 4900);
    assert_int_equal(world->passed, 0);
    fakes_run_ms(world->loop, 500);
    assert_int_equal(world->passed, 1);
}

/* Serial and list, as people would have written it. */
static void pause(struct world *world, const char *text)
{
    struct err err = {0};

    assert_true(pauses_take(world->pauses, slice_of(text), &err));
}

static const struct {
    const char *list;
    bool is_stopped;
} paused_lists[] = {
    {"[]", false},
    {"[{\"scope\":\"all\",\"since\":1}]", true},
    {"[{\"scope\":\"channel\",\"name\":\"email\",\"since\":1}]", true},
    {"[{\"scope\":\"channel\",\"name\":\"sms\",\"since\":1}]", false},
    {"[{\"scope\":\"provider\",\"name\":\"fake\",\"since\":1}]", true},
    {"[{\"scope\":\"provider\",\"name\":\"other\",\"since\":1}]", false},
    {"[{\"scope\":\"flow\",\"name\":\"email\",\"since\":1}]", false},
    {"[{\"scope\":\"flow\",\"name\":\"a\",\"since\":1},{\"scope\":\"all\",\"since\":1}]", true},
};

static void what_is_paused_does_not_pass_and_what_is_resumed_does(void **state)
{
    struct world *world = *state;
    char text[256];
    int serial = 0;

    fakes_run_ms(world->loop, 100);
    for (size_t i = 0; i < sizeof(paused_lists) / sizeof(paused_lists[0]); i++) {
        snprintf(text, sizeof(text), "%d %s", ++serial, paused_lists[i].list);
        pause(world, text);
        world->passed = 0;
        wait_and_run(world, 1, 1000);
        if (world->passed != !paused_lists[i].is_stopped) {
            fail_msg("%s: %d passed", text, world->passed);
        }
        snprintf(text, sizeof(text), "%d []", ++serial);
        pause(world, text);
        loop_turn(world->loop, false); /* time does not jump before the end of this turn */
        fakes_run_ms(world->loop, 1000);
        assert_int_equal(world->passed, 1);
        leave_all(world);
    }
}

static void nothing_passes_before_it_is_known_what_is_paused(void **state)
{
    struct world *world = *state;
    const struct gate_settings settings = {"fake-sms", CHANNEL_SMS, "fake", CONNECTIONS, {"test", "fake-sms", 0}};
    struct pauses *pauses = pauses_create(world->loop, world->metrics);
    struct gate *gate;
    struct err err = {0};

    fakes_run_ms(world->loop, 100);
    gate = gate_create(world->loop, world->claims, pauses, &settings, world->metrics, on_open, world);
    assert_false(gate_enter(gate, 1));
    world->calls = 0;
    assert_true(pauses_take(pauses, SLICE(""), &err));
    loop_turn(world->loop, false);
    assert_int_equal(world->calls, 1);
    assert_true(gate_enter(gate, 1));
    gate_leave(gate);
    gate_destroy(gate);
    pauses_destroy(pauses);
}

#define gate_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        gate_test(nobody_passes_before_claims_are_ready),
        gate_test(no_more_pass_than_there_are_slots),
        gate_test(the_waiting_are_woken_at_the_end_of_the_turn),
        gate_test(an_outage_closes_the_gate_and_a_probe_opens_it),
        gate_test(one_answer_that_the_channel_is_refused_closes_the_gate),
        gate_test(why_the_provider_takes_nothing_is_told_until_it_takes_again),
        gate_test(what_says_nothing_about_the_provider_does_not_close_the_gate),
        gate_test(too_many_stops_everybody_for_a_while),
        gate_test(what_is_paused_does_not_pass_and_what_is_resumed_does),
        gate_test(nothing_passes_before_it_is_known_what_is_paused),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
