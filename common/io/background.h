/*
 * background: work that takes long on a thread of its own, while the loop turns on. Each time on a new thread, which gets
 * the heap of the one before it: the threads of a pool would each keep what their last work left free.
 *
 * `work` shares nothing with the loop's thread but its argument, which belongs to it until `done` is called on the
 * loop's thread, exactly once. It cannot be cancelled: loop_destroy() waits for it.
 */
#ifndef IO_BACKGROUND_H
#define IO_BACKGROUND_H

#include "io/loop.h"

void background_begin(struct loop *loop, loop_fn work, loop_fn done, void *arg);

#endif
