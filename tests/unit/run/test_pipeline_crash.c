/*
 * One scenario with every outcome, through both channels of a worker, with a fault at each point where something crosses
 * the border of the process: the process dies, an answer is lost, Redis is emptied. Afterwards the books must balance.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "core/outcome.h"
#include "core/plan.h"
#include "process.h"

static const int64_t DAY_MS = 86400000;
static const int64_t PAUSED_MS = 90000;
static const int64_t LIMIT_MS = 12 * 3600000LL; /* of the world's time */

/* --- the scenario ------------------------------------------------------------------------------------------------- */

struct row {
    int32_t partition;
    const char *id, *flow, *n, *member;
    const char *consent; /* JSON, or NULL */
    bool has_no_address, is_broken;
    int64_t age_ms;
};

static const struct row rows[] = {
    {0, "e1", "order", "plain", "m1", NULL, false, false, 0},
    {0, "e2", "order", "first", "m2", NULL, false, false, 0},
    {0, "e3", "order", "second", "m2", NULL, false, false, 0},
    {0, "e4", "order", "plain", "m1", NULL, false, false, 0},
    {0, "e5", "order", "no-consent", "m3", "{\"email\":false,\"sms\":false}", false, false, 0},
    {0, "e6", "order", "no-address", "m4", NULL, true, false, 0},
    {0, "e7", "order", "old", "m5", NULL, false, false, 2 * DAY_MS},
    {0, "e8", "order", "broken", "m6", NULL, false, true, 0},
    {1, "e9", "order", "refused-once", "m7", NULL, false, false, 0},
    {1, "e10", "order", "unknown", "m8", NULL, false, false, 0},
    {1, "e11", "mail", "parked", "m9", NULL, false, false, 0},
    {1, "e12", "mail", "refused", "m10", NULL, false, false, 0},
    {1, "e13", "mail", "refused", "m10", NULL, false, false, 0},
    {1, "e14", "order", "unknown", "m8", NULL, false, false, 0},
    {1, "e15", "elsewhere", "none", "m1", NULL, false, false, 0},
    {0, "e1", "order", "plain", "m1", NULL, false, false, 0},
    {0, "e16", "order", "plain", "m1", "{\"email\":false,\"sms\":false}", false, false, 0},
};
enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

static const char garbage[] = "{\"specversion\":";

/* What must come of it. "sent": delivered once. With a fault, an SMS that may be out ends as held, and so does an e-mail
 * that is refused when it is repeated. */
static const struct {
    const char *flow, *n;
    enum channel channel;
    enum outcome_state state;
} expected[] = {
    {"order", "plain", CHANNEL_EMAIL, OUTCOME_SENT},
    {"order", "plain", CHANNEL_SMS, OUTCOME_SENT},
    {"order", "first", CHANNEL_EMAIL, OUTCOME_SENT},
    {"order", "first", CHANNEL_SMS, OUTCOME_SENT},
    {"order", "second", CHANNEL_EMAIL, OUTCOME_SENT},
    {"order", "second", CHANNEL_SMS, OUTCOME_SENT},
    {"order", "no-consent", CHANNEL_EMAIL, OUTCOME_SUPPRESSED},
    {"order", "no-consent", CHANNEL_SMS, OUTCOME_SUPPRESSED},
    {"order", "no-address", CHANNEL_EMAIL, OUTCOME_SUPPRESSED},
    {"order", "no-address", CHANNEL_SMS, OUTCOME_SUPPRESSED},
    {"order", "old", CHANNEL_EMAIL, OUTCOME_EXPIRED},
    {"order", "old", CHANNEL_SMS, OUTCOME_EXPIRED},
    {"order", "broken", CHANNEL_EMAIL, OUTCOME_DEAD},
    {"order", "broken", CHANNEL_SMS, OUTCOME_DEAD},
    {"order", "refused-once", CHANNEL_EMAIL, OUTCOME_SENT},
    {"order", "refused-once", CHANNEL_SMS, OUTCOME_SENT},
    {"order", "unknown", CHANNEL_EMAIL, OUTCOME_SENT},
    {"order", "unknown", CHANNEL_SMS, OUTCOME_HELD},
    {"mail", "parked", CHANNEL_EMAIL, OUTCOME_SENT},
    {"mail", "refused", CHANNEL_EMAIL, OUTCOME_DEAD},
};
enum { EXPECTED_COUNT = sizeof(expected) / sizeof(expected[0]) };

