/*
 * What the crash test does not reach: races with other workers, waiting, changed templates, the end of a worker.
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
#include "run/claims.h"

/* An e-mail of flow "mail", or of "order" on both channels, which may be a day old. */
static void append_aged(const char *flow, const char *n, const char *consent, int64_t age_ms)
{
    char text[512], time[CLOCK_ISO_SIZE];

    clock_format_iso(fakes_wall_ms() - age_ms, time);
    snprintf(text, sizeof(text),
             "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"/t\",\"type\":\"test.%s\",\"time\":\"%s\",\"data\":"
             "{\"n\":\"%s\",\"member\":{\"id\":\"m-%s\",\"email\":\"%s@example.com\",\"phone\":\"+36301234567\"%s}}}",
             n, flow, time, n, n, n, consent);
    fake_kafka_append("loyalty.events", 0, SLICE("k"), slice_of(text), NULL, 0);
}

static void append(const char *flow, const char *n, const char *consent)
{
    append_aged(flow, n, consent, 0);
}

static struct slice record_key(struct process *process, const char *n, char text[64])
{
    struct event event = {.data = json_pack("{s:s}", "n", n)};
    const struct flow *flow = catalog_find_flow(templates_current(process->templates), "mail");
    struct err err = {0};
    struct mid mid;
    int len;

    assert_true(mid_make(flow, CHANNEL_EMAIL, &event, &mid, &err));
    json_decref(event.data);
    len = snprintf(text, 64, "n:{test.%02x}:", mid.bytes[0]);
    memcpy(text + len, mid.bytes, MID_SIZE);
    return slice_make(text, (size_t)len + MID_SIZE);
}

static void set_record(struct process *process, const char *n, const char *value)
{
    char key[64];

    fake_redis_set(record_key(process, n, key), slice_of(value));
}

static void policy_decides_when_the_other_attempt_turns_out_not_to_be_sent(void **state)
{
    struct process *process = *state;
    uint64_t before = fake_redis_count("GET");
    char other[128];

    snprintf(other, sizeof(other), "W|5|%lld|1|%lld|other|v1:x", (long long)fakes_wall_ms() + 60000,
             (long long)fakes_wall_ms());
    set_record(process, "1", other);
    append("mail", "1", ",\"consent\":{\"email\":false}");
    while (fake_redis_count("GET") == before) {
        loop_turn(process->loop, true);
    }
    set_record(process, "1", "P|5|1000|1|1000||v1:x"); /* proved not sent, between our look-up and our BEGIN */
    run_until_idle(process);
    assert_int_equal(fake_http_request_count(), 0);
    assert_outcome("suppressed", "no_consent");
}

static void another_workers_claim_is_waited_for(void **state)
{
    struct process *process = *state;
    char other[128];

    snprintf(other, sizeof(other), "W|5|%lld|1|%lld|other|v1:x", (long long)fakes_wall_ms() + 8000,
             (long long)fakes_wall_ms());
    set_record(process, "1", other);
    append("mail", "1", "");
    fakes_run_ms(process->loop, 7000);
    set_record(process, "1", "S|5|0.99 id");
    run_until_idle(process);
    assert_int_equal(fake_http_request_count(), 0);
    assert_int_equal(count_in("loyalty.outcomes"), 0);
}

static void what_waited_too_long_expires(void **state)
{
    struct process *process = *state;

    fake_http_script("1@example.com", 1, 1000000, FAKE_ANSWER_401); /* the channel is refused: it waits at the gate */
    append_aged("order", "1", ",\"consent\":{\"sms\":false,\"email\":true}", 86400000 - 300000);
    fakes_run_ms(process->loop, 290000);
    assert_int_equal(count_in("loyalty.outcomes"), 1); /* the SMS */
    assert_true(fakes_run(process->loop, 20000, is_idle, NULL));
    assert_int_equal(fake_http_message_count(), 0);
    assert_int_equal(count_in("loyalty.outcomes"), 2);
    assert_int_equal(fake_kafka_end("loyalty.dlq", 0) + fake_kafka_end("loyalty.dlq", 1), 0);
}

static void an_unknown_attempt_is_repeated_with_its_own_words(void **state)
{
    struct process *process = *state;

    fake_http_script("1@example.com", 1, 1, FAKE_ACCEPT_LOSE_ANSWER);
    append("mail", "1", "");
    while (fake_http_message_count() == 0) {
        loop_turn(process->loop, true);
    }
    process_stop(process); /* dies with the answer on its way ... */
    process_start(process);
    fake_catalog_set_version("v2"); /* ... and meanwhile the text has changed */
    assert_true(templates_reload(process->templates));
    run_until_idle(process);
    assert_int_equal(fake_http_message_count(), 1);
    assert_int_equal(fake_http_request_count(), 2);
    assert_outcome("sent", "accepted");
}

