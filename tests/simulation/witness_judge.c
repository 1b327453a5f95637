#include "tests/simulation/witness_inside.h"

#include <stdlib.h>
#include <string.h>

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
        bool is_judged = expected->channel == CHANNEL_EMAIL || witness_is_promised(witness, expected);

        if (expected->state[0] && wrong) {
            witness_complain(witness, "%s %s: %s (%s) after %d requests, but %s", channel_name(expected->channel),
                     expected->name, expected->state, expected->reason, expected->requests, wrong);
        }
        if (expected->is_accepted_again && is_judged) {
            witness_complain(witness, "I2 %s %s: delivered twice", channel_name(expected->channel), expected->name);
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

/* Asked again without a reason (I3), or ended otherwise than before (I6): of what was in flight when Redis forgot. Or
 * asked by a worker that had its claim, stood still, and did not see the outcome of another meanwhile: the key is there
 * for that. */
static bool is_excused_line(const struct witness *witness, const char *line)
{
    const struct expected *expected = line[1] == '3' || line[1] == '6' ? find_line(witness, line) : NULL;

    return expected && (!witness_is_promised(witness, expected) ||
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
            return expected->state[0] && witness_has_several_events(witness, expected);
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
            witness_complain(witness, "I8 %s: %d requests in a second, and %d may be", channel_name((enum channel)channel),
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
        witness_count(witness, "not judged:", "an innocent suspect");
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