static void append_row(const struct row *row)
{
    char time[CLOCK_ISO_SIZE], text[1024], address[256] = "";

    clock_format_iso(fakes_wall_ms() - row->age_ms, time);
    if (!row->has_no_address) {
        snprintf(address, sizeof(address), ",\"email\":\"%s@example.com\",\"phone\":\"+3630%07zu\"", row->n,
                 strlen(row->n) * 1000 + (size_t)(unsigned char)row->n[0]);
    }
    snprintf(text, sizeof(text),
             "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"/test\",\"type\":\"test.%s\",\"time\":\"%s\","
             "\"data\":{\"n\":\"%s\",\"broken\":%s,\"member\":{\"id\":\"%s\"%s%s%s}}}",
             row->id, row->flow, time, row->n, row->is_broken ? "true" : "false", row->member, address,
             row->consent ? ",\"consent\":" : "", row->consent ? row->consent : "");
    fake_kafka_append("loyalty.events", row->partition, slice_of(row->member), slice_of(text), NULL, 0);
}

static const char *phone_of(const char *n)
{
    static char text[32];

    snprintf(text, sizeof(text), "+3630%07zu", strlen(n) * 1000 + (size_t)(unsigned char)n[0]);
    return text;
}

static void set_scene(void)
{
    fakes_begin();
    process_add_topics();
    fake_http_script("refused-once@example.com", 1, 1, FAKE_REFUSE_NOW);
    fake_http_script(phone_of("refused-once"), 1, 1, FAKE_NEVER_BEGIN);
    fake_http_script("unknown@example.com", 1, 1, FAKE_ACCEPT_LOSE_ANSWER);
    fake_http_script(phone_of("unknown"), 1, 1, FAKE_ACCEPT_LOSE_ANSWER);
    fake_http_script("parked@example.com", 1, 6, FAKE_REFUSE_NOW);
    fake_http_script("refused@example.com", 1, 1000, FAKE_ANSWER_400);
    for (int i = 0; i < ROW_COUNT; i++) {
        append_row(&rows[i]);
        if (i == 4) {
            fake_kafka_append("loyalty.events", 0, SLICE("x"), slice_of(garbage), NULL, 0);
        }
    }
}

/* --- the checker -------------------------------------------------------------------------------------------------- */

struct checker {
    struct catalog *catalog;
    struct buf complaints;
    bool may_redis_forget, has_fault, is_paused;
};

