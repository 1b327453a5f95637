/*
 * target: what `perkline pause` and `resume` are asked to act on, and whether there is such a thing.
 */
#ifndef WORKERS_PAUSE_TARGET_H
#define WORKERS_PAUSE_TARGET_H

#include <stdbool.h>

#include "base/err.h"
#include "core/pause.h"
#include "run/redis_ask.h"
#include "workers/pool_view.h"

/* "all", or a scope and a name. Fills scope and name. False + err: not understood. */
bool target_parse(int count, char **words, struct pause *target, struct err *err);
/* Is there a channel, provider or flow of that name? Flows are those of the templates that workers use, or used last; a
 * Redis that knows of none leaves the name unchecked (*is_checked false). False + err, with what was probably meant. */
bool target_check(const struct pause *target, struct redis_ask *redis, const struct pool_keys *keys,
                  const struct pool_view *view, bool *is_checked, struct err *err);
/* For what is to be resumed: it must be in the list. */
bool target_check_paused(const struct pause *target, const struct pause_list *list, struct err *err);

/* "flow signup", "everything" */
enum { TARGET_TEXT_SIZE = PAUSE_NAME_SIZE + 16 };
const char *target_format(const struct pause *target, char text[TARGET_TEXT_SIZE]);

#endif
