/*
 * pauses: what this process knows of what people paused, and who has to be told when that changes.
 *
 * Until Redis has said what is paused, everything is: a worker that starts must not send what people stopped. Afterwards
 * the last that was heard holds, also while Redis is away. The gates and stages ask; pool.c brings the news.
 */
#ifndef RUN_PAUSES_H
#define RUN_PAUSES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/metrics.h"
#include "core/channel.h"
#include "core/pause.h"
#include "io/loop.h"

struct pauses;

enum { PAUSES_MOST_LISTENERS = 8 };

/* `loop` and `metrics` are borrowed. */
struct pauses *pauses_create(struct loop *loop, struct metrics *metrics);
void pauses_destroy(struct pauses *pauses);
/* Told at every change. */
void pauses_add_listener(struct pauses *pauses, loop_fn fn, void *arg);

/* What Redis says; an older list than the one that is known changes nothing. False + err: it is not understood, and
 * what was known holds. */
bool pauses_take(struct pauses *pauses, struct slice text, struct err *err);
bool pauses_is_known(const struct pauses *pauses);
const struct pause_list *pauses_list(const struct pauses *pauses);

/* Nothing of this channel may leave through this provider now. */
bool pauses_stop(const struct pauses *pauses, enum channel channel, const char *provider);
/* For how long the flow has been paused; -1: it is not. */
int64_t pauses_flow_age_ms(const struct pauses *pauses, const char *flow);

#endif