static void complain(struct checker *checker, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void complain(struct checker *checker, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    buf_appendf(&checker->complaints, "    %s\n", text);
}

static char redis_state(const struct mid *mid)
{
    char key[64];
    int len = snprintf(key, sizeof(key), "n:{test.%02x}:", mid->bytes[0]);
    struct slice value;

    memcpy(key + len, mid->bytes, MID_SIZE);
    value = fake_redis_get(slice_make(key, (size_t)len + MID_SIZE));
    return value.data ? value.data[0] : '-';
}

/* The next record of a topic (over both partitions) at or after *partition, *offset. */
static const struct kafka_record *next_record(const char *topic, int32_t *partition, int64_t *offset)
{
    for (; *partition < 2; (*partition)++, *offset = 0) {
        const struct kafka_record *record = fake_kafka_record(topic, *partition, *offset);

        if (record) {
            *offset = record->offset + 1;
            return record;
        }
    }
    return NULL;
}

static bool has_header(const struct kafka_record *record, const char *name, const char *value)
{
    for (size_t i = 0; i < record->header_count; i++) {
        if (strcmp(record->headers[i].name, name) == 0 && slice_is(record->headers[i].value, value)) {
            return true;
        }
    }
    return false;
}

static int count_in(const char *topic, const char *mid)
{
    const struct kafka_record *record;
    int32_t partition = 0;
    int64_t offset = 0;
    int count = 0;

    while ((record = next_record(topic, &partition, &offset))) {
        count += has_header(record, "perkline-mid", mid);
    }
    return count;
}

static bool is_parked(const char *mid)
{
    return count_in("loyalty.retry.1m", mid) + count_in("loyalty.retry.10m", mid) + count_in("loyalty.retry.1h", mid) +
           count_in("loyalty.retry.6h", mid);
}

/* How many outcomes there are; complains when they differ. */
static int read_outcomes(struct checker *checker, const char *mid, enum outcome_state *state)
{
    const struct kafka_record *record;
    int32_t partition = 0;
    int64_t offset = 0;
    int count = 0;

    while ((record = next_record("loyalty.outcomes", &partition, &offset))) {
        struct outcome_summary summary;
        struct err err = {0};

        if (!slice_is(record->key, mid)) {
            continue;
        }
        if (!outcome_parse(record->value, &summary, &err)) {
            complain(checker, "outcome of %s: %s", mid, err.text);
        } else if (count > 0 && summary.state != *state) {
            complain(checker, "%s has two outcomes: %s and %s", mid, outcome_state_name(*state),
                     outcome_state_name(summary.state));
        }
        *state = summary.state;
        count++;
    }
    return count;
}

static void check_delivery_done(struct checker *checker, const struct mid *mid, const char *where)
{
    char text[MID_TEXT_SIZE];
    enum outcome_state state;

    mid_format(mid, text);
    if (is_parked(text)) {
        return;
    }
    if (!checker->may_redis_forget && !strchr("SXDH", redis_state(mid))) {
        complain(checker, "%s is committed, but Redis says %c", where, redis_state(mid));
    }
    if (read_outcomes(checker, text, &state) == 0) {
        complain(checker, "%s is committed without an outcome", where);
    }
}

static void check_reject_done(struct checker *checker, const struct record *record, const char *where)
{
    char text[MID_TEXT_SIZE];
    struct mid mid;

    mid_of_record(record, &mid);
    mid_format(&mid, text);
    if (count_in("loyalty.dlq", text) == 0 || (!checker->may_redis_forget && redis_state(&mid) != 'D')) {
        complain(checker, "%s is committed, but not in the DLQ and in Redis", where);
    }
}

/* Everything below a committed offset is done, or durably elsewhere. */
static void check_record_done(struct checker *checker, enum channel channel, const struct kafka_record *from)
{
    struct record_header headers[32];
    struct record record = {from->topic, from->partition, from->offset, from->timestamp_ms, from->key, from->value,
                            headers,     from->header_count};
    struct event event = {0};
    struct park_note note;
    const char *reason;
    struct err err = {0};
    struct plan plan;
    char where[300];

    for (size_t i = 0; i < from->header_count; i++) {
        headers[i] = (struct record_header){from->headers[i].name, from->headers[i].value};
    }
    snprintf(where, sizeof(where), "%s: %s/%d/%d", channel_name(channel), from->topic, from->partition,
             (int)from->offset);
    if (strstr(from->topic, ".retry.")) {
        assert_true(park_parse(&record, &note, &err));
        if (note.channel == channel) {
            check_delivery_done(checker, &note.mid, where);
        }
        return;
    }
    if (!event_decode(&record, &event, &reason, &err)) {
        check_reject_done(checker, &record, where);
        return;
    }
    assert_true(plan_make(checker->catalog, &event, channel, &plan, &reason, &err));
    for (size_t i = 0; i < plan.count; i++) {
        check_delivery_done(checker, &plan.deliveries[i].mid, where);
    }
    event_finish(&event);
}

static void on_commit(void *arg, const char *group, const char *topic, int32_t partition, int64_t offset)
{
    struct checker *checker = arg;
    enum channel channel = strstr(group, "sms") ? CHANNEL_SMS : CHANNEL_EMAIL;

    for (int64_t i = 0; i < offset; i++) {
        const struct kafka_record *record = fake_kafka_record(topic, partition, i);

        if (record && record->offset == i) {
            check_record_done(checker, channel, record);
        }
    }
}

static void mid_of(struct checker *checker, size_t index, char text[MID_TEXT_SIZE])
{
    struct event event = {.data = json_pack("{s:s}", "n", expected[index].n)};
    const struct flow *flow = catalog_find_flow(checker->catalog, expected[index].flow);
    struct err err = {0};
    struct mid mid;

    assert_true(mid_make(flow, expected[index].channel, &event, &mid, &err));
    mid_format(&mid, text);
    json_decref(event.data);
}

static int count_delivered(const char *mid, size_t *index)
{
    int count = 0;

    for (size_t i = 0; i < fake_http_message_count(); i++) {
        if (strcmp(fake_http_message(i)->mid, mid) == 0) {
            *index = count == 0 ? i : *index;
            count++;
        }
    }
    return count;
}

static void check_end_of(struct checker *checker, size_t i)
{
    char mid[MID_TEXT_SIZE], name[100];
    enum outcome_state state = OUTCOME_SENT, want = expected[i].state;
    size_t index;
    int delivered, outcomes;
    bool is_refused = strcmp(expected[i].n, "refused") == 0; /* the first attempt, whose answer was lost, as well? */
    bool may_be_held =
        checker->has_fault && (is_refused || (expected[i].channel == CHANNEL_SMS && want == OUTCOME_SENT));
    /* The last row asks for it again, without consent: before a paused one has left. */
    bool may_be_suppressed = checker->is_paused && strcmp(expected[i].n, "plain") == 0;

    mid_of(checker, i, mid);
    delivered = count_delivered(mid, &index);
    outcomes = read_outcomes(checker, mid, &state);
    snprintf(name, sizeof(name), "%s/%s/%s (%s)", expected[i].flow, expected[i].n, channel_name(expected[i].channel),
             mid);
    if (delivered > 1) {
        complain(checker, "%s was delivered %d times", name, delivered);
    }
    if (outcomes == 0) {
        complain(checker, "%s has no outcome", name);
    } else if (state != want && !(may_be_held && state == OUTCOME_HELD) &&
               !(may_be_suppressed && state == OUTCOME_SUPPRESSED)) {
        complain(checker, "%s ended as %s", name, outcome_state_name(state));
    }
    if (state == OUTCOME_SENT && outcomes > 0 && delivered == 0) {
        complain(checker, "%s is said to be sent, and is not", name);
    }
    if ((state == OUTCOME_SUPPRESSED || state == OUTCOME_EXPIRED || state == OUTCOME_DEAD) && delivered > 0) {
        complain(checker, "%s ended as %s, and was delivered", name, outcome_state_name(state));
    }
    if (state == OUTCOME_DEAD && count_in("loyalty.dlq", mid) == 0) {
        complain(checker, "%s is dead, but not in the DLQ", name);
    }
    if (state == OUTCOME_HELD && count_in("loyalty.held", mid) == 0) {
        complain(checker, "%s is held, but not in the held topic", name);
    }
}

/* "first" leaves before "second": rows 2 to 5 of the table. */
static void check_order(struct checker *checker)
{
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        char first[MID_TEXT_SIZE], second[MID_TEXT_SIZE];
        size_t first_index = 0, second_index = 0;

        mid_of(checker, 2 + (size_t)channel, first);
        mid_of(checker, 4 + (size_t)channel, second);
        if (count_delivered(first, &first_index) && count_delivered(second, &second_index) &&
            first_index > second_index) {
            complain(checker, "%s: the member's second message left before the first", channel_name((enum channel)channel));
        }
    }
}

