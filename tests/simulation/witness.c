#include "tests/simulation/witness.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/hash_table.h"
#include "core/mid.h"
#include "core/outcome.h"
#include "tests/chaos/history.h"

enum { MOST_FAULTS = 512, MOST_PARKED = 1024, TICK = 100, MOST_TIMED = 4096, LEASE_MS = 15000,
       QUIET_MS = 10000, THAW_MS = 100 };

/* --- the witness -------------------------------------------------------------------------------------------------- */

/* What one note asks for on one channel. */
struct expected {
    int note;
    enum channel channel;
    enum note_flow flow;
    enum note_kind kind;
    struct mid mid;
    char mid_text[MID_TEXT_SIZE];
    char name[32];
    char state[16], reason[HISTORY_WORD_SIZE]; /* of the last outcome */
    int requests, accepted;
    int64_t accepted_wall_ms; /* the last time */
    bool is_accepted_again;   /* while its key was known, or without one */
    unsigned text_hash;       /* of what may be with the provider; 0: nothing is */
    int64_t parked_tick;      /* the last time; 0: never */
    int64_t requested_tick;
    bool is_of_thawed;        /* a worker may have stood still between its claim and a request */
    bool was_in_flight;       /* when Redis was made to forget, or soon after: see is_promised() */
};

/* What lies on a retry topic, for I5. */
struct parked {
    char topic[32];
    int32_t partition;
    int64_t offset, tick;
    size_t expected;
};

struct seen_fault {
    char what[32];
    int64_t from, to; /* -1: goes on */
};

struct witness {
    const struct scenario *scenario;
    struct coverage *coverage;
    FILE *trace;
    struct expected expected[SCENARIO_MOST_NOTES * CHANNEL_COUNT];
    size_t expected_count;
    struct history *histories[FLOW_COUNT][CHANNEL_COUNT];
    struct seen_fault faults[MOST_FAULTS];
    int fault_count;
    struct parked parked[MOST_PARKED];
    size_t parked_count;
    int snapshots;
    int64_t tick, requests;
    uint64_t digest;
    int64_t thawed_ms;        /* when a worker stood still the last time; 0: never */
    int64_t lost_ms;          /* when Redis was made to forget the last time; 0: never */
    int64_t quiet_ms;         /* when the last fault began or ended */
    int open_faults;
    int64_t request_ms[CHANNEL_COUNT][MOST_TIMED]; /* where nothing had delayed what has its token */
    int timed[CHANNEL_COUNT]; /* of those */
    bool has_commits;
    bool has_suspect; /* kills from outside happened to hit one event's mark three times (run/careful.h) */
    struct buf complaints;
};

static void complain(struct witness *witness, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void complain(struct witness *witness, const char *format, ...)
{
    char line[256];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    buf_appendf(&witness->complaints, "%s\n", line);
}

/* One more line of what happened; returns its place in the order, as histories know it. */
static int64_t see(struct witness *witness, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int64_t see(struct witness *witness, const char *format, ...)
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
    return ++witness->tick * TICK;
}

static void count(struct witness *witness, const char *kind, const char *name)
{
    char text[64];

    snprintf(text, sizeof(text), "%s %s", kind, name);
    coverage_add(witness->coverage, text, 1);
}

static struct history *history_of(struct witness *witness, const struct expected *expected)
{
    return witness->histories[expected->flow][expected->channel];
}

static struct expected *find_expected(struct witness *witness, struct slice mid_text)
{
    for (size_t i = 0; i < witness->expected_count; i++) {
        if (slice_is(mid_text, witness->expected[i].mid_text)) {
            return &witness->expected[i];
        }
    }
    return NULL;
}

/* --- topics ------------------------------------------------------------------------------------------------------- */

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
    event.at_ms = see(witness, "event %d note %d at %d.%" PRId64, number, note, record->partition, record->offset);
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
    struct expected *expected = find_expected(witness, record->key);
    struct history_outcome outcome = {0};
    struct outcome_summary summary;
    struct err err = {0};

    if (!outcome_parse(record->value, &summary, &err)) {
        complain(witness, "an outcome that is none: %s", err.text);
        return;
    }
    outcome.at_ms = see(witness, "outcome %s %s %.*s %s", expected ? expected->name : "of nobody",
                        outcome_state_name(summary.state), (int)record->key.len, record->key.data, summary.reason);
    count(witness, "outcome", outcome_state_name(summary.state));
    if (!expected) {
        complain(witness, "an outcome that nobody asked for: %.*s", (int)record->key.len, record->key.data);
        return;
    }
    outcome.channel = expected->channel;
    snprintf(outcome.name, sizeof(outcome.name), "%s", expected->name);
    memcpy(outcome.mid, expected->mid_text, sizeof(expected->mid_text));
    snprintf(outcome.state, sizeof(outcome.state), "%s", outcome_state_name(summary.state));
    snprintf(outcome.reason, sizeof(outcome.reason), "%.47s", summary.reason);
    memcpy(expected->state, outcome.state, sizeof(expected->state));
    memcpy(expected->reason, outcome.reason, sizeof(expected->reason));
    history_add_outcome(history_of(witness, expected), &outcome);
}

