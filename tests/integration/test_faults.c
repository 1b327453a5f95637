/* A provider that answers wrongly, late or not at all, now and then: e-mail is sent again under its key until the
 * provider says that it has it, SMS is held where nobody can know. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/books.h"
#include "tests/support/events.h"
#include "tests/support/judge.h"

enum { MEMBERS = 30, ROUNDS = 10, NOTES = MEMBERS * ROUNDS };

struct fault_case {
    const char *kind;
    double probability;
    bool is_proof; /* proves that nothing was sent: nothing is to be held */
};

static const struct fault_case cases[] = {
    {"http_500", 0.08, false},     {"http_503", 0.08, false},    {"hang_after_accept", 0.05, false},
    {"reset_before", 0.08, false}, {"reset_after", 0.08, false}, {"close_before", 0.08, false},
    {"close_after", 0.08, false},  {"garbage", 0.08, false},     {"empty_201", 0.08, true},
    {"http_500_after", 0.08, false},
    {"http_429", 0.03, true},
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

struct run {
    const struct fault_case *fault; /* NULL: all of them */
    struct system *system;
};

static int set_up(void **state)
{
    const struct system_options options = {0};
    struct run *run = *state;

    run->system = system_create(&options);
    return 0;
}

static int tear_down(void **state)
{
    struct run *run = *state;

    system_destroy(run->system);
    return 0;
}

/* How often the fault struck SMS. */
static int64_t count_struck(const struct system *system, const char *kind)
{
    json_t *list = system_ask_sandbox(system, "messages?limit=100000&accepted=all&channel=sms");
    int64_t count = 0;
    json_t *message;
    size_t i;

    json_array_foreach(json_object_get(list, "messages"), i, message) {
        const char *answer = json_string_value(json_object_get(message, "answer"));

        count += answer && strncmp(answer, kind, strlen(kind)) == 0;
    }
    json_decref(list);
    return count;
}

static void a_fault_now_and_then_loses_nothing_and_doubles_nothing(void **state)
{
    const struct run *run = *state;
    const struct fault_case *c = run->fault;
    struct system *system = run->system;
    char faults[160];
    int64_t struck;
    size_t held;

    snprintf(faults, sizeof(faults), "{\"seed\":7,\"faults\":[{\"kind\":\"%s\",\"probability\":%.2f}]}", c->kind,
             c->probability);
    system_set_faults(system, faults);
    events_publish_notes(system, MEMBERS, 1, ROUNDS);
    system_start_worker(system, 0, NULL);
    held = judge_all_sent(system, NOTES, NOTES, NOTES);
    struck = count_struck(system, c->kind);
    assert_true(struck > 0);
    assert_in_range(held, 0, c->is_proof ? 0 : (size_t)struck); /* each held one is explained */
}

static void all_faults_together_lose_nothing_and_double_nothing(void **state)
{
    const struct run *run = *state;
    struct system *system = run->system;

    system_set_faults(system, "{\"seed\":11,\"faults\":[{\"kind\":\"delay\",\"ms\":100,\"probability\":0.2},"
                              "{\"kind\":\"http_500\",\"probability\":0.02},{\"kind\":\"hang_after_accept\",\"probability\":"
                              "0.02},{\"kind\":\"reset_before\",\"probability\":0.02},{\"kind\":\"reset_after\","
                              "\"probability\":0.02},{\"kind\":\"close_after\",\"probability\":0.02},{\"kind\":\"garbage\","
                              "\"probability\":0.02},{\"kind\":\"http_429\",\"probability\":0.02}]}");
    events_publish_notes(system, MEMBERS, 1, ROUNDS);
    system_start_worker(system, 0, NULL);
    judge_all_sent(system, NOTES, NOTES, NOTES / 2);
}

int main(void)
{
    struct run runs[CASES + 1] = {0};
    struct CMUnitTest tests[CASES + 1];

    for (size_t i = 0; i < CASES; i++) {
        runs[i].fault = &cases[i];
        tests[i] = (struct CMUnitTest){cases[i].kind, a_fault_now_and_then_loses_nothing_and_doubles_nothing, set_up,
                                       tear_down, &runs[i]};
    }
    tests[CASES] = (struct CMUnitTest)cmocka_unit_test_prestate_setup_teardown(
        all_faults_together_lose_nothing_and_double_nothing, set_up, tear_down, &runs[CASES]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