static void check_no_strangers(struct checker *checker)
{
    const struct kafka_record *record;
    int32_t partition = 0;
    int64_t offset = 0;
    char mid[MID_TEXT_SIZE];

    while ((record = next_record("loyalty.outcomes", &partition, &offset))) {
        bool is_known = false;

        for (size_t i = 0; i < EXPECTED_COUNT && !is_known; i++) {
            mid_of(checker, i, mid);
            is_known = slice_is(record->key, mid);
        }
        if (!is_known) {
            complain(checker, "an outcome that nobody asked for: %.*s", (int)record->value.len, record->value.data);
        }
    }
}

static void check_books(struct checker *checker)
{
    for (size_t i = 0; i < EXPECTED_COUNT; i++) {
        check_end_of(checker, i);
    }
    if (!checker->is_paused) { /* what is parked does not hold back what comes later */
        check_order(checker);
    }
    check_no_strangers(checker);
}

/* --- runs --------------------------------------------------------------------------------------------------------- */

static bool is_idle(void *arg)
{
    (void)arg;
    return fake_kafka_is_idle();
}

/* 0: nothing is paused. Else both flows are, over the first parking and beyond, also in the processes that follow. */
static int64_t paused_until_ms;

static void run_paused(struct process *process)
{
    static const char pauses[] = "1 [{\"scope\":\"flow\",\"name\":\"order\",\"since\":9999999999999},"
                                 "{\"scope\":\"flow\",\"name\":\"mail\",\"since\":9999999999999}]";
    struct err err = {0};

    pauses_take(process->pauses, slice_of(pauses), &err);
    fakes_run_ms(process->loop, paused_until_ms - fakes_mono_ms());
    if (!fakes_is_dead()) {
        pauses_take(process->pauses, SLICE("2 []"), &err);
    }
}

