/*
 * produce_guard: who reads a topic in this environment? Events that are copied to a topic that workers consume are
 * events to them: whatever was not sent before is sent.
 */
#ifndef WORKERS_REPLAY_PRODUCE_GUARD_H
#define WORKERS_REPLAY_PRODUCE_GUARD_H

#include <stdbool.h>

#include "base/err.h"
#include "workers/replay/replay.h"

/* False + err, which says who: the settings (KAFKA_TOPICS, also by a pattern; the topics beside it), or workers that
 * say so in Redis. A Redis that is not there says nothing, and is not asked with --offline. */
bool produce_guard_check(const struct replay_parts *parts, const char *topic, struct err *err);

#endif
