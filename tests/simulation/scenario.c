#include "tests/simulation/scenario.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

static const int64_t DAY_MS = 86400000;

static const char *const act_names[ACT_KIND_COUNT] = {
    [ACT_REBALANCE] = "rebalance",     [ACT_CRASH] = "crash",           [ACT_FREEZE] = "freeze",
    [ACT_LEAVE] = "leave",             [ACT_CLOCK] = "clock",           [ACT_TEMPLATES] = "templates",
    [ACT_PAUSE] = "pause",             [ACT_RESUME] = "resume",         [ACT_KAFKA_DOWN] = "kafka down",
    [ACT_KAFKA_UP] = "kafka up",       [ACT_REDIS_BREAK] = "redis break", [ACT_REDIS_DOWN] = "redis down",
    [ACT_REDIS_UP] = "redis up",       [ACT_REDIS_SLOW] = "redis slow", [ACT_REDIS_SAVE] = "redis save",
    [ACT_REDIS_EMPTY] = "redis empty", [ACT_REDIS_FLUSH] = "redis flush", [ACT_REDIS_FAIL_OVER] = "redis fail over",
};

const char *act_name(enum act_kind kind)
{
    return act_names[kind];
}

const char *scenario_class_name(enum scenario_class class)
{
    static const char *const names[SCENARIO_CLASS_COUNT] = {"deaths", "losses", "everything"};

    return names[class];
}

const char *note_flow_name(enum note_flow flow)
{
    static const char *const names[FLOW_COUNT] = {"order", "mail", "ask"};

    return names[flow];
}

bool note_flow_has(enum note_flow flow, enum channel channel)
{
    return flow == FLOW_ORDER || (flow == FLOW_MAIL) == (channel == CHANNEL_EMAIL);
}

void note_name(const struct scenario *scenario, int note, char name[32])
{
    snprintf(name, 32, "%s-%d", note_flow_name(scenario->notes[note].flow), note);
}

/* --- drawing ------------------------------------------------------------------------------------------------------ */

static int below(struct random *random, int bound)
{
    return (int)random_below(random, (uint64_t)bound);
}

static bool happens(struct random *random, int percent)
{
    return below(random, 100) < percent;
}

static void draw_notes(struct scenario *scenario, struct random *random)
{
    int members = 1 + below(random, 6);

    scenario->note_count = 2 + below(random, SCENARIO_MOST_NOTES - 2);
    for (int i = 0; i < scenario->note_count; i++) {
        struct note *note = &scenario->notes[i];

        note->flow = (enum note_flow)below(random, FLOW_COUNT);
        note->kind = happens(random, 70) ? NOTE_PLAIN : (enum note_kind)below(random, NOTE_KIND_COUNT);
        note->kind = note->kind == NOTE_OLD && note->flow != FLOW_ORDER ? NOTE_PLAIN : note->kind;
        note->member = below(random, members);
    }
}

static int compare_events(const void *left, const void *right)
{
    const struct scenario_event *a = left, *b = right;

    return a->at_ms != b->at_ms ? (a->at_ms < b->at_ms ? -1 : 1) : a->note - b->note;
}

/* Each note once, then some again. */
static void draw_events(struct scenario *scenario, struct random *random)
{
    int again = below(random, SCENARIO_MOST_EVENTS - SCENARIO_MOST_NOTES + 1);
    int64_t span_ms = happens(random, 50) ? 1 : scenario->calm_at_ms;

    scenario->event_count = scenario->note_count + again;
    for (int i = 0; i < scenario->event_count; i++) {
        struct scenario_event *event = &scenario->events[i];

        event->note = i < scenario->note_count ? i : below(random, scenario->note_count + 1) - 1;
        event->partition = event->note < 0 ? 0 : scenario->notes[event->note].member % SCENARIO_PARTITIONS;
        event->at_ms = (int64_t)random_below(random, (uint64_t)span_ms);
        if (i >= scenario->note_count && happens(random, 20)) {
            event->at_ms = scenario->calm_at_ms + below(random, 60000); /* a replay, when all is over */
        }
    }
    qsort(scenario->events, (size_t)scenario->event_count, sizeof(scenario->events[0]), compare_events);
}

