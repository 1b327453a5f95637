#include "io/redis.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "io/redis_check.h"
#include "io/redis_command.h"
#include "io/redis_link.h"
#include "io/redis_refusal.h"
#include "io/redis_url.h"

/* Commands wait in `open` in the order in which their replies will come. When the connection is given up they move to
 * `failed`, together with calls that were refused, and are answered at the end of the turn. */

enum { DELAY_MAX_MS = 2000, EXPIRY_GRACE_MS = 1 };

enum state {
    STATE_WAITING,    /* for the time of the next attempt */
    STATE_CONNECTING, /* or checking the server */
    STATE_OWNER,      /* the owner's on_connect is at work */
    STATE_READY,
    STATE_CLOSED,
};

struct redis {
    struct loop *loop;
    struct redis_url url;
    struct redis_settings settings;
    struct redis_events events;
    struct redis_link *link;
    struct loop_timer *connect_timer; /* next attempt, or the limit of the present one */
    struct loop_timer *expiry_timer;
    struct loop_hook *turn_hook;
    struct redis_check check;

    enum state state;
    struct command_list open;
    struct command_list failed;
    struct command_list answering;
    struct command_list pool;
    const struct command *expiring; /* found late once; dropped when still the oldest after one look at the socket */
    bool is_owner_speaking;
    bool is_answer_due;
    bool is_state_due; /* on_state(false) is to be told */
    bool has_been_ready;
    int64_t delay_ms;
    int64_t turn_us; /* time stamp of this turn, 0 when not taken yet */
    char run_id[REDIS_RUN_ID_SIZE]; /* of the server last connected to */
    char reason[REDIS_REASON_SIZE];
    struct buf scratch;
    struct redis_stats stats;
};

static void drop(struct redis *redis, const char *reason);
static void on_answers_due(void *arg);

/* --- time of a turn ---------------------------------------------------------------------------------------------- */

static int64_t turn_us(struct redis *redis)
{
    if (redis->turn_us == 0) {
        redis->turn_us = clock_mono_us();
    }
    return redis->turn_us;
}

static void on_turn_end(void *arg)
{
    struct redis *redis = arg;

    if (redis->link) {
        redis_link_flush(redis->link);
    }
    redis->turn_us = 0;
}

/* --- sending ----------------------------------------------------------------------------------------------------- */

static void on_expiry(void *arg)
{
    struct redis *redis = arg;
    struct command *oldest = redis->open.head;
    int64_t left_us;

    if (!oldest) {
        return;
    }
    left_us = oldest->sent_us + redis->settings.command_timeout_ms * 1000 - clock_mono_us();
    if (left_us > 0) {
        redis->expiring = NULL;
        loop_timer_start(redis->expiry_timer, left_us / 1000 + 1);
    } else if (redis->expiring != oldest) {
        /* Perhaps it was this process that stood still: the reply may lie in the socket already. */
        redis->expiring = oldest;
        loop_timer_start(redis->expiry_timer, EXPIRY_GRACE_MS);
    } else {
        redis->stats.timeouts++;
        drop(redis, "command timed out");
    }
}

/* What is in `scratch` goes out. */
static void send_scratch(struct redis *redis, struct command *command)
{
    command->sent_us = turn_us(redis);
    command_push(&redis->open, command);
    redis->stats.commands++;
    if (!loop_timer_is_active(redis->expiry_timer)) {
        loop_timer_start(redis->expiry_timer, redis->settings.command_timeout_ms);
    }
    redis_link_send(redis->link, redis->scratch.data, redis->scratch.len);
}

static void plan_answers(struct redis *redis)
{
    if (!redis->is_answer_due) {
        redis->is_answer_due = true;
        loop_defer(redis->loop, on_answers_due, redis);
    }
}

/* True when the caller may go on and send; otherwise the command will be answered at the end of the turn. */
static bool admit(struct redis *redis, struct command *command)
{
    command->is_owners = redis->is_owner_speaking;
    if (redis->state == STATE_READY || (redis->state == STATE_OWNER && redis->is_owner_speaking)) {
        return true;
    }
    command_push(&redis->failed, command);
    if (redis->state != STATE_CLOSED) { /* otherwise redis_close() is answering */
        plan_answers(redis);
    }
    return false;
}

void redis_call(struct redis *redis, const struct slice args[], size_t count, redis_fn fn, void *arg)
{
    struct command *command = command_take(&redis->pool, fn, arg);

    assert(count > 0);
    if (!admit(redis, command)) {
        return;
    }
    buf_clear(&redis->scratch);
    command_append_head(&redis->scratch, count);
    command_append_args(&redis->scratch, args, count);
    send_scratch(redis, command);
}

