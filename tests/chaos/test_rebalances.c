/* T05 (C16), T07, T25, T42: death within a revoke, workers that come and go in a consumer group, a wrong clock, and an hour of
 * everything. With KAFKA_BOOTSTRAP the group's Kafka is the one that it names; with KAFKA_CLUSTER a broker of it dies, too. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/settings.h"
#include "tests/chaos/history_timing.h"
#include "tests/chaos/scene.h"
#include "tests/support/kafka_cluster.h"
#include "tests/support/poll.h"

/* Kafka takes 9 s to give up a broker that died, and answers no heartbeat meanwhile. Whose session is over by then comes back as
 * another member, and the group waits for the one that it was, for a whole session more. */
enum { SESSION_MS = 15000 };

/* --- T07 ---------------------------------------------------------------------------------------------------------- */

enum { COMING_AND_GOING = 4, CHANGE_EVERY_MS = 10000, ROUNDS_MOST = 2000 };

/* What is published, round after round, while workers come and go. */
struct tide {
    struct scene *scene;
    int rounds;                     /* the first is 1 */
    int64_t known_ms[ROUNDS_MOST];  /* when Kafka had all of a round */
    int64_t slowest_ms;             /* it took for one of them */
    int changes;
    int64_t next_ms;                /* the next change */
    int gone;                       /* broker; 0: none */
    int64_t gone_ms;
};

static void publish_round(struct tide *tide)
{
    int64_t began_ms = clock_wall_ms();

    assert_in_range(++tide->rounds, 1, ROUNDS_MOST - 1);
    scene_publish(tide->scene, 40, tide->rounds, tide->rounds); /* so that every partition always has something to do */
    tide->known_ms[tide->rounds] = clock_wall_ms();
    if (tide->known_ms[tide->rounds] - began_ms > tide->slowest_ms) {
        tide->slowest_ms = tide->known_ms[tide->rounds] - began_ms;
    }
}

static int64_t readable_ms(void *arg, const struct history_event *event)
{
    const struct tide *tide = arg;
    int member, round;

    return sscanf(event->name, "note-%d-%d", &member, &round) == 2 && round < ROUNDS_MOST ? tide->known_ms[round] : 0;
}

static void change_workers(struct tide *tide)
{
    int place = tide->changes / 2 % COMING_AND_GOING;

    if (tide->changes % 2 == 0) {
        system_stop_worker(tide->scene->system, place);
    } else {
        scene_start_worker(tide->scene, place, COMING_AND_GOING, NULL);
    }
    tide->changes++;
    tide->next_ms = scene_age_ms(tide->scene) + CHANGE_EVERY_MS;
}

/* The one that keeps the group of a channel: the worst that can be missing. */
static void choose_broker(struct tide *tide)
{
    char group[160];

    snprintf(group, sizeof(group), "%s-email", tide->scene->system->prefix);
    tide->gone = kafka_tool_coordinator(tide->scene->system->kafka, group);
    tide->gone_ms = clock_wall_ms();
    assert_true(tide->gone > 0);
}

static double silence_s(const struct history_silence *silence)
{
    return (double)(silence->to_ms - silence->from_ms) / 1000;
}

/* How long none was asked for, and how long although Kafka had some; returns the first. */
static double tell_silence(struct tide *tide, char *text, size_t size)
{
    struct history_silence silence = history_find_silence(tide->scene->history, NULL, NULL);
    struct history_silence with_work = history_find_silence(tide->scene->history, readable_ms, tide);
    int used = snprintf(text, size, "no partition silent for more than %.1f s, with something to read %.1f s",
                        silence_s(&silence), silence_s(&with_work));

    if (tide->gone) {
        snprintf(text + used, size - (size_t)used,
                 " (partition %d, from %.1f s after the broker of a group went; Kafka took up to %.1f s for a record)",
                 (int)silence.partition, (double)(silence.from_ms - tide->gone_ms) / 1000, (double)tide->slowest_ms / 1000);
    }
    return silence_s(&silence);
}

static struct tide *start_tide(int workers)
{
    static char session[48];
    static const char *const env[] = {"HTTP_CONNECTIONS=8", "WINDOW=32", session, NULL};
    static const char *const args[] = {"--latency-ms", "30", NULL};
    struct tide *tide = xcalloc(1, sizeof(*tide));

    snprintf(session, sizeof(session), "KAFKA_SESSION_TIMEOUT=%dms", SESSION_MS);
    tide->scene = scene_create(&(struct scene_options){.worker_env = env, .sandbox_args = args, .is_group = true});
    for (int i = 0; i < workers; i++) {
        scene_start_worker(tide->scene, i, workers, NULL);
    }
    system_wait_ready(tide->scene->system, 0);
    publish_round(tide);
    tide->next_ms = scene_age_ms(tide->scene) + CHANGE_EVERY_MS;
    return tide;
}