static bool run_process(void)
{
    struct process process;
    bool is_quiet;

    process_start(&process);
    if (fakes_mono_ms() < paused_until_ms) {
        run_paused(&process);
    }
    is_quiet = fakes_run(process.loop, LIMIT_MS, is_idle, NULL);
    process_stop(&process);
    return is_quiet;
}

/* Runs the scene; a process that dies is followed by another, which may have a fault of its own. */
static void run_scene_with(struct checker *checker, enum fake_fault second, uint64_t number)
{
    bool is_quiet = run_process();

    for (int i = 0; fakes_is_dead(); i++) {
        fakes_set_dead(false);
        if (i == 0 && number) {
            fakes_plan(second, number);
        }
        is_quiet = run_process();
    }
    if (!is_quiet) {
        complain(checker, "it did not come to rest");
    }
    check_books(checker);
}

static void run_scene(struct checker *checker)
{
    run_scene_with(checker, FAKE_FAULT_NONE, 0);
}

/* Points of a run without a fault, and its complaints. */
static void begin(struct checker *checker, enum fake_fault fault, uint64_t number)
{
    struct diag_list diags;

    set_scene();
    fakes_plan(fault, number);
    diag_list_init(&diags);
    *checker = (struct checker){.catalog = catalog_build(NULL, NULL, &diags)};
    buf_init(&checker->complaints, 0);
    checker->has_fault = fault != FAKE_FAULT_NONE;
    checker->may_redis_forget = fault == FAKE_FAULT_REDIS_EMPTY || fault == FAKE_FAULT_REDIS_FLUSH;
    fake_kafka_watch_commits(on_commit, checker);
}

static void end(struct checker *checker)
{
    buf_finish(&checker->complaints);
    catalog_unref(checker->catalog);
    fakes_end();
}

static void scenario_ends_as_expected_when_nothing_fails(void **state)
{
    struct checker checker;

    (void)state;
    begin(&checker, FAKE_FAULT_NONE, 0);
    run_scene(&checker);
    print_message("%d points, %d requests\n", (int)fakes_point_count(), (int)fake_http_request_count());
    assert_true(fake_kafka_end("loyalty.retry.1m", 0) + fake_kafka_end("loyalty.retry.1m", 1) > 0);
    assert_int_equal(fake_kafka_end("loyalty.held", 0) + fake_kafka_end("loyalty.held", 1), 1);
    assert_int_equal(fake_kafka_end("loyalty.dlq", 0) + fake_kafka_end("loyalty.dlq", 1), 4);
    assert_int_equal(fake_kafka_end("loyalty.outcomes", 0) + fake_kafka_end("loyalty.outcomes", 1), EXPECTED_COUNT);
    if (checker.complaints.len) {
        fail_msg("%s", buf_text(&checker.complaints));
    }
    end(&checker);
}

/* Every k until the run has fewer points than that. */
static void run_with_fault_everywhere(enum fake_fault fault)
{
    uint64_t number = 0;
    int bad = 0;
    bool has_faulted = true;

    while (has_faulted && bad < 5) {
        struct checker checker;

        begin(&checker, fault, ++number);
        run_scene(&checker);
        has_faulted = fakes_has_faulted();
        if (checker.complaints.len) {
            print_message("fault at point %d (%s):\n%s", (int)number,
                          has_faulted ? fake_point_name(fakes_fault_point()) : "none", buf_text(&checker.complaints));
            bad++;
        }
        end(&checker);
    }
    print_message("%d runs\n", (int)number);
    assert_int_equal(bad, 0);
    assert_true(number > 200);
}

static void nothing_is_lost_or_doubled_when_the_process_dies_at_any_point(void **state)
{
    (void)state;
    run_with_fault_everywhere(FAKE_FAULT_CRASH);
}

static void nothing_is_lost_or_doubled_when_any_answer_is_lost(void **state)
{
    (void)state;
    run_with_fault_everywhere(FAKE_FAULT_LOST);
}

static void nothing_is_lost_or_doubled_when_redis_is_emptied_at_any_point(void **state)
{
    (void)state;
    run_with_fault_everywhere(FAKE_FAULT_REDIS_EMPTY);
}

static void nothing_is_lost_or_doubled_when_redis_is_flushed_at_any_point(void **state)
{
    (void)state;
    run_with_fault_everywhere(FAKE_FAULT_REDIS_FLUSH);
}

