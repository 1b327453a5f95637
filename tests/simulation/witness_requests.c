#include "tests/simulation/witness_inside.h"

#include <string.h>

#include "base/digest.h"
#include "base/hash_table.h"

enum { LEASE_MS = 15000, QUIET_MS = 10000, THAW_MS = 100 };

static const char *const answers[] = {
    [FAKE_ACCEPT] = "201",         [FAKE_ACCEPT_LOSE_ANSWER] = "reset", [FAKE_NEVER_BEGIN] = "connect",
    [FAKE_HANG] = "timeout",       [FAKE_ANSWER_400] = "400",           [FAKE_ANSWER_401] = "401",
    [FAKE_ANSWER_429] = "429",     [FAKE_ANSWER_500] = "500",           [FAKE_REFUSE_NOW] = "425",
};

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

    if (expected->text_hash && expected->text_hash != hash && witness_is_promised(witness, expected)) {
        witness_complain(witness, "I4 %s %s: asked for again with other bytes", channel_name(expected->channel),
                         expected->name);
    }
    if (!is_proved_away) {
        expected->text_hash = hash;
    }
}

static void see_question(struct witness *witness, const struct fake_message *message, enum fake_behaviour behaviour,
                         bool is_there)
{
    struct expected *expected = witness_find_expected(witness, slice_of(message->mid));

    witness_count(witness, "question", answers[behaviour]);
    witness_see(witness, "question for %s %s answered %s%s", expected ? expected->name : "?",
        expected ? channel_name(expected->channel) : "", answers[behaviour], is_there ? ", it is there" : "");
    if (!expected) {
        witness_complain(witness, "I4 a question for what nobody asked for: %s", message->mid);
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
    struct expected *expected = witness_find_expected(witness, slice_of(message->mid));

    witness_count(witness, "request", answers[behaviour]);
    request.at_ms = witness_see(witness, "request %s %s \"%s\" answered %s%s", expected ? expected->name : "?",
                        channel_name(message->channel), message->text, answers[behaviour],
                        is_delivered ? ", delivered" : "");
    if (!expected || expected->channel != message->channel) {
        witness_complain(witness, "I4 a request that nobody asked for: %s", message->mid);
        return;
    }
    expected->requests++;
    expected->requested_tick = request.at_ms;
    expected->is_of_thawed |= witness->thawed_ms && fakes_mono_ms() - witness->thawed_ms < THAW_MS;
    expected->was_in_flight |= witness->lost_ms && fakes_mono_ms() - witness->lost_ms < LEASE_MS;
    if (is_quiet(witness) && witness->timed[expected->channel] < WITNESS_MOST_TIMED) {
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
    history_add_request(witness_history(witness, expected), &request);
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