static enum act_kind draw_act(const struct scenario *scenario, struct random *random)
{
    static const enum act_kind always[] = {ACT_REBALANCE,  ACT_REBALANCE,  ACT_CLOCK,       ACT_TEMPLATES,
                                           ACT_PAUSE,      ACT_KAFKA_DOWN, ACT_REDIS_BREAK, ACT_REDIS_DOWN,
                                           ACT_REDIS_SLOW, ACT_RESUME};
    static const enum act_kind deaths[] = {ACT_CRASH, ACT_CRASH, ACT_FREEZE, ACT_LEAVE};
    static const enum act_kind losses[] = {ACT_REDIS_SAVE, ACT_REDIS_EMPTY, ACT_REDIS_FLUSH, ACT_REDIS_FAIL_OVER};
    bool has_deaths = scenario->class != SCENARIO_LOSSES;

    if (happens(random, 50)) {
        return always[below(random, sizeof(always) / sizeof(always[0]))];
    }
    if (scenario->class == SCENARIO_EVERYTHING) {
        has_deaths = happens(random, 50);
    }
    return has_deaths ? deaths[below(random, 4)] : losses[below(random, 4)];
}

static int64_t draw_amount(enum act_kind kind, struct random *random)
{
    switch (kind) {
    case ACT_FREEZE:
        return 1000 + below(random, happens(random, 50) ? 5000 : 60000);
    case ACT_CLOCK:
        return happens(random, 80) ? below(random, 100000) - 50000 : below(random, 400000) - 200000;
    case ACT_KAFKA_DOWN:
    case ACT_REDIS_DOWN:
        return 100 + below(random, happens(random, 70) ? 3000 : 40000);
    case ACT_REDIS_SLOW:
        return 1 + below(random, 240); /* each way: a command has half a second */
    default:
        return below(random, 1000);
    }
}

static int compare_acts(const void *left, const void *right)
{
    const struct act *a = left, *b = right;

    return a->at_ms != b->at_ms ? (a->at_ms < b->at_ms ? -1 : 1) : a->kind != b->kind ? (int)a->kind - (int)b->kind
                                                                                      : a->worker - b->worker;
}

static void draw_acts(struct scenario *scenario, struct random *random)
{
    int wanted = below(random, SCENARIO_MOST_ACTS / 2);

    for (int i = 0; i < wanted; i++) {
        struct act *act = &scenario->acts[scenario->act_count++];

        act->kind = draw_act(scenario, random);
        act->worker = below(random, scenario->worker_count);
        act->amount = draw_amount(act->kind, random);
        act->at_ms = (int64_t)random_below(random, (uint64_t)(happens(random, 50) ? 2000 : scenario->calm_at_ms));
        if (act->kind == ACT_KAFKA_DOWN || act->kind == ACT_REDIS_DOWN) {
            scenario->acts[scenario->act_count++] =
                (struct act){act->at_ms + act->amount, act->kind == ACT_KAFKA_DOWN ? ACT_KAFKA_UP : ACT_REDIS_UP, 0, 0};
        }
    }
    qsort(scenario->acts, (size_t)scenario->act_count, sizeof(scenario->acts[0]), compare_acts);
}

