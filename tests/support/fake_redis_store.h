/*
 * fake_redis_store: what a Redis server remembers and what it answers, without a connection: the commands that
 * common/run uses, and its scripts told again in C, to be compared with the real ones by test_scripts.c.
 */
#ifndef SUPPORT_FAKE_REDIS_STORE_H
#define SUPPORT_FAKE_REDIS_STORE_H

#include "io/redis.h"

enum { FAKE_MOST_ITEMS = 6, FAKE_MOST_TEXT = 512, FAKE_MOST_NESTED = 32, FAKE_MOST_MEMBER = 128 };

/* Owns what it says. */
struct fake_answer {
    struct redis_reply reply; /* points into the rest */
    struct redis_reply items[FAKE_MOST_ITEMS];
    char texts[FAKE_MOST_ITEMS][FAKE_MOST_TEXT];
    struct redis_reply nested[FAKE_MOST_NESTED]; /* a list, as the last item or as the whole answer */
    char members[FAKE_MOST_NESTED][FAKE_MOST_MEMBER];
    bool is_error;
};

void fake_store_begin(void);
void fake_store_end(void);
void fake_store_empty(void);
void fake_store_call(const struct slice args[], size_t count, struct fake_answer *answer);
void fake_store_eval(const char *script, const struct slice args[], size_t count, struct fake_answer *answer);

#endif
