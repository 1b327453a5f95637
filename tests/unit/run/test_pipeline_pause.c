/*
 * What is paused: stopped before its claim, and never in the way of anything else.
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
#include "pipeline_fixture.h"

enum { WINDOW = 16, MEMBERS = 40 }; /* the window of process.h */

/* An e-mail of flow "mail", or of "order" on both channels, to member `member`. */
static void append_aged(const char *flow, const char *member, int n, int64_t age_ms)
{
    char text[512], time[CLOCK_ISO_SIZE];

    clock_format_iso(fakes_wall_ms() - age_ms, time);
    snprintf(text, sizeof(text),
             "{\"specversion\":\"1.0\",\"id\":\"%s-%d\",\"source\":\"/t\",\"type\":\"test.%s\",\"time\":\"%s\",\"data\":"
             "{\"n\":\"%d\",\"member\":{\"id\":\"%s\",\"email\":\"%s@example.com\",\"phone\":\"+36301234567\"}}}",
             flow, n, flow, time, n, member, member);
    fake_kafka_append("loyalty.events", 0, slice_of(member), slice_of(text), NULL, 0);
}

static void append(const char *flow, int n)
{
    char member[16];

    snprintf(member, sizeof(member), "m%d", n);
    append_aged(flow, member, n, 0);
}

/* The next serial; `items` without the brackets. The pause began `age_ms` ago. */
static void pause(struct process *process, const char *scope, const char *name, int64_t age_ms)
{
    char text[256];
    struct err err = {0};

    snprintf(text, sizeof(text), "%lld [{\"scope\":\"%s\",\"name\":\"%s\",\"since\":%lld}]",
             (long long)pauses_list(process->pauses)->serial + 1, scope, name, (long long)(fakes_wall_ms() - age_ms));
    assert_true(pauses_take(process->pauses, slice_of(text), &err));
}

static void resume(struct process *process)
{
    char text[64];
    struct err err = {0};

    snprintf(text, sizeof(text), "%lld []", (long long)pauses_list(process->pauses)->serial + 1);
    assert_true(pauses_take(process->pauses, slice_of(text), &err));
    loop_turn(process->loop, false); /* time does not jump before the end of this turn */
}

static void assert_header(const struct kafka_record *record, const char *name, const char *value)
{
    for (size_t i = 0; i < record->header_count; i++) {
        if (strcmp(record->headers[i].name, name) == 0) {
            assert_true(slice_is(record->headers[i].value, value));
            return;
        }
    }
    fail_msg("no header %s", name);
}

static bool outcomes_say(const char *want)
{
    for (int32_t partition = 0; partition < 2; partition++) {
        const struct kafka_record *record;

        for (int64_t offset = 0; (record = fake_kafka_record("loyalty.outcomes", partition, offset)); offset++) {
            if (memmem(record->value.data, record->value.len, want, strlen(want))) {
                return true;
            }
        }
    }
    return false;
}

/* --- a flow ------------------------------------------------------------------------------------------------------- */

static void a_paused_flow_is_parked_without_a_trace_and_others_go_on(void **state)
{
    struct process *process = *state;

    pause(process, "flow", "mail", 0);
    append("mail", 1);
    append("order", 2);
    fakes_run_ms(process->loop, 4000);
    assert_int_equal(fake_http_request_count(), 2); /* the order, on both channels */
    assert_int_equal(fake_redis_count("begin"), 2);
    assert_int_equal(count_in("loyalty.retry.1m"), 1);
    assert_header(first_in("loyalty.retry.1m"), "perkline-reason", "paused");
    assert_header(first_in("loyalty.retry.1m"), "perkline-attempts", "0");
    assert_header(first_in("loyalty.retry.1m"), "perkline-template-version", "");
    assert_int_equal(fake_kafka_committed("perkline-email", "loyalty.events", 0), 2);
}

static void a_paused_flow_takes_no_place_in_the_window(void **state)
{
    struct process *process = *state;

    pause(process, "flow", "mail", 0);
    for (int i = 0; i < 10 * WINDOW; i++) {
        append("mail", i);
    }
    append("order", 1000);
    fakes_run_ms(process->loop, 3000);
    assert_int_equal(fake_http_request_count(), 2);
    assert_int_equal(count_in("loyalty.retry.1m"), 10 * WINDOW);
}

static void a_member_waits_no_longer_than_the_patience_for_another_flow(void **state)
{
    struct process *process = *state;

    pause(process, "flow", "mail", 0);
    append_aged("mail", "one", 1, 0);
    append_aged("order", "one", 2, 0);
    fakes_run_ms(process->loop, 1500);
    assert_int_equal(fake_http_request_count(), 2);
}

