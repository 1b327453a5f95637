#include "tests/chaos/scene.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tests/chaos/scene_logs.h"
#include "tests/chaos/scene_watch.h"
#include "tests/support/events.h"
#include "tests/support/poll.h"
#include "tests/support/temp_dir.h"

/* The embedded broker keeps 5 MiB of each partition (librdkafka 2.0.2): the outcomes of a long form need LONG_PARTITIONS. */
enum { LONG_PARTITIONS = 32, IDLE_MS = 120000, LONG_IDLE_MS = 900000 };
enum { ENV_MOST = 24, OWN_MOST = 5, DROPS_MOST = 16384 };

int64_t scene_seed(void)
{
    const char *text = getenv("CHAOS_SEED");

    return text && *text ? strtoll(text, NULL, 10) : 1;
}

bool scene_is_long(void)
{
    const char *text = getenv("CHAOS_LONG");

    return text && *text && strcmp(text, "0") != 0;
}

void scene_choose_tests(void)
{
    const char *pattern = getenv("CHAOS_TEST");

    if (pattern && *pattern) {
        cmocka_set_test_filter(pattern);
    }
}

/* --- begin and end ------------------------------------------------------------------------------------------------ */

static void write_policies(const struct scene *scene, const struct scene_options *options)
{
    char *text = xasprintf("on: test.note\nclass: transactional\ndedupe: [member.id, note.seq]\ndedupe_for: 30d\n"
                           "channels:\n  email: { ambiguous: %s }\n  sms: { ambiguous: %s }\n",
                           options->email_policy ? options->email_policy : "resend",
                           options->sms_policy ? options->sms_policy : "hold");

    temp_dir_write(scene->system->templates_dir, "note/flow.yaml", text);
    free(text);
}

static void start_proxies(struct scene *scene)
{
    struct chaos_proxy_settings settings = {.to = redis_server_socket(scene->system->redis), .seed = (uint64_t)scene->seed};

    scene->redis_proxy = chaos_proxy_start(&settings);
    settings.to = scene->system->sandbox_listen;
    scene->provider_proxy = chaos_proxy_start(&settings);
    settings.to = scene->system->bootstrap;
    settings.is_kafka = true;
    scene->kafka_proxy = chaos_proxy_start(&settings);
}

static int partitions_for(const struct scene_options *options)
{
    bool is_embedded = !getenv("KAFKA_BOOTSTRAP") && !options->mock;

    return options->partitions ? options->partitions : scene_is_long() && is_embedded ? LONG_PARTITIONS : SYSTEM_PARTITIONS;
}

struct scene *scene_create(const struct scene_options *options)
{
    struct scene *scene = xcalloc(1, sizeof(*scene));
    const struct system_options system_options = {
        .is_group = options->is_group,
        .channels = options->channels,
        .partitions = partitions_for(options),
        .mock = options->mock,
        .worker_env = options->worker_env,
        .sandbox_args = options->sandbox_args,
        .redis_options = options->redis_options,
    };

    scene->seed = scene_seed();
    random_init(&scene->random, (uint64_t)scene->seed);
    scene->system = system_create(&system_options);
    write_policies(scene, options);
    scene->history = history_create();
    scene->began_ms = clock_mono_ms();
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        scene->rules.is_channel_used[channel] =
            !options->channels || strstr(options->channels, channel_name((enum channel)channel));
    }
    scene->rules.may_resend[CHANNEL_SMS] = options->sms_policy && strcmp(options->sms_policy, "resend") == 0;
    scene->watch = options->is_unwatched ? NULL : scene_watch_start(scene);
    if (options->has_proxies) {
        start_proxies(scene);
    }
    return scene;
}

void scene_destroy(struct scene *scene)
{
    if (scene) {
        scene_watch_stop(scene->watch);
        chaos_proxy_stop(scene->redis_proxy);
        chaos_proxy_stop(scene->kafka_proxy);
        chaos_proxy_stop(scene->provider_proxy);
        history_destroy(scene->history);
        system_destroy(scene->system);
        free(scene);
    }
}

int64_t scene_age_ms(const struct scene *scene)
{
    return clock_mono_ms() - scene->began_ms;
}

/* --- what goes on ------------------------------------------------------------------------------------------------- */

void scene_publish(struct scene *scene, int members, int first, int last)
{
    events_publish_notes(scene->system, members, first, last);
    scene->published += members * (last - first + 1);
}

struct process *scene_start_worker(struct scene *scene, int index, int count, const char *const env[])
{
    int partitions = scene->system->options.partitions;
    const char *all[ENV_MOST] = {NULL};
    char *own[OWN_MOST] = {NULL};
    struct process *worker;
    size_t used = 0;

