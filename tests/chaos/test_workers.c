/* T08, T28, T30 to T32: workers that stand still, share a limit, wait for a provider that is down, and are told to stop. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tests/chaos/scene.h"
#include "tests/support/poll.h"

/* --- T08 ---------------------------------------------------------------------------------------------------------- */

/* Two workers that read the same partitions, so that one takes over what the other had begun. */
static void a_worker_stands_still_for_two_leases(void **state)
{
    static const char *const env[] = {"HTTP_CONNECTIONS=8", "REQUEST_TIMEOUT=500ms", "CLAIM_LEASE=2500ms", NULL};
    static const char *const args[] = {"--latency-ms", "40", NULL};
    struct scene *scene = scene_create(&(struct scene_options){.worker_env = env, .sandbox_args = args});
    const int stops = scene_is_long() ? 200 : 4;
    bool is_fine;

    (void)state;
    scene_start_worker(scene, 0, 1, NULL);
    scene_start_worker(scene, 1, 1, NULL);
    for (int i = 0; i < stops; i++) {
        int64_t from_ms;
        int victim = (int)random_below(&scene->random, 2);

        scene_publish(scene, 120, i + 1, i + 1);
        scene_wait_accepted(scene, 40 + (int64_t)random_below(&scene->random, 60));
        from_ms = clock_wall_ms();
        process_freeze(scene->system->workers[victim], true);
        poll_pause_ms(5000);
        process_freeze(scene->system->workers[victim], false);
        poll_pause_ms(300);
        scene_note_fault(scene, "stopped", from_ms);
    }
    scene->rules.held_most[CHANNEL_SMS] = (size_t)stops * 2 * 8;
    is_fine = scene_judge(scene);
    scene_report("T08", "a worker stopped for two leases, another takes over", is_fine,
                 "%d events, %d stops, %zu lost, %zu duplicates, %zu SMS held, %zu further requests", scene->published, stops,
                 scene->figures.missing, scene->figures.duplicates, scene->figures.held[CHANNEL_SMS], scene->figures.further);
    assert_true(is_fine);
    scene_destroy(scene);
}

/* --- T28 ---------------------------------------------------------------------------------------------------------- */

enum { LIMIT = 1000, LIMIT_BURST = LIMIT / 20 };

/* Whether the provider saw the limit kept; lost and duplicate messages are failures in any case. What left in time comes
 * late when the machine has other things to do, and then seems to be too many in a second. */
static bool share_one_limit(void)
{
    enum { WORKERS = 4 };
    static const char *const env[] = {"HTTP_CONNECTIONS=64", "EMAIL_RATE=1000", "LOG_LEVEL=warn", NULL};
    struct scene *scene = scene_create(&(struct scene_options){.channels = "email", .worker_env = env});
    const int rounds = scene_is_long() ? 80 : 16;
    int64_t before, after, span_ms;
    double used;
    bool is_fine, is_kept;

    scene_publish(scene, 500, 1, rounds);
    for (int i = 0; i < WORKERS; i++) {
        scene_start_worker(scene, i, WORKERS, NULL);
    }
    scene_wait_accepted(scene, LIMIT); /* all of them are at it */
    before = scene_count(scene, "accepted");
    span_ms = clock_mono_ms();
    scene_wait_accepted(scene, (int64_t)scene->published - before - LIMIT);
    after = scene_count(scene, "accepted");
    span_ms = clock_mono_ms() - span_ms;
    used = (double)(after - before) * 100000 / (double)span_ms / LIMIT;
    is_fine = scene_judge(scene);
    is_kept = scene->figures.busiest_second <= LIMIT + LIMIT_BURST;
    scene_report("T28", "four workers, 1,000 requests a second", is_fine && is_kept && used >= 95,
                 "%d events, at most %lld in any second, %.1f %% of the limit used, %zu lost, %zu duplicates", scene->published,
                 (long long)scene->figures.busiest_second, used, scene->figures.missing, scene->figures.duplicates);
    assert_true(is_fine);
    scene_destroy(scene);
    return is_kept;
}

static void four_workers_share_one_limit(void **state)
{
    enum { TRIES = 3 };
    bool is_kept = false;

    (void)state;
    for (int i = 0; i < TRIES && !is_kept; i++) {
        is_kept = share_one_limit();
    }
    assert_true(is_kept);
}

/* --- T30, T31 ----------------------------------------------------------------------------------------------------- */

static void wait_and_count(struct scene *scene, int64_t ms, int64_t *requests)
{
    int64_t before = scene_count(scene, "requests");

    poll_pause_ms(ms);
    *requests = scene_count(scene, "requests") - before;
}

/* The breaker looks back over ten seconds, so it may take that long. */
static bool are_all_open(void *arg)
{
    const struct scene *scene = arg;

    return system_metric(scene->system, 0, "perkline_breaker_state", "") > 0 &&
           system_metric(scene->system, 1, "perkline_breaker_state", "") > 0;
}

