#include "tests/simulation/simulation.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/run/process.h"

static const int64_t NEVER_MS = INT64_MAX;
static const int64_t LONGEST_MS = 30 * 3600000LL;
static const uint64_t MOST_STEPS = 3000000;
static const int64_t MOST_LAG_MS = 30000; /* of a replica; workers remember for a minute */

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

static bool is_frozen(const struct worker *worker)
{
    return worker->frozen_until_ms > 0;
}

static int64_t below(struct simulation *simulation, int64_t bound)
{
    return (int64_t)random_below(&simulation->random, (uint64_t)bound);
}

/* --- faults at points, behaviour of the provider ------------------------------------------------------------------ */

/* It is not turned for so long. After ten seconds its group goes on without it. */
static void freeze(struct simulation *simulation, int number, int64_t for_ms)
{
    struct worker *worker = &simulation->workers[number];

    worker->frozen_until_ms = fakes_mono_ms() + for_ms;
    worker->freeze = witness_fault_begin(simulation->witness, act_name(ACT_FREEZE), number);
    worker->must_be_missed = for_ms > 10000;
}

static enum fake_fault choose_fault(void *arg, enum fake_point point)
{
    struct simulation *simulation = arg;
    uint32_t drawn;
    char name[48];

    if (simulation->is_calm || simulation->turning < 0) {
        return FAKE_FAULT_NONE;
    }
    drawn = (uint32_t)below(simulation, 1000000);
    if (drawn < simulation->scenario.crash_ppm && simulation->deaths < SCENARIO_MOST_DEATHS) {
        snprintf(name, sizeof(name), "death at %s", fake_point_name(point));
        witness_fault(simulation->witness, name, simulation->turning);
        return FAKE_FAULT_CRASH;
    }
    if (drawn >= 1000000 - simulation->scenario.lost_ppm) {
        snprintf(name, sizeof(name), "lost %s", fake_point_name(point));
        witness_fault(simulation->witness, name, simulation->turning);
        return FAKE_FAULT_LOST;
    }
    drawn -= simulation->scenario.crash_ppm;
    if (drawn < simulation->scenario.freeze_ppm && !is_frozen(&simulation->workers[simulation->turning])) {
        freeze(simulation, simulation->turning, 1000 + below(simulation, 40000)); /* when this turn is over */
    }
    return FAKE_FAULT_NONE;
}

static bool is_refused(const char *to)
{
    return strncmp(to, "refused", 7) == 0 || strncmp(to, "+36300001", 9) == 0;
}

static enum fake_behaviour decide(void *arg, const struct fake_message *message)
{
    struct simulation *simulation = arg;
    uint32_t drawn = (uint32_t)below(simulation, 1000);
    bool is_question = strcmp(message->to, FAKE_QUESTION) == 0;

    for (int i = FAKE_ACCEPT_LOSE_ANSWER; i <= FAKE_REFUSE_NOW && !simulation->is_calm; i++) {
        if (drawn < simulation->scenario.behaviour_pm[i]) {
            bool is_possible = is_question ? i != FAKE_ACCEPT_LOSE_ANSWER : !is_refused(message->to);

            return is_possible ? (enum fake_behaviour)i : FAKE_ANSWER_500;
        }
        drawn -= simulation->scenario.behaviour_pm[i];
    }
    return is_refused(message->to) ? FAKE_ANSWER_400 : FAKE_ACCEPT;
}

static void told(void *arg, const struct fake_message *message, enum fake_behaviour behaviour, int status,
                 bool is_delivered)
{
    const struct simulation *simulation = arg;

    witness_told(simulation->witness, message, behaviour, status, is_delivered);
}

/* --- the group ---------------------------------------------------------------------------------------------------- */

static void be(struct simulation *simulation, int number)
{
    fakes_set_skew(simulation->workers[number].skew_ms);
}