static void nothing_is_lost_or_doubled_when_the_process_dies_while_flows_are_paused_and_resumed(void **state)
{
    struct checker checker;
    size_t bad = 0;
    uint64_t number;
    bool has_faulted = true;

    (void)state;
    for (number = 0; has_faulted && bad < 5; number++) {
        begin(&checker, number ? FAKE_FAULT_CRASH : FAKE_FAULT_NONE, number);
        checker.is_paused = true;
        paused_until_ms = fakes_mono_ms() + PAUSED_MS;
        run_scene(&checker);
        has_faulted = number == 0 || fakes_has_faulted();
        assert_true(number > 0 || fake_kafka_end("loyalty.retry.1m", 0) + fake_kafka_end("loyalty.retry.1m", 1) > 15);
        if (checker.complaints.len) {
            print_message("fault at point %d:\n%s", (int)number, buf_text(&checker.complaints));
            bad++;
        }
        end(&checker);
    }
    paused_until_ms = 0;
    print_message("%d runs\n", (int)number);
    assert_int_equal(bad, 0);
}

/* The second process has a fault as well, while it makes good what the first one left. */
static void nothing_is_lost_or_doubled_when_two_faults_follow_each_other(void **state)
{
    static const enum fake_fault seconds[] = {FAKE_FAULT_CRASH, FAKE_FAULT_LOST};
    struct random random;
    int bad = 0;

    (void)state;
    random_init(&random, 7);
    for (int i = 0; i < 400 && bad < 5; i++) {
        uint64_t first = 60 + random_below(&random, 320), second = 1 + random_below(&random, 200);
        struct checker checker;

        begin(&checker, FAKE_FAULT_CRASH, first);
        run_scene_with(&checker, seconds[i % 2], second);
        if (checker.complaints.len) {
            print_message("faults at %d and %d:\n%s", (int)first, (int)second, buf_text(&checker.complaints));
            bad++;
        }
        end(&checker);
    }
    assert_int_equal(bad, 0);
}

/* What the outcomes topic knows is enough: the process that wrote it is gone, and so is Redis. */
static void a_replay_after_redis_was_emptied_sends_nothing(void **state)
{
    struct checker checker;
    size_t messages;
    int64_t dlq;

    (void)state;
    begin(&checker, FAKE_FAULT_NONE, 0);
    run_scene(&checker);
    messages = fake_http_message_count();
    dlq = fake_kafka_end("loyalty.dlq", 0) + fake_kafka_end("loyalty.dlq", 1);
    fake_redis_empty();
    checker.may_redis_forget = true; /* that what is no event was in the DLQ */
    for (int i = 0; i < ROW_COUNT; i++) {
        append_row(&rows[i]);
    }
    assert_true(run_process());
    check_books(&checker);
    assert_int_equal(fake_http_message_count(), messages);
    assert_int_equal(fake_kafka_end("loyalty.dlq", 0) + fake_kafka_end("loyalty.dlq", 1), dlq);
    assert_int_equal(fake_kafka_end("loyalty.outcomes", 0) + fake_kafka_end("loyalty.outcomes", 1), EXPECTED_COUNT);
    if (checker.complaints.len) {
        fail_msg("%s", buf_text(&checker.complaints));
    }
    end(&checker);
}

static void the_checker_sees_a_provider_that_ignores_keys(void **state)
{
    struct checker checker;

    (void)state;
    begin(&checker, FAKE_FAULT_NONE, 0);
    fake_http_ignore_keys(true);
    run_scene(&checker);
    assert_non_null(strstr(buf_text(&checker.complaints), "order/unknown/email"));
    assert_non_null(strstr(buf_text(&checker.complaints), "was delivered 2 times"));
    end(&checker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scenario_ends_as_expected_when_nothing_fails),
        cmocka_unit_test(a_replay_after_redis_was_emptied_sends_nothing),
        cmocka_unit_test(the_checker_sees_a_provider_that_ignores_keys),
        cmocka_unit_test(nothing_is_lost_or_doubled_when_the_process_dies_at_any_point),
        cmocka_unit_test(nothing_is_lost_or_doubled_when_any_answer_is_lost),
        cmocka_unit_test(nothing_is_lost_or_doubled_when_redis_is_emptied_at_any_point),
        cmocka_unit_test(nothing_is_lost_or_doubled_when_redis_is_flushed_at_any_point),
        cmocka_unit_test(nothing_is_lost_or_doubled_when_the_process_dies_while_flows_are_paused_and_resumed),
        cmocka_unit_test(nothing_is_lost_or_doubled_when_two_faults_follow_each_other),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