static void note_parked(struct witness *witness, const struct kafka_record *record, struct expected *expected,
                        int64_t tick)
{
    struct parked *parked = &witness->parked[witness->parked_count];

    expected->parked_tick = tick;
    if (witness->parked_count < MOST_PARKED) {
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
    struct expected *expected = find_expected(witness, mid);
    struct history_aside aside = {.side = side};
    char offset_text[24], partition_text[24];

    snprintf(offset_text, sizeof(offset_text), "%.*s", (int)place.len, place.data ? place.data : "");
    snprintf(partition_text, sizeof(partition_text), "%.*s", (int)partition.len, partition.data ? partition.data : "");
    snprintf(aside.mid, sizeof(aside.mid), "%.*s", (int)mid.len, mid.data ? mid.data : "");
    aside.partition = (int32_t)strtol(partition_text, NULL, 10);
    aside.offset = strtoll(offset_text, NULL, 10);
    aside.at_ms = see(witness, "%s %s %s from %d.%" PRId64 ": %.*s on %s", names[side],
                      expected ? expected->name : "no event", expected ? channel_name(expected->channel) : aside.mid,
                      aside.partition, aside.offset, (int)reason.len, reason.data ? reason.data : "", record->topic);
    count(witness, "aside", names[side]);
    witness->has_suspect |= slice_is(reason, "crash_suspect");
    if (expected) {
        history_add_aside(history_of(witness, expected), &aside);
        if (side == HISTORY_PARKED) {
            note_parked(witness, record, expected, aside.at_ms);
        }
    } else if (side == HISTORY_DEAD) {
        history_add_aside(witness->histories[FLOW_ORDER][CHANNEL_EMAIL], &aside);
        history_add_aside(witness->histories[FLOW_ORDER][CHANNEL_SMS], &aside);
    } else {
        complain(witness, "%s, and nobody asked for it: %s", names[side], aside.mid);
    }
}

static void on_record(void *arg, const struct kafka_record *record)
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

/* Records that ask for the same: one finds that the other has settled it, and is done; the other is not, before the outcome is
 * on its topic. */
static bool has_several_events(const struct witness *witness, const struct expected *expected)
{
    int events = 0;

    for (int i = 0; i < witness->scenario->event_count; i++) {
        events += witness->scenario->events[i].note == expected->note;
    }
    return events > 1;
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
            !has_several_events(witness, expected)) {
            complain(witness, "I5 %s %s: %s %d.%" PRId64 " is committed, and it is nowhere", channel_name(channel),
                     expected->name, topic, partition, parked->offset);
        }
    }
}

