/* T13, T14, T16, T17: Redis is emptied, full, slow, frozen, or forgets its scripts. */
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

enum { WORKERS = 2, CONNECTIONS = 8, SLOW_KAFKA_MS = 200, FULL_MS = 3000, MOST_IN_FLIGHT = 200 };

static const char *const worker_env[] = {"HTTP_CONNECTIONS=8", NULL};
static const char *const sandbox_args[] = {"--latency-ms", "40", NULL};

static struct scene *begin(bool has_proxies, const char *const redis_options[])
{
    struct scene *scene = scene_create(&(struct scene_options){.worker_env = worker_env, .sandbox_args = sandbox_args,
                                                               .has_proxies = has_proxies, .redis_options = redis_options});

    scene_publish(scene, 150, 1, 10);
    for (int i = 0; i < WORKERS; i++) {
        scene_start_worker(scene, i, WORKERS, NULL);
    }
    scene_wait_accepted(scene, 600);
    return scene;
}

static void empty_redis(struct scene *scene)
{
    scene_begin_redis_loss(scene);
    assert_string_equal(redis_server_command(scene->system->redis, "FLUSHALL"), "+OK");
    scene_end_redis_loss(scene);
}

static bool is_empty(const struct scene *scene)
{
    return strcmp(redis_server_command(scene->system->redis, "HGET n:{test.00}:guard e"), "$-1") == 0;
}


static void redis_is_emptied_in_mid_run(void **state)
{
    struct scene *scene = begin(true, NULL);
    int64_t from_ms = clock_wall_ms();
    int64_t after_ms = clock_mono_ms();
    int64_t requests, sent_while_empty = 0;
    bool is_fine;

    (void)state;
    chaos_proxy_delay(scene->kafka_proxy, SLOW_KAFKA_MS); /* so that the rebuild takes a while */
    empty_redis(scene);
    poll_pause_ms(150); /* what was on the wire */
    requests = scene_count(scene, "requests");
    for (int64_t now = requests; is_empty(scene); now = scene_count(scene, "requests")) {
        sent_while_empty = now > requests && is_empty(scene) ? now - requests : sent_while_empty;
    }
    after_ms = clock_mono_ms() - after_ms;
    scene_note_fault(scene, "emptied", from_ms);
    chaos_proxy_delay(scene->kafka_proxy, 0);
    scene->rules.held_most[CHANNEL_SMS] = 0;
    is_fine = scene_judge(scene);
    scene_report("T13", "Redis emptied in mid-run", is_fine && sent_while_empty == 0,
                 "%d events, %zu lost, %zu duplicates, %zu held, %lld sent while it could not remember (%.1f s)",
                 scene->published, scene->figures.missing, scene->figures.duplicates, scene->figures.held[CHANNEL_SMS],
                 (long long)sent_while_empty, (double)after_ms / 1000);
    assert_true(is_fine);
    assert_int_equal(sent_while_empty, 0);
    scene_destroy(scene);
}

static int64_t count_outcomes(const struct scene *scene)
{
    return kafka_tool_count(scene->system->kafka, system_topic(scene->system, "outcomes"));
}

/* Whoever knew what is on the wire is gone together with Redis: with a key nothing is doubled; without one at most what was
 * in flight: on the wire, or sent and its outcome not acknowledged by Kafka yet. */
static void redis_is_emptied_and_all_workers_die(void **state)
{
    struct scene *scene = begin(false, NULL);
    int64_t in_flight;
    bool is_fine;

    (void)state;
    for (int i = 0; i < WORKERS; i++) {
        scene_kill_worker(scene, i);
    }
    in_flight = scene_count(scene, "accepted") - count_outcomes(scene);
    empty_redis(scene);
    for (int i = 0; i < WORKERS; i++) {
        scene_start_worker(scene, i, WORKERS, NULL);
    }
    scene->rules.may_resend[CHANNEL_SMS] = true;
    scene->rules.duplicates_most = (size_t)in_flight;
    is_fine = scene_judge(scene) && in_flight < MOST_IN_FLIGHT;
    scene_report("T14", "Redis emptied and all workers killed in one second", is_fine,
                 "%d events, %zu lost, %zu duplicates (SMS only; %lld were in flight, %d connections), %zu unexplained",
                 scene->published, scene->figures.missing, scene->figures.duplicates, (long long)in_flight,
                 2 * WORKERS * CONNECTIONS, scene->figures.unexplained);
    assert_true(is_fine);
    scene_destroy(scene);
}

/* --- full --------------------------------------------------------------------------------------------------------- */

static int64_t used_memory(const struct scene *scene)
{
    /* the second line of the answer is lost in redis_server_command(), so ask by a script */
    return strtoll(redis_server_command(scene->system->redis,
                                        "EVAL \"return tonumber(string.match(redis.call('INFO','memory'),'used_memory:(%d+)'))\" 0") +
                       1,
                   NULL, 10);
}

