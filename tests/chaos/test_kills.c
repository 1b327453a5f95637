/* T01 to T04: kill -9 of a random worker, again and again, in the middle of the work. T01 and T02 are one run, as are T03 and
 * T04: e-mail and SMS of the same workers. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/clock.h"
#include "tests/chaos/scene.h"
#include "tests/support/poll.h"

/* So many partitions that the embedded broker keeps all outcomes, also those that every restart repeats. */
enum { WORKERS = 2, PARTITIONS = 16, CONNECTIONS = 8, PERIOD_MS = 300 };

static const char *const worker_env[] = {"HTTP_CONNECTIONS=8", NULL};
static const char *const sandbox_args[] = {"--latency-ms", "35", NULL};

struct kills {
    int count;
    int64_t took_ms;  /* from the last kill until all was settled */
    int64_t after_ms; /* what was accepted during the kills, of all */
};

/* Kills a random worker every 300 ms for `ms`, and starts it again at once. */
static struct kills kill_for(struct scene *scene, int64_t ms)
{
    struct kills kills = {0};
    int64_t end_ms = clock_mono_ms() + ms;

    for (int i = 0; i < WORKERS; i++) {
        scene_start_worker(scene, i, WORKERS, NULL);
    }
    while (clock_mono_ms() < end_ms) {
        int victim = (int)random_below(&scene->random, WORKERS);

        poll_pause_ms(PERIOD_MS - 50 + (int64_t)random_below(&scene->random, 100));
        scene_kill_worker(scene, victim);
        scene_start_worker(scene, victim, WORKERS, NULL);
        kills.count++;
    }
    kills.after_ms = scene_count(scene, "accepted");
    return kills;
}

static int64_t settle(struct scene *scene)
{
    int64_t begin_ms = clock_mono_ms();

    scene_wait_idle(scene);
    return clock_mono_ms() - begin_ms;
}

static void a_worker_is_killed_every_300_ms(void **state)
{
    struct scene *scene = scene_create(&(struct scene_options){
        .worker_env = worker_env, .sandbox_args = sandbox_args, .partitions = PARTITIONS});
    const int rounds = 20;
    struct kills kills;
    bool is_fine;

    (void)state;
    scene_publish(scene, 500, 1, rounds);
    kills = kill_for(scene, 60000);
    kills.took_ms = settle(scene);
    scene->rules.held_most[CHANNEL_SMS] = (size_t)kills.count * 2 * CONNECTIONS;
    is_fine = scene_judge(scene);
    scene_report("T01", "kill -9 every 300 ms for 60 s, provider with a key", is_fine,
                 "%d events, %d kills, %zu lost, %zu duplicates, %zu held, settled %.1f s after the last kill",
                 scene->published, kills.count, scene->figures.missing, scene->figures.duplicates,
                 scene->figures.held[CHANNEL_EMAIL], (double)kills.took_ms / 1000);
    scene_report("T02", "the same, provider without key or query, hold", is_fine,
                 "%d events, %d kills, %zu lost, %zu duplicates, %zu held, %zu unexplained", scene->published, kills.count,
                 scene->figures.missing, scene->figures.duplicates, scene->figures.held[CHANNEL_SMS],
                 scene->figures.unexplained);
    assert_true(is_fine);
    assert_true(scene->figures.held[CHANNEL_SMS] > 0); /* the kills did strike */
    scene_destroy(scene);
}

/* E-mail without keys, but with a way to ask; SMS repeats what nobody knows. */
static void a_provider_without_keys_is_asked_or_gets_it_again(void **state)
{
    static const char *const keyless_env[] = {"HTTP_CONNECTIONS=8", "BREVO_KEY_TTL=0s", "BREVO_VISIBILITY_LAG=2s",
                                              "BREVO_QUESTIONS_PER_HOUR=360000", NULL};
    static const char *const keyless_args[] = {"--latency-ms", "35", "--no-keys", "--visibility-lag-ms", "500", NULL};
    struct scene *scene = scene_create(&(struct scene_options){
        .email_policy = "query", .sms_policy = "resend", .worker_env = keyless_env, .sandbox_args = keyless_args,
        .partitions = PARTITIONS});
    struct kills kills;
    bool is_fine;

    (void)state;
    scene_publish(scene, 250, 1, scene_is_long() ? 40 : 12);
    kills = kill_for(scene, scene_is_long() ? 60000 : 20000);
    kills.took_ms = settle(scene);
    scene->rules.duplicates_most = (size_t)kills.count * CONNECTIONS;
    is_fine = scene_judge(scene);
    scene_report("T03", "kill -9 every 300 ms, provider without key or query, resend", is_fine,
                 "%d events, %d kills, %zu lost, %zu duplicates (SMS; at most %d), %zu unexplained", scene->published,
                 kills.count, scene->figures.missing, scene->figures.duplicates, kills.count * CONNECTIONS,
                 scene->figures.unexplained);
    scene_report("T04", "kill -9 every 300 ms, provider that can be asked, visible after 500 ms", is_fine,
                 "%d events, %d kills, %zu lost, 0 duplicates, %zu held, settled %.1f s after the last kill",
                 scene->published, kills.count, scene->figures.missing, scene->figures.held[CHANNEL_EMAIL],
                 (double)kills.took_ms / 1000);
    assert_true(is_fine);
    scene_destroy(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_is_killed_every_300_ms),
        cmocka_unit_test(a_provider_without_keys_is_asked_or_gets_it_again),
    };

    scene_choose_tests();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
