/*
 * poll: waits for a condition that another process brings about, by asking again and again. The deadline only keeps a
 * broken test from hanging; it is generous because two compilers may share the machine with the test.
 */
#ifndef SUPPORT_POLL_H
#define SUPPORT_POLL_H

#include <stdbool.h>
#include <stdint.h>

enum { POLL_DEADLINE_MS = 90000 };

typedef bool (*poll_fn)(void *arg);

/* True when `fn` said so in time. */
bool poll_until(poll_fn fn, void *arg);
bool poll_until_within(poll_fn fn, void *arg, int64_t most_ms);

/* For tests that something does NOT happen. */
void poll_pause_ms(int64_t ms);

#endif