static void a_provider_is_down_for_a_while(void **state)
{
    enum { WORKERS = 2, MOST_OPENING_MS = 20000 };
    static const char *const env[] = {"HTTP_CONNECTIONS=16", "EMAIL_RATE=200", NULL};
    struct scene *scene = scene_create(&(struct scene_options){.channels = "email", .worker_env = env});
    const int64_t down_ms = scene_is_long() ? 60000 : 8000;
    int64_t from_ms, probes, before, rate = 0, back_ms, full_ms = -1, parked;
    bool is_fine;

    (void)state;
    scene_publish(scene, 400, 1, 15);
    for (int i = 0; i < WORKERS; i++) {
        scene_start_worker(scene, i, WORKERS, NULL);
    }
    scene_wait_accepted(scene, 600);
    from_ms = clock_wall_ms();
    system_set_faults(scene->system, "{\"faults\":[{\"kind\":\"http_503\",\"probability\":1}]}");
    poll_until_within(are_all_open, scene, MOST_OPENING_MS);
    poll_pause_ms(1500); /* what was on the wire */
    wait_and_count(scene, down_ms, &probes);
    system_set_faults(scene->system, "{\"faults\":[]}");
    back_ms = clock_mono_ms();
    scene_note_fault(scene, "down", from_ms);
    while (full_ms < 0 && clock_mono_ms() - back_ms < 20000) {
        before = scene_count(scene, "accepted");
        poll_pause_ms(1000);
        rate = scene_count(scene, "accepted") - before;
        full_ms = rate >= 180 ? clock_mono_ms() - back_ms : -1;
    }
    parked = kafka_tool_count(scene->system->kafka, system_topic(scene->system, "retry.1m"));
    is_fine = scene_judge(scene);
    scene_report("T30", "provider down (503), then back",
                 is_fine && probes <= WORKERS * down_ms / 1000 + WORKERS && full_ms >= 0 && full_ms <= 6000,
                 "%.1f probes a second and worker while down, 90 %% of the rate %.1f s after its return, %lld parked, %zu lost, "
                 "%zu duplicates",
                 (double)probes * 1000 / (double)down_ms / WORKERS, (double)full_ms / 1000, (long long)parked,
                 scene->figures.missing, scene->figures.duplicates);
    assert_true(is_fine);
    assert_in_range(probes, 0, WORKERS * down_ms / 1000 + WORKERS);
    assert_int_equal(parked, 0);
    scene_destroy(scene);
}

static int64_t time_emails(bool is_sms_down, bool *is_fine, size_t *lost)
{
    static const char *const env[] = {"HTTP_CONNECTIONS=32", NULL};
    struct scene *scene = scene_create(&(struct scene_options){.worker_env = env});
    int64_t began_ms, took_ms;
    int64_t from_ms = clock_wall_ms();

    system_set_faults(scene->system, is_sms_down ? "{\"faults\":[{\"kind\":\"http_401\",\"probability\":1,\"channel\":\"sms\"}]}"
                                                 : "{\"faults\":[]}");
    scene_start_worker(scene, 0, 1, NULL);
    system_wait_ready(scene->system, 0);
    began_ms = clock_mono_ms();
    scene_publish(scene, 200, 1, 10);
    while (system_sandbox_count(scene->system, CHANNEL_EMAIL, "accepted") < scene->published &&
           clock_mono_ms() - began_ms < POLL_DEADLINE_MS) {
        poll_pause_ms(20);
    }
    took_ms = clock_mono_ms() - began_ms;
    system_set_faults(scene->system, "{\"faults\":[]}");
    scene_note_fault(scene, "sms down", from_ms);
    *is_fine = scene_judge(scene);
    *lost += scene->figures.missing + scene->figures.duplicates;
    scene_destroy(scene);
    return took_ms;
}

static void sms_is_down_and_email_does_not_notice(void **state)
{
    bool is_fine[2];
    size_t lost = 0;
    int64_t with_ms, without_ms;

    (void)state;
    without_ms = time_emails(false, &is_fine[0], &lost);
    with_ms = time_emails(true, &is_fine[1], &lost);
    scene_report("T31", "SMS refused as a whole, e-mail healthy", is_fine[0] && is_fine[1],
                 "2,000 e-mails in %.1f s while SMS was down, %.1f s while not; %zu lost or doubled", (double)with_ms / 1000,
                 (double)without_ms / 1000, lost);
    assert_true(is_fine[0] && is_fine[1]);
}

/* --- T32 ---------------------------------------------------------------------------------------------------------- */

static void sigterm_under_full_load(void **state)
{
    static const char *const env[] = {"HTTP_CONNECTIONS=16", NULL};
    static const char *const args[] = {"--latency-ms", "50", NULL};
    struct scene *scene = scene_create(&(struct scene_options){.worker_env = env, .sandbox_args = args});
    const int stops = scene_is_long() ? 50 : 10;
    int64_t slowest_ms = 0;
    int clean = 0;
    bool is_fine;

    (void)state;
    for (int i = 0; i < stops; i++) {
        int64_t began_ms;

        scene_publish(scene, 300, i + 1, i + 1);
        scene_start_worker(scene, 0, 1, NULL);
        scene_wait_accepted(scene, 150 + (int64_t)random_below(&scene->random, 100));
        began_ms = clock_mono_ms();
        clean += system_stop_worker(scene->system, 0) == 0;
        began_ms = clock_mono_ms() - began_ms;
        slowest_ms = began_ms > slowest_ms ? began_ms : slowest_ms;
    }
    scene_start_worker(scene, 0, 1, NULL);
    is_fine = scene_judge(scene) && clean == stops && scene->figures.further == 0;
    scene_report("T32", "SIGTERM under full load", is_fine && slowest_ms <= 25000,
                 "%d events, %d of %d ended with status 0, the slowest in %.1f s; %zu held, %zu asked again, %zu lost, %zu "
                 "duplicates",
                 scene->published, clean, stops, (double)slowest_ms / 1000, scene->figures.held[CHANNEL_SMS],
                 scene->figures.further, scene->figures.missing, scene->figures.duplicates);
    assert_true(is_fine);
    scene_destroy(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_stands_still_for_two_leases),
        cmocka_unit_test(four_workers_share_one_limit),
        cmocka_unit_test(a_provider_is_down_for_a_while),
        cmocka_unit_test(sms_is_down_and_email_does_not_notice),
        cmocka_unit_test(sigterm_under_full_load),
    };

    scene_choose_tests();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
