#include "run/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/embed.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "run/pool_keys.h"
#include "run/versions.h"

EMBED_FILE(beat_lua, "common/run/scripts/beat.lua")
EMBED_FILE(choose_lua, "common/run/scripts/choose.lua")

const struct redis_script pool_beat_script = {"beat", beat_lua_data, 7};
const struct redis_script pool_choose_script = {"choose", choose_lua_data, 1};

enum { BOOT_BYTES = 3, HOST_SIZE = 64, REFUSAL_SIZE = 200 };

struct pool {
    struct pool_parts parts;
    struct redis *redis;
    struct pool_keys keys;
    struct versions *versions;
    struct pauses *pauses;
    char host[HOST_SIZE], boot[2 * BOOT_BYTES + 1]; /* tells apart two lives with the same host and pid */
    char worker[POOL_WORKER_SIZE];                  /* "host:pid:boot" */
    int64_t started_at;                             /* wall clock */
    struct loop_timer *timer;
    char refusal[REFUSAL_SIZE];
    bool is_asking, is_leaving, is_gone;
};

/* --- what is said ------------------------------------------------------------------------------------------------- */

static int64_t resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "r"); /* in pages: "size resident ..." */
    char line[128];
    long long pages = 0;

    if (file) {
        const char *resident = fgets(line, sizeof(line), file) ? strchr(line, ' ') : NULL;

        pages = resident ? strtoll(resident, NULL, 10) : 0;
        fclose(file);
    }
    return pages * sysconf(_SC_PAGESIZE);
}

static void write_state(const struct pool *pool, struct buf *out)
{
    struct json_text j;

    json_text_init(&j, out);
    json_text_open(&j, '{');
    json_text_member(&j, "host", pool->host);
    json_text_member_int(&j, "pid", getpid());
    json_text_member(&j, "boot", pool->boot);
    json_text_member_int(&j, "started", pool->started_at);
    json_text_member(&j, "version", PERKLINE_VERSION);
    json_text_member_int(&j, "memory", resident_bytes());
    json_text_member_int(&j, "pauses", pauses_list(pool->pauses)->serial);
    json_text_key(&j, "templates");
    versions_write(pool->versions, &j);
    if (pool->parts.describe) {
        pool->parts.describe(pool->parts.arg, &j);
    }
    json_text_close(&j, '}');
}

/* --- what is heard ------------------------------------------------------------------------------------------------ */

/* Once, not twice a second. */
static void complain(struct pool *pool, const char *what, const char *why)
{
    char refusal[REFUSAL_SIZE];

    snprintf(refusal, sizeof(refusal), "%s: %.150s", what, why);
    if (strcmp(refusal, pool->refusal) != 0) {
        memcpy(pool->refusal, refusal, sizeof(refusal));
        log_event(LOG_WARN, "pool_problem", "reason", refusal, NULL);
    }
}

static void take_pauses(struct pool *pool, const struct redis_reply *reply)
{
    struct err err = {0};

    if (reply->type == REDIS_TEXT && !pauses_take(pool->pauses, reply->text, &err)) {
        complain(pool, "the list of pauses", err.text);
    } else {
        pool->refusal[0] = '\0';
    }
}

static void on_answer(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct pool *pool = arg;

    pool->is_asking = false;
    if (pool->is_gone) {
        free(pool);
        return;
    }
    if (status == REDIS_ERROR) {
        complain(pool, "Redis refuses the beat", reply->text.data ? reply->text.data : "");
    }
    if (status != REDIS_OK || reply->type != REDIS_ARRAY || reply->count != 5) {
        return;
    }
    take_pauses(pool, &reply->items[0]);
    versions_hear(pool->versions, &reply->items[1]);
}

/* --- the beat ----------------------------------------------------------------------------------------------------- */