static void set_maxmemory(const struct scene *scene, int64_t bytes)
{
    char words[64];

    snprintf(words, sizeof(words), "CONFIG SET maxmemory %lld", (long long)bytes);
    assert_string_equal(redis_server_command(scene->system->redis, words), "+OK");
}

static void redis_is_full_for_a_while(void **state)
{
    struct scene *scene = begin(false, NULL);
    int64_t from_ms = clock_wall_ms();
    int64_t requests, more;
    bool is_fine;

    (void)state;
    assert_true(used_memory(scene) > 1000);
    set_maxmemory(scene, used_memory(scene) / 2);
    poll_pause_ms(500); /* what was begun is finished */
    requests = scene_count(scene, "requests");
    poll_pause_ms(FULL_MS);
    more = scene_count(scene, "requests") - requests;
    set_maxmemory(scene, 0);
    scene_note_fault(scene, "full", from_ms);
    is_fine = scene_judge(scene);
    scene_report("T16", "Redis full for 3 s", is_fine && more == 0,
                 "%d events, %lld begun while full, %zu lost, %zu duplicates, %zu held", scene->published, (long long)more,
                 scene->figures.missing, scene->figures.duplicates, scene->figures.held[CHANNEL_SMS]);
    assert_true(is_fine);
    assert_int_equal(more, 0);
    scene_destroy(scene);
}

static void redis_that_may_evict_is_refused(void **state)
{
    static const char *const options[] = {"--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru", NULL};
    struct scene *scene = scene_create(&(struct scene_options){.redis_options = options});
    bool is_refused;

    (void)state;
    scene_publish(scene, 10, 1, 1);
    scene_start_worker(scene, 0, 1, NULL);
    is_refused = process_wait_for_output(scene->system->workers[0], "set maxmemory-policy to noeviction");
    poll_pause_ms(500);
    scene_report("T16", "Redis that may evict", is_refused && scene_count(scene, "requests") == 0,
                 "refused: %s, %lld requests, ready: %d", is_refused ? "yes" : "no",
                 (long long)scene_count(scene, "requests"), system_ask_worker(scene->system, 0, "/readyz", NULL));
    assert_true(is_refused);
    assert_int_equal(scene_count(scene, "requests"), 0);
    scene_destroy(scene);
}

/* --- slow, frozen, without scripts -------------------------------------------------------------------------------- */

static void redis_forgets_scripts_is_slow_and_stands_still(void **state)
{
    struct scene *scene = begin(true, NULL);
    const int64_t freeze_ms = scene_is_long() ? 10000 : 4000;
    int64_t from_ms, requests, while_frozen;
    int flushes = 0;
    bool is_fine;

    (void)state;
    for (; flushes < 30; flushes++) {
        assert_string_equal(redis_server_command(scene->system->redis, "SCRIPT FLUSH"), "+OK");
        poll_pause_ms(100);
    }
    from_ms = clock_wall_ms();
    chaos_proxy_delay(scene->redis_proxy, 100); /* 200 ms there and back */
    poll_pause_ms(3000);
    chaos_proxy_delay(scene->redis_proxy, 0);
    scene_note_fault(scene, "slow", from_ms);
    from_ms = clock_wall_ms();
    redis_server_freeze(scene->system->redis, true);
    poll_pause_ms(1200); /* what was on the wire */
    requests = scene_count(scene, "requests");
    poll_pause_ms(freeze_ms - 1200);
    while_frozen = scene_count(scene, "requests") - requests;
    redis_server_freeze(scene->system->redis, false);
    scene_note_fault(scene, "frozen", from_ms);
    scene->rules.held_most[CHANNEL_SMS] = 2 * WORKERS * CONNECTIONS; /* leases that ran out while it stood still */
    is_fine = scene_judge(scene);
    scene_report("T17", "scripts flushed every 100 ms, 200 ms latency, standing still", is_fine && while_frozen == 0,
                 "%d events, %d flushes, %.0f s frozen with %lld requests, %zu lost, %zu duplicates, %zu held",
                 scene->published, flushes, (double)freeze_ms / 1000, (long long)while_frozen, scene->figures.missing,
                 scene->figures.duplicates, scene->figures.held[CHANNEL_SMS]);
    assert_true(is_fine);
    assert_int_equal(while_frozen, 0);
    scene_destroy(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(redis_is_emptied_in_mid_run),
        cmocka_unit_test(redis_is_emptied_and_all_workers_die),
        cmocka_unit_test(redis_is_full_for_a_while),
        cmocka_unit_test(redis_that_may_evict_is_refused),
        cmocka_unit_test(redis_forgets_scripts_is_slow_and_stands_still),
    };

    scene_choose_tests();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
