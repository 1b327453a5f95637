/* T09, T10: brokers that refuse what the group asks of them, brokers that go away one after the other and all at once, and a
 * coordinator that moves. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tests/chaos/scene.h"
#include "tests/support/kafka_mock.h"
#include "tests/support/poll.h"

enum { BROKERS = 3, WORKERS = 2, MEMBERS = 40 };

static const char *const worker_env[] = {"HTTP_CONNECTIONS=8", "EMAIL_RATE=100", "SMS_RATE=100", NULL};

/* A worker that gives up (status 3) is started again, as its supervisor would. Returns how many were. */
static int revive(struct scene *scene)
{
    int count = 0;

    for (int i = 0; i < WORKERS; i++) {
        if (process_status(scene->system->workers[i]) != PROCESS_RUNS) {
            assert_int_equal(process_status(scene->system->workers[i]), 3);
            scene_start_worker(scene, i, WORKERS, NULL);
            count++;
        }
    }
    return count;
}

static int pass_time(struct scene *scene, int64_t ms)
{
    int revived = 0;

    for (int64_t end_ms = clock_mono_ms() + ms; clock_mono_ms() < end_ms;) {
        poll_pause_ms(100);
        revived += revive(scene);
    }
    return revived;
}

static struct scene *begin(struct kafka_mock *mock, int rounds)
{
    struct scene *scene = scene_create(&(struct scene_options){.worker_env = worker_env, .is_group = true, .mock = mock});

    for (int i = 0; i < WORKERS; i++) {
        scene_start_worker(scene, i, WORKERS, NULL);
    }
    for (int i = 0; i < WORKERS; i++) {
        assert_true(system_wait_ready(scene->system, i));
    }
    scene_publish(scene, MEMBERS, 1, rounds);
    scene_wait_accepted(scene, 1);
    return scene;
}

/* Milliseconds until something is committed again. */
static int64_t time_progress(struct scene *scene, int *revived)
{
    int64_t from_ms = clock_mono_ms(), first = -1, lag = -1;

    do {
        first = first < 0 ? lag : first;
        *revived += pass_time(scene, 100);
        lag = system_lag(scene->system, "events");
    } while ((first < 0 || lag < 0 || lag >= first) && lag != 0 && clock_mono_ms() - from_ms < POLL_DEADLINE_MS);
    return clock_mono_ms() - from_ms;
}

/* --- T09 ---------------------------------------------------------------------------------------------------------- */

static const struct {
    enum kafka_mock_request request;
    int code;
} refusals[] = {
    {KAFKA_MOCK_COMMIT, 22},    {KAFKA_MOCK_COMMIT, 25},    {KAFKA_MOCK_COMMIT, 27},    {KAFKA_MOCK_COMMIT, 16},
    {KAFKA_MOCK_COMMIT, -195},  {KAFKA_MOCK_HEARTBEAT, 22}, {KAFKA_MOCK_HEARTBEAT, 25}, {KAFKA_MOCK_HEARTBEAT, 27},
    {KAFKA_MOCK_HEARTBEAT, 16}, {KAFKA_MOCK_JOIN, 25},      {KAFKA_MOCK_JOIN, 16},      {KAFKA_MOCK_JOIN, -195},
    {KAFKA_MOCK_SYNC, 22},      {KAFKA_MOCK_SYNC, 25},      {KAFKA_MOCK_SYNC, 27},      {KAFKA_MOCK_SYNC, 16},
    {KAFKA_MOCK_SYNC, -195},    {KAFKA_MOCK_FETCH, 6},      {KAFKA_MOCK_FETCH, -195},
};
enum { REFUSALS = sizeof(refusals) / sizeof(refusals[0]) };

/* Codes: 6 not the leader, 16 not the coordinator, 22 illegal generation, 25 unknown member, 27 rebalance in progress, -195
 * the connection is lost. */
