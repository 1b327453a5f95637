/*
 * fake_redis_store: what a Redis server answers, without a connection: to the commands that common/run uses, and to its
 * scripts (fake_redis_scripts.h). What it remembers is fake_redis_table.h.
 */
#ifndef SUPPORT_FAKE_REDIS_STORE_H
#define SUPPORT_FAKE_REDIS_STORE_H

#include "fake_redis_answer.h"

void fake_store_begin(void);
void fake_store_end(void);
void fake_store_call(const struct slice args[], size_t count, struct fake_answer *answer);
void fake_store_eval(const char *script, const struct slice args[], size_t count, struct fake_answer *answer);
/* As a connection would have it done: counted, refused when that was asked for. `script` is NULL for a plain command. */
enum redis_status fake_store_execute(const char *script, const struct slice args[], size_t count,
                                     struct fake_answer *answer);

#endif
