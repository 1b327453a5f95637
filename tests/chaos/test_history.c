/* The checker is only worth something when it refuses: one clean history is accepted, and each way to break it is not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/chaos/history.h"
#include "tests/chaos/history_timing.h"

enum { NOTES = 5, STEP_MS = 1000 };

/* A history in pieces, so that a case can change one of them before it is told. */
struct tale {
    struct history_event events[NOTES + 2];
    size_t event_count;
    struct history_request requests[NOTES + 3];
    size_t request_count;
    struct history_outcome outcomes[NOTES + 3];
    size_t outcome_count;
    struct history_aside asides[NOTES];
    size_t aside_count;
    struct history_commit commits[NOTES];
    size_t commit_count;
    struct history_stored stored[2 * NOTES + 4];
    size_t stored_count;
    int64_t fault_from_ms, fault_to_ms; /* 0: none */
    bool has_redis_loss;
    struct history_rules rules;
};

static void add_request(struct tale *tale, int note, int64_t at_ms, const char *answer, bool is_accepted)
{
    struct history_request *request = &tale->requests[tale->request_count];

    *request = (struct history_request){.channel = CHANNEL_EMAIL, .is_accepted = is_accepted, .at_ms = at_ms};
    request->number = (int64_t)++tale->request_count;
    snprintf(request->name, sizeof(request->name), "note-%d-1", note);
    snprintf(request->mid, sizeof(request->mid), "%032d", note);
    snprintf(request->body_hash, sizeof(request->body_hash), "%016d", note);
    snprintf(request->answer, sizeof(request->answer), "%s", answer);
}

static void add_outcome(struct tale *tale, int note, int64_t at_ms, const char *state, const char *reason)
{
    struct history_outcome *outcome = &tale->outcomes[tale->outcome_count++];

    *outcome = (struct history_outcome){.channel = CHANNEL_EMAIL, .at_ms = at_ms};
    snprintf(outcome->name, sizeof(outcome->name), "note-%d-1", note);
    snprintf(outcome->mid, sizeof(outcome->mid), "%032d", note);
    snprintf(outcome->state, sizeof(outcome->state), "%s", state);
    snprintf(outcome->reason, sizeof(outcome->reason), "%s", reason);
}

static void add_aside(struct tale *tale, int note, enum history_side side, int64_t at_ms)
{
    struct history_aside *aside = &tale->asides[tale->aside_count++];

    *aside = (struct history_aside){.side = side, .offset = note, .at_ms = at_ms};
    snprintf(aside->mid, sizeof(aside->mid), "%032d", note);
}

static void add_stored(struct tale *tale, int snapshot, int note, char state, uint64_t fence)
{
    struct history_stored *stored = &tale->stored[tale->stored_count++];

    *stored = (struct history_stored){.snapshot = snapshot, .state = state, .fence = fence, .shard = 7};
    if (note >= 0) {
        snprintf(stored->mid, sizeof(stored->mid), "%032d", note);
    }
}

/* Five notes, a second apart, each sent 100 ms after it was produced; all committed and in Redis. Note 1 was asked for twice,
 * because the answer was an error; note 3 is held for the same reason, and note 4 dead. */
static void tell_clean(struct tale *tale)
{
    *tale = (struct tale){.rules = {.is_channel_used = {[CHANNEL_EMAIL] = true}, .held_most = {[CHANNEL_EMAIL] = 1}, .dead_most = 1,
                                    .last_snapshot = 2, .rate_per_s = 2, .burst = 0}};
    for (int note = 0; note < NOTES; note++) {
        struct history_event *event = &tale->events[tale->event_count++];
        int64_t at_ms = (int64_t)(note + 1) * STEP_MS;

        *event = (struct history_event){.offset = note, .at_ms = at_ms};
        snprintf(event->name, sizeof(event->name), "note-%d-1", note);
        if (note == 3) {
            add_request(tale, note, at_ms + 100, "reset_after", true);
            add_aside(tale, note, HISTORY_HELD, at_ms + 150);
            add_outcome(tale, note, at_ms + 200, "held", "reset");
            add_stored(tale, 2, note, 'H', 10);
        } else if (note == 4) {
            add_request(tale, note, at_ms + 100, "400 invalid_parameter", false);
            add_aside(tale, note, HISTORY_DEAD, at_ms + 150);
            add_outcome(tale, note, at_ms + 200, "dead", "invalid_parameter");
            add_stored(tale, 2, note, 'D', 10);
        } else {
            if (note == 1) {
                add_request(tale, note, at_ms + 50, "http_500", false);
                add_stored(tale, 1, note, 'S', 4);
                add_stored(tale, 1, -1, 0, 10);
            }
            add_request(tale, note, at_ms + 100, "201", true);
            add_outcome(tale, note, at_ms + 200, "sent", "");
        }
    }
    add_stored(tale, 2, -1, 0, 12);
    for (int note = 0; note < 3; note++) {
        add_stored(tale, 2, note, 'S', (uint64_t)note + 1);
    }
    tale->commits[tale->commit_count++] = (struct history_commit){.offset = 2, .at_ms = 2 * STEP_MS + 300};
    tale->commits[tale->commit_count++] = (struct history_commit){.offset = 5, .at_ms = 9 * STEP_MS};
}

