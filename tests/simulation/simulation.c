#include "tests/simulation/simulation_inside.h"

#include <string.h>

static const int64_t LONGEST_MS = 30 * 3600000LL;
static const uint64_t MOST_STEPS = 3000000;

int64_t simulation_below(struct simulation *simulation, int64_t bound)
{
    return (int64_t)random_below(&simulation->random, (uint64_t)bound);
}

/* --- the run ------------------------------------------------------------------------------------------------------ */

static int64_t due_of(const struct worker *worker)
{
    int64_t next_ms;

    if (!worker->is_alive) {
        return worker->starts_at_ms;
    }
    if (simulation_is_frozen(worker)) {
        return worker->frozen_until_ms;
    }
    next_ms = fakes_next_ms(worker->process.loop);
    return next_ms;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t due_outside(const struct simulation *simulation)
{
    const struct scenario *scenario = &simulation->scenario;
    int64_t due_ms = simulation->is_calm ? SIMULATION_NEVER_MS : simulation->begun_ms + scenario->calm_at_ms;

    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        due_ms = least(due_ms, simulation->assign_at_ms[channel]);
    }
    if (simulation->next_event < scenario->event_count) {
        due_ms = least(due_ms, simulation->begun_ms + scenario->events[simulation->next_event].at_ms);
    }
    if (!simulation->is_calm && simulation->next_act < scenario->act_count) {
        due_ms = least(due_ms, simulation->begun_ms + scenario->acts[simulation->next_act].at_ms);
    }
    return due_ms;
}

/* What happens outside of the workers now. */
static void step_outside(struct simulation *simulation)
{
    const struct scenario *scenario = &simulation->scenario;
    int64_t now_ms = fakes_mono_ms(), since_ms = now_ms - simulation->begun_ms;

    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        if (simulation->assign_at_ms[channel] <= now_ms) {
            simulation_assign(simulation, (enum channel)channel);
        }
    }
    while (simulation->next_event < scenario->event_count && scenario->events[simulation->next_event].at_ms <= since_ms) {
        simulation_add_event(simulation);
    }
    if (!simulation->is_calm && since_ms >= scenario->calm_at_ms) {
        simulation_calm_down(simulation);
    }
    while (!simulation->is_calm && simulation->next_act < scenario->act_count &&
           scenario->acts[simulation->next_act].at_ms <= since_ms) {
        simulation_perform(simulation, &scenario->acts[simulation->next_act++]);
    }
}

static void step_worker(struct simulation *simulation, int number)
{
    struct worker *worker = &simulation->workers[number];

    if (!worker->is_alive) {
        simulation_start(simulation, number);
    } else if (simulation_is_frozen(worker)) {
        simulation_thaw(simulation, number);
    } else {
        simulation_turn(simulation, number);
    }
}

static void step(struct simulation *simulation)
{
    int64_t due_ms[SCENARIO_MOST_WORKERS], outside_ms = due_outside(simulation), first_ms = outside_ms;
    int ready[SCENARIO_MOST_WORKERS], count = 0;

    for (int i = 0; i < simulation->scenario.worker_count; i++) {
        due_ms[i] = due_of(&simulation->workers[i]);
        first_ms = least(first_ms, due_ms[i]);
    }
    first_ms = first_ms > fakes_mono_ms() ? first_ms : fakes_mono_ms();
    fakes_advance_to_ms(first_ms);
    simulation->steps++;
    if (outside_ms <= first_ms) {
        step_outside(simulation);
        return;
    }
    for (int i = 0; i < simulation->scenario.worker_count; i++) {
        if (due_ms[i] <= first_ms) {
            ready[count++] = i;
        }
    }
    step_worker(simulation, ready[count > 1 ? simulation_below(simulation, count) : 0]);
}

static bool is_committed(enum channel channel)
{
    static const char *const topics[] = {"loyalty.events", "loyalty.retry.1m", "loyalty.retry.10m", "loyalty.retry.1h",
                                         "loyalty.retry.6h"};
    char group[32];

    snprintf(group, sizeof(group), "perkline-%s", channel_name(channel));
    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        for (int32_t p = 0; p < SCENARIO_PARTITIONS; p++) {
            int64_t end = fake_kafka_end(topics[i], p);

            if (end > 0 && fake_kafka_committed(group, topics[i], p) < end) {
                return false;
            }
        }
    }
    return true;
}

