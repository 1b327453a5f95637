#include "tests/simulation/coverage.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash_table.h"

struct counter {
    char name[64];
    uint64_t count;
    UT_hash_handle hh;
};

struct coverage {
    struct counter *counters;
};

struct coverage *coverage_create(void)
{
    return xcalloc(1, sizeof(struct coverage));
}

void coverage_destroy(struct coverage *coverage)
{
    struct counter *counter, *next;

    HASH_ITER(hh, coverage->counters, counter, next) {
        HASH_DEL(coverage->counters, counter);
        free(counter);
    }
    free(coverage);
}

void coverage_add(struct coverage *coverage, const char *name, uint64_t count)
{
    struct counter *counter;

    HASH_FIND_STR(coverage->counters, name, counter);
    if (!counter) {
        counter = xcalloc(1, sizeof(*counter));
        snprintf(counter->name, sizeof(counter->name), "%s", name);
        HASH_ADD_STR(coverage->counters, name, counter);
    }
    counter->count += count;
}

static int by_name(const struct counter *left, const struct counter *right)
{
    return strcmp(left->name, right->name);
}

void coverage_each(struct coverage *coverage, coverage_fn fn, void *arg)
{
    HASH_SORT(coverage->counters, by_name);
    for (const struct counter *counter = coverage->counters; counter; counter = counter->hh.next) {
        fn(arg, counter->name, counter->count);
    }
}