static bool judge(const struct tale *tale, struct history_figures *figures, struct buf *report)
{
    struct history *history = history_create();
    bool is_fine;

    for (size_t i = 0; i < tale->event_count; i++) {
        history_add_event(history, &tale->events[i]);
    }
    for (size_t i = 0; i < tale->request_count; i++) {
        history_add_request(history, &tale->requests[i]);
    }
    for (size_t i = 0; i < tale->outcome_count; i++) {
        history_add_outcome(history, &tale->outcomes[i]);
    }
    for (size_t i = 0; i < tale->aside_count; i++) {
        history_add_aside(history, &tale->asides[i]);
    }
    for (size_t i = 0; i < tale->commit_count; i++) {
        history_add_commit(history, &tale->commits[i]);
    }
    for (size_t i = 0; i < tale->stored_count; i++) {
        history_add_stored(history, &tale->stored[i]);
    }
    if (tale->fault_from_ms) {
        history_add_fault(history, "kill", tale->fault_from_ms, tale->fault_to_ms);
    }
    if (tale->has_redis_loss) {
        history_add_redis_loss(history, 2);
    }
    is_fine = history_check(history, &tale->rules, figures, report);
    history_destroy(history);
    return is_fine;
}

static void a_clean_history_is_accepted_and_counted(void **state)
{
    struct history_figures figures;
    struct tale tale;
    struct buf report;

    (void)state;
    tell_clean(&tale);
    buf_init(&report, 0);
    if (!judge(&tale, &figures, &report)) {
        fail_msg("%s", buf_text(&report));
    }
    buf_finish(&report);
    assert_int_equal(figures.expected, 5);
    assert_int_equal(figures.requests, 6);
    assert_int_equal(figures.accepted, 4);
    assert_int_equal(figures.sent, 3);
    assert_int_equal(figures.held[CHANNEL_EMAIL], 1);
    assert_int_equal(figures.dead, 1);
    assert_int_equal(figures.further, 1);
    assert_int_equal(figures.unexplained, 0);
    assert_int_equal(figures.duplicates, 0);
    assert_int_equal(figures.missing, 0);
    assert_int_equal(figures.commits, 2);
    assert_int_equal(figures.busiest_second, 2);
}

/* --- what must be refused ----------------------------------------------------------------------------------------- */

static struct history_request *request_of(struct tale *tale, int note)
{
    for (size_t i = tale->request_count; i-- > 0;) {
        if (strtol(tale->requests[i].mid, NULL, 10) == note) {
            return &tale->requests[i];
        }
    }
    fail_msg("no request for note %d", note);
    return NULL;
}

static struct history_outcome *outcome_of(struct tale *tale, int note)
{
    return &tale->outcomes[note];
}

static void lose_an_event(struct tale *tale)
{
    tale->request_count = 0;
    tale->outcome_count = 0;
    tale->commit_count = 0;
}

static void lose_one_request(struct tale *tale)
{
    *request_of(tale, 2) = tale->requests[--tale->request_count];
}

static void hold_without_a_record(struct tale *tale)
{
    tale->asides[0] = tale->asides[--tale->aside_count];
    request_of(tale, 3)->is_accepted = false;
}

static void bury_without_a_record(struct tale *tale)
{
    tale->aside_count--;
}

static void end_without_a_reason(struct tale *tale)
{
    outcome_of(tale, 4)->reason[0] = '\0';
}

static void lose_a_broken_record(struct tale *tale)
{
    tale->events[tale->event_count++] = (struct history_event){.offset = 5, .at_ms = 6 * STEP_MS};
}

static void send_twice(struct tale *tale)
{
    add_request(tale, 0, STEP_MS + 150, "201", true);
    tale->fault_from_ms = STEP_MS + 120;
    tale->fault_to_ms = STEP_MS + 130;
}

static void send_twice_where_one_may(struct tale *tale)
{
    tale->rules.may_resend[CHANNEL_EMAIL] = true;
    send_twice(tale);
}

