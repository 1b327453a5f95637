#include "io/redis_inside.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "io/redis_refusal.h"

enum { EXPIRY_GRACE_MS = 1 };

static void on_answers_due(void *arg);

/* --- time of a turn ---------------------------------------------------------------------------------------------- */

static int64_t turn_us(struct redis *redis)
{
    if (redis->turn_us == 0) {
        redis->turn_us = clock_mono_us();
    }
    return redis->turn_us;
}

void redis_on_turn_end(void *arg)
{
    struct redis *redis = arg;

    if (redis->link) {
        redis_link_flush(redis->link);
    }
    redis->turn_us = 0;
}

/* --- sending ----------------------------------------------------------------------------------------------------- */

void redis_on_expiry(void *arg)
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
        redis_drop(redis, "command timed out");
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

void redis_plan_answers(struct redis *redis)
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
    if (redis->state == REDIS_READY || (redis->state == REDIS_OWNER && redis->is_owner_speaking)) {
        return true;
    }
    command_push(&redis->failed, command);
    if (redis->state != REDIS_CLOSED) { /* otherwise redis_close() is answering */
        redis_plan_answers(redis);
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

void redis_send_check(void *arg, const struct slice args[], size_t count, redis_fn fn, void *fn_arg)
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

/* --- answering --------------------------------------------------------------------------------------------------- */

/* Gives the command back to the pool first, so that the callback may do what it likes. */
static void answer(struct redis *redis, struct command *command, enum redis_status status,
                   const struct redis_reply *reply)
{
    redis_fn fn = command->fn;
    void *arg = command->arg;
    bool was_owner_speaking = redis->is_owner_speaking;

    redis->is_owner_speaking = command->is_owners && redis->state == REDIS_OWNER;
    command_give_back(&redis->pool, command);
    if (fn) {
        fn(arg, status, reply);
    }
    redis->is_owner_speaking = was_owner_speaking;
}

void redis_answer_all(struct redis *redis, struct command_list *list)
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

static void on_answers_due(void *arg)
{
    struct redis *redis = arg;

    redis->is_answer_due = false;
    if (redis->state == REDIS_CLOSED) {
        return;
    }
    if (redis->is_state_due) {
        redis->is_state_due = false;
        redis_tell_reason(redis);
    }
    /* Callers that try again at once are refused again at the end of the next turn, not in this loop. */
    command_append(&redis->answering, &redis->failed);
    redis_answer_all(redis, &redis->answering);
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
        redis_drop(redis, reason);
    }
    answer(redis, command, refusal == REDIS_REFUSAL_OF_COMMAND ? REDIS_ERROR : REDIS_UNAVAILABLE, reply);
}

void redis_on_reply(void *arg, const struct redis_reply *reply, bool is_error)
{
    struct redis *redis = arg;
    struct command *command = command_pop(&redis->open);

    if (!command) {
        redis_drop(redis, "reply without a command");
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
