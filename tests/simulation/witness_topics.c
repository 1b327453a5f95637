#include "tests/simulation/witness_inside.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/outcome.h"

static struct slice find_header(const struct kafka_record *record, const char *name)
{
    for (size_t i = 0; i < record->header_count; i++) {
        if (strcmp(record->headers[i].name, name) == 0) {
            return record->headers[i].value;
        }
    }
    return slice_make(NULL, 0);
}

static void see_event(struct witness *witness, const struct kafka_record *record)
{
    struct history_event event = {.partition = record->partition, .offset = record->offset};
    int note = -1, number = -1;

    /* "e<number>" is the id; what is no event has none. */
    if (record->value.len > 40) {
        const char *at = memmem(record->value.data, record->value.len, "\"n\":\"", 5);
        const char *id = memmem(record->value.data, record->value.len, "\"id\":\"e", 7);

        note = (int)strtol(at + 5, NULL, 10);
        number = (int)strtol(id + 7, NULL, 10);
    }
    event.at_ms = witness_see(witness, "event %d note %d at %d.%" PRId64, number, note, record->partition, record->offset);
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        enum note_flow flow = note < 0 ? FLOW_ORDER : witness->scenario->notes[note].flow;

        if (note >= 0) {
            note_name(witness->scenario, note, event.name);
        }
        if (note_flow_has(flow, (enum channel)channel)) {
            history_add_event(witness->histories[flow][channel], &event);
        }
    }
}

static void see_outcome(struct witness *witness, const struct kafka_record *record)
{
    struct expected *expected = witness_find_expected(witness, record->key);
    struct history_outcome outcome = {0};
    struct outcome_summary summary;
    struct err err = {0};

    if (!outcome_parse(record->value, &summary, &err)) {
        witness_complain(witness, "an outcome that is none: %s", err.text);
        return;
    }
    outcome.at_ms = witness_see(witness, "outcome %s %s %.*s %s", expected ? expected->name : "of nobody",
                        outcome_state_name(summary.state), (int)record->key.len, record->key.data, summary.reason);
    witness_count(witness, "outcome", outcome_state_name(summary.state));
    if (!expected) {
        witness_complain(witness, "an outcome that nobody asked for: %.*s", (int)record->key.len, record->key.data);
        return;
    }
    outcome.channel = expected->channel;
    snprintf(outcome.name, sizeof(outcome.name), "%s", expected->name);
    memcpy(outcome.mid, expected->mid_text, sizeof(expected->mid_text));
    snprintf(outcome.state, sizeof(outcome.state), "%s", outcome_state_name(summary.state));
    snprintf(outcome.reason, sizeof(outcome.reason), "%.47s", summary.reason);
    memcpy(expected->state, outcome.state, sizeof(expected->state));
    memcpy(expected->reason, outcome.reason, sizeof(expected->reason));
    history_add_outcome(witness_history(witness, expected), &outcome);
}

static void note_parked(struct witness *witness, const struct kafka_record *record, struct expected *expected,
                        int64_t tick)
{
    struct parked *parked = &witness->parked[witness->parked_count];

    expected->parked_tick = tick;
    if (witness->parked_count < WITNESS_MOST_PARKED) {
        witness->parked_count++;
        snprintf(parked->topic, sizeof(parked->topic), "%.31s", record->topic);
        parked->partition = record->partition;
        parked->offset = record->offset;
        parked->tick = tick;
        parked->expected = (size_t)(expected - witness->expected);
    }
}

