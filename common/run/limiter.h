/*
 * limiter: the rate limit of one provider, shared by all workers through Redis.
 *
 * Tokens are leased in small batches (TOKENS script, GCRA) and spent locally. What the provider says about its limit
 * in an answer lowers the rate; "too many" sets a time before which no worker asks again. Without Redis no token is
 * given.
 */
#ifndef RUN_LIMITER_H
#define RUN_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/metrics.h"
#include "core/verdict.h"
#include "io/loop.h"
#include "io/redis.h"

struct limiter;

struct limiter_settings {
    const char *environment;
    const char *name;     /* of the provider and channel: "brevo-email" */
    int64_t rate_per_s;   /* 0: no limit */
};

/* `fn` is called when a token may be had again after limiter_take() said no. */
struct limiter *limiter_create(struct loop *loop, struct redis *redis, const struct limiter_settings *settings,
                               struct metrics *metrics, loop_fn fn, void *arg);
void limiter_destroy(struct limiter *limiter);

/* Spends a token. False: none now; more are being asked for, `wanted` at most. */
bool limiter_take(struct limiter *limiter, int64_t wanted);
/* Gives back a token that was not used. */
void limiter_give_back(struct limiter *limiter);
/* The provider refused for this long. */
void limiter_block(struct limiter *limiter, int64_t delay_ms);
/* What an answer told about the limit. */
void limiter_learn(struct limiter *limiter, const struct verdict *verdict);
/* For what else is shared in tokens (run/question_budget.c). */
extern const struct redis_script limiter_tokens_script;
/* Tokens per second in force; 0: no limit. */
int64_t limiter_rate(const struct limiter *limiter);

#endif
