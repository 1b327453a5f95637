/*
 * simulation: one run of a scenario. Several workers (the stages, clients and all of common/run, over the fakes of
 * tests/support) share one world; whoever has something to do next gets its turn, and among those at one moment the seed
 * chooses. Nothing in it reads a clock, an address or the kernel, so a seed gives the same run every time.
 *
 * When the time of faults is over everything is mended, and the run goes on until all is committed.
 */
#ifndef SIMULATION_SIMULATION_H
#define SIMULATION_SIMULATION_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "tests/simulation/witness.h"
#include "tests/support/fakes.h"

struct simulation_result {
    bool is_fine;
    uint64_t digest;
    uint64_t steps;  /* turns of a loop and acts */
    uint64_t points; /* steps across the border of a worker */
    int64_t lasted_ms; /* of the world's time */
};

/* `report` gets what is wrong, or nothing. `trace` may be NULL. */
struct simulation_result simulation_run(uint64_t seed, enum fake_bug bug, struct coverage *coverage, FILE *trace,
                                        struct buf *report);

#endif
