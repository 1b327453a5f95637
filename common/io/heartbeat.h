/*
 * heartbeat: does the loop still turn?
 *
 * A loop that hangs in a call cannot say so, and librdkafka counts a client as alive as long as anybody polls any of its
 * queues. So a thread looks whether the loop's timer still fires. It counts its own wakings, not the clock: a process that
 * was stopped and goes on (SIGSTOP, a frozen machine) has missed nothing.
 */
#ifndef IO_HEARTBEAT_H
#define IO_HEARTBEAT_H

#include "io/loop.h"

struct heartbeat;

/* `on_stall` is called once, on the thread, when the loop did not turn for `most_ticks` times `tick_ms`. It may only do
 * what ends the process. */
struct heartbeat *heartbeat_create(struct loop *loop, int64_t tick_ms, int most_ticks, void (*on_stall)(void *arg),
                                   void *arg);
void heartbeat_destroy(struct heartbeat *heartbeat);

#endif