static void what_is_resumed_is_sent_at_once_with_the_words_in_use_by_then(void **state)
{
    struct process *process = *state;

    pause(process, "flow", "mail", 0);
    append("mail", 1);
    fakes_run_ms(process->loop, 5000);
    fake_catalog_set_version("v2");
    assert_true(templates_reload(process->templates));
    resume(process);
    fakes_run_ms(process->loop, 1000);
    assert_int_equal(fake_http_message_count(), 1);
    assert_string_equal(fake_http_message(0)->text, "v2 1");
    assert_true(outcomes_say("\"attempts\":1"));
    assert_true(fakes_run(process->loop, 120000, is_idle, NULL));
}

static void many_that_were_parked_are_all_sent_once(void **state)
{
    struct process *process = *state;

    pause(process, "flow", "mail", 0);
    for (int i = 0; i < 10 * WINDOW; i++) {
        append("mail", i);
    }
    fakes_run_ms(process->loop, 200000); /* each comes back and is parked anew */
    assert_true(count_in("loyalty.retry.1m") > 10 * WINDOW);
    assert_int_equal(fake_http_request_count(), 0);
    resume(process);
    assert_true(fakes_run(process->loop, 600000, is_idle, NULL));
    assert_int_equal(fake_http_request_count(), 10 * WINDOW);
    assert_int_equal(count_in("loyalty.outcomes"), 10 * WINDOW);
}

static void a_short_pause_parks_nothing(void **state)
{
    struct process *process = *state;

    pause(process, "flow", "mail", 0);
    append("mail", 1);
    append("mail", 2);
    fakes_run_ms(process->loop, 700);
    assert_int_equal(fake_http_request_count(), 0);
    resume(process);
    fakes_run_ms(process->loop, 200);
    assert_int_equal(fake_http_message_count(), 2);
    assert_string_equal(fake_http_message(0)->text, "v1 1");
    assert_int_equal(count_in("loyalty.retry.1m"), 0);
}

static const struct {
    int64_t age_ms;
    const char *topic;
} tiers[] = {
    {2000, "loyalty.retry.1m"},
    {9 * 60000, "loyalty.retry.1m"},
    {11 * 60000, "loyalty.retry.10m"},
    {2 * 3600000, "loyalty.retry.1h"},
    {400 * 3600000LL, "loyalty.retry.1h"},
};

static void a_long_pause_parks_further_away(void **state)
{
    struct process *process = *state;

    for (size_t i = 0; i < sizeof(tiers) / sizeof(tiers[0]); i++) {
        int64_t before = count_in(tiers[i].topic);

        pause(process, "flow", "mail", tiers[i].age_ms);
        append("mail", (int)i);
        fakes_run_ms(process->loop, 1000);
        assert_int_equal(count_in(tiers[i].topic), before + 1);
        resume(process);
        fakes_run_ms(process->loop, 1000); /* from any tier */
        assert_int_equal(fake_http_message_count(), i + 1);
    }
}

static void the_age_of_a_message_counts_on_while_its_flow_is_paused(void **state)
{
    struct process *process = *state;

    pause(process, "flow", "order", 0);
    append_aged("order", "one", 1, 86400000 - 90000);
    assert_true(fakes_run(process->loop, 200000, is_idle, NULL));
    assert_int_equal(fake_http_request_count(), 0);
    assert_int_equal(count_in("loyalty.outcomes"), 2);
    assert_true(outcomes_say("\"state\":\"expired\",\"reason\":\"too_old\""));
}

static void a_message_that_may_be_out_is_parked_as_it_stands(void **state)
{
    struct process *process = *state;

    fake_http_script("m1@example.com", 1, 1, FAKE_ACCEPT_LOSE_ANSWER);
    append("order", 1); /* its e-mail is sent again when unknown */
    while (fake_http_message_count() < 2) {
        loop_turn(process->loop, true);
    }
    pause(process, "flow", "order", 0);
    fakes_run_ms(process->loop, 30000);
    assert_int_equal(fake_http_request_count(), 2);
    assert_int_equal(count_in("loyalty.retry.1m"), 1);
    assert_header(first_in("loyalty.retry.1m"), "perkline-template-version", "v1");
    resume(process);
    assert_true(fakes_run(process->loop, 120000, is_idle, NULL));
    assert_int_equal(fake_http_message_count(), 2); /* under its key */
    assert_int_equal(count_in("loyalty.outcomes"), 2);
}

