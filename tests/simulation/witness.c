#include "tests/simulation/witness_inside.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/hash_table.h"
#include "base/mem.h"

/* --- what all of it does ------------------------------------------------------------------------------------------ */

void witness_complain(struct witness *witness, const char *format, ...)
{
    char line[256];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    buf_appendf(&witness->complaints, "%s\n", line);
}

int64_t witness_see(struct witness *witness, const char *format, ...)
{
    char line[512];
    int len = snprintf(line, sizeof(line), "%" PRId64 " ", fakes_mono_ms());
    va_list args;

    va_start(args, format);
    vsnprintf(line + len, sizeof(line) - (size_t)len, format, args);
    va_end(args);
    witness->digest = hash_mix(witness->digest, hash_bytes(line, strlen(line)));
    if (witness->trace) {
        fprintf(witness->trace, "%s\n", line);
    }
    return ++witness->tick * WITNESS_TICK;
}

void witness_count(struct witness *witness, const char *kind, const char *name)
{
    char text[64];

    snprintf(text, sizeof(text), "%s %s", kind, name);
    coverage_add(witness->coverage, text, 1);
}

struct history *witness_history(struct witness *witness, const struct expected *expected)
{
    return witness->histories[expected->flow][expected->channel];
}

struct expected *witness_find_expected(struct witness *witness, struct slice mid_text)
{
    for (size_t i = 0; i < witness->expected_count; i++) {
        if (slice_is(mid_text, witness->expected[i].mid_text)) {
            return &witness->expected[i];
        }
    }
    return NULL;
}

bool witness_has_several_events(const struct witness *witness, const struct expected *expected)
{
    int events = 0;

    for (int i = 0; i < witness->scenario->event_count; i++) {
        events += witness->scenario->events[i].note == expected->note;
    }
    return events > 1;
}

bool witness_is_promised(const struct witness *witness, const struct expected *expected)
{
    return witness->scenario->class != SCENARIO_EVERYTHING || !expected->was_in_flight;
}

/* --- faults and Redis --------------------------------------------------------------------------------------------- */

void witness_note(struct witness *witness, const char *what, int64_t number)
{
    witness_count(witness, "step", what);
    witness_see(witness, "%s %" PRId64, what, number);
}

int witness_fault_begin(struct witness *witness, const char *what, int64_t number)
{
    int last = WITNESS_MOST_FAULTS - 1;
    struct seen_fault *fault = &witness->faults[witness->fault_count < last ? witness->fault_count : last];

    witness_count(witness, "fault", what);
    snprintf(fault->what, sizeof(fault->what), "%s", what);
    fault->from = witness_see(witness, "fault: %s %" PRId64, what, number);
    fault->to = -1;
    witness->open_faults++;
    witness->quiet_ms = fakes_mono_ms();
    if (witness->fault_count < WITNESS_MOST_FAULTS) {
        return witness->fault_count++;
    }
    return WITNESS_MOST_FAULTS - 1;
}

void witness_fault_end(struct witness *witness, int *fault)
{
    if (*fault >= 0) {
        witness->faults[*fault].to = witness->tick * WITNESS_TICK;
        witness->open_faults--;
        witness->quiet_ms = fakes_mono_ms();
        if (strcmp(witness->faults[*fault].what, act_name(ACT_FREEZE)) == 0) {
            witness->thawed_ms = fakes_mono_ms();
        }
        witness_see(witness, "over: %s", witness->faults[*fault].what);
    }
    *fault = -1;
}

void witness_fault(struct witness *witness, const char *what, int64_t number)
{
    int fault = witness_fault_begin(witness, what, number);

    witness->faults[fault].to = witness->faults[fault].from;
    witness->open_faults--;
}