static void an_unknown_attempt_whose_words_are_gone_is_held(void **state)
{
    struct process *process = *state;

    fake_http_script("1@example.com", 1, 1, FAKE_ACCEPT_LOSE_ANSWER);
    append("mail", "1", "");
    while (fake_http_message_count() == 0) {
        loop_turn(process->loop, true);
    }
    fakes_set_dead(true);
    process_stop(process);
    fakes_set_dead(false);
    fake_catalog_set_version("v2");
    process_start(process);
    run_until_idle(process);
    assert_int_equal(fake_http_request_count(), 1);
    assert_outcome("held", "unknown_and_content_changed");
    assert_int_equal(fake_kafka_end("loyalty.held", 0) + fake_kafka_end("loyalty.held", 1), 1);
}

static void a_delivery_that_kills_its_workers_ends(void **state)
{
    struct process *process = *state;

    set_record(process, "1", "W|5|1000|10|1000|other|v1:x");
    append("mail", "1", "");
    run_until_idle(process);
    assert_int_equal(fake_http_request_count(), 0);
    assert_outcome("held", "too_many_takeovers");
}

/* The topic is compacted: what stands last there is all that a rebuilt Redis would know. */
static void an_outcome_that_waits_is_looked_at_again(void **state)
{
    struct process *process = *state;

    set_record(process, "1", "W|5|1000|10|1000|other|v1:x");
    append("mail", "1", "");
    while (count_in("loyalty.held") == 0) {
        loop_turn(process->loop, true);
    }
    fake_kafka_set_down(true);
    fakes_run_ms(process->loop, 2000);
    set_record(process, "1", "S|6|- id-of-the-other");
    fake_kafka_set_down(false);
    run_until_idle(process);
    assert_outcome("sent", "sent_before");
}

/* Two versions of the worker run at once, and the other one has it. */
static void a_record_of_a_later_version_is_left_alone_until_its_worker_is_done(void **state)
{
    struct process *process = *state;
    char key[64];

    set_record(process, "1", "W2|what we cannot know");
    append("mail", "1", "");
    fakes_run_ms(process->loop, 3 * 60000);
    assert_int_equal(fake_http_request_count(), 0);
    assert_true(slice_is(fake_redis_get(record_key(process, "1", key)), "W2|what we cannot know"));
    assert_true(fake_kafka_end("loyalty.retry.1m", 0) + fake_kafka_end("loyalty.retry.1m", 1) > 0);
    set_record(process, "1", "S|5|0.99 id");
    run_until_idle(process);
    assert_int_equal(fake_http_request_count(), 0);
}

/* Nobody can say whether it was sent, so it is not sent again; it waits on a retry topic, and all others go on. */
static void a_broken_record_parks_its_delivery_until_a_person_has_decided(void **state)
{
    static const char *const broken[] = {"S|", "D|x|http_400", "W|5|soon|1|1|somebody|v1:x", "nonsense"};
    struct process *process = *state;
    char key[64], n[2] = "1";

    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++, n[0]++) {
        set_record(process, n, broken[i]);
        append("mail", n, ",\"consent\":{\"email\":true}");
    }
    append("mail", "9", "");
    fakes_run_ms(process->loop, 3 * 60000);
    assert_int_equal(fake_http_message_count(), 1);
    assert_string_equal(fake_http_message(0)->to, "9@example.com");
    assert_int_equal(fake_kafka_end("loyalty.dlq", 0), 0);
    for (n[0] = '1'; n[0] < '5'; n[0]++) {
        assert_true(slice_is(fake_redis_get(record_key(process, n, key)), broken[n[0] - '1']));
    }
    set_record(process, "1", "S|5|- by hand");
    set_record(process, "2", "X|5|by hand");
    set_record(process, "3", "S|5|- by hand");
    fake_redis_call((const struct slice[]){SLICE("DEL"), record_key(process, "4", key)}, 2);
    run_until_idle(process);
    assert_int_equal(fake_http_message_count(), 2);
    assert_string_equal(fake_http_message(1)->to, "4@example.com");
}

static void a_result_is_told_though_a_later_version_has_taken_the_record(void **state)
{
    struct process *process = *state;
    char key[64];

    append("mail", "1", "");
    while (fake_http_message_count() == 0) {
        loop_turn(process->loop, true);
    }
    set_record(process, "1", "U2|what we cannot know");
    run_until_idle(process);
    assert_outcome("sent", "accepted");
    assert_true(slice_is(fake_redis_get(record_key(process, "1", key)), "U2|what we cannot know"));
}

static bool is_drained(void *arg)
{
    struct process *process = arg;
    bool is_drained_now = true;

    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        is_drained_now &= channel_worker_is_drained(process->channels[channel]);
    }
    return is_drained_now;
}

static void a_worker_that_stops_finishes_what_is_on_the_wire_and_commits_it(void **state)
{
    struct process *process = *state;

    append("mail", "1", "");
    while (fake_http_message_count() == 0) {
        loop_turn(process->loop, true);
    }
    append("mail", "2", "");
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        channel_worker_drain(process->channels[channel]);
    }
    assert_true(fakes_run(process->loop, 5000, is_drained, process));
    assert_int_equal(fake_http_request_count(), 1);
    assert_outcome("sent", "accepted");
    assert_int_equal(fake_kafka_committed("perkline-email", "loyalty.events", 0), 1);
}

