/*
 * coverage: how often each thing happened in simulations, over many runs: "fault death", "begin GO". So that a run which
 * finds nothing shows what it looked at.
 */
#ifndef SIMULATION_COVERAGE_H
#define SIMULATION_COVERAGE_H

#include <stdint.h>

struct coverage;

struct coverage *coverage_create(void);
void coverage_destroy(struct coverage *coverage);
void coverage_add(struct coverage *coverage, const char *name, uint64_t count);
typedef void (*coverage_fn)(void *arg, const char *name, uint64_t count);
/* In the order of names. */
void coverage_each(struct coverage *coverage, coverage_fn fn, void *arg);

#endif