static void send_eval(struct redis *redis, struct command *command, const struct redis_script *script, size_t count)
{
    char keys[16];
    struct slice head[3] = {SLICE("EVAL"), slice_of(script->source), {keys, 0}};

    snprintf(keys, sizeof(keys), "%d", script->key_count);
    head[2].len = strlen(keys);
    buf_clear(&redis->scratch);
    command_append_head(&redis->scratch, count + 3);
    command_append_args(&redis->scratch, head, 3);
    buf_append_slice(&redis->scratch, buf_slice(&command->tail));
    send_scratch(redis, command);
}

void redis_eval(struct redis *redis, const struct redis_script *script, const struct slice args[], size_t count,
                redis_fn fn, void *arg)
{
    struct command *command = command_take(&redis->pool, fn, arg);
    struct slice evalsha = redis_check_evalsha(&redis->check, script);

    assert(count >= (size_t)script->key_count);
    if (!admit(redis, command)) {
        return;
    }
    buf_clear(&command->tail);
    command_append_args(&command->tail, args, count);
    if (evalsha.len == 0) {
        send_eval(redis, command, script, count);
        return;
    }
    command->script = script;
    command->arg_count = count;
    buf_clear(&redis->scratch);
    command_append_head(&redis->scratch, count + 3);
    buf_append_slice(&redis->scratch, evalsha);
    buf_append_slice(&redis->scratch, buf_slice(&command->tail));
    send_scratch(redis, command);
}

/* --- answering --------------------------------------------------------------------------------------------------- */

/* Gives the command back to the pool first, so that the callback may do what it likes. */
static void answer(struct redis *redis, struct command *command, enum redis_status status,
                   const struct redis_reply *reply)
{
    redis_fn fn = command->fn;
    void *arg = command->arg;
    bool was_owner_speaking = redis->is_owner_speaking;

    redis->is_owner_speaking = command->is_owners && redis->state == STATE_OWNER;
    command_give_back(&redis->pool, command);
    if (fn) {
        fn(arg, status, reply);
    }
    redis->is_owner_speaking = was_owner_speaking;
}

static void answer_list(struct redis *redis, struct command_list *list)
{
    struct redis_reply reply = {.type = REDIS_TEXT};
    char reason[REDIS_REASON_SIZE];
    struct command *command;

    snprintf(reason, sizeof(reason), "%s", redis->reason);
    reply.text = slice_of(reason);
    while ((command = command_pop(list))) {
        answer(redis, command, REDIS_UNAVAILABLE, &reply);
    }
}

static void tell_reason(struct redis *redis)
{
    char where[128], text[sizeof(where) + REDIS_REASON_SIZE + 2];

    if (redis->events.on_state) {
        redis_url_format_address(&redis->url, where, sizeof(where));
        snprintf(text, sizeof(text), "%s: %s", where, redis->reason);
        redis->events.on_state(redis->events.arg, false, text);
    }
}

static void on_answers_due(void *arg)
{
    struct redis *redis = arg;

    redis->is_answer_due = false;
    if (redis->state == STATE_CLOSED) {
        return;
    }
    if (redis->is_state_due) {
        redis->is_state_due = false;
        tell_reason(redis);
    }
    /* Callers that try again at once are refused again at the end of the next turn, not in this loop. */
    command_append(&redis->answering, &redis->failed);
    answer_list(redis, &redis->answering);
}

static void on_error_reply(struct redis *redis, struct command *command, const struct redis_reply *reply)
{
    enum redis_refusal refusal;

    if (command->script && slice_starts_with(reply->text, "NOSCRIPT")) {
        const struct redis_script *script = command->script;

        command->script = NULL;
        send_eval(redis, command, script, command->arg_count);
        return;
    }
    redis->stats.errors++;
    refusal = command->is_check ? REDIS_REFUSAL_OF_COMMAND : redis_refusal_of(reply->text);
    if (refusal == REDIS_REFUSAL_OF_CONNECTION) {
        char reason[REDIS_REASON_SIZE];

        snprintf(reason, sizeof(reason), "%.*s", (int)reply->text.len, reply->text.data);
        drop(redis, reason);
    }
    answer(redis, command, refusal == REDIS_REFUSAL_OF_COMMAND ? REDIS_ERROR : REDIS_UNAVAILABLE, reply);
}

static void on_reply(void *arg, const struct redis_reply *reply, bool is_error)
{
    struct redis *redis = arg;
    struct command *command = command_pop(&redis->open);

    if (!command) {
        drop(redis, "reply without a command");
        return;
    }
    if (redis->expiring == command) {
        redis->expiring = NULL;
    }
    if (redis->events.latency) {
        metric_observe(redis->events.latency, (double)(turn_us(redis) - command->sent_us) / 1e6);
    }
    if (is_error) {
        on_error_reply(redis, command, reply);
    } else {
        answer(redis, command, REDIS_OK, reply);
    }
}

