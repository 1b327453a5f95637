/*
 * pool: the beat of a worker: twice a second it says how it is, and hears what people chose, in one round trip to Redis.
 *
 * What it says is one JSON object, for `perkline status` and `perkline templates`: who it is, since when, which version
 * of everything it uses, what it has in hand. It is gone from Redis ten seconds after the last beat. What it hears goes
 * to pauses (what is stopped) and to versions (which templates are used), which belong to the pool.
 */
#ifndef RUN_POOL_H
#define RUN_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json_text.h"
#include "base/metrics.h"
#include "run/claims.h"
#include "run/pauses.h"
#include "run/templates.h"

enum { POOL_BEAT_MS = 500, POOL_SILENT_MS = 5000, POOL_WORKER_SIZE = 96 };

extern const struct redis_script pool_beat_script, pool_choose_script;

struct pool;

/* All borrowed. */
struct pool_parts {
    struct loop *loop;
    struct claims *claims;
    struct templates *templates;
    struct metrics *metrics;
    const char *environment;
    /* Adds members to the object that is said. */
    void (*describe)(void *arg, struct json_text *j);
    void *arg;
};

struct pool *pool_create(const struct pool_parts *parts);
/* The worker takes nothing new: it is not counted any more. */
void pool_leave(struct pool *pool);
/* After claims_close(), and after everything that asks its pauses. */
void pool_destroy(struct pool *pool);

struct pauses *pool_pauses(struct pool *pool);
/* Redis has told what people chose. */
bool pool_is_known(const struct pool *pool);
/* Why not; "" when nobody has said. */
const char *pool_refusal(const struct pool *pool);
/* Turns the loop until it is known what people chose, or `most_ms` are over: Redis is not there. */
void pool_wait(struct pool *pool, int64_t most_ms);

#endif
