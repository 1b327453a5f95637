/*
 * versions: what all workers of an installation know of each other's templates, through Redis.
 *
 * With the beat of the pool (pool.c) each worker says twice a second which version it uses and hears what people chose
 * (`perkline templates`); a choice is in use everywhere within a second. The files of each version are kept in Redis
 * beside that, so that a worker that never had a version (started later, its folder changed) can still use it: to go
 * back to it, or for a message that began with it. What is in Redis is a copy: the folder stays where templates come
 * from, and workers fill an emptied Redis again.
 */
#ifndef RUN_VERSIONS_H
#define RUN_VERSIONS_H

#include <stdbool.h>

#include "base/json_text.h"
#include "io/loop.h"
#include "io/redis.h"
#include "run/pool_keys.h"
#include "run/templates.h"

enum { VERSIONS_MOST = 20 };

struct versions;

/* All borrowed. Becomes the listener of `templates`. `fn`: there is something to say, or to ask for, now. */
struct versions *versions_create(struct loop *loop, struct redis *redis, struct templates *templates,
                                 const struct pool_keys *keys, loop_fn fn, void *arg);
/* After claims_close(). */
void versions_destroy(struct versions *versions);
/* Redis has told what people chose. */
bool versions_is_known(const struct versions *versions);

/* --- for the beat ------------------------------------------------------------------------------------------------- */

/* What a beat says; good until the next. */
struct versions_news {
    const char *folder, *in_use;
    bool is_live; /* the folder has changed, and Redis does not know it yet */
    const struct template_pin *pin;
};

struct versions_news versions_say(struct versions *versions);
/* The same as a JSON object, for people to look at. */
void versions_write(const struct versions *versions, struct json_text *j);
/* The answer to the last versions_say(): pin, two times 1 or 0 for the files of `folder` and `in_use`, history. */
void versions_hear(struct versions *versions, const struct redis_reply items[4]);

#endif