/* --- state ------------------------------------------------------------------------------------------------------- */

static void begin_attempt(struct redis *redis);

/* Gives the connection up and plans the next one. Everything that has to be told is told at the end of the turn. */
static void drop(struct redis *redis, const char *reason)
{
    bool was_ready = redis->state == STATE_READY;

    if (redis->state == STATE_CLOSED || redis->state == STATE_WAITING) {
        return;
    }
    if (was_ready || strcmp(redis->reason, reason) != 0) {
        redis->is_state_due = true;
    }
    snprintf(redis->reason, sizeof(redis->reason), "%s", reason);
    redis_link_close(redis->link);
    redis->link = NULL;
    redis->state = STATE_WAITING;
    redis->expiring = NULL;
    loop_timer_stop(redis->expiry_timer);
    command_append(&redis->failed, &redis->open);
    plan_answers(redis);
    loop_timer_start(redis->connect_timer, redis->delay_ms);
    redis->delay_ms = 2 * redis->delay_ms < DELAY_MAX_MS ? 2 * redis->delay_ms : DELAY_MAX_MS;
}

static void on_down(void *redis, const char *reason)
{
    drop(redis, reason);
}

static void on_connect_timer(void *arg)
{
    struct redis *redis = arg;

    if (redis->state == STATE_WAITING) {
        begin_attempt(redis);
    } else {
        drop(redis, "connecting timed out");
    }
}

/* A server that hides its run id counts as a new one every time. */
static void let_owner_begin(void *arg, const char *run_id)
{
    struct redis *redis = arg;
    bool is_new_server = !run_id[0] || strcmp(run_id, redis->run_id) != 0;

    loop_timer_stop(redis->connect_timer);
    redis->state = STATE_OWNER;
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
    if (redis->state != STATE_OWNER) {
        return; /* the connection broke meanwhile */
    }
    redis->state = STATE_READY;
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
    return redis->state == STATE_READY;
}

void redis_reconnect(struct redis *redis, const char *reason)
{
    drop(redis, reason);
}

/* --- connecting -------------------------------------------------------------------------------------------------- */

static void send_check(void *arg, const struct slice args[], size_t count, redis_fn fn, void *fn_arg)
{
    struct redis *redis = arg;
    struct command *command = command_take(&redis->pool, fn, fn_arg);

    command->is_check = true;
    buf_clear(&redis->scratch);
    command_append_head(&redis->scratch, count);
    command_append_args(&redis->scratch, args, count);
    send_scratch(redis, command);
    explicit_bzero(redis->scratch.data, redis->scratch.len); /* may have been AUTH */
}

static void on_up(void *arg)
{
    struct redis *redis = arg;

    redis_check_begin(&redis->check, &redis->url);
}

static void begin_attempt(struct redis *redis)
{
    const struct redis_link_events events = {on_up, on_reply, on_down, redis};

    redis->state = STATE_CONNECTING;
    redis->link = redis_link_open(redis->loop, &redis->url, &events);
    loop_timer_start(redis->connect_timer, redis->settings.connect_timeout_ms);
}

/* --- opening and closing ----------------------------------------------------------------------------------------- */

static void begin_first_attempt(void *arg)
{
    if (((struct redis *)arg)->state == STATE_WAITING) {
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
    redis_check_init(&redis->check, &(struct redis_check_events){send_check, let_owner_begin, on_down, redis});
    redis->loop = loop;
    redis->url = url;
    redis->settings = *settings;
    redis->settings.url = NULL; /* the caller's, and may hold a password */
    redis->events = *events;
    redis->delay_ms = settings->reconnect_delay_ms > 0 ? settings->reconnect_delay_ms : 1;
    redis->settings.reconnect_delay_ms = redis->delay_ms;
    redis->connect_timer = loop_timer_create(loop, on_connect_timer, redis);
    redis->expiry_timer = loop_timer_create(loop, on_expiry, redis);
    redis->turn_hook = loop_hook_create(loop, on_turn_end, redis);
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
    assert(redis->state != STATE_CLOSED);
    redis->state = STATE_CLOSED;
    snprintf(redis->reason, sizeof(redis->reason), "closed");
    redis_link_close(redis->link);
    redis->link = NULL;
    loop_timer_destroy(redis->connect_timer);
    loop_timer_destroy(redis->expiry_timer);
    loop_hook_destroy(redis->turn_hook);
    command_append(&redis->answering, &redis->open);
    command_append(&redis->answering, &redis->failed);
    while (redis->answering.head) {
        answer_list(redis, &redis->answering);
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