/* Retry topics, the DLQ, what is held. */
static void see_aside(struct witness *witness, const struct kafka_record *record, enum history_side side)
{
    static const char *const names[] = {"parked", "dead letter", "held"};
    struct slice mid = find_header(record, "perkline-mid"), place = find_header(record, "perkline-offset");
    struct slice partition = find_header(record, "perkline-partition"), reason = find_header(record, "perkline-reason");
    struct expected *expected = witness_find_expected(witness, mid);
    struct history_aside aside = {.side = side};
    char offset_text[24], partition_text[24];

    snprintf(offset_text, sizeof(offset_text), "%.*s", (int)place.len, place.data ? place.data : "");
    snprintf(partition_text, sizeof(partition_text), "%.*s", (int)partition.len, partition.data ? partition.data : "");
    snprintf(aside.mid, sizeof(aside.mid), "%.*s", (int)mid.len, mid.data ? mid.data : "");
    aside.partition = (int32_t)strtol(partition_text, NULL, 10);
    aside.offset = strtoll(offset_text, NULL, 10);
    aside.at_ms = witness_see(witness, "%s %s %s from %d.%" PRId64 ": %.*s on %s", names[side],
                      expected ? expected->name : "no event", expected ? channel_name(expected->channel) : aside.mid,
                      aside.partition, aside.offset, (int)reason.len, reason.data ? reason.data : "", record->topic);
    witness_count(witness, "aside", names[side]);
    witness->has_suspect |= slice_is(reason, "crash_suspect");
    if (expected) {
        history_add_aside(witness_history(witness, expected), &aside);
        if (side == HISTORY_PARKED) {
            note_parked(witness, record, expected, aside.at_ms);
        }
    } else if (side == HISTORY_DEAD) {
        history_add_aside(witness->histories[FLOW_ORDER][CHANNEL_EMAIL], &aside);
        history_add_aside(witness->histories[FLOW_ORDER][CHANNEL_SMS], &aside);
    } else {
        witness_complain(witness, "%s, and nobody asked for it: %s", names[side], aside.mid);
    }
}

void witness_on_record(void *arg, const struct kafka_record *record)
{
    struct witness *witness = arg;

    if (strcmp(record->topic, "loyalty.events") == 0) {
        see_event(witness, record);
    } else if (strcmp(record->topic, "loyalty.outcomes") == 0) {
        see_outcome(witness, record);
    } else if (strcmp(record->topic, "loyalty.dlq") == 0) {
        see_aside(witness, record, HISTORY_DEAD);
    } else if (strcmp(record->topic, "loyalty.held") == 0) {
        see_aside(witness, record, HISTORY_HELD);
    } else {
        see_aside(witness, record, HISTORY_PARKED);
    }
}

/* I5 on retry topics: what is below the commit ended, or was parked again later. */
static void check_retry_commit(struct witness *witness, enum channel channel, const char *topic, int32_t partition,
                               int64_t offset)
{
    for (size_t i = 0; i < witness->parked_count; i++) {
        const struct parked *parked = &witness->parked[i];
        const struct expected *expected = &witness->expected[parked->expected];

        if (parked->partition == partition && parked->offset < offset && expected->channel == channel &&
            strcmp(parked->topic, topic) == 0 && !expected->state[0] && expected->parked_tick <= parked->tick &&
            !witness_has_several_events(witness, expected)) {
            witness_complain(witness, "I5 %s %s: %s %d.%" PRId64 " is committed, and it is nowhere", channel_name(channel),
                     expected->name, topic, partition, parked->offset);
        }
    }
}

void witness_on_commit(void *arg, const char *group, const char *topic, int32_t partition, int64_t offset)
{
    struct witness *witness = arg;
    struct history_commit commit = {.partition = partition, .offset = offset};

    commit.channel = strstr(group, "sms") ? CHANNEL_SMS : CHANNEL_EMAIL;
    commit.at_ms = witness_see(witness, "commit %s %s %d.%" PRId64, channel_name(commit.channel), topic, partition, offset);
    witness->has_commits = true;
    if (strcmp(topic, "loyalty.events") != 0) {
        check_retry_commit(witness, commit.channel, topic, partition, offset);
        return;
    }
    for (int flow = 0; flow < FLOW_COUNT; flow++) {
        if (note_flow_has((enum note_flow)flow, commit.channel)) {
            history_add_commit(witness->histories[flow][commit.channel], &commit);
        }
    }
}

bool witness_take_commits(struct witness *witness)
{
    bool has_commits = witness->has_commits;

    witness->has_commits = false;
    return has_commits;
}