/* Redis forgets again before it is whole, or soon after. From numbers of its own, so that the rest of a seed is as without. */
static void draw_losses_again(struct scenario *scenario, uint64_t seed)
{
    static const enum act_kind kinds[] = {ACT_REDIS_EMPTY, ACT_REDIS_FLUSH, ACT_REDIS_FAIL_OVER};
    struct random random;
    int count = scenario->act_count;

    random_init(&random, seed ^ 0xa6a1);
    for (int i = 0; i < count && scenario->act_count < count + SCENARIO_MOST_LOST_AGAIN; i++) {
        const struct act *act = &scenario->acts[i];
        bool is_loss = act->kind == ACT_REDIS_EMPTY || act->kind == ACT_REDIS_FLUSH || act->kind == ACT_REDIS_FAIL_OVER;

        if (is_loss && happens(&random, 40)) {
            scenario->acts[scenario->act_count++] =
                (struct act){act->at_ms + 1 + below(&random, 6000), kinds[below(&random, 3)], act->worker, 0};
        }
    }
    qsort(scenario->acts, (size_t)scenario->act_count, sizeof(scenario->acts[0]), compare_acts);
}

static void draw_chances(struct scenario *scenario, struct random *random)
{
    static const uint32_t chances[] = {0, 500, 3000, 15000};

    if (scenario->class != SCENARIO_LOSSES) {
        scenario->crash_ppm = chances[below(random, 4)];
        scenario->freeze_ppm = chances[below(random, 3)];
    }
    scenario->lost_ppm = chances[below(random, 4)];
    for (int i = FAKE_ACCEPT_LOSE_ANSWER; i <= FAKE_REFUSE_NOW; i++) {
        /* 400 and 401 are no faults of the network: the first is a note's own, the second stops the channel */
        bool is_used = i != FAKE_ANSWER_400 && happens(random, i == FAKE_ANSWER_401 ? 10 : 40);

        scenario->behaviour_pm[i] = is_used ? 10 + (uint32_t)below(random, 90) : 0;
    }
}

void scenario_draw(struct scenario *scenario, uint64_t seed)
{
    static const int64_t rates[] = {2, 10, 50};
    struct random random;

    random_init(&random, seed);
    *scenario = (struct scenario){.seed = seed};
    scenario->class = (enum scenario_class)below(&random, SCENARIO_CLASS_COUNT);
    scenario->worker_count = 1 + below(&random, SCENARIO_MOST_WORKERS);
    scenario->rate_per_s = rates[below(&random, 3)];
    scenario->window = 1 + below(&random, 16);
    scenario->calm_at_ms = 5000 + below(&random, happens(&random, 70) ? 30000 : 150000);
    draw_notes(scenario, &random);
    draw_events(scenario, &random);
    draw_acts(scenario, &random);
    draw_losses_again(scenario, seed);
    draw_chances(scenario, &random);
}

/* --- events ------------------------------------------------------------------------------------------------------- */

void scenario_format_event(const struct scenario *scenario, int number, int64_t wall_ms, struct buf *out)
{
    const struct scenario_event *event = &scenario->events[number];
    const struct note *note = &scenario->notes[event->note < 0 ? 0 : event->note];
    char time[CLOCK_ISO_SIZE];

    if (event->note < 0) {
        buf_appendf(out, "{\"specversion\":");
        return;
    }
    clock_format_iso(wall_ms - (note->kind == NOTE_OLD ? 2 * DAY_MS : 0), time);
    buf_appendf(out,
                "{\"specversion\":\"1.0\",\"id\":\"e%d\",\"source\":\"/simulation\",\"type\":\"test.%s\",\"time\":\"%s\","
                "\"data\":{\"n\":\"%d\",\"broken\":%s,\"member\":{\"id\":\"m%d\"",
                number, note_flow_name(note->flow), time, event->note, note->kind == NOTE_BROKEN ? "true" : "false",
                note->member);
    if (note->kind != NOTE_NO_ADDRESS) {
        buf_appendf(out, ",\"email\":\"%s%d@example.com\",\"phone\":\"+3630%07d\"",
                    note->kind == NOTE_REFUSED ? "refused" : "note", event->note,
                    event->note + (note->kind == NOTE_REFUSED ? 1000 : 0));
    }
    if (note->kind == NOTE_NO_CONSENT) {
        buf_appendf(out, ",\"consent\":{\"email\":false,\"sms\":false}");
    }
    buf_appendf(out, "}}}");
}
