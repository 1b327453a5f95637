#include "run/question_budget.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/number.h"
#include "run/limiter.h"

enum { HOUR_MS = 3600000, RETRY_MS = 1000, KEY_SIZE = 112 };

struct question_budget {
    struct redis *redis;
    int64_t per_hour;
    char arrival_key[KEY_SIZE], not_before_key[KEY_SIZE];
    int64_t next_at;   /* clock_mono_ms(): before that Redis need not be asked */
    size_t open_count; /* answers awaited */
    bool is_gone;      /* destroyed while there were some */
};

struct wish {
    struct question_budget *budget;
    question_budget_fn fn;
    void *arg;
};

struct question_budget *question_budget_create(struct redis *redis, const struct question_budget_settings *settings)
{
    struct question_budget *budget = xcalloc(1, sizeof(*budget));

    budget->redis = redis;
    budget->per_hour = settings->per_hour;
    snprintf(budget->arrival_key, sizeof(budget->arrival_key), "n:{r:%s.%s.questions}:tat", settings->environment,
             settings->name);
    snprintf(budget->not_before_key, sizeof(budget->not_before_key), "n:{r:%s.%s.questions}:not-before",
             settings->environment, settings->name);
    redis_add_script(redis, &limiter_tokens_script);
    return budget;
}

void question_budget_destroy(struct question_budget *budget)
{
    if (budget && budget->open_count > 0) {
        budget->is_gone = true;
    } else {
        free(budget);
    }
}

int64_t question_budget_interval_ms(const struct question_budget *budget)
{
    return budget->per_hour > 0 ? HOUR_MS / budget->per_hour : 0;
}

/* What a script of ours answers: granted, and us until it is worth asking again. */
static int64_t read_wait_ms(const struct question_budget *budget, enum redis_status status, const struct redis_reply *reply)
{
    int64_t most_ms = question_budget_interval_ms(budget) + 1, wait_ms;

    if (status != REDIS_OK || reply->type != REDIS_ARRAY || reply->count != 2) {
        return RETRY_MS;
    }
    wait_ms = reply->items[1].number / 1000 + 1;
    return reply->items[0].number > 0 ? 0 : wait_ms < 1 ? 1 : wait_ms > most_ms ? most_ms : wait_ms;
}

static void on_tokens(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct wish *wish = arg;
    struct question_budget *budget = wish->budget;
    int64_t wait_ms = read_wait_ms(budget, status, reply);

    budget->open_count--;
    if (!budget->is_gone) {
        budget->next_at = clock_mono_ms() + wait_ms;
        wish->fn(wish->arg, wait_ms);
    } else if (budget->open_count == 0) {
        free(budget);
    }
    free(wish);
}

void question_budget_take(struct question_budget *budget, question_budget_fn fn, void *arg)
{
    char interval[NUMBER_TEXT_SIZE];
    struct slice interval_us;
    struct wish *wish;

    if (budget->per_hour == 0) {
        fn(arg, 0);
        return;
    }
    if (budget->next_at > clock_mono_ms()) {
        fn(arg, budget->next_at - clock_mono_ms());
        return;
    }
    wish = xcalloc(1, sizeof(*wish));
    *wish = (struct wish){budget, fn, arg};
    interval_us = number_format(HOUR_MS * 1000LL / budget->per_hour, interval);
    budget->open_count++;
    redis_eval(budget->redis, &limiter_tokens_script,
               (const struct slice[]){slice_of(budget->arrival_key), slice_of(budget->not_before_key), interval_us,
                                      interval_us, SLICE("1")},
               5, on_tokens, wish);
}
