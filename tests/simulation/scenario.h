/*
 * scenario: what a seed means: the events, the workers, how often each thing goes wrong, and what people and machines do
 * when. Plain values, drawn at once, so that a run is a function of its seed and of nothing else.
 */
#ifndef SIMULATION_SCENARIO_H
#define SIMULATION_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/random.h"
#include "core/catalog.h"
#include "tests/support/fakes.h"

enum {
    SCENARIO_MOST_WORKERS = 3,
    SCENARIO_MOST_NOTES = 24,
    SCENARIO_MOST_EVENTS = 48,
    SCENARIO_MOST_ACTS = 24,
    SCENARIO_MOST_LOST_AGAIN = 8,
    SCENARIO_PARTITIONS = 2,
    SCENARIO_MOST_DEATHS = 4, /* the fifth can make an innocent event a suspect (run/careful.h) */
};

/* Kinds of faults that exclude each other where the product promises nothing: a provider without a key, when Redis forgets
 * and a worker dies at once. */
enum scenario_class {
    SCENARIO_DEATHS,       /* workers die, freeze, leave */
    SCENARIO_LOSSES,       /* Redis forgets; workers live */
    SCENARIO_EVERYTHING,   /* both; only what has a key is judged for duplicates */
    SCENARIO_CLASS_COUNT,
};

/* What a message is about; all events with the same note ask for the same deliveries. */
enum note_kind { NOTE_PLAIN, NOTE_NO_CONSENT, NOTE_NO_ADDRESS, NOTE_OLD, NOTE_BROKEN, NOTE_REFUSED, NOTE_KIND_COUNT };
enum note_flow { FLOW_ORDER, FLOW_MAIL, FLOW_ASK, FLOW_COUNT };

struct note {
    enum note_kind kind;
    enum note_flow flow;
    int member;
};

struct scenario_event {
    int64_t at_ms; /* from the start */
    int note;      /* -1: no event at all */
    int32_t partition;
};

enum act_kind {
    ACT_REBALANCE,
    ACT_CRASH,
    ACT_FREEZE,
    ACT_LEAVE,
    ACT_CLOCK,
    ACT_TEMPLATES,
    ACT_PAUSE,
    ACT_RESUME,
    ACT_KAFKA_DOWN,
    ACT_KAFKA_UP,
    ACT_REDIS_BREAK,
    ACT_REDIS_DOWN,
    ACT_REDIS_UP,
    ACT_REDIS_SLOW,
    ACT_REDIS_SAVE,
    ACT_REDIS_EMPTY,
    ACT_REDIS_FLUSH,
    ACT_REDIS_FAIL_OVER,
    ACT_KIND_COUNT,
};
const char *act_name(enum act_kind kind);

struct act {
    int64_t at_ms;
    enum act_kind kind;
    int worker;     /* whom it concerns */
    int64_t amount; /* ms, or a choice */
};

struct scenario {
    uint64_t seed;
    enum scenario_class class;
    int worker_count;
    int64_t rate_per_s, window;
    struct note notes[SCENARIO_MOST_NOTES];
    int note_count;
    struct scenario_event events[SCENARIO_MOST_EVENTS]; /* in the order of time */
    int event_count;
    struct act acts[SCENARIO_MOST_ACTS + SCENARIO_MOST_LOST_AGAIN]; /* in the order of time */
    int act_count;
    int64_t calm_at_ms;               /* from here on nothing goes wrong any more */
    uint32_t crash_ppm, lost_ppm, freeze_ppm;   /* at each point */
    uint32_t behaviour_pm[FAKE_REFUSE_NOW + 1]; /* of a request: per mille; the rest is accepted */
};

void scenario_draw(struct scenario *scenario, uint64_t seed);

const char *scenario_class_name(enum scenario_class class);
const char *note_flow_name(enum note_flow flow);
bool note_flow_has(enum note_flow flow, enum channel channel);
/* "order-7": what the histories know a delivery by, with its channel. */
void note_name(const struct scenario *scenario, int note, char name[32]);
/* The value of an event's record; `number` makes its id. */
void scenario_format_event(const struct scenario *scenario, int number, int64_t wall_ms, struct buf *out);

#endif
