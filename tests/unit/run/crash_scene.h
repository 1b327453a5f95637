/*
 * crash_scene: one scenario with every outcome, through both channels of a worker, and what must come of it. Included by
 * test_pipeline_crash.c.
 */
#ifndef TEST_RUN_CRASH_SCENE_H
#define TEST_RUN_CRASH_SCENE_H

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "core/outcome.h"
#include "process.h"

static const int64_t DAY_MS = 86400000;

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

static inline void append_row(const struct row *row)
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

static inline void set_scene(void)
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

#endif
