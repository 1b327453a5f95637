/* Workers of one consumer group under steady load, on a real Kafka with twelve partitions: what they send rises to the
 * limit and stays there while workers come and go; a restart of one after the other is not noticed. Needs KAFKA_BOOTSTRAP;
 * tests/bench/scaling.sh starts one and shows the tables. The limits are moderate, so that the CPU is none. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "tests/chaos/history_timing.h"
#include "tests/chaos/scene.h"
#include "tests/support/books.h"
#include "tests/support/events.h"
#include "tests/support/poll.h"

enum { RATE = 300, PARTITIONS = 12, MEMBERS = 240, BACKLOG = 1500, SESSION_MS = 6000, MARKS_MOST = 32 };

/* Twelve connections and 50 ms: one worker alone cannot reach the limit. */
static const char *const worker_env[] = {"HTTP_CONNECTIONS=12", "EMAIL_RATE=300", "SMS_RATE=300", NULL};
static const char *const sandbox_args[] = {"--latency-ms", "50", NULL};

/* Events go on while workers come and go. */
struct load {
    struct scene *scene;
    int rate_per_s; /* 0: so many that BACKLOG wait */
    int64_t began_ms;
    int64_t looked_ms;
    int due;
    struct {
        int64_t at_ms; /* wall clock */
        int workers;
        const char *what;
    } marks[MARKS_MOST];
    int marks_count;
    int workers;
};

static void begin(struct load *load, struct scene *scene, int rate_per_s)
{
    *load = (struct load){.scene = scene, .rate_per_s = rate_per_s, .began_ms = clock_mono_ms()};
}

static void publish_due(struct load *load)
{
    int64_t now_ms = clock_mono_ms();
    struct scene *scene = load->scene;

    if (load->rate_per_s) {
        load->due = (int)((now_ms - load->began_ms) * load->rate_per_s / 1000);
    } else if (now_ms - load->looked_ms >= 200) {
        load->due = (int)scene_count(scene, "accepted") + BACKLOG;
        load->looked_ms = now_ms;
    }
    for (; scene->published < load->due; scene->published++) {
        events_publish_note(scene->system, scene->published % MEMBERS + 1, scene->published / MEMBERS + 1);
    }
}

static void go_on(struct load *load, int64_t ms)
{
    for (int64_t end_ms = clock_mono_ms() + ms; clock_mono_ms() < end_ms; poll_pause_ms(5)) {
        publish_due(load);
    }
}

static void mark(struct load *load, int change, const char *what)
{
    load->workers += change;
    if (load->marks_count < MARKS_MOST) {
        load->marks[load->marks_count].at_ms = clock_wall_ms();
        load->marks[load->marks_count].workers = load->workers;
        load->marks[load->marks_count++].what = what;
    }
}

static void start_worker(struct load *load, int place)
{
    int64_t end_ms = clock_mono_ms() + POLL_DEADLINE_MS;

    mark(load, 1, "one starts");
    scene_start_worker(load->scene, place, 0, NULL);
    while (system_ask_worker(load->scene->system, place, "/readyz", NULL) != 200) {
        assert_true(clock_mono_ms() < end_ms);
        go_on(load, 50);
    }
}

static void stop_worker(struct load *load, int place)
{
    struct process *worker = load->scene->system->workers[place];
    int64_t end_ms = clock_mono_ms() + POLL_DEADLINE_MS;

    mark(load, -1, "one is told to stop");
    process_signal(worker, SIGTERM);
    while (process_status(worker) == PROCESS_RUNS && clock_mono_ms() < end_ms) {
        go_on(load, 50);
    }
    assert_int_equal(process_status(worker), 0);
}

/* --- scaling ------------------------------------------------------------------------------------------------------ */

static void print_table(const struct load *load, enum channel channel, int64_t to_ms)
{
    int at = 0;

    printf("second  workers  %s/s (limit %d)\n", channel_name(channel), RATE);
    for (int64_t ms = load->marks[0].at_ms; ms + 1000 <= to_ms; ms += 1000) {
        const char *what = "";

        for (; at < load->marks_count && load->marks[at].at_ms < ms + 1000; at++) {
            what = load->marks[at].what;
        }
        printf("%6lld  %7d  %7zu  %s\n", (long long)(ms - load->marks[0].at_ms) / 1000, load->marks[at - 1].workers,
               history_count_accepted(load->scene->history, channel, ms, ms + 1000), what);
    }
}

