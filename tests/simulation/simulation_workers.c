#include "tests/simulation/simulation_inside.h"

#include <inttypes.h>
#include <string.h>

bool simulation_is_frozen(const struct worker *worker)
{
    return worker->frozen_until_ms > 0;
}

/* --- the group ---------------------------------------------------------------------------------------------------- */

void simulation_be(struct simulation *simulation, int number)
{
    fakes_set_skew(simulation->workers[number].skew_ms);
}

void simulation_rebalance(struct simulation *simulation, enum channel channel, int64_t after_ms)
{
    witness_note(simulation->witness, "rebalance", channel);
    for (int i = 0; i < simulation->scenario.worker_count; i++) {
        struct worker *worker = &simulation->workers[i];
        bool can_commit = simulation_below(simulation, 5) > 0;

        if (worker->is_alive && simulation_is_frozen(worker)) {
            fake_kafka_expel(worker->consumers[channel]);
            worker->is_expelled = true;
        } else if (worker->is_alive) {
            simulation_be(simulation, i);
            for (size_t p = 0; p < fake_kafka_partition_count(worker->consumers[channel]); p++) {
                fake_kafka_take_away(worker->consumers[channel], p, can_commit);
            }
        }
    }
    simulation->assign_at_ms[channel] = fakes_mono_ms() + after_ms;
}

static void rebalance_all(struct simulation *simulation, int64_t after_ms)
{
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        simulation_rebalance(simulation, (enum channel)channel, after_ms);
    }
}

void simulation_assign(struct simulation *simulation, enum channel channel)
{
    int members[SCENARIO_MOST_WORKERS], count = 0;
    size_t partitions;

    simulation->assign_at_ms[channel] = SIMULATION_NEVER_MS;
    for (int i = 0; i < simulation->scenario.worker_count; i++) {
        const struct worker *worker = &simulation->workers[i];

        if (worker->is_alive && !simulation_is_frozen(worker) && !worker->is_draining) {
            members[count++] = i;
        }
    }
    partitions = count > 0 ? fake_kafka_partition_count(simulation->workers[members[0]].consumers[channel]) : 0;
    for (size_t p = 0; p < partitions; p++) {
        int owner = members[simulation_below(simulation, count)];

        simulation_be(simulation, owner);
        fake_kafka_give(simulation->workers[owner].consumers[channel], p);
    }
    if (count == 0) {
        simulation->assign_at_ms[channel] = fakes_mono_ms() + 1000;
    }
}

/* --- one worker --------------------------------------------------------------------------------------------------- */

void simulation_freeze(struct simulation *simulation, int number, int64_t for_ms)
{
    struct worker *worker = &simulation->workers[number];

    worker->frozen_until_ms = fakes_mono_ms() + for_ms;
    worker->freeze = witness_fault_begin(simulation->witness, act_name(ACT_FREEZE), number);
    worker->must_be_missed = for_ms > 10000;
}

void simulation_tell_pauses(struct simulation *simulation, struct worker *worker)
{
    static const char *const what[] = {
        "", "{\"scope\":\"flow\",\"name\":\"order\",\"since\":9999999999999}",
        "{\"scope\":\"flow\",\"name\":\"mail\",\"since\":9999999999999}",
        "{\"scope\":\"channel\",\"name\":\"sms\",\"since\":9999999999999}"};
    char text[160];
    struct err err = {0};

    if (simulation->pause_serial) {
        snprintf(text, sizeof(text), "%" PRId64 " [%s]", simulation->pause_serial, what[simulation->paused]);
        pauses_take(worker->process.pauses, slice_of(text), &err);
    }
}

void simulation_start(struct simulation *simulation, int number)
{
    struct worker *worker = &simulation->workers[number];

    simulation_be(simulation, number);
    witness_note(simulation->witness, "start", number);
    process_set(&worker->process);
    worker->process.settings.email_rate = worker->process.settings.sms_rate = simulation->scenario.rate_per_s;
    worker->process.settings.window = simulation->scenario.window;
    process_open(&worker->process);
    worker->is_alive = true;
    worker->is_draining = worker->is_expelled = false;
    worker->frozen_until_ms = 0;
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        worker->consumers[channel] = fake_kafka_consumer((size_t)simulation->open_count++);
    }
    simulation_tell_pauses(simulation, worker);
    rebalance_all(simulation, 1 + simulation_below(simulation, 100));
}

void simulation_stop(struct simulation *simulation, int number, int64_t back_after_ms)
{
    struct worker *worker = &simulation->workers[number];

    simulation_be(simulation, number);
    process_stop(&worker->process);
    simulation->open_count -= CHANNEL_COUNT;
    worker->is_alive = false;
    worker->frozen_until_ms = 0;
    witness_fault_end(simulation->witness, &worker->freeze);
    worker->starts_at_ms = fakes_mono_ms() + back_after_ms;
}

void simulation_bury(struct simulation *simulation, int number)
{
    witness_fault(simulation->witness, "death", number);
    simulation->deaths++;
    simulation_stop(simulation, number, 1 + simulation_below(simulation, 15000));
    fakes_set_dead(false);
    rebalance_all(simulation, 1 + simulation_below(simulation, 10000));
}

void simulation_miss(struct simulation *simulation, int number)
{
    struct worker *worker = &simulation->workers[number];

    if (worker->must_be_missed) {
        worker->must_be_missed = false;
        rebalance_all(simulation, 10000);
    }
}

void simulation_turn(struct simulation *simulation, int number)
{
    struct worker *worker = &simulation->workers[number];

    simulation_be(simulation, number);
    simulation->turning = number;
    loop_turn(worker->process.loop, true);
    simulation->turning = -1;
    simulation_miss(simulation, number);
    if (fakes_is_dead()) {
        simulation_bury(simulation, number);
    } else if (worker->is_draining && channel_worker_is_drained(worker->process.channels[CHANNEL_EMAIL]) &&
               channel_worker_is_drained(worker->process.channels[CHANNEL_SMS])) {
        witness_note(simulation->witness, "left", number);
        simulation_stop(simulation, number, 1 + simulation_below(simulation, 15000));
        rebalance_all(simulation, 1 + simulation_below(simulation, 1000));
    }
}

void simulation_thaw(struct simulation *simulation, int number)
{
    struct worker *worker = &simulation->workers[number];

    worker->frozen_until_ms = 0;
    witness_fault_end(simulation->witness, &worker->freeze);
    if (worker->is_expelled) {
        worker->is_expelled = false;
        rebalance_all(simulation, 1 + simulation_below(simulation, 3000));
    }
}