static void on_stored(void *arg, struct slice key, const char *text)
{
    struct witness *witness = arg;
    struct history_stored stored = {.snapshot = witness->snapshots, .state = text[0]};
    char hex[MID_TEXT_SIZE];
    const struct expected *expected;

    /* n:{test.xx}:<16 bytes> */
    if (key.len != 12 + MID_SIZE || text[1] != '|') {
        return;
    }
    hex_format((const uint8_t *)key.data + 12, MID_SIZE, hex);
    expected = witness_find_expected(witness, slice_of(hex));
    if (expected) {
        memcpy(stored.mid, hex, sizeof(hex));
        history_add_stored(witness_history(witness, expected), &stored);
    }
}

void witness_look_at_redis(struct witness *witness, bool is_loss)
{
    witness->snapshots++;
    fake_redis_each(on_stored, witness);
    for (size_t i = 0; i < witness->expected_count && is_loss; i++) {
        struct expected *expected = &witness->expected[i];

        if (expected->requested_tick > expected->parked_tick && !expected->state[0]) {
            expected->was_in_flight = true;
            witness_count(witness, "loss", "of what is in flight");
        } else if (expected->text_hash && !expected->state[0]) {
            witness_count(witness, "loss", "of what is parked as unknown");
        }
    }
    witness->lost_ms = is_loss ? fakes_mono_ms() : witness->lost_ms;
    for (int flow = 0; flow < FLOW_COUNT && is_loss; flow++) {
        for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
            history_add_redis_loss(witness->histories[flow][channel], witness->snapshots);
        }
    }
}

static void on_answer(void *arg, const char *script, const char *word)
{
    witness_count(arg, script, word);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static void expect(struct witness *witness, const struct catalog *catalog, int note, enum channel channel)
{
    struct expected *expected = &witness->expected[witness->expected_count++];
    char n[16];
    struct event event = {0};
    struct err err = {0};

    snprintf(n, sizeof(n), "%d", note);
    event.data = json_pack("{s:s}", "n", n);
    expected->note = note;
    expected->channel = channel;
    expected->flow = witness->scenario->notes[note].flow;
    expected->kind = witness->scenario->notes[note].kind;
    note_name(witness->scenario, note, expected->name);
    if (!mid_make(catalog_find_flow(catalog, note_flow_name(expected->flow)), channel, &event, &expected->mid, &err)) {
        abort();
    }
    mid_format(&expected->mid, expected->mid_text);
    json_decref(event.data);
}

struct witness *witness_create(const struct scenario *scenario, struct coverage *coverage, FILE *trace)
{
    struct witness *witness = xcalloc(1, sizeof(*witness));
    struct diag_list diags;
    struct catalog *catalog;

    witness->scenario = scenario;
    witness->coverage = coverage;
    witness->trace = trace;
    buf_init(&witness->complaints, 0);
    diag_list_init(&diags);
    catalog = catalog_build(NULL, NULL, &diags);
    for (int note = 0; note < scenario->note_count; note++) {
        for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
            if (note_flow_has(scenario->notes[note].flow, (enum channel)channel)) {
                expect(witness, catalog, note, (enum channel)channel);
            }
        }
    }
    catalog_unref(catalog);
    diag_list_finish(&diags);
    for (int i = 0; i < FLOW_COUNT * CHANNEL_COUNT; i++) {
        witness->histories[i / CHANNEL_COUNT][i % CHANNEL_COUNT] = history_create();
    }
    fake_kafka_watch_records(witness_on_record, witness);
    fake_kafka_watch_commits(witness_on_commit, witness);
    fake_redis_watch(on_answer, witness);
    return witness;
}

void witness_destroy(struct witness *witness)
{
    for (int i = 0; i < FLOW_COUNT * CHANNEL_COUNT; i++) {
        history_destroy(witness->histories[i / CHANNEL_COUNT][i % CHANNEL_COUNT]);
    }
    buf_finish(&witness->complaints);
    free(witness);
}

uint64_t witness_digest(const struct witness *witness)
{
    return witness->digest;
}