    if (!scene->system->options.is_group) {
        own[used++] = xasprintf("KAFKA_ASSIGN=%d-%d", partitions * index / count, partitions * (index + 1) / count - 1);
    }
    if (scene->redis_proxy) {
        own[used++] = xasprintf("REDIS_URL=redis://%s", chaos_proxy_address(scene->redis_proxy));
        own[used++] = xasprintf("KAFKA_BROKERS=%s", chaos_proxy_address(scene->kafka_proxy));
        own[used++] = xasprintf("BREVO_URL=http://%s", chaos_proxy_address(scene->provider_proxy));
    }
    memcpy(all, own, sizeof(own));
    for (; env && *env && used < ENV_MOST - 1; env++) {
        all[used++] = *env;
    }
    worker = system_start_worker(scene->system, index, all);
    for (size_t i = 0; i < OWN_MOST; i++) {
        free(own[i]);
    }
    return worker;
}

void scene_note_fault(struct scene *scene, const char *what, int64_t from_ms)
{
    history_add_fault(scene->history, what, from_ms, clock_wall_ms());
}

void scene_kill_worker(struct scene *scene, int index)
{
    int64_t from_ms = clock_wall_ms();

    process_kill(scene->system->workers[index]);
    scene_note_fault(scene, "kill", from_ms);
}

void scene_note_drops(struct scene *scene, struct chaos_proxy *proxy)
{
    int64_t *times = xcalloc(DROPS_MOST, sizeof(*times));
    size_t count = chaos_proxy_drop_times(proxy, times, DROPS_MOST);

    for (size_t i = 0; i < count; i++) {
        history_add_fault(scene->history, "answer lost", times[i], times[i] + 100);
    }
    free(times);
}

void scene_begin_redis_loss(struct scene *scene)
{
    scene_watch_lock(scene->watch);
}

void scene_end_redis_loss(struct scene *scene)
{
    history_add_redis_loss(scene->history, scene_watch_unlock(scene->watch));
}

int64_t scene_count(const struct scene *scene, const char *what)
{
    int64_t sum = 0;

    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        if (scene->rules.is_channel_used[channel]) {
            sum += system_sandbox_count(scene->system, (enum channel)channel, what);
        }
    }
    return sum;
}

struct progress {
    const struct scene *scene;
    int64_t wanted;
};

static bool has_accepted(void *arg)
{
    const struct progress *progress = arg;

    return scene_count(progress->scene, "accepted") >= progress->wanted;
}

bool scene_wait_accepted(struct scene *scene, int64_t more)
{
    struct progress progress = {scene, scene_count(scene, "accepted") + more};

    return poll_until(has_accepted, &progress);
}

/* --- judgement ---------------------------------------------------------------------------------------------------- */

static void show_workers(const struct scene *scene)
{
    for (int i = 0; i < SYSTEM_MOST_WORKERS; i++) {
        if (scene->system->workers[i]) {
            char *output = process_output(scene->system->workers[i]);
            size_t len = strlen(output);

            fprintf(stderr, "--- the end of what worker %d printed\n%s\n", i, output + (len > 1500 ? len - 1500 : 0));
            free(output);
        }
    }
}

bool scene_judge_now(struct scene *scene, int64_t lag)
{
    struct buf report;
    bool is_fine;

    scene->rules.lag = lag;
    scene->rules.last_snapshot = scene_watch_finish(scene->watch, scene->history);
    scene_logs_collect(scene->system, scene->history);
    buf_init(&report, 0);
    is_fine = history_check(scene->history, &scene->rules, &scene->figures, &report);
    if (!is_fine) {
        fprintf(stderr, "seed %lld\n%s", (long long)scene->seed, buf_text(&report));
        show_workers(scene);
    }
    buf_finish(&report);
    return is_fine;
}

static bool is_idle(void *arg)
{
    return system_is_idle(arg);
}

bool scene_wait_idle_within(struct scene *scene, int64_t ms)
{
    return poll_until_within(is_idle, scene->system, ms);
}

bool scene_wait_idle(struct scene *scene)
{
    return scene_wait_idle_within(scene, scene_is_long() ? LONG_IDLE_MS : IDLE_MS);
}

bool scene_judge(struct scene *scene)
{
    int64_t lag = 0;

    if (!scene_wait_idle(scene)) {
        lag = system_lag(scene->system, "events") + system_lag(scene->system, "retry.1m");
    }
    return scene_judge_now(scene, lag);
}

void scene_report(const char *id, const char *what, bool is_passed, const char *format, ...)
{
    const char *path = getenv("CHAOS_REPORT");
    FILE *file = path && *path ? fopen(path, "a") : NULL;
    char figures[512];
    va_list args;

    va_start(args, format);
    vsnprintf(figures, sizeof(figures), format, args);
    va_end(args);
    printf("%s | %s | %s | %s | seed %lld\n", id, what, figures, is_passed ? "pass" : "FAIL", (long long)scene_seed());
    fflush(stdout);
    if (file) {
        fprintf(file, "%s\t%s\t%s\t%s\n", id, what, figures, is_passed ? "pass" : "FAIL");
        fclose(file);
    }
}
