/*
 * fake_redis_scripts: the scripts of common/run/scripts told again in C, to be compared with the real ones by
 * test_scripts.c and test_pool_scripts.c. `args` are the keys and then the arguments; fake_redis_store.c checks their number.
 */
#ifndef SUPPORT_FAKE_REDIS_SCRIPTS_H
#define SUPPORT_FAKE_REDIS_SCRIPTS_H

#include "fake_redis_answer.h"

/* fake_redis_claims.c: records and their guards. */
void fake_script_begin(const struct slice args[], struct fake_answer *answer);
void fake_script_settle(const struct slice args[], struct fake_answer *answer);
void fake_script_restore(const struct slice args[], struct fake_answer *answer);
void fake_script_reopen(const struct slice args[], struct fake_answer *answer);
void fake_script_resolve(const struct slice args[], struct fake_answer *answer);
void fake_script_open_shard(const struct slice args[], struct fake_answer *answer);
void fake_script_note_server(const struct slice args[], struct fake_answer *answer);

/* fake_redis_pool.c: what all workers share. */
void fake_script_tokens(const struct slice args[], struct fake_answer *answer);
void fake_script_not_before(const struct slice args[], struct fake_answer *answer);
void fake_script_beat(const struct slice args[], struct fake_answer *answer);
void fake_script_choose(const struct slice args[], struct fake_answer *answer);
void fake_script_hold(const struct slice args[], struct fake_answer *answer);

#endif