/* --- a channel ---------------------------------------------------------------------------------------------------- */

static const struct {
    const char *scope, *name;
    int requests; /* of one order */
} stopped[] = {{"all", "", 0}, {"channel", "sms", 1}, {"provider", "fake", 0}};

static void assert_stopped(struct process *process, const char *scope, const char *name, int requests)
{
    uint64_t before = fake_http_request_count();
    char text[64];
    struct err err = {0};

    snprintf(text, sizeof(text), "%lld [{\"scope\":\"all\",\"since\":1}]",
             (long long)pauses_list(process->pauses)->serial + 1);
    if (strcmp(scope, "all") == 0) {
        assert_true(pauses_take(process->pauses, slice_of(text), &err));
    } else {
        pause(process, scope, name, 0);
    }
    append("order", (int)before + 1);
    fakes_run_ms(process->loop, 30000);
    assert_int_equal(fake_http_request_count() - before, requests);
    resume(process);
    fakes_run_ms(process->loop, 1000);
    assert_int_equal(fake_http_request_count() - before, 2);
}

static void channels_and_providers_stop_and_go_on(void **state)
{
    for (size_t i = 0; i < sizeof(stopped) / sizeof(stopped[0]); i++) {
        assert_stopped(*state, stopped[i].scope, stopped[i].name, stopped[i].requests);
    }
    assert_int_equal(count_in("loyalty.retry.1m"), 0);
}

static void a_paused_channel_fills_its_window_and_pauses_its_partitions(void **state)
{
    struct process *process = *state;
    struct channel_worker_facts facts;
    struct partition_facts partition;

    pause(process, "channel", "email", 0);
    for (int i = 0; i < MEMBERS; i++) {
        append("mail", i);
    }
    fakes_run_ms(process->loop, 10000);
    facts = channel_worker_look(process->channels[CHANNEL_EMAIL]);
    assert_int_equal(facts.in_flight, WINDOW);
    assert_true(partitions_look(facts.partitions, 0, &partition));
    assert_true(partition.is_paused);
    assert_string_equal(channel_worker_problem(process->channels[CHANNEL_EMAIL]), ""); /* paused is not broken */
    resume(process);
    assert_true(fakes_run(process->loop, 60000, is_idle, NULL));
    assert_int_equal(fake_http_request_count(), MEMBERS);
    assert_int_equal(channel_worker_look(process->channels[CHANNEL_EMAIL]).pipeline.outcomes[OUTCOME_SENT], MEMBERS);
}

/* --- the end of a worker ------------------------------------------------------------------------------------------ */

static bool is_drained(void *arg)
{
    struct process *process = arg;
    bool is_email = channel_worker_is_drained(process->channels[CHANNEL_EMAIL]);
    bool is_sms = channel_worker_is_drained(process->channels[CHANNEL_SMS]);

    return is_email && is_sms;
}

static void a_worker_that_stops_leaves_what_is_paused_to_the_next(void **state)
{
    struct process *process = *state;

    pause(process, "flow", "mail", 0);
    append("mail", 1);
    fakes_run_ms(process->loop, 300);
    channel_worker_drain(process->channels[CHANNEL_EMAIL]);
    channel_worker_drain(process->channels[CHANNEL_SMS]);
    assert_true(fakes_run(process->loop, 500, is_drained, process));
    assert_true(fake_kafka_committed("perkline-email", "loyalty.events", 0) < 1);
    assert_int_equal(count_in("loyalty.retry.1m"), 0);
    process_stop(process);
    process_start(process);
    assert_true(fakes_run(process->loop, 60000, is_idle, NULL));
    assert_int_equal(fake_http_message_count(), 1);
}

#define pause_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        pause_test(a_paused_flow_is_parked_without_a_trace_and_others_go_on),
        pause_test(a_paused_flow_takes_no_place_in_the_window),
        pause_test(a_member_waits_no_longer_than_the_patience_for_another_flow),
        pause_test(what_is_resumed_is_sent_at_once_with_the_words_in_use_by_then),
        pause_test(many_that_were_parked_are_all_sent_once),
        pause_test(a_short_pause_parks_nothing),
        pause_test(a_long_pause_parks_further_away),
        pause_test(the_age_of_a_message_counts_on_while_its_flow_is_paused),
        pause_test(a_message_that_may_be_out_is_parked_as_it_stands),
        pause_test(channels_and_providers_stop_and_go_on),
        pause_test(a_paused_channel_fills_its_window_and_pauses_its_partitions),
        pause_test(a_worker_that_stops_leaves_what_is_paused_to_the_next),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
