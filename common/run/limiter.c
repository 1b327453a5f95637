#include "run/limiter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/embed.h"
#include "base/log.h"
#include "base/mem.h"

EMBED_FILE(tokens_lua, "common/run/scripts/tokens.lua")
EMBED_FILE(not_before_lua, "common/run/scripts/not_before.lua")

const struct redis_script limiter_tokens_script = {"tokens", tokens_lua_data, 2};
static const struct redis_script not_before_script = {"not_before", not_before_lua_data, 1};

/* A fortieth of a second may be spent at once; a token is good for a fifth of a second after it was leased. */
enum { BURST_DIVISOR = 40, TOKEN_LIFE_MS = 200, MOST_BATCH = 256, RETRY_MS = 100 };

static const struct metric_family rate_family = {"perkline_rate_limit_per_second", METRIC_GAUGE,
                                                 "Requests per second that all workers together may make.",
                                                 {"provider", NULL}};
static const struct metric_family leased_family = {"perkline_rate_limit_leased_total", METRIC_COUNTER,
                                                   "Tokens that this process took from the shared budget.",
                                                   {"provider", NULL}};
static const struct metric_family remaining_family = {
    "perkline_provider_limit_remaining", METRIC_GAUGE,
    "Requests that the provider would still take in its present window, as it said last.", {"provider", NULL}};
static const struct metric_family blocked_family = {"perkline_rate_limit_blocked_total", METRIC_COUNTER,
                                                    "Times that the provider said \"too many\".", {"provider", NULL}};

struct limiter {
    struct loop *loop;
    struct redis *redis;
    loop_fn fn;
    void *arg;
    struct loop_timer *timer;
    char arrival_key[96], not_before_key[96];
    int64_t configured_rate, rate;
    int64_t tokens;
    int64_t leased_at;
    int64_t wanted;
    int64_t blocked_until; /* monotonic ms */
    bool is_asking;
    bool is_gone; /* destroyed while a question was open */
    struct metrics *metrics;
    const char *name;
    struct metric *rate_gauge, *leased_count, *blocked_count;
};

static void on_timer(void *arg)
{
    struct limiter *limiter = arg;

    limiter->fn(limiter->arg);
}

struct limiter *limiter_create(struct loop *loop, struct redis *redis, const struct limiter_settings *settings,
                               struct metrics *metrics, loop_fn fn, void *arg)
{
    struct limiter *limiter = xcalloc(1, sizeof(*limiter));

    limiter->loop = loop;
    limiter->redis = redis;
    limiter->fn = fn;
    limiter->arg = arg;
    limiter->timer = loop_timer_create(loop, on_timer, limiter);
    limiter->configured_rate = limiter->rate = settings->rate_per_s;
    snprintf(limiter->arrival_key, sizeof(limiter->arrival_key), "n:{r:%s.%s}:tat", settings->environment,
             settings->name);
    snprintf(limiter->not_before_key, sizeof(limiter->not_before_key), "n:{r:%s.%s}:not-before",
             settings->environment, settings->name);
    limiter->rate_gauge = metrics_get(metrics, &rate_family, (const char *const[]){settings->name});
    limiter->metrics = metrics;
    limiter->name = settings->name;
    metrics_declare(metrics, &remaining_family);
    limiter->leased_count = metrics_get(metrics, &leased_family, (const char *const[]){settings->name});
    limiter->blocked_count = metrics_get(metrics, &blocked_family, (const char *const[]){settings->name});
    metric_set(limiter->rate_gauge, (double)limiter->rate);
    redis_add_script(redis, &limiter_tokens_script);
    redis_add_script(redis, &not_before_script);
    return limiter;
}

void limiter_destroy(struct limiter *limiter)
{
    if (!limiter) {
        return;
    }
    loop_timer_destroy(limiter->timer);
    if (limiter->is_asking) {
        limiter->is_gone = true;
    } else {
        free(limiter);
    }
}

static int64_t burst_of(int64_t rate)
{
    return rate / BURST_DIVISOR > 1 ? rate / BURST_DIVISOR : 1;
}