static void what_a_stopping_worker_drops_is_not_committed(void **state)
{
    struct process *process = *state;

    fake_http_script("1@example.com", 1, 1000, FAKE_ANSWER_401); /* waits at the gate */
    append("mail", "1", "");
    fakes_run_ms(process->loop, 3000);
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        channel_worker_drain(process->channels[channel]);
    }
    assert_true(fakes_run(process->loop, 5000, is_drained, process));
    assert_true(fake_kafka_committed("perkline-email", "loyalty.events", 0) < 1);
    assert_int_equal(count_in("loyalty.outcomes"), 0);
}

enum { CONNECTIONS = 8, WAITING = 13 };

/* The gate is closed for a second; mails want to pass it, and then an order. */
static void fill_pipeline(struct process *process)
{
    char n[16];

    fake_http_script("0@example.com", 1, 1, FAKE_ANSWER_401);
    append("mail", "0", "");
    fakes_run_ms(process->loop, 300);
    assert_int_equal(fake_http_request_count(), 1);
    for (int i = 1; i <= WAITING; i++) {
        snprintf(n, sizeof(n), "%d", i);
        append("mail", n, "");
    }
    append("order", "urgent", ",\"consent\":{\"sms\":false,\"email\":true}");
    fakes_run_ms(process->loop, 100);
    assert_int_equal(fake_http_request_count(), 1);
}

static void few_messages_lie_rendered_while_the_gate_is_closed(void **state)
{
    struct process *process = *state;
    int before = fake_catalog_render_count();

    fill_pipeline(process);
    assert_int_equal(fake_catalog_render_count() - before, 1 + CONNECTIONS); /* the one that was refused, too */
    run_until_idle(process);
    assert_int_equal(fake_http_message_count(), 1 + WAITING + 1);
}

static void urgent_messages_are_rendered_first(void **state)
{
    size_t at = 0;

    fill_pipeline(*state);
    run_until_idle(*state);
    while (strcmp(fake_http_message(at)->to, "urgent@example.com") != 0) {
        at++;
    }
    assert_in_range(at, 0, CONNECTIONS);
}

static void a_worker_that_stops_drops_what_waits_to_be_rendered(void **state)
{
    struct process *process = *state;

    fill_pipeline(process);
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        channel_worker_drain(process->channels[channel]);
    }
    assert_true(fakes_run(process->loop, 5000, is_drained, process));
    assert_int_equal(fake_http_message_count(), 0);
    assert_true(fake_kafka_committed("perkline-email", "loyalty.events", 0) < 1);
}

/* Retry records keep the headers of the event, so the later attempt is of the same trace. */
static void a_parked_delivery_stays_in_its_trace(void **state)
{
    static const struct kafka_header headers[] = {
        {"traceparent", {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", 55}}};
    static const char event[] = "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/t\",\"type\":\"test.mail\",\"data\":{"
                                "\"n\":\"1\",\"member\":{\"id\":\"m-1\",\"email\":\"1@example.com\"}}}";
    static const char wanted[] = "\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\"";
    struct process *process = *state;
    const struct kafka_record *outcome;

    fake_http_script("1@example.com", 1, 8, FAKE_REFUSE_NOW);
    fake_kafka_append("loyalty.events", 0, SLICE("k"), SLICE(event), headers, 1);
    run_until_idle(process);
    assert_true(fake_kafka_end("loyalty.retry.1m", 0) + fake_kafka_end("loyalty.retry.1m", 1) > 0);
    outcome = fake_kafka_record("loyalty.outcomes", 0, 0);
    outcome = outcome ? outcome : fake_kafka_record("loyalty.outcomes", 1, 0);
    assert_non_null(outcome);
    assert_non_null(memmem(outcome->value.data, outcome->value.len, wanted, sizeof(wanted) - 1));
}

#define pipeline_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        pipeline_test(policy_decides_when_the_other_attempt_turns_out_not_to_be_sent),
        pipeline_test(another_workers_claim_is_waited_for),
        pipeline_test(what_waited_too_long_expires),
        pipeline_test(an_unknown_attempt_is_repeated_with_its_own_words),
        pipeline_test(an_unknown_attempt_whose_words_are_gone_is_held),
        pipeline_test(an_outcome_that_waits_is_looked_at_again),
        pipeline_test(a_delivery_that_kills_its_workers_ends),
        pipeline_test(a_record_of_a_later_version_is_left_alone_until_its_worker_is_done),
        pipeline_test(a_broken_record_parks_its_delivery_until_a_person_has_decided),
        pipeline_test(a_result_is_told_though_a_later_version_has_taken_the_record),
        pipeline_test(a_worker_that_stops_finishes_what_is_on_the_wire_and_commits_it),
        pipeline_test(what_a_stopping_worker_drops_is_not_committed),
        pipeline_test(a_parked_delivery_stays_in_its_trace),
        pipeline_test(few_messages_lie_rendered_while_the_gate_is_closed),
        pipeline_test(urgent_messages_are_rendered_first),
        pipeline_test(a_worker_that_stops_drops_what_waits_to_be_rendered),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
