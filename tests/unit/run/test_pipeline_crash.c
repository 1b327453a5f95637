/*
 * The scenario of crash_scene.h with a fault at each point where something crosses the border of the process: the process
 * dies, an answer is lost, Redis is emptied. Afterwards the books must balance.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/random.h"
#include "crash_checker.h"

static const int64_t PAUSED_MS = 90000;
static const int64_t LIMIT_MS = 12 * 3600000LL; /* of the world's time */

static bool is_idle(void *arg)
{
    (void)arg;
    return fake_kafka_is_idle();
}

/* 0: nothing is paused. Else both flows are, over the first parking and beyond, also in the processes that follow. */
static int64_t paused_until_ms;

static void run_paused(struct process *process)
{
    static const char pauses[] = "1 [{\"scope\":\"flow\",\"name\":\"order\",\"since\":9999999999999},"
                                 "{\"scope\":\"flow\",\"name\":\"mail\",\"since\":9999999999999}]";
    struct err err = {0};

    pauses_take(process->pauses, slice_of(pauses), &err);
    fakes_run_ms(process->loop, paused_until_ms - fakes_mono_ms());
    if (!fakes_is_dead()) {
        pauses_take(process->pauses, SLICE("2 []"), &err);
    }
}

static bool run_process(void)
{
    struct process process;
    bool is_quiet;

    process_start(&process);
    if (fakes_mono_ms() < paused_until_ms) {
        run_paused(&process);
    }
    is_quiet = fakes_run(process.loop, LIMIT_MS, is_idle, NULL);
    process_stop(&process);
    return is_quiet;
}

/* Runs the scene; a process that dies is followed by another, which may have a fault of its own. */
static void run_scene_with(struct checker *checker, enum fake_fault second, uint64_t number)
{
    bool is_quiet = run_process();

    for (int i = 0; fakes_is_dead(); i++) {
        fakes_set_dead(false);
        if (i == 0 && number) {
            fakes_plan(second, number);
        }
        is_quiet = run_process();
    }
    if (!is_quiet) {
        complain(checker, "it did not come to rest");
    }
    check_books(checker);
}

static void run_scene(struct checker *checker)
{
    run_scene_with(checker, FAKE_FAULT_NONE, 0);
}

/* Points of a run without a fault, and its complaints. */
static void begin(struct checker *checker, enum fake_fault fault, uint64_t number)
{
    struct diag_list diags;

    set_scene();
    fakes_plan(fault, number);
    diag_list_init(&diags);
    *checker = (struct checker){.catalog = catalog_build(NULL, NULL, &diags)};
    buf_init(&checker->complaints, 0);
    checker->has_fault = fault != FAKE_FAULT_NONE;
    checker->may_redis_forget = fault == FAKE_FAULT_REDIS_EMPTY || fault == FAKE_FAULT_REDIS_FLUSH;
    fake_kafka_watch_commits(on_commit, checker);
}

static void end(struct checker *checker)
{
    buf_finish(&checker->complaints);
    catalog_unref(checker->catalog);
    fakes_end();
}

static void scenario_ends_as_expected_when_nothing_fails(void **state)
{
    struct checker checker;

    (void)state;
    begin(&checker, FAKE_FAULT_NONE, 0);
    run_scene(&checker);
    print_message("%d points, %d requests\n", (int)fakes_point_count(), (int)fake_http_request_count());
    assert_true(fake_kafka_end("loyalty.retry.1m", 0) + fake_kafka_end("loyalty.retry.1m", 1) > 0);
    assert_int_equal(fake_kafka_end("loyalty.held", 0) + fake_kafka_end("loyalty.held", 1), 1);
    assert_int_equal(fake_kafka_end("loyalty.dlq", 0) + fake_kafka_end("loyalty.dlq", 1), 4);
    assert_int_equal(fake_kafka_end("loyalty.outcomes", 0) + fake_kafka_end("loyalty.outcomes", 1), EXPECTED_COUNT);
    if (checker.complaints.len) {
        fail_msg("%s", buf_text(&checker.complaints));
    }
    end(&checker);
}

/* Every k until the run has fewer points than that. */
static void run_with_fault_everywhere(enum fake_fault fault)
{
    uint64_t number = 0;
    int bad = 0;
    bool has_faulted = true;

    while (has_faulted && bad < 5) {
        struct checker checker;

        begin(&checker, fault, ++number);
        run_scene(&checker);
        has_faulted = fakes_has_faulted();
        if (checker.complaints.len) {
            print_message("fault at point %d (%s):\n%s", (int)number,
                          has_faulted ? fake_point_name(fakes_fault_point()) : "none", buf_text(&checker.complaints));
            bad++;
        }
        end(&checker);
    }
    print_message("%d runs\n", (int)number);
    assert_int_equal(bad, 0);
    assert_true(number > 200);
}

static void nothing_is_lost_or_doubled_when_the_process_dies_at_any_point(void **state)
{
    (void)state;
    run_with_fault_everywhere(FAKE_FAULT_CRASH);
}