static void on_tokens(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct limiter *limiter = arg;
    int64_t wait_ms;

    limiter->is_asking = false;
    if (limiter->is_gone) {
        free(limiter);
        return;
    }
    if (status != REDIS_OK || reply->type != REDIS_ARRAY || reply->count != 2) {
        loop_timer_start(limiter->timer, RETRY_MS);
        return;
    }
    if (reply->items[0].number > 0) {
        limiter->tokens = reply->items[0].number;
        metric_add(limiter->leased_count, (double)limiter->tokens);
        limiter->leased_at = loop_now_ms(limiter->loop);
        limiter->fn(limiter->arg);
        return;
    }
    wait_ms = reply->items[1].number / 1000 + 1;
    loop_timer_start(limiter->timer, wait_ms < 1 ? 1 : wait_ms > 60000 ? 60000 : wait_ms);
}

static void ask(struct limiter *limiter)
{
    char interval[24], burst[24], wanted[24];
    int64_t batch = limiter->wanted < MOST_BATCH ? limiter->wanted : MOST_BATCH;
    int64_t most = burst_of(limiter->rate);
    const struct slice args[] = {
        slice_of(limiter->arrival_key),
        slice_of(limiter->not_before_key),
        slice_make(interval, (size_t)snprintf(interval, sizeof(interval), "%" PRId64, 1000000 / limiter->rate)),
        slice_make(burst, (size_t)snprintf(burst, sizeof(burst), "%" PRId64, most * (1000000 / limiter->rate))),
        slice_make(wanted, (size_t)snprintf(wanted, sizeof(wanted), "%" PRId64, batch < most ? batch : most)),
    };

    limiter->is_asking = true;
    redis_eval(limiter->redis, &limiter_tokens_script, args, sizeof(args) / sizeof(args[0]), on_tokens, limiter);
}

bool limiter_take(struct limiter *limiter, int64_t wanted)
{
    int64_t now = loop_now_ms(limiter->loop);

    if (limiter->blocked_until > now) {
        loop_timer_start(limiter->timer, limiter->blocked_until - now);
        return false;
    }
    if (limiter->rate == 0) {
        return true;
    }
    if (limiter->tokens > 0 && now - limiter->leased_at > TOKEN_LIFE_MS) {
        limiter->tokens = 0;
    }
    if (limiter->tokens > 0) {
        limiter->tokens--;
        return true;
    }
    limiter->wanted = wanted > 0 ? wanted : 1;
    if (!limiter->is_asking && !loop_timer_is_active(limiter->timer)) {
        ask(limiter);
    }
    return false;
}

void limiter_give_back(struct limiter *limiter)
{
    if (limiter->rate > 0) {
        limiter->tokens++;
    }
}

static void on_blocked(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    (void)arg;
    (void)reply;
    if (status != REDIS_OK) {
        log_event(LOG_WARN, "rate_limit_not_shared", NULL);
    }
}

void limiter_block(struct limiter *limiter, int64_t delay_ms)
{
    char delay[24];
    const struct slice args[] = {
        slice_of(limiter->not_before_key),
        slice_make(delay, (size_t)snprintf(delay, sizeof(delay), "%" PRId64, delay_ms)),
    };
    int64_t until = loop_now_ms(limiter->loop) + delay_ms;

    metric_add(limiter->blocked_count, 1);
    limiter->tokens = 0;
    if (until > limiter->blocked_until) {
        limiter->blocked_until = until;
        redis_eval(limiter->redis, &not_before_script, args, 2, on_blocked, NULL);
    }
}

void limiter_learn(struct limiter *limiter, const struct verdict *verdict)
{
    int64_t rate = limiter->configured_rate;

    if (verdict->limit_remaining >= 0) {
        metric_set(metrics_get(limiter->metrics, &remaining_family, (const char *const[]){limiter->name}),
                   (double)verdict->limit_remaining);
    }
    if (rate == 0 || verdict->limit_per_s <= 0) {
        return;
    }
    rate = verdict->limit_per_s < rate ? verdict->limit_per_s : rate;
    if (rate != limiter->rate) {
        log_event(LOG_WARN, "rate_limit_changed", "provider", limiter->arrival_key, "per_s", log_int(rate), NULL);
        limiter->rate = rate;
        metric_set(limiter->rate_gauge, (double)rate);
    }
}

int64_t limiter_rate(const struct limiter *limiter)
{
    return limiter->rate;
}
