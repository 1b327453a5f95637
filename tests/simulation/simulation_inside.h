/*
 * simulation_inside: what the files of a simulation share: simulation.c (one run, step by step), simulation_workers.c (they
 * live, and are one group), simulation_acts.c (what the scenario does to them and to the world) and simulation_faults.c
 * (what chance does at each point, and how the provider behaves).
 */
#ifndef SIMULATION_SIMULATION_INSIDE_H
#define SIMULATION_SIMULATION_INSIDE_H

#include "tests/simulation/simulation.h"
#include "tests/unit/run/process.h"

#define SIMULATION_NEVER_MS INT64_MAX

struct worker {
    struct process process;
    bool is_alive, is_draining, is_expelled, must_be_missed;
    int64_t frozen_until_ms; /* 0: it runs */
    int64_t starts_at_ms;    /* when it does not live */
    int64_t skew_ms;
    int freeze, skew; /* faults that go on */
    struct kafka_consumer *consumers[CHANNEL_COUNT];
};

struct simulation {
    struct scenario scenario;
    struct witness *witness;
    struct coverage *coverage;
    struct random random;
    struct worker workers[SCENARIO_MOST_WORKERS];
    int64_t begun_ms;
    int64_t assign_at_ms[CHANNEL_COUNT];
    int next_event, next_act;
    int open_count;        /* consumers */
    int turning;           /* whose turn it is; -1: nobody's */
    int kafka_down, redis_down, redis_slow, paused; /* faults that go on */
    int64_t pause_serial;
    int version;
    bool is_calm;
    int64_t saved_ms; /* when the replica was last like its master; 0: never */
    int deaths;
    uint64_t steps;
};

/* Chance, from the seed: 0 to `bound` - 1. */
int64_t simulation_below(struct simulation *simulation, int64_t bound);

/* simulation_workers.c. What is done from now on is done by this worker's clock. */
void simulation_be(struct simulation *simulation, int number);
bool simulation_is_frozen(const struct worker *worker);
/* It is not turned for so long. After ten seconds its group goes on without it. */
void simulation_freeze(struct simulation *simulation, int number, int64_t for_ms);
void simulation_thaw(struct simulation *simulation, int number);
void simulation_start(struct simulation *simulation, int number);
void simulation_stop(struct simulation *simulation, int number, int64_t back_after_ms);
/* It is dead already. Its group notices after the session's time. */
void simulation_bury(struct simulation *simulation, int number);
/* Its group goes on without it, when it stands still for long. */
void simulation_miss(struct simulation *simulation, int number);
/* One turn of its loop. */
void simulation_turn(struct simulation *simulation, int number);
void simulation_tell_pauses(struct simulation *simulation, struct worker *worker);
/* Eager: all partitions leave their owners, and come back somewhere a little later. Who is frozen does not hear of it. */
void simulation_rebalance(struct simulation *simulation, enum channel channel, int64_t after_ms);
void simulation_assign(struct simulation *simulation, enum channel channel);

/* simulation_acts.c */
void simulation_perform(struct simulation *simulation, const struct act *act);
/* The end of all faults. */
void simulation_calm_down(struct simulation *simulation);
void simulation_add_event(struct simulation *simulation);

/* simulation_faults.c: for fakes_choose() and struct fake_http_judge. */
enum fake_fault simulation_choose_fault(void *simulation, enum fake_point point);
enum fake_behaviour simulation_decide(void *simulation, const struct fake_message *message);
void simulation_told(void *simulation, const struct fake_message *message, enum fake_behaviour behaviour, int status,
                     bool is_delivered);

#endif
