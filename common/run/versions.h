/*
 * versions: what all workers of an installation know of each other's templates, through Redis.
 *
 * Each worker says twice a second which version it uses and hears what people chose (`perkline templates`); a choice is
 * in use everywhere within a second. The files of each version are kept in Redis beside that, so that a worker that
 * never had a version (started later, its folder changed) can still use it: to go back to it, or for a message that
 * began with it. What is in Redis is a copy: the folder stays where templates come from, and workers fill an emptied
 * Redis again.
 */
#ifndef RUN_VERSIONS_H
#define RUN_VERSIONS_H

#include <stdbool.h>

#include "io/loop.h"
#include "io/redis.h"
#include "run/claims.h"
#include "run/templates.h"

enum { VERSIONS_KEY_SIZE = 96, VERSIONS_MOST = 20, VERSIONS_BEAT_MS = 500, VERSIONS_SILENT_MS = 5000 };

/* Where things stand in Redis; see scripts/announce_templates.lua. */
struct version_keys {
    char workers[VERSIONS_KEY_SIZE], pin[VERSIONS_KEY_SIZE], history[VERSIONS_KEY_SIZE];
    char files_prefix[VERSIONS_KEY_SIZE]; /* the version follows */
};

void version_keys_init(struct version_keys *keys, const char *environment);
extern const struct redis_script versions_announce_script, versions_pin_script;

struct versions;

/* All borrowed. Becomes the listener of `templates`. `channels`: for people to read. */
struct versions *versions_create(struct loop *loop, struct claims *claims, struct templates *templates,
                                 const char *environment, const char *channels);
/* The worker takes nothing new: it is not counted among those that use templates any more. */
void versions_leave(struct versions *versions);
/* After claims_close(). */
void versions_destroy(struct versions *versions);
/* Turns the loop until it is known what people chose, or `most_ms` are over: Redis is not there. */
void versions_wait(struct versions *versions, int64_t most_ms);
/* Redis has told what people chose. */
bool versions_is_known(const struct versions *versions);

#endif
