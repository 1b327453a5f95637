#include "tests/simulation/simulation_inside.h"

static const int64_t MOST_LAG_MS = 30000; /* of a replica; workers remember for a minute */

static void set_clock(struct simulation *simulation, int number, int64_t skew_ms)
{
    struct worker *worker = &simulation->workers[number];

    witness_fault_end(simulation->witness, &worker->skew);
    worker->skew_ms = skew_ms;
    if (skew_ms) {
        worker->skew = witness_fault_begin(simulation->witness, act_name(ACT_CLOCK), skew_ms);
    }
}

static void pause_flow(struct simulation *simulation, int what)
{
    simulation->paused = what;
    simulation->pause_serial++;
    witness_note(simulation->witness, what ? "pause" : "resume", what);
    for (int i = 0; i < simulation->scenario.worker_count; i++) {
        if (simulation->workers[i].is_alive) {
            simulation_be(simulation, i);
            simulation_tell_pauses(simulation, &simulation->workers[i]);
        }
    }
}

static void change_templates(struct simulation *simulation)
{
    char version[16];

    snprintf(version, sizeof(version), "v%d", ++simulation->version);
    fake_catalog_set_version(version);
    witness_note(simulation->witness, "templates", simulation->version);
    for (int i = 0; i < simulation->scenario.worker_count; i++) {
        if (simulation->workers[i].is_alive) {
            simulation_be(simulation, i);
            templates_reload(simulation->workers[i].process.templates);
        }
    }
}

static void lose_redis(struct simulation *simulation, enum act_kind kind)
{
    if (kind == ACT_REDIS_FAIL_OVER && fakes_mono_ms() - simulation->saved_ms > MOST_LAG_MS) {
        kind = ACT_REDIS_EMPTY;
    }
    witness_look_at_redis(simulation->witness, false);
    witness_fault(simulation->witness, act_name(kind), 0);
    if (kind == ACT_REDIS_FAIL_OVER) {
        fake_redis_fail_over();
    } else if (kind == ACT_REDIS_FLUSH) {
        fake_redis_empty();
    } else {
        fake_redis_empty();
        fake_redis_break();
    }
    witness_look_at_redis(simulation->witness, true);
}

/* Acts that need a worker which lives and runs. */
static void act_on_worker(struct simulation *simulation, const struct act *act)
{
    struct worker *worker = &simulation->workers[act->worker];

    if (act->kind == ACT_CLOCK) {
        set_clock(simulation, act->worker, act->amount);
    } else if (!worker->is_alive || simulation_is_frozen(worker)) {
        return;
    } else if (act->kind == ACT_CRASH && simulation->deaths == SCENARIO_MOST_DEATHS) {
        return;
    } else if (act->kind == ACT_CRASH) {
        fakes_set_dead(true);
        simulation_bury(simulation, act->worker);
    } else if (act->kind == ACT_FREEZE) {
        simulation_freeze(simulation, act->worker, act->amount);
        simulation_miss(simulation, act->worker);
    } else if (!worker->is_draining) {
        witness_fault(simulation->witness, act_name(act->kind), act->worker);
        worker->is_draining = true;
        simulation_be(simulation, act->worker);
        for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
            channel_worker_drain(worker->process.channels[channel]);
        }
    }
}

void simulation_perform(struct simulation *simulation, const struct act *act)
{
    switch (act->kind) {
    case ACT_REBALANCE:
        witness_fault(simulation->witness, "rebalance", act->amount);
        simulation_rebalance(simulation, (enum channel)(act->amount % CHANNEL_COUNT), 1 + act->amount);
        break;
    case ACT_CRASH:
    case ACT_FREEZE:
    case ACT_LEAVE:
    case ACT_CLOCK:
        act_on_worker(simulation, act);
        break;
    case ACT_TEMPLATES:
        change_templates(simulation);
        break;
    case ACT_PAUSE:
        pause_flow(simulation, 1 + (int)(act->amount % 3));
        break;
    case ACT_RESUME:
        pause_flow(simulation, 0);
        break;
    case ACT_KAFKA_DOWN:
    case ACT_KAFKA_UP:
        fake_kafka_set_down(act->kind == ACT_KAFKA_DOWN);
        witness_fault_end(simulation->witness, &simulation->kafka_down);
        if (act->kind == ACT_KAFKA_DOWN) {
            simulation->kafka_down = witness_fault_begin(simulation->witness, act_name(act->kind), act->amount);
        }
        break;
    case ACT_REDIS_DOWN:
    case ACT_REDIS_UP:
        fake_redis_set_down(act->kind == ACT_REDIS_DOWN);
        witness_fault_end(simulation->witness, &simulation->redis_down);
        if (act->kind == ACT_REDIS_DOWN) {
            simulation->redis_down = witness_fault_begin(simulation->witness, act_name(act->kind), act->amount);
        }
        break;
    case ACT_REDIS_SLOW:
        fake_redis_set_latency(act->amount);
        witness_fault_end(simulation->witness, &simulation->redis_slow);
        simulation->redis_slow = witness_fault_begin(simulation->witness, act_name(act->kind), act->amount);
        break;
    case ACT_REDIS_BREAK:
        witness_fault(simulation->witness, act_name(act->kind), 0);
        fake_redis_break();
        break;
    case ACT_REDIS_SAVE:
        witness_note(simulation->witness, act_name(act->kind), 0);
        fake_redis_save();
        simulation->saved_ms = fakes_mono_ms();
        break;
    default:
        lose_redis(simulation, act->kind);
        break;
    }
}

void simulation_calm_down(struct simulation *simulation)
{
    simulation->is_calm = true;
    witness_note(simulation->witness, "calm", 0);
    fake_kafka_set_down(false);
    fake_redis_set_down(false);
    fake_redis_set_latency(1);
    witness_fault_end(simulation->witness, &simulation->kafka_down);
    witness_fault_end(simulation->witness, &simulation->redis_down);
    witness_fault_end(simulation->witness, &simulation->redis_slow);
    for (int i = 0; i < simulation->scenario.worker_count; i++) {
        struct worker *worker = &simulation->workers[i];

        set_clock(simulation, i, 0);
        if (simulation_is_frozen(worker)) {
            simulation_thaw(simulation, i);
        }
    }
    pause_flow(simulation, 0);
}

void simulation_add_event(struct simulation *simulation)
{
    const struct scenario_event *event = &simulation->scenario.events[simulation->next_event];
    struct buf text;
    char key[16];

    fakes_set_skew(0);
    snprintf(key, sizeof(key), "m%d", event->note < 0 ? 0 : simulation->scenario.notes[event->note].member);
    buf_init(&text, 0);
    scenario_format_event(&simulation->scenario, simulation->next_event, fakes_wall_ms(), &text);
    fake_kafka_append("loyalty.events", event->partition, slice_of(key), slice_of(buf_text(&text)), NULL, 0);
    buf_finish(&text);
    simulation->next_event++;
}