/* Eager: all partitions leave their owners, and come back somewhere a little later. Who is frozen does not hear of it. */
static void rebalance(struct simulation *simulation, enum channel channel, int64_t after_ms)
{
    witness_note(simulation->witness, "rebalance", channel);
    for (int i = 0; i < simulation->scenario.worker_count; i++) {
        struct worker *worker = &simulation->workers[i];
        bool can_commit = below(simulation, 5) > 0;

        if (worker->is_alive && is_frozen(worker)) {
            fake_kafka_expel(worker->consumers[channel]);
            worker->is_expelled = true;
        } else if (worker->is_alive) {
            be(simulation, i);
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
        rebalance(simulation, (enum channel)channel, after_ms);
    }
}

static void assign(struct simulation *simulation, enum channel channel)
{
    int members[SCENARIO_MOST_WORKERS], count = 0;

    simulation->assign_at_ms[channel] = NEVER_MS;
    for (int i = 0; i < simulation->scenario.worker_count; i++) {
        const struct worker *worker = &simulation->workers[i];

        if (worker->is_alive && !is_frozen(worker) && !worker->is_draining) {
            members[count++] = i;
        }
    }
    for (size_t p = 0; count > 0 && p < fake_kafka_partition_count(simulation->workers[members[0]].consumers[channel]); p++) {
        int owner = members[below(simulation, count)];

        be(simulation, owner);
        fake_kafka_give(simulation->workers[owner].consumers[channel], p);
    }
    if (count == 0) {
        simulation->assign_at_ms[channel] = fakes_mono_ms() + 1000;
    }
}

/* --- workers ------------------------------------------------------------------------------------------------------ */

static void tell_pauses(struct simulation *simulation, struct worker *worker)
{
    static const char *const what[] = {
        "", "{\"scope\":\"flow\",\"name\":\"order\",\"since\":9999999999999}",
        "{\"scope\":\"flow\",\"name\":\"mail\",\"since\":9999999999999}", "{\"scope\":\"channel\",\"name\":\"sms\",\"since\":9999999999999}"};
    char text[160];
    struct err err = {0};

    if (simulation->pause_serial) {
        snprintf(text, sizeof(text), "%" PRId64 " [%s]", simulation->pause_serial, what[simulation->paused]);
        pauses_take(worker->process.pauses, slice_of(text), &err);
    }
}

static void start(struct simulation *simulation, int number)
{
    struct worker *worker = &simulation->workers[number];

    be(simulation, number);
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
    tell_pauses(simulation, worker);
    rebalance_all(simulation, 1 + below(simulation, 100));
}

static void stop(struct simulation *simulation, int number, int64_t back_after_ms)
{
    struct worker *worker = &simulation->workers[number];

    be(simulation, number);
    process_stop(&worker->process);
    simulation->open_count -= CHANNEL_COUNT;
    worker->is_alive = false;
    worker->frozen_until_ms = 0;
    witness_fault_end(simulation->witness, &worker->freeze);
    worker->starts_at_ms = fakes_mono_ms() + back_after_ms;
}

/* It is dead already. Its group notices after the session's time. */
static void bury(struct simulation *simulation, int number)
{
    witness_fault(simulation->witness, "death", number);
    simulation->deaths++;
    stop(simulation, number, 1 + below(simulation, 15000));
    fakes_set_dead(false);
    rebalance_all(simulation, 1 + below(simulation, 10000));
}

static void miss(struct simulation *simulation, int number)
{
    struct worker *worker = &simulation->workers[number];

    if (worker->must_be_missed) {
        worker->must_be_missed = false;
        rebalance_all(simulation, 10000);
    }
}

static void turn(struct simulation *simulation, int number)
{
    struct worker *worker = &simulation->workers[number];

    be(simulation, number);
    simulation->turning = number;
    loop_turn(worker->process.loop, true);
    simulation->turning = -1;
    miss(simulation, number);
    if (fakes_is_dead()) {
        bury(simulation, number);
    } else if (worker->is_draining && channel_worker_is_drained(worker->process.channels[CHANNEL_EMAIL]) &&
               channel_worker_is_drained(worker->process.channels[CHANNEL_SMS])) {
        witness_note(simulation->witness, "left", number);
        stop(simulation, number, 1 + below(simulation, 15000));
        rebalance_all(simulation, 1 + below(simulation, 1000));
    }
}

static void thaw(struct simulation *simulation, int number)
{
    struct worker *worker = &simulation->workers[number];

    worker->frozen_until_ms = 0;
    witness_fault_end(simulation->witness, &worker->freeze);
    if (worker->is_expelled) {
        worker->is_expelled = false;
        rebalance_all(simulation, 1 + below(simulation, 3000));
    }
}

/* --- acts --------------------------------------------------------------------------------------------------------- */

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
            be(simulation, i);
            tell_pauses(simulation, &simulation->workers[i]);
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
            be(simulation, i);
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
    } else if (!worker->is_alive || is_frozen(worker)) {
        return;
    } else if (act->kind == ACT_CRASH && simulation->deaths == SCENARIO_MOST_DEATHS) {
        return;
    } else if (act->kind == ACT_CRASH) {
        fakes_set_dead(true);
        bury(simulation, act->worker);
    } else if (act->kind == ACT_FREEZE) {
        freeze(simulation, act->worker, act->amount);
        miss(simulation, act->worker);
    } else if (!worker->is_draining) {
        witness_fault(simulation->witness, act_name(act->kind), act->worker);
        worker->is_draining = true;
        be(simulation, act->worker);
        for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
            channel_worker_drain(worker->process.channels[channel]);
        }
    }
}

