/*
 * fake_redis_sets: sorted sets of the fake Redis, each kept as the text "score member;score member;", in order.
 */
#ifndef SUPPORT_FAKE_REDIS_SETS_H
#define SUPPORT_FAKE_REDIS_SETS_H

#include "fake_redis_answer.h"

struct fake_member {
    int64_t score;
    char name[FAKE_MOST_MEMBER];
};

size_t fake_set_read(struct slice key, struct fake_member members[FAKE_MOST_NESTED]);
void fake_set_put(struct slice key, int64_t score, struct slice name, bool is_new_only, int64_t ttl_ms);
void fake_set_remove(struct slice key, struct slice name);
/* All with that score or a lower one. */
void fake_set_remove_below(struct slice key, int64_t score, int64_t ttl_ms);
/* The names, as one more item of the answer. */
void fake_set_say(struct fake_answer *answer, struct slice key, bool is_latest_first);

#endif