static void nothing_is_lost_or_doubled_when_any_answer_is_lost(void **state)
{
    (void)state;
    run_with_fault_everywhere(FAKE_FAULT_LOST);
}

static void nothing_is_lost_or_doubled_when_redis_is_emptied_at_any_point(void **state)
{
    (void)state;
    run_with_fault_everywhere(FAKE_FAULT_REDIS_EMPTY);
}

static void nothing_is_lost_or_doubled_when_redis_is_flushed_at_any_point(void **state)
{
    (void)state;
    run_with_fault_everywhere(FAKE_FAULT_REDIS_FLUSH);
}

static void nothing_is_lost_or_doubled_when_the_process_dies_while_flows_are_paused_and_resumed(void **state)
{
    struct checker checker;
    size_t bad = 0;
    uint64_t number;
    bool has_faulted = true;

    (void)state;
    for (number = 0; has_faulted && bad < 5; number++) {
        begin(&checker, number ? FAKE_FAULT_CRASH : FAKE_FAULT_NONE, number);
        checker.is_paused = true;
        paused_until_ms = fakes_mono_ms() + PAUSED_MS;
        run_scene(&checker);
        has_faulted = number == 0 || fakes_has_faulted();
        assert_true(number > 0 || fake_kafka_end("loyalty.retry.1m", 0) + fake_kafka_end("loyalty.retry.1m", 1) > 15);
        if (checker.complaints.len) {
            print_message("fault at point %d:\n%s", (int)number, buf_text(&checker.complaints));
            bad++;
        }
        end(&checker);
    }
    paused_until_ms = 0;
    print_message("%d runs\n", (int)number);
    assert_int_equal(bad, 0);
}

/* The second process has a fault as well, while it makes good what the first one left. */
static void nothing_is_lost_or_doubled_when_two_faults_follow_each_other(void **state)
{
    static const enum fake_fault seconds[] = {FAKE_FAULT_CRASH, FAKE_FAULT_LOST};
    struct random random;
    int bad = 0;

    (void)state;
    random_init(&random, 7);
    for (int i = 0; i < 400 && bad < 5; i++) {
        uint64_t first = 60 + random_below(&random, 320), second = 1 + random_below(&random, 200);
        struct checker checker;

        begin(&checker, FAKE_FAULT_CRASH, first);
        run_scene_with(&checker, seconds[i % 2], second);
        if (checker.complaints.len) {
            print_message("faults at %d and %d:\n%s", (int)first, (int)second, buf_text(&checker.complaints));
            bad++;
        }
        end(&checker);
    }
    assert_int_equal(bad, 0);
}

/* What the outcomes topic knows is enough: the process that wrote it is gone, and so is Redis. */
static void a_replay_after_redis_was_emptied_sends_nothing(void **state)
{
    struct checker checker;
    size_t messages;
    int64_t dlq;

    (void)state;
    begin(&checker, FAKE_FAULT_NONE, 0);
    run_scene(&checker);
    messages = fake_http_message_count();
    dlq = fake_kafka_end("loyalty.dlq", 0) + fake_kafka_end("loyalty.dlq", 1);
    fake_redis_empty();
    checker.may_redis_forget = true; /* that what is no event was in the DLQ */
    for (int i = 0; i < ROW_COUNT; i++) {
        append_row(&rows[i]);
    }
    assert_true(run_process());
    check_books(&checker);
    assert_int_equal(fake_http_message_count(), messages);
    assert_int_equal(fake_kafka_end("loyalty.dlq", 0) + fake_kafka_end("loyalty.dlq", 1), dlq);
    assert_int_equal(fake_kafka_end("loyalty.outcomes", 0) + fake_kafka_end("loyalty.outcomes", 1), EXPECTED_COUNT);
    if (checker.complaints.len) {
        fail_msg("%s", buf_text(&checker.complaints));
    }
    end(&checker);
}

static void the_checker_sees_a_provider_that_ignores_keys(void **state)
{
    struct checker checker;

    (void)state;
    begin(&checker, FAKE_FAULT_NONE, 0);
    fake_http_ignore_keys(true);
    run_scene(&checker);
    assert_non_null(strstr(buf_text(&checker.complaints), "order/unknown/email"));
    assert_non_null(strstr(buf_text(&checker.complaints), "was delivered 2 times"));
    end(&checker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scenario_ends_as_expected_when_nothing_fails),
        cmocka_unit_test(a_replay_after_redis_was_emptied_sends_nothing),
        cmocka_unit_test(the_checker_sees_a_provider_that_ignores_keys),
        cmocka_unit_test(nothing_is_lost_or_doubled_when_the_process_dies_at_any_point),
        cmocka_unit_test(nothing_is_lost_or_doubled_when_any_answer_is_lost),
        cmocka_unit_test(nothing_is_lost_or_doubled_when_redis_is_emptied_at_any_point),
        cmocka_unit_test(nothing_is_lost_or_doubled_when_redis_is_flushed_at_any_point),
        cmocka_unit_test(nothing_is_lost_or_doubled_when_the_process_dies_while_flows_are_paused_and_resumed),
        cmocka_unit_test(nothing_is_lost_or_doubled_when_two_faults_follow_each_other),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