static void brokers_refuse_what_the_group_asks(void **state)
{
    const int64_t run_ms = scene_is_long() ? 120000 : 12000;
    struct kafka_mock *mock = kafka_mock_create(BROKERS);
    struct scene *scene = begin(mock, scene_is_long() ? 300 : 30);
    int64_t from_ms = clock_mono_ms(), progress_ms;
    int count = 0, revived = 0;
    bool is_fine;

    (void)state;
    while (clock_mono_ms() - from_ms < run_ms) {
        size_t which = (size_t)random_below(&scene->random, REFUSALS);

        kafka_mock_fail(mock, refusals[which].request, refusals[which].code);
        count++;
        revived += pass_time(scene, 100 + (int64_t)random_below(&scene->random, 300));
    }
    kafka_mock_fail_no_more(mock);
    scene_publish(scene, MEMBERS, 1001, 1005);
    progress_ms = time_progress(scene, &revived);
    while (!system_is_idle(scene->system) && scene_age_ms(scene) < run_ms + 240000) {
        revived += pass_time(scene, 200);
    }
    is_fine = scene_judge(scene);
    scene_report("T09", "brokers refuse commits, heartbeats, joins, fetches", is_fine,
                 "%d refusals in %lld s, %d events, %d workers started again, commits again %.1f s after the last (goal 15), %zu "
                 "lost, %zu duplicates, %zu held, %zu asked again",
                 count, (long long)run_ms / 1000, scene->published, revived, (double)progress_ms / 1000,
                 scene->figures.missing, scene->figures.duplicates, scene->figures.held[CHANNEL_SMS], scene->figures.further);
    assert_true(is_fine);
    scene_destroy(scene);
    kafka_mock_destroy(mock);
}

/* --- T10 ---------------------------------------------------------------------------------------------------------- */

static void brokers_go_away_and_the_coordinator_moves(void **state)
{
    const int64_t all_down_ms = scene_is_long() ? 60000 : 8000;
    struct kafka_mock *mock = kafka_mock_create(BROKERS);
    struct scene *scene = begin(mock, scene_is_long() ? 150 : 40);
    int64_t progress_ms;
    int revived = 0;
    bool is_fine;

    (void)state;
    for (int broker = 1; broker <= BROKERS; broker++) {
        kafka_mock_set_down(mock, broker, true);
        revived += pass_time(scene, 2000);
        kafka_mock_set_down(mock, broker, false);
        for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
            char *group = xasprintf("%s-%s", scene->system->prefix, channel_name((enum channel)channel));

            kafka_mock_move_coordinator(mock, group, broker % BROKERS + 1);
            free(group);
        }
        revived += pass_time(scene, 1000);
    }
    for (int broker = 1; broker <= BROKERS; broker++) {
        kafka_mock_set_down(mock, broker, true);
    }
    revived += pass_time(scene, all_down_ms);
    for (int broker = 1; broker <= BROKERS; broker++) {
        kafka_mock_set_down(mock, broker, false);
    }
    progress_ms = time_progress(scene, &revived);
    while (!system_is_idle(scene->system) && scene_age_ms(scene) < all_down_ms + 240000) {
        revived += pass_time(scene, 200);
    }
    is_fine = scene_judge(scene);
    scene_report("T10", "brokers away one by one, then all; the coordinator moves", is_fine,
                 "%d events, all away for %lld s, %d workers started again, commits again %.1f s after their return (goal 20), %zu "
                 "lost, %zu duplicates, %zu held, %zu asked again",
                 scene->published, (long long)all_down_ms / 1000, revived, (double)progress_ms / 1000, scene->figures.missing,
                 scene->figures.duplicates, scene->figures.held[CHANNEL_SMS], scene->figures.further);
    assert_true(is_fine);
    scene_destroy(scene);
    kafka_mock_destroy(mock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brokers_refuse_what_the_group_asks),
        cmocka_unit_test(brokers_go_away_and_the_coordinator_moves),
    };

    scene_choose_tests();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