static void finish_tide(struct tide *tide, bool is_fine)
{
    if (tide->gone) {
        assert_true(kafka_cluster_restart(tide->scene->system, tide->gone));
    }
    assert_true(is_fine);
    scene_destroy(tide->scene);
    free(tide);
}

static void workers_come_and_go(void **state)
{
    const int64_t run_ms = scene_is_long() ? 180000 : kafka_cluster_is_there() ? 60000 : 40000;
    struct tide *tide = start_tide(COMING_AND_GOING);
    struct scene *scene = tide->scene;
    int64_t kill_ms = scene_age_ms(scene) + run_ms / 2 + CHANGE_EVERY_MS / 2;
    char told[256];
    bool is_fine;
    double most_s;

    (void)state;
    for (int64_t end_ms = scene_age_ms(scene) + run_ms; scene_age_ms(scene) < end_ms;) {
        publish_round(tide);
        poll_pause_ms(200);
        if (kafka_cluster_is_there() && !tide->gone && scene_age_ms(scene) >= kill_ms) {
            choose_broker(tide);
            assert_true(kafka_cluster_kill(scene->system, tide->gone));
        }
        if (scene_age_ms(scene) >= tide->next_ms) {
            change_workers(tide);
        }
    }
    is_fine = scene_judge(scene) && scene->figures.further == 0;
    most_s = tell_silence(tide, told, sizeof(told));
    /* the embedded broker takes seconds for a join: what a partition's silence comes to is judged on a real Kafka */
    scene_report("T07", "a worker joins or leaves the group every 10 s",
                 is_fine && (scene->system->broker || most_s <= SESSION_MS / 1000 + 5),
                 "%d events, %d changes, %d brokers killed, %zu lost, %zu duplicates, %zu held, %zu asked again, %s",
                 scene->published, tide->changes, tide->gone > 0, scene->figures.missing, scene->figures.duplicates,
                 scene->figures.held[CHANNEL_SMS], scene->figures.further, told);
    finish_tide(tide, is_fine);
}

static void publish_for(struct tide *tide, int64_t ms)
{
    for (int64_t end_ms = scene_age_ms(tide->scene) + ms; scene_age_ms(tide->scene) < end_ms;) {
        publish_round(tide);
        poll_pause_ms(200);
    }
}

/* As in a rolling restart of Kafka: no worker loses its place, and the silence is short. */
static void brokers_come_and_go(void **state)
{
    enum { WORKERS = 2, SILENCE_MOST_S = 5 };
    struct process *ending;
    struct tide *tide;
    char told[256];
    bool is_fine;
    double most_s;

    (void)state;
    if (!kafka_cluster_is_there()) {
        skip();
    }
    tide = start_tide(WORKERS);
    publish_for(tide, 5000);
    choose_broker(tide);
    ending = kafka_cluster_begin_end(tide->scene->system, tide->gone);
    while (process_status(ending) == PROCESS_RUNS) {
        publish_for(tide, 200);
    }
    assert_int_equal(process_status(ending), 0);
    process_destroy(ending);
    publish_for(tide, 5000);
    is_fine = scene_judge(tide->scene) && tide->scene->figures.further == 0;
    most_s = tell_silence(tide, told, sizeof(told));
    scene_report("T07", "a broker is stopped in good order", is_fine && most_s <= SILENCE_MOST_S,
                 "%d events, %zu lost, %zu duplicates, %zu held, %zu asked again, %s", tide->scene->published,
                 tide->scene->figures.missing, tide->scene->figures.duplicates,
                 tide->scene->figures.held[CHANNEL_SMS], tide->scene->figures.further, told);
    finish_tide(tide, is_fine);
}

/* --- T05, C16 ----------------------------------------------------------------------------------------------------- */

/* The first two are reached for each partition of the five topics, the last once for each channel. */
enum { VICTIMS = 3, HEIR = VICTIMS, REVOKE_ROUNDS = 3 };
static const char *const revoke_points[REVOKE_ROUNDS][VICTIMS] = {
    {"revoke_begun:2", "revoke_decided:2", "revoke_committed:1"},
    {"revoke_begun:10", "revoke_decided:10", "revoke_committed:2"},
    {"revoke_begun:1", "revoke_decided:1", "revoke_committed:1"},
};

