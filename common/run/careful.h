/*
 * careful: events that kill the worker that reads or renders them, before they kill the next one for ever.
 *
 * Whoever takes a partition counts that in Redis, by the offset that was committed last, and takes it back when it leaves
 * in good order. Three times at one offset without that means that its holders died there, so from now on one event at
 * a time is handled in the whole process, each with a mark of its own in Redis while our own code works on its content:
 * reading, then rendering, about half a millisecond, and no waiting inside. An event whose mark three workers have left
 * behind is not touched any more: it goes to the DLQ as it came.
 *
 * A kill from outside hits an open mark by chance at most, and not three times the same one. What kills a worker later,
 * a hostile answer say, is stopped by the count of takeovers in the claim's record.
 *
 * Keys, of scripts/hold.lua, for a day:  n:{<environment>.careful}:<channel>.<topic>.<partition>.<offset>.holders | renderers
 *                                        n:{<environment>.careful}:<topic>.<partition>.<offset>.readers
 */
#ifndef RUN_CAREFUL_H
#define RUN_CAREFUL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/metrics.h"
#include "core/channel.h"
#include "core/record.h"
#include "io/loop.h"
#include "io/redis.h"

struct careful;

enum careful_section { CAREFUL_READ, CAREFUL_RENDER };

/* `is_killer`: it has killed too many; not to be touched. */
typedef void (*careful_fn)(void *arg, bool is_killer);

/* NULL in place of one, as in tools: nothing is counted, and everything runs at once.
 *
 * All borrowed. One in a process: of all channels, so that a mark stands for what is being worked on and nothing else. */
struct careful *careful_create(struct loop *loop, struct redis *redis, const char *environment, struct metrics *metrics);
/* After the connection is closed. What waits is forgotten. */
void careful_destroy(struct careful *careful);

/* A partition is ours, from this committed offset on. */
void careful_take(struct careful *careful, enum channel channel, const char *topic, int32_t partition, int64_t committed);
/* It leaves us in good order; `topic` NULL: all of the channel. */
void careful_leave(struct careful *careful, enum channel channel, const char *topic, int32_t partition);

/* Calls fn(arg) when this record may be worked on: at once as a rule. Those of one partition keep their order. */
void careful_run(struct careful *careful, enum channel channel, const struct record *record,
                 enum careful_section section, careful_fn fn, void *arg);
/* How many wait. */
size_t careful_waiting(const struct careful *careful, enum channel channel);

#endif