static bool is_at_rest(struct simulation *simulation)
{
    return simulation->is_calm && simulation->next_event == simulation->scenario.event_count &&
           witness_take_commits(simulation->witness) && is_committed(CHANNEL_EMAIL) && is_committed(CHANNEL_SMS);
}

/* A system that has been at work before: Redis knows what was sent, and there is an outcome. */
static void begin_history(void)
{
    const struct mid mid = {{0}};
    const struct outcome outcome = {.mid = &mid, .state = OUTCOME_SENT, .reason = "accepted", .wall_ms = fakes_wall_ms()};
    struct buf text;

    buf_init(&text, 0);
    outcome_format(&outcome, &text);
    fake_kafka_append("loyalty.outcomes", 0, SLICE("before"), buf_slice(&text), NULL, 0);
    buf_finish(&text);
    for (unsigned shard = 0; shard < CLAIM_SHARDS; shard++) {
        char key[CLAIM_KEY_SIZE];
        struct slice guard = claim_guard_key("test", shard, key);

        fake_redis_call((const struct slice[]){SLICE("HSET"), guard, SLICE("r"), SLICE("mark")}, 4);
        fake_redis_eval("open_shard", (const struct slice[]){guard, SLICE("1"), SLICE("1"), SLICE("0"), SLICE("mark")}, 5);
    }
    fake_redis_eval("note_server", (const struct slice[]){SLICE("n:{test.recovery}:server"), SLICE("run0"), SLICE("0")}, 3);
}

static void begin(struct simulation *simulation, uint64_t seed, enum fake_bug bug)
{
    const struct fake_http_judge judge = {simulation_decide, simulation_told, simulation};

    scenario_draw(&simulation->scenario, seed);
    random_init(&simulation->random, ~seed);
    fakes_begin_with(seed ^ 0x5eed);
    fakes_plant(bug);
    fakes_choose(simulation_choose_fault, simulation);
    fake_kafka_share();
    fake_catalog_set_version("v1");
    fake_http_set_judge(&judge);
    process_add_topics();
    begin_history();
    simulation->turning = -1;
    simulation->version = 1;
    simulation->kafka_down = simulation->redis_down = simulation->redis_slow = -1;
    simulation->begun_ms = fakes_mono_ms();
    simulation->assign_at_ms[CHANNEL_EMAIL] = simulation->assign_at_ms[CHANNEL_SMS] = SIMULATION_NEVER_MS;
    for (int i = 0; i < simulation->scenario.worker_count; i++) {
        simulation->workers[i].freeze = simulation->workers[i].skew = -1;
        simulation->workers[i].starts_at_ms = simulation->begun_ms + (i ? simulation_below(simulation, 3000) : 0);
    }
}

struct simulation_result simulation_run(uint64_t seed, enum fake_bug bug, struct coverage *coverage, FILE *trace,
                                        struct buf *report)
{
    static struct simulation simulation;
    struct simulation_result result = {0};
    bool is_done = false;

    memset(&simulation, 0, sizeof(simulation));
    begin(&simulation, seed, bug);
    simulation.witness = witness_create(&simulation.scenario, coverage, trace);
    coverage_add(coverage, scenario_class_name(simulation.scenario.class), 1);
    while (!is_done && fakes_mono_ms() - simulation.begun_ms < LONGEST_MS && simulation.steps < MOST_STEPS) {
        step(&simulation);
        is_done = is_at_rest(&simulation);
    }
    result.is_fine = witness_judge(simulation.witness, is_done, report);
    result.digest = witness_digest(simulation.witness);
    result.steps = simulation.steps;
    result.points = fakes_point_count();
    result.lasted_ms = fakes_mono_ms() - simulation.begun_ms;
    for (int i = 0; i < simulation.scenario.worker_count; i++) {
        if (simulation.workers[i].is_alive) {
            simulation_stop(&simulation, i, SIMULATION_NEVER_MS / 2);
        }
    }
    witness_destroy(simulation.witness);
    fakes_end();
    return result;
}
