#include "run/redis_ask.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

enum { CONNECT_MS = 5000, COMMAND_MS = 2000 };

struct redis_ask {
    struct loop *loop;
    struct redis *redis;
    struct loop_timer *timer;
    char reason[256]; /* why Redis cannot be used */

    /* the question that is open */
    bool is_answered, is_fine;
    json_t *answer;
};

static void ignore_time(void *arg)
{
    (void)arg;
}

static void on_state(void *arg, bool is_ready, const char *reason)
{
    struct redis_ask *ask = arg;

    snprintf(ask->reason, sizeof(ask->reason), "%s", is_ready ? "" : reason);
}

struct redis_ask *redis_ask_open(const char *url, struct err *err)
{
    const struct redis_settings settings = {url, COMMAND_MS, CONNECT_MS / 2, 50};
    struct redis_ask *ask = xcalloc(1, sizeof(*ask));
    const struct redis_events events = {.on_state = on_state, .arg = ask};
    int64_t until = clock_mono_ms() + CONNECT_MS;

    ask->loop = loop_create();
    ask->timer = loop_timer_create(ask->loop, ignore_time, ask);
    ask->redis = redis_open(ask->loop, &settings, &events, err);
    if (!ask->redis) {
        err_prefix(err, "REDIS_URL");
        redis_ask_close(ask);
        return NULL;
    }
    while (!redis_is_ready(ask->redis) && clock_mono_ms() < until) {
        loop_timer_start(ask->timer, 50);
        loop_turn(ask->loop, true);
    }
    if (!redis_is_ready(ask->redis)) {
        err_set(err, "Redis %s", ask->reason[0] ? ask->reason : "does not answer");
        redis_ask_close(ask);
        return NULL;
    }
    return ask;
}

void redis_ask_close(struct redis_ask *ask)
{
    if (!ask) {
        return;
    }
    if (ask->redis) {
        redis_close(ask->redis);
    }
    json_decref(ask->answer);
    loop_timer_destroy(ask->timer);
    loop_destroy(ask->loop);
    free(ask);
}

/* --- questions and answers ---------------------------------------------------------------------------------------- */

static json_t *to_json(const struct redis_reply *reply)
{
    json_t *array;

    switch (reply->type) {
    case REDIS_TEXT:
        return json_stringn_nocheck(reply->text.data, reply->text.len);
    case REDIS_INT:
        return json_integer(reply->number);
    case REDIS_ARRAY:
        array = json_array();
        for (size_t i = 0; i < reply->count; i++) {
            json_array_append_new(array, to_json(&reply->items[i]));
        }
        return array;
    case REDIS_NIL:
        break;
    }
    return json_null();
}

static void on_answer(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct redis_ask *ask = arg;

    ask->is_answered = true;
    ask->is_fine = status == REDIS_OK;
    if (ask->is_fine) {
        ask->answer = to_json(reply);
    } else {
        snprintf(ask->reason, sizeof(ask->reason), "%.*s", (int)(reply->text.len < 200 ? reply->text.len : 200),
                 reply->text.data ? reply->text.data : "no answer");
    }
}

static json_t *wait_for_answer(struct redis_ask *ask, struct err *err)
{
    json_t *answer;

    while (!ask->is_answered) {
        loop_turn(ask->loop, true);
    }
    answer = ask->answer;
    ask->answer = NULL;
    if (!ask->is_fine) {
        err_set(err, "Redis: %s", ask->reason);
    }
    return answer;
}

json_t *redis_ask_call(struct redis_ask *ask, const struct slice args[], size_t count, struct err *err)
{
    ask->is_answered = false;
    redis_call(ask->redis, args, count, on_answer, ask);
    return wait_for_answer(ask, err);
}

json_t *redis_ask_eval(struct redis_ask *ask, const struct redis_script *script, const struct slice args[],
                       size_t count, struct err *err)
{
    ask->is_answered = false;
    redis_eval(ask->redis, script, args, count, on_answer, ask);
    return wait_for_answer(ask, err);
}

void redis_ask_sleep_ms(struct redis_ask *ask, int64_t ms)
{
    int64_t until = clock_mono_ms() + ms;

    while (clock_mono_ms() < until) {
        loop_timer_start(ask->timer, until - clock_mono_ms());
        loop_turn(ask->loop, true);
    }
}
