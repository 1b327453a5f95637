/*
 * every_allocation: the same work again and again, each time in a child of its own (fork) in which another allocation fails:
 * the first, the second, and so on, until the work needs no more of them (a fork under the address sanitizer takes 13 ms of
 * a processor, so short forms leave some out). Each child must end as the program does when it
 * has no memory, with one line that says why, or go on as if nothing had been; with no crash, no leak, and with what it
 * did outside being right. Programs that use it are linked with tests/chaos/preload/fail_malloc.o (see the Makefile).
 */
#ifndef SUPPORT_EVERY_ALLOCATION_H
#define SUPPORT_EVERY_ALLOCATION_H

#include <stdbool.h>

struct every_allocation {
    const char *libraries; /* see fail_malloc.h */
    int step;              /* 1: every one; else the first and each so many behind it */
    void (*work)(void *arg);
    /* Asked in the child when it is done, or on its way out. False + a line on stderr: something is wrong. */
    bool (*is_right)(void *arg, bool has_ended);
    void *arg;
};

struct every_allocation_figures {
    int counted; /* allocations that failed, each in its child */
    int ended, went_on, wrong;
};

/* Prints what the first few children said with which something was wrong. */
struct every_allocation_figures every_allocation_fail(const struct every_allocation *plan);

#endif
