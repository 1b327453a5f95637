/* T37: an older version beside this one, as while a new one is rolled out, and the older one alone again after that was taken
 * back. They hand each other what they leave in Redis and on the topics, in both directions, and die all the time. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/die.h"
#include "base/mem.h"
#include "tests/chaos/scene.h"
#include "tests/support/poll.h"
#include "tests/support/temp_dir.h"

enum { WORKERS = 2, CONNECTIONS = 4, MEMBERS = 100, BUILD_MS = 600000, NO_HISTORY = 77 };

static bool has_ended(void *arg)
{
    return process_status(arg) != PROCESS_RUNS;
}

/* Path of its binary; the caller frees it. NULL: the history of the repository is not here. */
static char *find_older_version(void)
{
    static const char *const argv[] = {"tests/chaos/older_version.sh", NULL};
    char *dir = temp_dir_create();
    char *log_path = temp_dir_path(dir, "log");
    struct process *script = process_start(argv, NULL, log_path);
    char *output, *path = NULL;

    poll_until_within(has_ended, script, BUILD_MS);
    output = process_output(script);
    if (process_status(script) == 0) {
        path = xmemdup(output, strcspn(output, "\n"));
    } else if (process_status(script) != NO_HISTORY) {
        die("the older version cannot be built: %s", output);
    }
    free(output);
    free(log_path);
    process_destroy(script);
    temp_dir_destroy(dir);
    return path;
}

static void start(struct scene *scene, int index, const char *binary)
{
    scene->system->worker_binary = binary;
    scene_start_worker(scene, index, WORKERS, NULL);
}

/* Kills one worker after the other, each taken over by the other version. Returns how often. */
static int exchange_versions(struct scene *scene, const char *const versions[2], int64_t ms)
{
    int64_t end_ms = clock_mono_ms() + ms;
    int kills = 0;

    for (int i = 0; i < WORKERS; i++) {
        start(scene, i, versions[i % 2]);
    }
    for (; clock_mono_ms() < end_ms; kills++) {
        poll_pause_ms(300 + (int64_t)random_below(&scene->random, 400));
        scene_kill_worker(scene, kills % WORKERS);
        start(scene, kills % WORKERS, versions[(kills / WORKERS + kills % WORKERS + 1) % 2]);
    }
    return kills;
}

static void an_older_version_runs_beside_this_one_and_again_alone(void **state)
{
    static const char *const env[] = {"HTTP_CONNECTIONS=4", "CHAOS_HURRY=60", NULL};
    static const char *const args[] = {"--latency-ms", "20", NULL};
    static const char faults[] = "{\"faults\":[{\"kind\":\"http_425\",\"probability\":0.2},"
                                 "{\"kind\":\"reset_after\",\"probability\":0.02}]}";
    char *older = find_older_version();
    const char *versions[2] = {older, NULL};
    struct scene *scene;
    int64_t from_ms = clock_wall_ms();
    int64_t parked;
    int kills;
    bool is_fine;

    (void)state;
    if (!older) {
        skip();
    }
    scene = scene_create(&(struct scene_options){.worker_env = env, .sandbox_args = args});
    system_set_faults(scene->system, faults);
    scene_publish(scene, MEMBERS, 1, scene_is_long() ? 60 : 20);
    kills = exchange_versions(scene, versions, scene_is_long() ? 60000 : 15000);
    scene_publish(scene, MEMBERS, 101, 103);
    for (int i = 0; i < WORKERS; i++) {
        scene_kill_worker(scene, i);
        start(scene, i, older);
    }
    system_set_faults(scene->system, "{\"faults\":[]}");
    scene_note_fault(scene, "resets", from_ms);
    scene->rules.held_most[CHANNEL_SMS] = (size_t)(kills + WORKERS) * CONNECTIONS + (size_t)scene->published / 10;
    is_fine = scene_judge(scene);
    parked = kafka_tool_count(scene->system->kafka, system_topic(scene->system, "retry.1m"));
    scene_report("T37", "an older version beside this one under kills, then alone again", is_fine,
                 "%d events, %d kills, %lld parked, %zu lost, %zu duplicates, %zu SMS held, %zu unexplained",
                 scene->published, kills + WORKERS, (long long)parked, scene->figures.missing,
                 scene->figures.duplicates, scene->figures.held[CHANNEL_SMS], scene->figures.unexplained);
    assert_true(is_fine);
    assert_true(parked > 0); /* they did hand each other something */
    scene_destroy(scene);
    free(older);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_older_version_runs_beside_this_one_and_again_alone)};

    scene_choose_tests();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