static bool are_victims_dead(void *arg)
{
    const struct scene *scene = arg;

    for (int i = 0; i < VICTIMS; i++) {
        if (process_status(scene->system->workers[i]) == PROCESS_RUNS) {
            return false;
        }
    }
    return true;
}

static bool are_victims_ready(void *arg)
{
    const struct scene *scene = arg;

    for (int i = 0; i < VICTIMS; i++) {
        if (process_status(scene->system->workers[i]) == PROCESS_RUNS &&
            system_ask_worker(scene->system, i, "/readyz", NULL) != 200) {
            return false;
        }
    }
    return true;
}

/* Publishes all the time, so that every worker has requests on the wire. */
static bool publish_until(struct scene *scene, int *seq, poll_fn fn)
{
    for (int64_t end_ms = scene_age_ms(scene) + POLL_DEADLINE_MS; !fn(scene) && scene_age_ms(scene) < end_ms;) {
        ++*seq;
        scene_publish(scene, 40, *seq, *seq);
        poll_pause_ms(200);
    }
    return fn(scene);
}

/* Three workers, each to die at another place of its next revoke. The fourth leaves the group and comes back, which
 * brings the revokes about, and takes over what they leave. */
static int die_in_revokes(struct scene *scene, const char *const points[VICTIMS], int *seq)
{
    int64_t from_ms = clock_wall_ms();
    int dead = 0;

    for (int i = 0; i < VICTIMS; i++) {
        char *crash = xasprintf("CRASH_AT=%s", points[i]);
        const char *const env[] = {crash, NULL};

        scene_start_worker(scene, i, VICTIMS, env);
        free(crash);
    }
    publish_until(scene, seq, are_victims_ready);
    system_stop_worker(scene->system, HEIR);
    scene_start_worker(scene, HEIR, VICTIMS, NULL);
    publish_until(scene, seq, are_victims_dead);
    for (int i = 0; i < VICTIMS; i++) {
        dead += process_status(scene->system->workers[i]) == PROCESS_WAS_KILLED &&
                process_has_printed(scene->system->workers[i], "crash point revoke_");
    }
    scene_note_fault(scene, "death in a revoke", from_ms);
    return dead;
}

static void workers_die_within_a_revoke(void **state)
{
    enum { CONNECTIONS = 8 };
    static const char *const env[] = {"HTTP_CONNECTIONS=8", NULL};
    static const char *const args[] = {"--latency-ms", "50", NULL};
    const int rounds = scene_is_long() ? REVOKE_ROUNDS : 2;
    struct scene *scene = scene_create(
        &(struct scene_options){.worker_env = env, .sandbox_args = args, .is_group = true, .partitions = 8});
    int seq = 0, dead = 0;
    bool is_fine;

    (void)state;
    scene_start_worker(scene, HEIR, VICTIMS, NULL);
    system_wait_ready(scene->system, HEIR);
    for (int i = 0; i < rounds; i++) {
        dead += die_in_revokes(scene, revoke_points[i], &seq);
    }
    scene->rules.held_most[CHANNEL_SMS] = (size_t)rounds * VICTIMS * CONNECTIONS;
    is_fine = scene_judge(scene) && dead == rounds * VICTIMS;
    scene_report("T05", "death within a revoke (C16): as it begins, decided, committed", is_fine,
                 "%d of %d deaths, %d events, %zu lost, %zu duplicates, %zu SMS held, %zu asked again", dead, rounds * VICTIMS,
                 scene->published, scene->figures.missing, scene->figures.duplicates, scene->figures.held[CHANNEL_SMS],
                 scene->figures.further);
    assert_true(is_fine);
    scene_destroy(scene);
}

/* --- T25 ---------------------------------------------------------------------------------------------------------- */

static void a_worker_with_a_wrong_clock_sends_nothing(void **state)
{
    static const char *const errors[] = {"3600", "-3600", "3456000", "-3456000"};
    struct scene *scene = scene_create(&(struct scene_options){0});
    int64_t slowest_ms = 0, requests;
    int refused = 0;
    bool is_fine;

    (void)state;
    scene_publish(scene, 100, 1, 2);
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        char env_text[48];
        const char *const env[] = {env_text, NULL};
        int64_t began_ms = clock_mono_ms();

        snprintf(env_text, sizeof(env_text), "CHAOS_CLOCK_S=%s", errors[i]);
        scene_start_worker(scene, 0, 1, env);
        refused += process_wait_for_output(scene->system->workers[0], "the clocks of this machine and of Redis differ");
        began_ms = clock_mono_ms() - began_ms;
        slowest_ms = began_ms > slowest_ms ? began_ms : slowest_ms;
        poll_pause_ms(1000);
        process_kill(scene->system->workers[0]);
    }
    requests = scene_count(scene, "requests");
    scene_start_worker(scene, 0, 1, NULL);
    is_fine = scene_judge(scene);
    scene_report("T25", "a worker whose clock is off by an hour or 40 days", is_fine && requests == 0 && refused == 4,
                 "%d of 4 refused to work, %lld requests, alarm after at most %.1f s; then %d events, %zu lost, %zu duplicates",
                 refused, (long long)requests, (double)slowest_ms / 1000, scene->published, scene->figures.missing,
                 scene->figures.duplicates);
    assert_true(is_fine);
    assert_int_equal(requests, 0);
    assert_int_equal(refused, 4);
    scene_destroy(scene);
}