static void on_commit(void *arg, const char *group, const char *topic, int32_t partition, int64_t offset)
{
    struct witness *witness = arg;
    struct history_commit commit = {.partition = partition, .offset = offset};

    commit.channel = strstr(group, "sms") ? CHANNEL_SMS : CHANNEL_EMAIL;
    commit.at_ms = see(witness, "commit %s %s %d.%" PRId64, channel_name(commit.channel), topic, partition, offset);
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

/* --- the provider ------------------------------------------------------------------------------------------------- */

static const char *const answers[] = {
    [FAKE_ACCEPT] = "201",         [FAKE_ACCEPT_LOSE_ANSWER] = "reset", [FAKE_NEVER_BEGIN] = "connect",
    [FAKE_HANG] = "timeout",       [FAKE_ANSWER_400] = "400",           [FAKE_ANSWER_401] = "401",
    [FAKE_ANSWER_429] = "429",     [FAKE_ANSWER_500] = "500",           [FAKE_REFUSE_NOW] = "425",
};

/* A worker that was sending, or had not published yet what came of it, when Redis forgot, and is dead or stands still: nobody
 * knows any more. Then only the key keeps the promise. */
static bool is_promised(const struct witness *witness, const struct expected *expected)
{
    return witness->scenario->class != SCENARIO_EVERYTHING || !expected->was_in_flight;
}

/* A key that is known again within its life must not deliver; without a key nothing may. */
static void note_accepted(struct expected *expected)
{
    int64_t now_ms = fakes_mono_ms();

    if (expected->accepted > 0 && (expected->channel == CHANNEL_SMS || now_ms - expected->accepted_wall_ms < FAKE_KEY_TTL_MS)) {
        expected->is_accepted_again = true;
    }
    expected->accepted++;
    expected->accepted_wall_ms = now_ms;
}

/* I4: what may be there already is repeated with the same bytes. */
static void check_bytes(struct witness *witness, struct expected *expected, const struct fake_message *message,
                        enum fake_behaviour behaviour)
{
    unsigned hash = hash_bytes(message->text, strlen(message->text)) | 1;
    bool is_proved_away = behaviour == FAKE_ANSWER_400 || behaviour == FAKE_ANSWER_401 ||
                          behaviour == FAKE_ANSWER_429 || behaviour == FAKE_REFUSE_NOW;

    if (expected->text_hash && expected->text_hash != hash && is_promised(witness, expected)) {
        complain(witness, "I4 %s %s: asked for again with other bytes", channel_name(expected->channel), expected->name);
    }
    if (!is_proved_away) {
        expected->text_hash = hash;
    }
}

static void see_question(struct witness *witness, const struct fake_message *message, enum fake_behaviour behaviour,
                         bool is_there)
{
    struct expected *expected = find_expected(witness, slice_of(message->mid));

    count(witness, "question", answers[behaviour]);
    see(witness, "question for %s %s answered %s%s", expected ? expected->name : "?",
        expected ? channel_name(expected->channel) : "", answers[behaviour], is_there ? ", it is there" : "");
    if (!expected) {
        complain(witness, "I4 a question for what nobody asked for: %s", message->mid);
    } else if (behaviour == FAKE_ACCEPT && !is_there) {
        expected->text_hash = 0;
    }
}

/* What has its token leaves at once, and not when Redis or the worker is there again. */
static bool is_quiet(const struct witness *witness)
{
    return witness->open_faults == 0 && fakes_mono_ms() - witness->quiet_ms > QUIET_MS;
}

static void see_request(struct witness *witness, const struct fake_message *message, enum fake_behaviour behaviour,
                        bool is_delivered)
{
    struct history_request request = {.is_accepted = is_delivered, .number = ++witness->requests};
    struct expected *expected = find_expected(witness, slice_of(message->mid));

    count(witness, "request", answers[behaviour]);
    request.at_ms = see(witness, "request %s %s \"%s\" answered %s%s", expected ? expected->name : "?",
                        channel_name(message->channel), message->text, answers[behaviour],
                        is_delivered ? ", delivered" : "");
    if (!expected || expected->channel != message->channel) {
        complain(witness, "I4 a request that nobody asked for: %s", message->mid);
        return;
    }
    expected->requests++;
    expected->requested_tick = request.at_ms;
    expected->is_of_thawed |= witness->thawed_ms && fakes_mono_ms() - witness->thawed_ms < THAW_MS;
    expected->was_in_flight |= witness->lost_ms && fakes_mono_ms() - witness->lost_ms < LEASE_MS;
    if (is_quiet(witness) && witness->timed[expected->channel] < MOST_TIMED) {
        witness->request_ms[expected->channel][witness->timed[expected->channel]++] = fakes_mono_ms();
    }
    check_bytes(witness, expected, message, behaviour);
    if (is_delivered) {
        note_accepted(expected);
    }
    request.channel = expected->channel;
    snprintf(request.name, sizeof(request.name), "%s", expected->name);
    memcpy(request.mid, message->mid, sizeof(message->mid));
    snprintf(request.answer, sizeof(request.answer), "%s", answers[behaviour]);
    history_add_request(history_of(witness, expected), &request);
}

void witness_told(void *arg, const struct fake_message *message, enum fake_behaviour behaviour, int status,
                  bool is_delivered)
{
    (void)status;
    if (strcmp(message->to, FAKE_QUESTION) == 0) {
        see_question(arg, message, behaviour, is_delivered);
    } else {
        see_request(arg, message, behaviour, is_delivered);
    }
}

/* --- faults and Redis --------------------------------------------------------------------------------------------- */

void witness_note(struct witness *witness, const char *what, int64_t number)
{
    count(witness, "step", what);
    see(witness, "%s %" PRId64, what, number);
}

int witness_fault_begin(struct witness *witness, const char *what, int64_t number)
{
    struct seen_fault *fault = &witness->faults[witness->fault_count < MOST_FAULTS ? witness->fault_count : MOST_FAULTS - 1];

    count(witness, "fault", what);
    snprintf(fault->what, sizeof(fault->what), "%s", what);
    fault->from = see(witness, "fault: %s %" PRId64, what, number);
    fault->to = -1;
    witness->open_faults++;
    witness->quiet_ms = fakes_mono_ms();
    if (witness->fault_count < MOST_FAULTS) {
        return witness->fault_count++;
    }
    return MOST_FAULTS - 1;
}

void witness_fault_end(struct witness *witness, int *fault)
{
    if (*fault >= 0) {
        witness->faults[*fault].to = witness->tick * TICK;
        witness->open_faults--;
        witness->quiet_ms = fakes_mono_ms();
        if (strcmp(witness->faults[*fault].what, act_name(ACT_FREEZE)) == 0) {
            witness->thawed_ms = fakes_mono_ms();
        }
        see(witness, "over: %s", witness->faults[*fault].what);
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
    expected = find_expected(witness, slice_of(hex));
    if (expected) {
        memcpy(stored.mid, hex, sizeof(hex));
        history_add_stored(history_of(witness, expected), &stored);
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
            count(witness, "loss", "of what is in flight");
        } else if (expected->text_hash && !expected->state[0]) {
            count(witness, "loss", "of what is parked as unknown");
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
    count(arg, script, word);
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
    fake_kafka_watch_records(on_record, witness);
    fake_kafka_watch_commits(on_commit, witness);
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

/* --- judgement ---------------------------------------------------------------------------------------------------- */

/* How a delivery may end, by what it is about; NULL: that is fine. */
static const char *find_wrong_end(const struct expected *expected)
{
    bool is_sent = strcmp(expected->state, "sent") == 0, is_held = strcmp(expected->state, "held") == 0;

    switch (expected->kind) {
    case NOTE_PLAIN:
        if (is_held && expected->channel == CHANNEL_EMAIL && expected->flow == FLOW_ORDER &&
            strcmp(expected->reason, "unknown") == 0) {
            return "a key was there to repeat it with";
        }
        return is_sent || is_held ? NULL : "it could be sent";
    case NOTE_NO_CONSENT:
    case NOTE_NO_ADDRESS:
        return strcmp(expected->state, "suppressed") == 0 && expected->requests == 0 ? NULL : "it is nobody's to send";
    case NOTE_OLD:
        return strcmp(expected->state, "expired") == 0 && expected->requests == 0 ? NULL : "it was too old";
    case NOTE_BROKEN:
        return strcmp(expected->state, "dead") == 0 && expected->requests == 0 ? NULL : "it cannot be rendered";
    default:
        return (strcmp(expected->state, "dead") == 0 || is_held) && expected->accepted == 0
                   ? NULL
                   : "the provider does not take it";
    }
}

static void check_ends(struct witness *witness)
{
    for (size_t i = 0; i < witness->expected_count; i++) {
        const struct expected *expected = &witness->expected[i];
        const char *wrong = find_wrong_end(expected);
        bool is_judged = expected->channel == CHANNEL_EMAIL || is_promised(witness, expected);

        if (expected->state[0] && wrong) {
            complain(witness, "%s %s: %s (%s) after %d requests, but %s", channel_name(expected->channel),
                     expected->name, expected->state, expected->reason, expected->requests, wrong);
        }
        if (expected->is_accepted_again && is_judged) {
            complain(witness, "I2 %s %s: delivered twice", channel_name(expected->channel), expected->name);
        }
    }
}

/* Of "I3 email order-7: ...", which is that? NULL: not such a line. */
static const struct expected *find_line(const struct witness *witness, const char *line)
{
    for (size_t i = 0; i < witness->expected_count; i++) {
        const struct expected *expected = &witness->expected[i];
        char beginning[64];

        snprintf(beginning, sizeof(beginning), "%s %s:", channel_name(expected->channel), expected->name);
        if (strncmp(line + 3, beginning, strlen(beginning)) == 0) {
            return expected;
        }
    }
    return NULL;
}

/* Asked again without a reason (I3), or ended otherwise than before (I6): of what was in flight when Redis forgot. Or asked by a
 * worker that had its claim, stood still, and did not see the outcome of another meanwhile: the key is there for that. */
static bool is_excused_line(const struct witness *witness, const char *line)
{
    const struct expected *expected = line[1] == '3' || line[1] == '6' ? find_line(witness, line) : NULL;

    return expected && (!is_promised(witness, expected) ||
                        (line[1] == '3' && expected->is_of_thawed && expected->channel == CHANNEL_EMAIL));
}

/* "I5 email 0.3 (order-7): below the commit of 5, done later" */
static bool is_settled_by_another(const struct witness *witness, const char *line)
{
    const char *name = strchr(line, '(');

    for (size_t i = 0; i < witness->expected_count && strncmp(line, "I5 ", 3) == 0 && name; i++) {
        const struct expected *expected = &witness->expected[i];
        size_t len = strlen(expected->name);

        if (strncmp(name + 1, expected->name, len) == 0 && name[1 + len] == ')') {
            return expected->state[0] && has_several_events(witness, expected);
        }
    }
    return false;
}

static void take_complaints(struct witness *witness, const char *report)
{
    for (const char *line = report; *line; line += strcspn(line, "\n") + 1) {
        bool is_excused = is_excused_line(witness, line) || is_settled_by_another(witness, line);

        if (!is_excused) {
            buf_appendf(&witness->complaints, "%.*s\n", (int)strcspn(line, "\n"), line);
        }
    }
}

/* I8: in any second the rate, the least burst, and for each worker a token that it holds and one that is on its way. */
static void check_rate(struct witness *witness, int channel)
{
    int most = (int)witness->scenario->rate_per_s + 1 + 2 * witness->scenario->worker_count;
    const int64_t *times = witness->request_ms[channel];

    coverage_add(witness->coverage, "judged: requests in any second", (uint64_t)witness->timed[channel]);
    for (int first = 0, last = 0; last < witness->timed[channel]; last++) {
        while (times[first] <= times[last] - 1000) {
            first++;
        }
        if (last - first + 1 > most) {
            complain(witness, "I8 %s: %d requests in a second, and %d may be", channel_name((enum channel)channel),
                     last - first + 1, most);
            return;
        }
    }
}

static void judge_one(struct witness *witness, int flow, int channel, bool is_at_rest)
{
    /* Twice is judged by check_ends(), which knows how old a key is. */
    struct history_rules rules = {
        .may_resend = {true, true},
        .duplicates_most = SIZE_MAX,
        .held_most = {SIZE_MAX, SIZE_MAX},
        .dead_most = SIZE_MAX,
        .suppressed_most = SIZE_MAX,
        .lag = !is_at_rest,
        .last_snapshot = witness->scenario->class == SCENARIO_DEATHS ? witness->snapshots : 0, /* else put back when needed */
    };
    struct history *history = witness->histories[flow][channel];
    struct history_figures figures;
    struct buf report;

    rules.is_channel_used[channel] = true;
    for (int i = 0; i < witness->fault_count; i++) {
        const struct seen_fault *fault = &witness->faults[i];

        history_add_fault(history, fault->what, fault->from, fault->to < 0 ? INT64_MAX / 2 : fault->to);
    }
    buf_init(&report, 0);
    if (!history_check(history, &rules, &figures, &report)) {
        take_complaints(witness, buf_text(&report));
    }
    buf_finish(&report);
}

bool witness_judge(struct witness *witness, bool is_at_rest, struct buf *report)
{
    if (witness->has_suspect && witness->scenario->class != SCENARIO_LOSSES) {
        count(witness, "not judged:", "an innocent suspect");
        return true;
    }
    witness_look_at_redis(witness, false);
    check_ends(witness);
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        check_rate(witness, channel);
    }
    for (int flow = 0; flow < FLOW_COUNT; flow++) {
        for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
            if (note_flow_has((enum note_flow)flow, (enum channel)channel)) {
                judge_one(witness, flow, channel, is_at_rest);
            }
        }
    }
    buf_appendf(report, "%s", buf_text(&witness->complaints));
    return witness->complaints.len == 0;
}
