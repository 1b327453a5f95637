/*
 * crash_checker: the books of the scenario. At each commit: is everything below it done, or durably elsewhere? In the end:
 * did each delivery end as crash_scene.h says, once, and in order? Included by test_pipeline_crash.c.
 */
#ifndef TEST_RUN_CRASH_CHECKER_H
#define TEST_RUN_CRASH_CHECKER_H

#include "core/plan.h"
#include "crash_scene.h"

struct checker {
    struct catalog *catalog;
    struct buf complaints;
    bool may_redis_forget, has_fault, is_paused;
};

static inline void complain(struct checker *checker, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline void complain(struct checker *checker, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    buf_appendf(&checker->complaints, "    %s\n", text);
}

static inline char redis_state(const struct mid *mid)
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

static inline bool has_header(const struct kafka_record *record, const char *name, const char *value)
{
    for (size_t i = 0; i < record->header_count; i++) {
        if (strcmp(record->headers[i].name, name) == 0 && slice_is(record->headers[i].value, value)) {
            return true;
        }
    }
    return false;
}

static inline int count_in(const char *topic, const char *mid)
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

static inline bool is_parked(const char *mid)
{
    return count_in("loyalty.retry.1m", mid) + count_in("loyalty.retry.10m", mid) + count_in("loyalty.retry.1h", mid) +
           count_in("loyalty.retry.6h", mid);
}

/* How many outcomes there are; complains when they differ. */
static inline int read_outcomes(struct checker *checker, const char *mid, enum outcome_state *state)
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

static inline void check_delivery_done(struct checker *checker, const struct mid *mid, const char *where)
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

static inline void check_reject_done(struct checker *checker, const struct record *record, const char *where)
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
static inline void check_record_done(struct checker *checker, enum channel channel, const struct kafka_record *from)
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

static inline void on_commit(void *arg, const char *group, const char *topic, int32_t partition, int64_t offset)
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

static inline void mid_of(struct checker *checker, size_t index, char text[MID_TEXT_SIZE])
{
    struct event event = {.data = json_pack("{s:s}", "n", expected[index].n)};
    const struct flow *flow = catalog_find_flow(checker->catalog, expected[index].flow);
    struct err err = {0};
    struct mid mid;

    assert_true(mid_make(flow, expected[index].channel, &event, &mid, &err));
    mid_format(&mid, text);
    json_decref(event.data);
}

static inline int count_delivered(const char *mid, size_t *index)
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

static inline void check_end_of(struct checker *checker, size_t i)
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
static inline void check_order(struct checker *checker)
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

static inline void check_no_strangers(struct checker *checker)
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

static inline void check_books(struct checker *checker)
{
    for (size_t i = 0; i < EXPECTED_COUNT; i++) {
        check_end_of(checker, i);
    }
    if (!checker->is_paused) { /* what is parked does not hold back what comes later */
        check_order(checker);
    }
    check_no_strangers(checker);
}

#endif
