/*
 * witness: sees what crosses the border of the workers in a simulation (records, commits, requests, faults, what Redis
 * holds), keeps it in the order in which it happened, and has tests/chaos/history.c judge it in the end: one history for
 * each flow and channel, since each has promises of its own. Time in these histories is the place in the order.
 *
 * The digest is that of every line that was witnessed: two runs of one seed have the same.
 */
#ifndef SIMULATION_WITNESS_H
#define SIMULATION_WITNESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tests/simulation/coverage.h"
#include "tests/simulation/scenario.h"

struct witness;

/* In a world that has just begun. `coverage` and `scenario` are borrowed; lines go to `trace`, when there is one. */
struct witness *witness_create(const struct scenario *scenario, struct coverage *coverage, FILE *trace);
void witness_destroy(struct witness *witness);

/* For a struct fake_http_judge. */
void witness_told(void *witness, const struct fake_message *message, enum fake_behaviour behaviour, int status,
                  bool is_delivered);
/* Something of note that explains nothing: a worker starts. */
void witness_note(struct witness *witness, const char *what, int64_t number);
/* A fault at one moment; and one that goes on until it is said to end (-1: there was none). */
void witness_fault(struct witness *witness, const char *what, int64_t number);
int witness_fault_begin(struct witness *witness, const char *what, int64_t number);
void witness_fault_end(struct witness *witness, int *fault);
/* Looks at what Redis holds. `is_loss`: it has just been made to forget. */
void witness_look_at_redis(struct witness *witness, bool is_loss);
/* Commits were seen since the last call. */
bool witness_take_commits(struct witness *witness);

/* Judges, when all has come to rest (`is_at_rest`): true when everything is as promised; else `report` says what is not. */
bool witness_judge(struct witness *witness, bool is_at_rest, struct buf *report);
uint64_t witness_digest(const struct witness *witness);

#endif
