/* T11, T12, T15: Redis dies and comes back, with all that it knew, without its last moments, or as a replica that lags. The
 * workers live on, so nothing is sent twice and nothing is held. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tests/chaos/scene.h"
#include "tests/support/poll.h"

enum { WORKERS = 2, PERIOD_MS = 5000, RESUME_MS = 2000, LAG_MS = 500, TAIL_BYTES = 6000 };

static const char *const worker_env[] = {"HTTP_CONNECTIONS=8", NULL};
static const char *const sandbox_args[] = {"--latency-ms", "40", NULL};

static void start_workers(struct scene *scene)
{
    for (int i = 0; i < WORKERS; i++) {
        scene_start_worker(scene, i, WORKERS, NULL);
    }
    scene_wait_accepted(scene, 50);
}

static bool has_recovered(void *arg)
{
    const struct scene *scene = ((void **)arg)[0];
    int64_t accepted = scene_count(scene, "accepted");

    return accepted > *(int64_t *)((void **)arg)[1] || accepted == 2 * (int64_t)scene->published;
}

/* Milliseconds until something is accepted again; what was on the wire when Redis went does not count. */
static int64_t time_to_resume(struct scene *scene)
{
    int64_t begin_ms = clock_mono_ms();
    int64_t before = scene_count(scene, "accepted");
    void *arg[] = {scene, &before};

    poll_until_within(has_recovered, arg, 20000);
    return clock_mono_ms() - begin_ms;
}

/* Publishes so much that there is work until the end. */
static int publish_for(struct scene *scene, int64_t ms)
{
    int rounds = (int)(ms / 1000) * 4;

    scene_publish(scene, 100, 1, rounds > 4 ? rounds : 4);
    return scene->published;
}

/* --- the append-only file ----------------------------------------------------------------------------------------- */

static void cut_tail(const struct redis_server *redis, long bytes)
{
    char *path = xasprintf("%s/appendonlydir/appendonly.aof.1.incr.aof", redis_server_dir(redis));
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size > bytes ? st.st_size - bytes : 0), 0);
    free(path);
}

static void restart_every_five_seconds(const char *id, const char *what, bool is_cut)
{
    static const char *const always[] = {"--appendonly", "yes", "--appendfsync", "always", NULL};
    static const char *const everysec[] = {"--appendonly", "yes", "--appendfsync", "everysec", NULL};
    struct scene *scene = scene_create(&(struct scene_options){
        .worker_env = worker_env, .sandbox_args = sandbox_args, .redis_options = is_cut ? everysec : always});
    const int64_t run_ms = scene_is_long() ? 60000 : 20000;
    int64_t slowest_ms = 0;
    int restarts = 0;
    bool is_fine;

    publish_for(scene, run_ms);
    start_workers(scene);
    while (scene_age_ms(scene) < run_ms) {
        int64_t from_ms = clock_wall_ms();
        int64_t took_ms;

        scene_begin_redis_loss(scene);
        redis_server_kill(scene->system->redis);
        if (is_cut) {
            cut_tail(scene->system->redis, TAIL_BYTES);
        }
        redis_server_restart(scene->system->redis);
        scene_end_redis_loss(scene);
        took_ms = time_to_resume(scene);
        slowest_ms = took_ms > slowest_ms ? took_ms : slowest_ms;
        scene_note_fault(scene, "redis", from_ms);
        restarts++;
        poll_pause_ms(PERIOD_MS - took_ms > 0 ? PERIOD_MS - took_ms : 0);
    }
    is_fine = scene_judge(scene);
    scene_report(id, what, is_fine && slowest_ms <= RESUME_MS,
                 "%d events, %d restarts, %zu lost, %zu duplicates, %zu held, sends again at most %.2f s after PONG",
                 scene->published, restarts, scene->figures.missing, scene->figures.duplicates,
                 scene->figures.held[CHANNEL_SMS], (double)slowest_ms / 1000);
    assert_true(is_fine);
    scene_destroy(scene);
}

static void redis_is_killed_every_five_seconds(void **state)
{
    (void)state;
    restart_every_five_seconds("T11", "Redis killed every 5 s, every write on disk", false);
}

static void redis_loses_its_last_moments_every_five_seconds(void **state)
{
    (void)state;
    restart_every_five_seconds("T12", "Redis killed every 5 s, the end of its file lost", true);
}

/* --- a replica ---------------------------------------------------------------------------------------------------- */

static bool is_linked(void *arg)
{
    return strstr(redis_server_command(arg, "ROLE"), "*5") != NULL;
}

static void a_lagging_replica_is_promoted(void **state)
{
    char *address = system_free_address();
    const char *port = strrchr(address, ':') + 1;
    const char *const primary_options[] = {"--port", port, "--bind", "127.0.0.1", "--repl-diskless-sync-delay", "0", NULL};
    const char *const replica_options[] = {"--repl-diskless-load", "disabled", NULL};
    struct scene *scene = scene_create(&(struct scene_options){.worker_env = worker_env, .sandbox_args = sandbox_args,
                                                               .redis_options = primary_options, .has_proxies = true});
    struct chaos_proxy *link = chaos_proxy_start(&(struct chaos_proxy_settings){.to = address, .seed = 1});
    struct redis_server *replica = redis_server_start(replica_options);
    struct redis_server *primary = scene->system->redis;
    size_t noticed = 0;
    int64_t from_ms;
    char words[64];
    bool is_fine;

    (void)state;
    snprintf(words, sizeof(words), "REPLICAOF 127.0.0.1 %s", strrchr(chaos_proxy_address(link), ':') + 1);
    redis_server_command(replica, words);
    assert_true(poll_until(is_linked, replica));
    publish_for(scene, 10000);
    start_workers(scene);
    chaos_proxy_delay(link, LAG_MS);
    scene_wait_accepted(scene, 800);
    from_ms = clock_wall_ms();
    scene_begin_redis_loss(scene);
    chaos_proxy_down(scene->redis_proxy, true);
    redis_server_kill(primary);
    chaos_proxy_down(link, true);
    assert_string_equal(redis_server_command(replica, "REPLICAOF NO ONE"), "+OK");
    scene->system->redis = replica;
    chaos_proxy_move(scene->redis_proxy, redis_server_socket(replica));
    chaos_proxy_down(scene->redis_proxy, false);
    scene_end_redis_loss(scene);
    time_to_resume(scene);
    scene_note_fault(scene, "failover", from_ms);
    is_fine = scene_judge(scene);
    for (int i = 0; i < WORKERS; i++) {
        noticed += process_count_output(scene->system->workers[i], "\"redis_server\"") >= 2;
    }
    scene_report("T15", "a replica that lags by 500 ms is promoted", is_fine && noticed == WORKERS,
                 "%d events, %zu lost, %zu duplicates, %zu held, noticed by %zu of %d workers", scene->published,
                 scene->figures.missing, scene->figures.duplicates, scene->figures.held[CHANNEL_SMS], noticed, WORKERS);
    assert_true(is_fine);
    assert_int_equal(noticed, WORKERS);
    chaos_proxy_stop(link);
    redis_server_destroy(primary);
    scene_destroy(scene);
    free(address);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(redis_is_killed_every_five_seconds),
        cmocka_unit_test(redis_loses_its_last_moments_every_five_seconds),
        cmocka_unit_test(a_lagging_replica_is_promoted),
    };

    scene_choose_tests();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