static void ask_again_for_no_reason(struct tale *tale)
{
    add_request(tale, 0, STEP_MS + 150, "400 duplicate_parameter", false);
}

static void ask_after_the_outcome(struct tale *tale)
{
    add_request(tale, 0, STEP_MS + 700, "400 duplicate_parameter", false);
    tale->fault_from_ms = STEP_MS;
    tale->fault_to_ms = 3 * STEP_MS;
}

static void hold_for_no_reason(struct tale *tale)
{
    snprintf(request_of(tale, 3)->answer, HISTORY_WORD_SIZE, "201");
}

static void hold_too_many(struct tale *tale)
{
    tale->rules.held_most[CHANNEL_EMAIL] = 0;
}

static void send_what_nobody_asked_for(struct tale *tale)
{
    add_request(tale, 77, STEP_MS, "201", true);
}

static void send_other_bytes_again(struct tale *tale)
{
    request_of(tale, 1)->body_hash[0] = 'x';
}

static void send_under_another_mid(struct tale *tale)
{
    request_of(tale, 2)->mid[0] = '9';
}

static void share_a_mid(struct tale *tale)
{
    memcpy(request_of(tale, 2)->mid, tale->requests[0].mid, HISTORY_MID_SIZE);
    memcpy(outcome_of(tale, 2)->mid, tale->requests[0].mid, HISTORY_MID_SIZE);
}

static void commit_too_early(struct tale *tale)
{
    tale->commits[0].offset = 3; /* note 2 has its outcome only later */
}

static void commit_what_was_never_done(struct tale *tale)
{
    tale->events[tale->event_count] = tale->events[4];
    tale->events[tale->event_count].offset = 5;
    snprintf(tale->events[tale->event_count++].name, HISTORY_NAME_SIZE, "note-5-1");
    tale->commits[1].offset = 6;
    tale->rules.lag = 0;
}

static void forget_an_outcome(struct tale *tale)
{
    tale->outcomes[0] = tale->outcomes[--tale->outcome_count];
    tale->commit_count = 0;
}

static void say_two_things(struct tale *tale)
{
    add_outcome(tale, 0, STEP_MS + 300, "dead", "other");
}

static void claim_what_was_not_sent(struct tale *tale)
{
    request_of(tale, 2)->is_accepted = false;
}

static void deny_what_was_sent(struct tale *tale)
{
    snprintf(outcome_of(tale, 2)->state, 16, "expired");
    snprintf(outcome_of(tale, 2)->reason, HISTORY_WORD_SIZE, "too_old");
    tale->rules.suppressed_most = 1;
}

static void leave_a_lag(struct tale *tale)
{
    tale->rules.lag = 1;
}

static void leave_s(struct tale *tale)
{
    for (size_t i = 0; i < tale->stored_count; i++) {
        if (tale->stored[i].snapshot == 2 && strtol(tale->stored[i].mid, NULL, 10) == 1) {
            tale->stored[i].state = 'P';
        }
    }
    tale->rules.last_snapshot = 0;
}

static void vanish_from_redis(struct tale *tale)
{
    tale->stored_count--;
    tale->stored[tale->stored_count - 1] = tale->stored[tale->stored_count];
    tale->rules.last_snapshot = 0;
}

static void lower_a_fence(struct tale *tale)
{
    for (size_t i = 0; i < tale->stored_count; i++) {
        if (tale->stored[i].snapshot == 2 && !tale->stored[i].mid[0]) {
            tale->stored[i].fence = 9;
        }
    }
}

static void lower_a_fence_by_a_loss(struct tale *tale)
{
    lower_a_fence(tale);
    tale->has_redis_loss = true;
}

static void go_too_fast(struct tale *tale)
{
    tale->rules.rate_per_s = 1;
}

static void do_nothing(struct tale *tale)
{
    (void)tale;
}