static void perform(struct simulation *simulation, const struct act *act)
{
    switch (act->kind) {
    case ACT_REBALANCE:
        witness_fault(simulation->witness, "rebalance", act->amount);
        rebalance(simulation, (enum channel)(act->amount % CHANNEL_COUNT), 1 + act->amount);
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

static void calm_down(struct simulation *simulation)
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
        if (is_frozen(worker)) {
            thaw(simulation, i);
        }
    }
    pause_flow(simulation, 0);
}

static void add_event(struct simulation *simulation)
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

/* --- the run ------------------------------------------------------------------------------------------------------ */

static int64_t due_of(const struct worker *worker)
{
    int64_t next_ms;

    if (!worker->is_alive) {
        return worker->starts_at_ms;
    }
    if (is_frozen(worker)) {
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
    int64_t due_ms = simulation->is_calm ? NEVER_MS : simulation->begun_ms + scenario->calm_at_ms;

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
            assign(simulation, (enum channel)channel);
        }
    }
    while (simulation->next_event < scenario->event_count && scenario->events[simulation->next_event].at_ms <= since_ms) {
        add_event(simulation);
    }
    if (!simulation->is_calm && since_ms >= scenario->calm_at_ms) {
        calm_down(simulation);
    }
    while (!simulation->is_calm && simulation->next_act < scenario->act_count &&
           scenario->acts[simulation->next_act].at_ms <= since_ms) {
        perform(simulation, &scenario->acts[simulation->next_act++]);
    }
}

static void step_worker(struct simulation *simulation, int number)
{
    struct worker *worker = &simulation->workers[number];

    if (!worker->is_alive) {
        start(simulation, number);
    } else if (is_frozen(worker)) {
        thaw(simulation, number);
    } else {
        turn(simulation, number);
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
    step_worker(simulation, ready[count > 1 ? below(simulation, count) : 0]);
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
    const struct fake_http_judge judge = {decide, told, simulation};

    scenario_draw(&simulation->scenario, seed);
    random_init(&simulation->random, ~seed);
    fakes_begin_with(seed ^ 0x5eed);
    fakes_plant(bug);
    fakes_choose(choose_fault, simulation);
    fake_kafka_share();
    fake_catalog_set_version("v1");
    fake_http_set_judge(&judge);
    process_add_topics();
    begin_history();
    simulation->turning = -1;
    simulation->version = 1;
    simulation->kafka_down = simulation->redis_down = simulation->redis_slow = -1;
    simulation->begun_ms = fakes_mono_ms();
    simulation->assign_at_ms[CHANNEL_EMAIL] = simulation->assign_at_ms[CHANNEL_SMS] = NEVER_MS;
    for (int i = 0; i < simulation->scenario.worker_count; i++) {
        simulation->workers[i].freeze = simulation->workers[i].skew = -1;
        simulation->workers[i].starts_at_ms = simulation->begun_ms + (i ? below(simulation, 3000) : 0);
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
            stop(&simulation, i, NEVER_MS / 2);
        }
    }
    witness_destroy(simulation.witness);
    fakes_end();
    return result;
}