static void scale(enum channel channel, const char *id)
{
    const int64_t step_ms = scene_is_long() ? 10000 : 4000;
    struct scene *scene = scene_create(&(struct scene_options){.channels = channel_name(channel),
                                                               .worker_env = worker_env,
                                                               .sandbox_args = sandbox_args,
                                                               .partitions = PARTITIONS,
                                                               .is_group = true});
    struct load load;
    int64_t alone_ms, from_ms, to_ms;
    size_t disorder;
    double used;
    bool is_fine;

    begin(&load, scene, 0);
    start_worker(&load, 0);
    alone_ms = clock_wall_ms();
    go_on(&load, step_ms);
    start_worker(&load, 1);
    start_worker(&load, 2);
    go_on(&load, step_ms);
    from_ms = clock_wall_ms();
    go_on(&load, step_ms);
    for (int place = 0; place < 3; place++) {
        stop_worker(&load, place);
        go_on(&load, step_ms);
        start_worker(&load, place);
        go_on(&load, step_ms / 2);
    }
    start_worker(&load, 3);
    go_on(&load, step_ms);
    to_ms = clock_wall_ms();
    mark(&load, 0, "");
    kafka_tool_flush(scene->system->kafka);
    scene->rules.rate_per_s = RATE;
    scene->rules.burst = RATE / 10; /* what leaves in time may be late at the provider */
    is_fine = scene_judge(scene) && scene->figures.further == 0;
    disorder = books_count_disorder(scene->system);
    used = (double)history_count_accepted(scene->history, channel, from_ms, to_ms) * 100000 / (double)(to_ms - from_ms) / RATE;
    print_table(&load, channel, to_ms);
    scene_report(id, channel == CHANNEL_SMS ? "SMS: workers of a group come and go" : "e-mail: workers of a group come and go",
                 is_fine && disorder == 0 && used >= 95,
                 "one worker %zu/s; three to four: %.1f %% of the limit of %d/s used, at most %lld in any second; %d events, "
                 "%zu lost, %zu duplicates, %zu out of order",
                 history_count_accepted(scene->history, channel, alone_ms, alone_ms + step_ms) * 1000 / (size_t)step_ms,
                 used, RATE, (long long)scene->figures.busiest_second, scene->published, scene->figures.missing,
                 scene->figures.duplicates, disorder);
    assert_true(is_fine);
    assert_int_equal(disorder, 0);
    scene_destroy(scene);
}

static void need_kafka(void)
{
    const char *bootstrap = getenv("KAFKA_BOOTSTRAP");

    if (!bootstrap || !*bootstrap) {
        skip();
    }
}

static void email_rises_to_the_limit_and_stays_there(void **state)
{
    (void)state;
    need_kafka();
    scale(CHANNEL_EMAIL, "S01");
}

static void sms_rises_to_the_limit_and_stays_there(void **state)
{
    (void)state;
    need_kafka();
    scale(CHANNEL_SMS, "S02");
}

/* --- rollout ------------------------------------------------------------------------------------------------------ */

/* Each event is an e-mail and an SMS. */
static void a_rolling_restart_under_load_is_not_noticed(void **state)
{
    enum { WORKERS = 3, EVENTS_PER_S = 150 };
    const int rounds = scene_is_long() ? 5 : 1;
    const int64_t normal_ms = scene_is_long() ? 60000 : 10000;
    struct scene *scene;
    struct load load;
    int64_t normal_at_ms, from_ms, to_ms, normal_p99_ms, p99_ms;
    size_t disorder;
    bool is_fine;

    (void)state;
    need_kafka();
    scene = scene_create(&(struct scene_options){
        .worker_env = worker_env, .sandbox_args = sandbox_args, .partitions = PARTITIONS, .is_group = true});
    begin(&load, scene, EVENTS_PER_S);
    for (int place = 0; place < WORKERS; place++) {
        start_worker(&load, place);
    }
    go_on(&load, 5000);
    normal_at_ms = clock_wall_ms();
    go_on(&load, normal_ms);
    from_ms = clock_wall_ms();
    for (int restart = 0; restart < rounds * WORKERS; restart++) {
        stop_worker(&load, restart % WORKERS);
        start_worker(&load, restart % WORKERS);
        go_on(&load, 2000);
    }
    to_ms = clock_wall_ms();
    kafka_tool_flush(scene->system->kafka);
    is_fine = scene_judge(scene) && scene->figures.further == 0;
    disorder = books_count_disorder(scene->system);
    normal_p99_ms = history_latency_ms(scene->history, normal_at_ms, from_ms, 0.99);
    p99_ms = history_latency_ms(scene->history, from_ms, to_ms, 0.99);
    scene_report("S03", "three workers restarted one after the other under load",
                 is_fine && disorder == 0 && p99_ms <= normal_p99_ms + 2 * SESSION_MS,
                 "%d restarts in %.1f s at %d messages/s; event to request p50/p99/most %lld/%lld/%lld ms, before "
                 "%lld/%lld/%lld ms; %zu messages, %zu lost, %zu duplicates, %zu asked again, %zu out of order",
                 rounds * WORKERS, (double)(to_ms - from_ms) / 1000, 2 * EVENTS_PER_S,
                 (long long)history_latency_ms(scene->history, from_ms, to_ms, 0.5), (long long)p99_ms,
                 (long long)history_latency_ms(scene->history, from_ms, to_ms, 1),
                 (long long)history_latency_ms(scene->history, normal_at_ms, from_ms, 0.5), (long long)normal_p99_ms,
                 (long long)history_latency_ms(scene->history, normal_at_ms, from_ms, 1), scene->figures.expected,
                 scene->figures.missing, scene->figures.duplicates, scene->figures.further, disorder);
    assert_true(is_fine);
    assert_int_equal(disorder, 0);
    scene_destroy(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(email_rises_to_the_limit_and_stays_there),
        cmocka_unit_test(sms_rises_to_the_limit_and_stays_there),
        cmocka_unit_test(a_rolling_restart_under_load_is_not_noticed),
    };

    scene_choose_tests();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