static const struct {
    const char *what;
    void (*spoil)(struct tale *tale);
    const char *invariant; /* NULL: must be accepted */
} cases[] = {
    {"nothing wrong", do_nothing, NULL},
    {"nothing but the events", lose_an_event, "I1"},
    {"sent by its outcome, never asked for", lose_one_request, "I1"},
    {"held, but not on the held topic", hold_without_a_record, "I1"},
    {"dead, but not on the DLQ", bury_without_a_record, "I1"},
    {"dead for no stated reason", end_without_a_reason, "I1"},
    {"a record that is no event, not on the DLQ", lose_a_broken_record, "I1"},
    {"accepted twice", send_twice, "I2"},
    {"accepted twice where it may, but more often than allowed", send_twice_where_one_may, "I2"},
    {"asked for again without a fault", ask_again_for_no_reason, "I3"},
    {"asked for after its outcome", ask_after_the_outcome, "I3"},
    {"held without a fault", hold_for_no_reason, "I3"},
    {"more held than allowed", hold_too_many, "I3"},
    {"a message for nobody", send_what_nobody_asked_for, "I4"},
    {"other bytes the second time", send_other_bytes_again, "I4"},
    {"two mids for one delivery", send_under_another_mid, "I4"},
    {"one mid for two deliveries", share_a_mid, "I4"},
    {"committed before its outcome", commit_too_early, "I5"},
    {"committed and never done", commit_what_was_never_done, "I5"},
    {"no outcome", forget_an_outcome, "I6"},
    {"two outcomes that differ", say_two_things, "I6"},
    {"sent, and the provider has nothing", claim_what_was_not_sent, "I6"},
    {"expired, and the provider has it", deny_what_was_sent, "I6"},
    {"records left over", leave_a_lag, "I6"},
    {"S became P", leave_s, "I7"},
    {"S vanished", vanish_from_redis, "I7"},
    {"a fence fell", lower_a_fence, "I7"},
    {"a fence fell over an injected loss", lower_a_fence_by_a_loss, NULL},
    {"two requests where one is allowed", go_too_fast, "I8"},
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

static void a_broken_history_is_refused_by_the_invariant_that_it_breaks(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct history_figures figures;
        struct tale tale;
        struct buf report;
        bool is_fine;

        tell_clean(&tale);
        cases[i].spoil(&tale);
        buf_init(&report, 0);
        is_fine = judge(&tale, &figures, &report);
        if (is_fine != !cases[i].invariant) {
            fail_msg("%s: %s", cases[i].what, is_fine ? "accepted" : buf_text(&report));
        }
        if (cases[i].invariant && !strstr(buf_text(&report), cases[i].invariant)) {
            fail_msg("%s: expected %s, got: %s", cases[i].what, cases[i].invariant, buf_text(&report));
        }
        buf_finish(&report);
    }
}

struct readable {
    int64_t at_ms[4];
};

static int64_t readable_ms(void *arg, const struct history_event *event)
{
    const struct readable *readable = arg;

    return readable->at_ms[event->offset];
}

/* Events of one partition, asked for at 1, 2, 9 and 10 s, and another partition that is never silent for long. */
static struct history *tell_silence(void)
{
    static const int64_t asked_ms[] = {1000, 2000, 9000, 10000};
    struct history *history = history_create();

    for (int i = 0; i < 8; i++) {
        struct history_event event = {.partition = i / 4, .offset = i % 4, .at_ms = 500};
        struct history_request request = {.is_accepted = true, .at_ms = i / 4 ? 1000 * i : asked_ms[i], .number = i};

        snprintf(event.name, sizeof(event.name), "note-%d-1", i);
        snprintf(request.name, sizeof(request.name), "%s", event.name);
        snprintf(request.mid, sizeof(request.mid), "%032d", i);
        history_add_event(history, &event);
        history_add_request(history, &request);
    }
    return history;
}

static void a_silence_begins_when_there_is_something_to_read(void **state)
{
    static const struct {
        struct readable readable;
        int64_t from_ms, to_ms;
    } tales[] = {
        {{{500, 500, 500, 500}}, 2000, 9000},   /* all the time */
        {{{500, 500, 6000, 6000}}, 6000, 9000}, /* not before 6 s */
        {{{500, 500, 6000, 4000}}, 4000, 9000}, /* one that was asked for later lay there */
    };
    const struct history_rules rules = {.is_channel_used = {[CHANNEL_EMAIL] = true}};

    (void)state;
    for (size_t i = 0; i < sizeof(tales) / sizeof(tales[0]); i++) {
        struct history *history = tell_silence();
        struct readable readable = tales[i].readable;
        struct history_silence silence;
        struct history_figures figures;
        struct buf report;

        buf_init(&report, 0);
        history_check(history, &rules, &figures, &report); /* puts the events in order */
        silence = history_find_silence(history, NULL, NULL);
        assert_int_equal(silence.from_ms, 2000);
        assert_int_equal(silence.to_ms, 9000);
        silence = history_find_silence(history, readable_ms, &readable);
        assert_int_equal(silence.partition, 0);
        assert_int_equal(silence.from_ms, tales[i].from_ms);
        assert_int_equal(silence.to_ms, tales[i].to_ms);
        buf_finish(&report);
        history_destroy(history);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clean_history_is_accepted_and_counted),
        cmocka_unit_test(a_broken_history_is_refused_by_the_invariant_that_it_breaks),
        cmocka_unit_test(a_silence_begins_when_there_is_something_to_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
