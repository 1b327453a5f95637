#include "tests/chaos/scene_watch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/die.h"
#include "base/mem.h"
#include "tests/support/kafka_tool.h"
#include "tests/support/poll.h"
#include "tests/support/redis_dump.h"

enum { LOOK_MS = 100, SNAPSHOT_MS = 2000, MOST_PARTITIONS = 256 };

struct scene_watch {
    const struct scene *scene;
    struct kafka_tool *kafka;
    char topic[128];
    int partitions;
    pthread_t thread;
    bool is_running;
    pthread_mutex_t lock; /* over snapshots */
    volatile bool is_ending;
    int64_t last[CHANNEL_COUNT][MOST_PARTITIONS]; /* committed when looked at last */
    struct history_commit *commits;
    size_t commit_count;
    struct history_stored *stored;
    size_t stored_count, stored_cap;
    int snapshot;
};

static void look_at_channel(struct scene_watch *watch, enum channel channel)
{
    int64_t offsets[MOST_PARTITIONS];
    char group[160];

    snprintf(group, sizeof(group), "%s-%s", watch->scene->system->prefix, channel_name(channel));
    if (!kafka_tool_committed(watch->kafka, group, watch->topic, watch->partitions, offsets)) {
        return;
    }
    for (int i = 0; i < watch->partitions; i++) {
        if (offsets[i] != watch->last[channel][i]) {
            watch->last[channel][i] = offsets[i];
            watch->commits = xreallocarray(watch->commits, watch->commit_count + 1, sizeof(*watch->commits));
            watch->commits[watch->commit_count++] =
                (struct history_commit){.channel = channel, .partition = i, .offset = offsets[i], .at_ms = clock_wall_ms()};
        }
    }
}

static void look_at_commits(struct scene_watch *watch)
{
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        if (watch->scene->rules.is_channel_used[channel]) {
            look_at_channel(watch, (enum channel)channel);
        }
    }
}

static void keep(void *arg, const struct redis_dump_entry *entry)
{
    struct scene_watch *watch = arg;
    struct history_stored *stored;

    if (watch->stored_count == watch->stored_cap) {
        watch->stored_cap = watch->stored_cap ? 2 * watch->stored_cap : 1024;
        watch->stored = xreallocarray(watch->stored, watch->stored_cap, sizeof(*watch->stored));
    }
    stored = &watch->stored[watch->stored_count++];
    *stored = (struct history_stored){
        .snapshot = watch->snapshot + 1, .shard = entry->shard, .state = entry->state, .fence = entry->fence};
    memcpy(stored->mid, entry->mid, sizeof(entry->mid));
}

/* Half a snapshot counts for nothing. */
static bool take_snapshot(struct scene_watch *watch)
{
    size_t before;
    bool is_fine;

    pthread_mutex_lock(&watch->lock);
    before = watch->stored_count;
    is_fine = redis_dump(redis_server_socket(watch->scene->system->redis), "test", keep, watch);
    if (is_fine) {
        watch->snapshot++;
    } else {
        watch->stored_count = before;
    }
    pthread_mutex_unlock(&watch->lock);
    return is_fine;
}

static void *run(void *arg)
{
    struct scene_watch *watch = arg;
    int64_t snapshot_at_ms = clock_mono_ms() + SNAPSHOT_MS;

    while (!watch->is_ending) {
        look_at_commits(watch);
        if (clock_mono_ms() >= snapshot_at_ms) {
            take_snapshot(watch);
            snapshot_at_ms = clock_mono_ms() + SNAPSHOT_MS;
        }
        poll_pause_ms(LOOK_MS);
    }
    return NULL;
}

struct scene_watch *scene_watch_start(const struct scene *scene)
{
    struct scene_watch *watch = xcalloc(1, sizeof(*watch));

    watch->scene = scene;
    watch->kafka = kafka_tool_create(scene->system->bootstrap);
    watch->partitions = scene->system->options.partitions;
    snprintf(watch->topic, sizeof(watch->topic), "%s", system_topic(scene->system, "events"));
    memset(watch->last, 0xff, sizeof(watch->last)); /* -1: nothing yet */
    pthread_mutex_init(&watch->lock, NULL);
    if (watch->partitions > MOST_PARTITIONS || pthread_create(&watch->thread, NULL, run, watch) != 0) {
        die("the scene cannot be watched");
    }
    watch->is_running = true;
    return watch;
}

static void end_thread(struct scene_watch *watch)
{
    if (watch->is_running) {
        watch->is_ending = true;
        pthread_join(watch->thread, NULL);
        watch->is_running = false;
    }
}

void scene_watch_stop(struct scene_watch *watch)
{
    if (watch) {
        end_thread(watch);
        kafka_tool_destroy(watch->kafka);
        pthread_mutex_destroy(&watch->lock);
        free(watch->commits);
        free(watch->stored);
        free(watch);
    }
}

void scene_watch_lock(struct scene_watch *watch)
{
    pthread_mutex_lock(&watch->lock);
}

int scene_watch_unlock(struct scene_watch *watch)
{
    int next = watch->snapshot + 1;

    pthread_mutex_unlock(&watch->lock);
    return next;
}

int scene_watch_finish(struct scene_watch *watch, struct history *history)
{
    bool is_fine;

    end_thread(watch);
    look_at_commits(watch);
    is_fine = take_snapshot(watch);
    for (size_t i = 0; i < watch->commit_count; i++) {
        if (watch->commits[i].offset >= 0) {
            history_add_commit(history, &watch->commits[i]);
        }
    }
    for (size_t i = 0; i < watch->stored_count; i++) {
        history_add_stored(history, &watch->stored[i]);
    }
    return is_fine ? watch->snapshot : 0;
}
