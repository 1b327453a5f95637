/*
 * fail_malloc: one allocation fails, the n-th of those that the program itself, or a library that may fail into our code,
 * asks for. Every other one is answered as usual, so that what follows is seen, too. Loaded into a program that is not to
 * know of it (LD_PRELOAD), or linked into a test (these functions).
 *
 *     FAIL_MALLOC_IN=libjansson,libcurl   whose allocations are counted beside the program's own
 *     FAIL_MALLOC_AT=17                   the 17th since the start fails
 *     SIGUSR2 with a value (sigqueue)     above 0: the value-th from now on fails; 0: prints how many were counted so far
 *
 * Lines of its own on stderr begin with "fail_malloc: ". What libc allocates in a name of its own (stdio, resolver) is not
 * counted, nor what librdkafka does: it aborts by design, which is a death as any other.
 */
#ifndef CHAOS_FAIL_MALLOC_H
#define CHAOS_FAIL_MALLOC_H

#include <stdbool.h>

/* Whose are counted, as FAIL_MALLOC_IN. Libraries that are loaded later are not. */
void fail_malloc_in(const char *libraries);
/* Counting begins anew; 0: none fails. */
void fail_malloc_at(long number);
long fail_malloc_count(void);
bool fail_malloc_has_failed(void);

#endif
