/* T25: the clock of Redis' own host jumps a day ahead, or back, while workers work, and is right again later. Nothing begins
 * meanwhile, although every lease looks as if it had long run out. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tests/chaos/scene.h"
#include "tests/support/poll.h"
#include "tests/support/temp_dir.h"

enum { WORKERS = 2, DAY_S = 86400, ALARM_MS = 5000, WRONG_MS = 3000 };

static const char *const worker_env[] = {"HTTP_CONNECTIONS=8", NULL};
static const char *const sandbox_args[] = {"--latency-ms", "40", NULL};

/* Seconds that Redis' clock is ahead, from now on. Written in place: the file is mapped. */
static void set_clock(const char *path, int64_t seconds)
{
    FILE *file = fopen(path, "r+");

    file = file ? file : fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(&seconds, sizeof(seconds), 1, file), 1);
    fclose(file);
}

/* Nobody has written to the one that runs yet. */
static void start_redis_with_clock(struct scene *scene, const char *path)
{
    const char *binary = system_binary();
    char *preload = xasprintf("%.*stests/chaos/preload/move_clock.so", (int)(strlen(binary) - strlen("perkline")), binary);

    set_clock(path, 0);
    setenv("MOVE_CLOCK", path, 1);
    setenv("LD_PRELOAD", preload, 1);
    redis_server_restart(scene->system->redis);
    unsetenv("LD_PRELOAD");
    unsetenv("MOVE_CLOCK");
    free(preload);
}

static int64_t redis_seconds(const struct scene *scene)
{
    char *answer = redis_server_read(scene->system->redis, "TIME"); /* two texts: seconds, microseconds */
    const char *len = strstr(answer, "\r\n$"), *text = len ? strstr(len + 2, "\r\n") : NULL;
    int64_t seconds = text ? strtoll(text + 2, NULL, 10) : 0;

    free(answer);
    return seconds;
}

static bool have_alarmed(void *arg)
{
    const struct scene *scene = arg;
    bool have = true;

    for (int i = 0; i < WORKERS && have; i++) {
        char *answer = NULL;

        have = system_ask_worker(scene->system, i, "/readyz", &answer) == 503 && strstr(answer, "clocks of this machine");
        free(answer);
    }
    return have;
}

struct figures {
    int64_t slowest_ms, meanwhile;
    bool has_alarmed;
};

/* Out by so many seconds for a while, with work to do. */
static void be_wrong(struct scene *scene, const char *path, int64_t seconds, struct figures *figures)
{
    int64_t from_ms = clock_wall_ms(), began_ms = clock_mono_ms(), requests;

    set_clock(path, seconds);
    assert_in_range(redis_seconds(scene) - clock_wall_ms() / 1000 - seconds + 2, 0, 4);
    figures->has_alarmed &= poll_until_within(have_alarmed, scene, 4 * ALARM_MS);
    began_ms = clock_mono_ms() - began_ms;
    figures->slowest_ms = began_ms > figures->slowest_ms ? began_ms : figures->slowest_ms;
    poll_pause_ms(500); /* what is on the wire is finished */
    requests = scene_count(scene, "requests");
    poll_pause_ms(WRONG_MS);
    figures->meanwhile += scene_count(scene, "requests") - requests;
    set_clock(path, 0);
    scene_wait_accepted(scene, 100);
    scene_note_fault(scene, "clock of Redis", from_ms);
}

static void the_clock_of_redis_is_wrong_for_a_while(void **state)
{
    struct scene *scene = scene_create(&(struct scene_options){.worker_env = worker_env, .sandbox_args = sandbox_args});
    char *path = temp_dir_path(scene->system->dir, "redis-clock");
    struct figures figures = {.has_alarmed = true};
    bool is_fine;

    (void)state;
    start_redis_with_clock(scene, path);
    for (int i = 0; i < WORKERS; i++) {
        scene_start_worker(scene, i, WORKERS, NULL);
    }
    for (int i = 0; i < WORKERS; i++) {
        system_wait_ready(scene->system, i);
    }
    scene_publish(scene, 100, 1, 12);
    scene_wait_accepted(scene, 50);
    be_wrong(scene, path, DAY_S, &figures);
    be_wrong(scene, path, -DAY_S, &figures);
    is_fine = scene_judge(scene) && figures.has_alarmed && figures.meanwhile == 0;
    scene_report("T25", "the clock of Redis' host is a day ahead for a while, then a day back", is_fine,
                 "%d events, %s within %.2f s (goal 5), %lld requests while it was wrong, %zu lost, %zu duplicates, %zu held, "
                 "%zu asked again",
                 scene->published, figures.has_alarmed ? "alarm of both workers" : "no alarm", (double)figures.slowest_ms / 1000,
                 (long long)figures.meanwhile, scene->figures.missing, scene->figures.duplicates,
                 scene->figures.held[CHANNEL_SMS], scene->figures.further);
    assert_true(is_fine);
    free(path);
    scene_destroy(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clock_of_redis_is_wrong_for_a_while),
    };

    scene_choose_tests();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