/* --- T42 ---------------------------------------------------------------------------------------------------------- */

/* KiB */
static int64_t memory_of(const struct scene *scene, int index)
{
    struct err err = {0};
    char path[64];
    char *text, *at;
    int64_t kib;

    snprintf(path, sizeof(path), "/proc/%d/status", process_id(scene->system->workers[index]));
    text = settings_read_file(path, 1 << 16, NULL, &err);
    at = text ? strstr(text, "VmRSS:") : NULL;
    kib = at ? strtoll(at + 6, NULL, 10) : -1;
    free(text);
    return kib;
}

/* File descriptors that the worker has open; -1 when it cannot be seen. */
static int files_of(const struct scene *scene, int index)
{
    char path[64];
    int count = 0;
    DIR *dir;

    snprintf(path, sizeof(path), "/proc/%d/fd", process_id(scene->system->workers[index]));
    dir = opendir(path);
    if (!dir) {
        return -1;
    }
    while (readdir(dir)) {
        count++;
    }
    closedir(dir);
    return count - 2; /* . and .. */
}

static void an_hour_of_everything(void **state)
{
    static const char *const env[] = {"HTTP_CONNECTIONS=8", "EMAIL_RATE=10", "SMS_RATE=10", "LOG_LEVEL=warn", NULL};
    struct scene *scene;
    int64_t first_kib = 0, last_kib;
    int first_files = 0, last_files;
    bool is_fine;
    int seq = 0;

    (void)state;
    if (!scene_is_long()) {
        skip();
    }
    scene = scene_create(&(struct scene_options){.worker_env = env, .has_proxies = true});
    system_set_faults(scene->system, "{\"faults\":[{\"kind\":\"reset_after\",\"probability\":0.01},{\"kind\":\"http_500\","
                                     "\"probability\":0.01},{\"kind\":\"hang_after_accept\",\"probability\":0.01}]}");
    scene_start_worker(scene, 0, 2, NULL);
    scene_start_worker(scene, 1, 2, NULL);
    while (scene_age_ms(scene) < 3600000) {
        int64_t from_ms = clock_wall_ms();

        seq++;
        scene_publish(scene, 40, seq, seq);
        poll_pause_ms(5000);
        switch (random_below(&scene->random, 12)) {
        case 0:
            scene_kill_worker(scene, 1);
            scene_start_worker(scene, 1, 2, NULL);
            break;
        case 1:
            chaos_proxy_reset(scene->redis_proxy);
            break;
        case 2:
            chaos_proxy_reset(scene->kafka_proxy);
            break;
        case 3:
            chaos_proxy_reset(scene->provider_proxy);
            scene_note_fault(scene, "reset", from_ms);
            break;
        default:
            break;
        }
        if (!first_kib && scene_age_ms(scene) > 600000) {
            first_kib = memory_of(scene, 0);
            first_files = files_of(scene, 0);
        }
    }
    last_kib = memory_of(scene, 0);
    last_files = files_of(scene, 0);
    scene->rules.held_most[CHANNEL_SMS] = (size_t)scene->published;
    is_fine = scene_judge(scene);
    scene_report("T42", "an hour of all faults at 1 in 100", is_fine,
                 "%d events, %zu lost, %zu duplicates, %zu unexplained, RSS from %lld to %lld KiB and %d to %d open files in "
                 "50 minutes",
                 scene->published, scene->figures.missing, scene->figures.duplicates, scene->figures.unexplained,
                 (long long)first_kib, (long long)last_kib, first_files, last_files);
    assert_true(is_fine);
    scene_destroy(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_come_and_go),
        cmocka_unit_test(brokers_come_and_go),
        cmocka_unit_test(workers_die_within_a_revoke),
        cmocka_unit_test(a_worker_with_a_wrong_clock_sends_nothing),
        cmocka_unit_test(an_hour_of_everything),
    };

    scene_choose_tests();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
