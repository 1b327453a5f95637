/*
 * fake_redis_answer: what the fake Redis says to one command: a reply, and the room that it points to.
 */
#ifndef SUPPORT_FAKE_REDIS_ANSWER_H
#define SUPPORT_FAKE_REDIS_ANSWER_H

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

void fake_say_int(struct fake_answer *answer, int64_t number);
/* NULL: nil. */
void fake_say_text(struct fake_answer *answer, const char *text);
void fake_say_error(struct fake_answer *answer, const char *text);
/* A list that begins with `word` (NULL: with nothing), and what follows in it. */
void fake_say_array(struct fake_answer *answer, const char *word);
void fake_say_more(struct fake_answer *answer, const char *text);
void fake_say_more_int(struct fake_answer *answer, int64_t number);

/* An argument that must be a whole number. */
int64_t fake_number(struct slice text);

#endif
