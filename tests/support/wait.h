/*
 * wait: turns a loop until a condition holds. The deadline is far beyond what is needed: it only keeps a broken test
 * from hanging, no test depends on it.
 */
#ifndef SUPPORT_WAIT_H
#define SUPPORT_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "io/loop.h"

enum { WAIT_DEADLINE_MS = 20000 };

typedef bool (*wait_fn)(void *arg);

/* True when `fn` said so in time. */
bool wait_until(struct loop *loop, wait_fn fn, void *arg);
bool wait_for_flag(struct loop *loop, const bool *flag);
bool wait_for_count(struct loop *loop, const int *count, int wanted);

/* Lets the loop go on for a while, for tests that something does NOT happen. */
void wait_turns_ms(struct loop *loop, int64_t ms);

#endif
