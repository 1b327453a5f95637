#include "io/redis_inside.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { DELAY_MAX_MS = 2000 };

/* --- state ------------------------------------------------------------------------------------------------------- */

static void begin_attempt(struct redis *redis);

void redis_tell_reason(struct redis *redis)
{
    char where[128], text[sizeof(where) + REDIS_REASON_SIZE + 2];

    if (redis->events.on_state) {
        redis_url_format_address(&redis->url, where, sizeof(where));
        snprintf(text, sizeof(text), "%s: %s", where, redis->reason);
        redis->events.on_state(redis->events.arg, false, text);
    }
}

void redis_drop(struct redis *redis, const char *reason)
{
    bool was_ready = redis->state == REDIS_READY;

    if (redis->state == REDIS_CLOSED || redis->state == REDIS_WAITING) {
        return;
    }
    if (was_ready || strcmp(redis->reason, reason) != 0) {
        redis->is_state_due = true;
    }
    snprintf(redis->reason, sizeof(redis->reason), "%s", reason);
    redis_link_close(redis->link);
    redis->link = NULL;
    redis->state = REDIS_WAITING;
    redis->expiring = NULL;
    loop_timer_stop(redis->expiry_timer);
    command_append(&redis->failed, &redis->open);
    redis_plan_answers(redis);
    loop_timer_start(redis->connect_timer, redis->delay_ms);
    redis->delay_ms = 2 * redis->delay_ms < DELAY_MAX_MS ? 2 * redis->delay_ms : DELAY_MAX_MS;
}

static void on_down(void *redis, const char *reason)
{
    redis_drop(redis, reason);
}

static void on_connect_timer(void *arg)
{
    struct redis *redis = arg;

    if (redis->state == REDIS_WAITING) {
        begin_attempt(redis);
    } else {
        redis_drop(redis, "connecting timed out");
    }
}

/* A server that hides its run id counts as a new one every time. */
static void let_owner_begin(void *arg, const char *run_id)
{
    struct redis *redis = arg;
    bool is_new_server = !run_id[0] || strcmp(run_id, redis->run_id) != 0;

    loop_timer_stop(redis->connect_timer);
    redis->state = REDIS_OWNER;
    snprintf(redis->run_id, sizeof(redis->run_id), "%s", run_id);
    if (!redis->events.on_connect) {
        redis_set_ready(redis);
        return;
    }
    redis->is_owner_speaking = true;
    redis->events.on_connect(redis->events.arg, redis->run_id, is_new_server);
    redis->is_owner_speaking = false;
}

void redis_set_ready(struct redis *redis)
{
    if (redis->state != REDIS_OWNER) {
        return; /* the connection broke meanwhile */
    }
    redis->state = REDIS_READY;
    redis->delay_ms = redis->settings.reconnect_delay_ms;
    redis->reason[0] = '\0';
    redis->is_state_due = false;
    if (redis->has_been_ready) {
        redis->stats.reconnects++;
    }
    redis->has_been_ready = true;
    if (redis->events.on_state) {
        redis->events.on_state(redis->events.arg, true, "");
    }
}

bool redis_is_ready(const struct redis *redis)
{
    return redis->state == REDIS_READY;
}

void redis_reconnect(struct redis *redis, const char *reason)
{
    redis_drop(redis, reason);
}

/* --- connecting -------------------------------------------------------------------------------------------------- */

static void on_up(void *arg)
{
    struct redis *redis = arg;

    redis_check_begin(&redis->check, &redis->url);
}

static void begin_attempt(struct redis *redis)
{
    const struct redis_link_events events = {on_up, redis_on_reply, on_down, redis};

    redis->state = REDIS_CONNECTING;
    redis->link = redis_link_open(redis->loop, &redis->url, &events);
    loop_timer_start(redis->connect_timer, redis->settings.connect_timeout_ms);
}

/* --- opening and closing ----------------------------------------------------------------------------------------- */

static void begin_first_attempt(void *arg)
{
    if (((struct redis *)arg)->state == REDIS_WAITING) {
        begin_attempt(arg);
    }
}

struct redis *redis_open(struct loop *loop, const struct redis_settings *settings, const struct redis_events *events,
                         struct err *err)
{
    struct redis *redis;
    struct redis_url url;

    if (!redis_link_parse_url(settings->url, &url, err)) {
        return NULL;
    }
    redis = xcalloc(1, sizeof(*redis));
    redis_check_init(&redis->check, &(struct redis_check_events){redis_send_check, let_owner_begin, on_down, redis});
    redis->loop = loop;
    redis->url = url;
    redis->settings = *settings;
    redis->settings.url = NULL; /* the caller's, and may hold a password */
    redis->events = *events;
    redis->delay_ms = settings->reconnect_delay_ms > 0 ? settings->reconnect_delay_ms : 1;
    redis->settings.reconnect_delay_ms = redis->delay_ms;
    redis->connect_timer = loop_timer_create(loop, on_connect_timer, redis);
    redis->expiry_timer = loop_timer_create(loop, redis_on_expiry, redis);
    redis->turn_hook = loop_hook_create(loop, redis_on_turn_end, redis);
    buf_init(&redis->scratch, 0);
    snprintf(redis->reason, sizeof(redis->reason), "not connected yet");
    loop_defer(loop, begin_first_attempt, redis);
    return redis;
}

static void free_redis(void *arg)
{
    struct redis *redis = arg;

    redis_check_finish(&redis->check);
    command_free_all(&redis->pool);
    buf_finish(&redis->scratch);
    redis_url_finish(&redis->url);
    free(redis);
}

/* The memory goes at the end of the turn: one of our functions may be on the stack, or deferred. */
void redis_close(struct redis *redis)
{
    if (!redis) {
        return;
    }
    assert(redis->state != REDIS_CLOSED);
    redis->state = REDIS_CLOSED;
    snprintf(redis->reason, sizeof(redis->reason), "closed");
    redis_link_close(redis->link);
    redis->link = NULL;
    loop_timer_destroy(redis->connect_timer);
    loop_timer_destroy(redis->expiry_timer);
    loop_hook_destroy(redis->turn_hook);
    command_append(&redis->answering, &redis->open);
    command_append(&redis->answering, &redis->failed);
    while (redis->answering.head) {
        redis_answer_all(redis, &redis->answering);
        command_append(&redis->answering, &redis->failed); /* calls made by those answers */
    }
    loop_defer(redis->loop, free_redis, redis);
}

bool redis_set_credentials(struct redis *redis, const char *url, struct err *err)
{
    return redis_url_take_credentials(&redis->url, url, err);
}

void redis_add_script(struct redis *redis, const struct redis_script *script)
{
    redis_check_add_script(&redis->check, script);
}

struct redis_stats redis_stats(const struct redis *redis)
{
    return redis->stats;
}
