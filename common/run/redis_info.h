/*
 * redis_info: what INFO and TIME tell, taken apart; and what INFO says about losing writes. Pure.
 */
#ifndef RUN_REDIS_INFO_H
#define RUN_REDIS_INFO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* The value of a line "name:value"; data NULL when there is none. */
struct slice redis_info_find(struct slice info, const char *name);

/* TIME: seconds and microseconds as text. False: they are none that a clock shows. */
bool redis_time_of(struct slice seconds, struct slice us, int64_t *wall_ms);

enum redis_persistence {
    REDIS_PERSISTENCE_UNKNOWN, /* the server does not tell */
    REDIS_PERSISTENCE_NONE,    /* a restart empties it, or loses what came since the last snapshot */
    REDIS_PERSISTENCE_FAILING, /* there is an append-only file, but it cannot be written */
    REDIS_PERSISTENCE_AOF,
};

/* `info`: the section "persistence". */
enum redis_persistence redis_persistence_of(struct slice info);
/* For people; says how to mend it. */
const char *redis_persistence_text(enum redis_persistence persistence);

#endif
