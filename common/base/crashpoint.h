/*
 * crashpoint: named places where a chaos build (VARIANT=chaos) can be told to die, or to hurry. Any other build compiles
 * none of it.
 *
 *     CRASH_AT=settle_answered:2    kills the process (SIGKILL) when it comes to that place for the second time
 *     CRASH_AT=request_allowed:1+50 kills it 50 ms after it came there (SIGALRM, unhandled)
 *     CHAOS_POISON=m666             rendering for members whose id begins so kills the process
 *     CHAOS_HURRY=60                long waits (retry topics, patience in memory, commits) last the 60th part
 *     CHAOS_CLOCK_S=-3600           the wall clock is an hour late (base/clock.c)
 *
 * tests/chaos/crash_points.c lists the names with what each means for a delivery.
 */
#ifndef BASE_CRASHPOINT_H
#define BASE_CRASHPOINT_H

#include <stdint.h>

#ifdef PERKLINE_CHAOS
#define CRASHPOINT(name) crashpoint_reach(name)
#define CHAOS_HURRY(ms) crashpoint_hurry(ms)
#define CHAOS_POISON(member_id) crashpoint_poison(member_id)
#else
#define CRASHPOINT(name) ((void)0)
#define CHAOS_HURRY(ms) (ms)
#define CHAOS_POISON(member_id) ((void)0)
#endif

/* For chaos builds: what the macros stand for. */
void crashpoint_reach(const char *name);
int64_t crashpoint_hurry(int64_t ms);
void crashpoint_poison(const char *member_id);
/* Milliseconds that the wall clock is wrong by. */
int64_t crashpoint_clock_error_ms(void);

#endif
