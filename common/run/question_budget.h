/*
 * question_budget: how often a provider may be asked for messages that nobody knows of, shared by all workers through Redis, since
 * the provider counts an account's questions and not a worker's.
 *
 * The same script and keys as the limiter's (scripts/tokens.lua), but one token at a time: at some hundred questions an hour
 * none is worth keeping. Without Redis none is given. Lives beside the claims, whose connection it borrows.
 */
#ifndef RUN_QUESTION_BUDGET_H
#define RUN_QUESTION_BUDGET_H

#include <stdint.h>

#include "io/loop.h"
#include "io/redis.h"

struct question_budget;

struct question_budget_settings {
    const char *environment;
    const char *name;  /* of the provider and channel: "brevo-sms" */
    int64_t per_hour; /* 0: no limit */
};

struct question_budget *question_budget_create(struct redis *redis, const struct question_budget_settings *settings);
/* Whoever waits for an answer is not told any more. */
void question_budget_destroy(struct question_budget *budget);

/* `wait_ms` 0: ask now, once. Else it is not worth coming again before. */
typedef void (*question_budget_fn)(void *arg, int64_t wait_ms);
/* Answered exactly once, perhaps before this returns. */
void question_budget_take(struct question_budget *budget, question_budget_fn fn, void *arg);
/* Between two questions of all workers; 0: no limit. */
int64_t question_budget_interval_ms(const struct question_budget *budget);

#endif
