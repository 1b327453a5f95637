/*
 * redis_ask: questions to Redis by a command, one after the other: each call waits for its answer. The loop is its own.
 */
#ifndef RUN_REDIS_ASK_H
#define RUN_REDIS_ASK_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "base/slice.h"
#include "io/redis.h"

struct redis_ask;

/* Connects, at most 5 s. NULL + err: the URL is wrong, or Redis cannot be used. */
struct redis_ask *redis_ask_open(const char *url, struct err *err);
void redis_ask_close(struct redis_ask *ask);

/* The answer as JSON (text, number, array, null), a new reference. NULL + err: refused, or no answer. */
json_t *redis_ask_call(struct redis_ask *ask, const struct slice args[], size_t count, struct err *err);
json_t *redis_ask_eval(struct redis_ask *ask, const struct redis_script *script, const struct slice args[],
                       size_t count, struct err *err);
/* Lets the time pass; the connection is served meanwhile. */
void redis_ask_sleep_ms(struct redis_ask *ask, int64_t ms);

#endif