static void send_beat(struct pool *pool)
{
    struct versions_news news = versions_say(pool->versions);
    char worker_key[POOL_KEY_SIZE], folder_key[POOL_KEY_SIZE], in_use_key[POOL_KEY_SIZE], most[16];
    struct buf state, pauses, pin;

    buf_init(&state, 0);
    buf_init(&pauses, 0);
    buf_init(&pin, 0);
    write_state(pool, &state);
    pause_list_format(pauses_list(pool->pauses), &pauses);
    template_pin_format(news.pin, &pin);
    snprintf(most, sizeof(most), "%d", VERSIONS_MOST);
    pool->is_asking = true;
    redis_eval(pool->redis, &pool_beat_script,
               (const struct slice[]){
                   slice_of(pool->keys.workers), pool_key(pool->keys.worker_prefix, pool->worker, worker_key),
                   slice_of(pool->keys.pauses), slice_of(pool->keys.pin), slice_of(pool->keys.history),
                   pool_key(pool->keys.files_prefix, news.folder, folder_key),
                   pool_key(pool->keys.files_prefix, news.in_use, in_use_key), slice_of(pool->worker), buf_slice(&state),
                   buf_slice(&pauses), buf_slice(&pin), slice_of(news.folder), slice_of(news.in_use),
                   slice_of(news.is_live ? "live" : ""), slice_of(pool->keys.files_prefix), slice_of(most)},
               16, on_answer, pool);
    buf_finish(&state);
    buf_finish(&pauses);
    buf_finish(&pin);
}

static void on_time(void *arg)
{
    struct pool *pool = arg;

    loop_timer_start(pool->timer, POOL_BEAT_MS);
    if (!pool->is_asking && redis_is_ready(pool->redis)) {
        send_beat(pool);
    }
}

/* Something changed: it is told, and what is next is asked for, at once. */
static void hurry(void *arg)
{
    struct pool *pool = arg;

    if (!pool->is_leaving) {
        loop_timer_start(pool->timer, 0);
    }
}

/* --- create, leave, destroy --------------------------------------------------------------------------------------- */

struct pool *pool_create(const struct pool_parts *parts)
{
    struct pool *pool = xcalloc(1, sizeof(*pool));
    uint8_t boot[BOOT_BYTES];

    pool->parts = *parts;
    pool->redis = claims_redis(parts->claims);
    pool->started_at = clock_wall_ms();
    pool_keys_init(&pool->keys, parts->environment);
    random_bytes_from_system(boot, sizeof(boot));
    hex_format(boot, sizeof(boot), pool->boot);
    if (gethostname(pool->host, sizeof(pool->host) - 1) != 0 || !pool->host[0]) {
        snprintf(pool->host, sizeof(pool->host), "?");
    }
    snprintf(pool->worker, sizeof(pool->worker), "%s:%ld:%s", pool->host, (long)getpid(), pool->boot);
    pool->timer = loop_timer_create(parts->loop, on_time, pool);
    pool->pauses = pauses_create(parts->loop, parts->metrics);
    pool->versions = versions_create(parts->loop, pool->redis, parts->templates, &pool->keys, hurry, pool);
    redis_add_script(pool->redis, &pool_beat_script);
    claims_add_listener(parts->claims, hurry, pool);
    pauses_add_listener(pool->pauses, hurry, pool); /* `perkline pause` waits to see who has heard */
    hurry(pool);
    return pool;
}

static void ignore_answer(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    (void)arg;
    (void)status;
    (void)reply;
}

void pool_leave(struct pool *pool)
{
    char key[POOL_KEY_SIZE];

    pool->is_leaving = true;
    loop_timer_stop(pool->timer);
    redis_call(pool->redis,
               (const struct slice[]){SLICE("ZREM"), slice_of(pool->keys.workers), slice_of(pool->worker)}, 3,
               ignore_answer, NULL);
    redis_call(pool->redis, (const struct slice[]){SLICE("DEL"), pool_key(pool->keys.worker_prefix, pool->worker, key)},
               2, ignore_answer, NULL);
}

void pool_destroy(struct pool *pool)
{
    if (!pool) {
        return;
    }
    loop_timer_destroy(pool->timer);
    versions_destroy(pool->versions);
    pauses_destroy(pool->pauses);
    pool->is_gone = true;
    if (!pool->is_asking) {
        free(pool);
    }
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

struct pauses *pool_pauses(struct pool *pool)
{
    return pool->pauses;
}

bool pool_is_known(const struct pool *pool)
{
    return versions_is_known(pool->versions) && pauses_is_known(pool->pauses);
}

const char *pool_refusal(const struct pool *pool)
{
    return pool->refusal;
}

void pool_wait(struct pool *pool, int64_t most_ms)
{
    int64_t until = clock_mono_ms() + most_ms;

    while (!pool_is_known(pool) && clock_mono_ms() < until) {
        loop_turn(pool->parts.loop, true);
    }
}
