/*
 * Deliveries that an operator lets begin anew: a dead one is sent once however often that is said, a held one is sent
 * under a key of its own, and what is sent is never touched.
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
#include "core/outcome.h"
#include "pipeline_fixture.h"

#define ADDRESS "1@example.com"

static char event_text[512];

static int begin(void **state)
{
    char time[CLOCK_ISO_SIZE];

    set_up(state);
    clock_format_iso(fakes_wall_ms(), time);
    snprintf(event_text, sizeof(event_text),
             "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/t\",\"type\":\"test.mail\",\"time\":\"%s\",\"data\":"
             "{\"n\":\"1\",\"member\":{\"id\":\"m-1\",\"email\":\"" ADDRESS "\"}}}",
             time);
    return 0;
}

static void append_event(void)
{
    fake_kafka_append("loyalty.events", 0, SLICE("k"), slice_of(event_text), NULL, 0);
}

static void mid_of_delivery(struct process *process, struct mid *mid)
{
    struct event event = {.data = json_pack("{s:s}", "n", "1")};
    const struct flow *flow = catalog_find_flow(templates_current(process->templates), "mail");
    struct err err = {0};

    assert_true(mid_make(flow, CHANNEL_EMAIL, &event, mid, &err));
    json_decref(event.data);
}

/* What Redis says of it now. */
static void look(struct process *process, struct claim_record *record)
{
    char key[CLAIM_KEY_SIZE];
    struct mid mid;

    mid_of_delivery(process, &mid);
    assert_true(claim_record_parse(fake_redis_get(claim_record_key("test", &mid, key)), record));
}

/* What the operator's command leaves on the retry topic. */
static void append_word(struct process *process, uint64_t fence, uint64_t copy)
{
    struct park_note note = {
        .channel = CHANNEL_EMAIL,
        .first_at = fakes_wall_ms(),
        .due_at = fakes_wall_ms(),
        .reason = "operator_redrive",
        .topic = "loyalty.events",
        .may_reopen = true,
        .reopen_fence = fence,
        .copy = copy,
    };
    struct record_header own[PARK_HEADER_COUNT];
    struct kafka_header headers[PARK_HEADER_COUNT];
    struct buf store;

    mid_of_delivery(process, &note.mid);
    buf_init(&store, 0);
    park_format(&note, &store, own);
    for (int i = 0; i < PARK_HEADER_COUNT; i++) {
        headers[i] = (struct kafka_header){own[i].name, own[i].value};
    }
    fake_kafka_append("loyalty.retry.1m", 0, SLICE("k"), slice_of(event_text), headers, PARK_HEADER_COUNT);
    buf_finish(&store);
}

/* Dead, since the provider refuses it; afterwards it would not. */
static uint64_t let_it_die(struct process *process)
{
    struct claim_record record;

    fake_http_script(ADDRESS, 1, 1, FAKE_ANSWER_400);
    append_event();
    run_until_idle(process);
    look(process, &record);
    assert_int_equal(record.state, 'D');
    assert_int_equal(fake_http_message_count(), 0);
    return record.fence;
}

static void a_dead_delivery_is_sent_once_however_often_that_is_said(void **state)
{
    struct process *process = *state;
    uint64_t fence = let_it_die(process);
    struct claim_record record;

    append_word(process, fence, 0);
    append_word(process, fence, 0);
    run_until_idle(process);
    append_word(process, fence, 0);
    append_event();
    run_until_idle(process);
    look(process, &record);
    assert_int_equal(record.state, 'S');
    assert_int_equal(fake_http_message_count(), 1);
    assert_int_equal(fake_http_request_count(), 2);
}

static void another_fence_opens_nothing(void **state)
{
    struct process *process = *state;
    uint64_t fence = let_it_die(process);

    append_word(process, fence - 1, 0);
    append_word(process, fence + 1, 0);
    append_word(process, 0, 0);
    run_until_idle(process);
    assert_int_equal(fake_http_request_count(), 1);
    assert_int_equal(count_in("loyalty.dlq"), 1);
}

static void what_dies_again_needs_a_new_word(void **state)
{
    struct process *process = *state;
    uint64_t fence = let_it_die(process);
    struct claim_record record;

    fake_http_script(ADDRESS, 2, 2, FAKE_ANSWER_400);
    append_word(process, fence, 0);
    run_until_idle(process);
    look(process, &record);
    assert_int_equal(record.state, 'D');
    assert_true(record.fence > fence);
    assert_int_equal(count_in("loyalty.dlq"), 2);
    append_word(process, fence, 0);
    run_until_idle(process);
    assert_int_equal(fake_http_request_count(), 2);
    append_word(process, record.fence, 0);
    run_until_idle(process);
    assert_int_equal(fake_http_message_count(), 1);
}

static void what_is_sent_is_never_touched(void **state)
{
    struct process *process = *state;
    struct claim_record record;

    append_event();
    run_until_idle(process);
    look(process, &record);
    assert_int_equal(record.state, 'S');
    append_word(process, record.fence, 0);
    append_word(process, record.fence, record.fence);
    run_until_idle(process);
    look(process, &record);
    assert_int_equal(record.state, 'S');
    assert_int_equal(fake_http_request_count(), 1);
}

/* Held although it was taken; then an operator wants it sent in any case. */
static uint64_t let_it_be_held(struct process *process)
{
    struct claim_record record;

    fake_http_script(ADDRESS, 1, 1, FAKE_ACCEPT_LOSE_ANSWER);
    fake_http_script(ADDRESS, 2, 2, FAKE_ANSWER_400);
    append_event();
    run_until_idle(process);
    look(process, &record);
    assert_int_equal(record.state, 'H');
    assert_int_equal(fake_http_message_count(), 1);
    return record.fence;
}

static void a_copy_of_a_held_delivery_has_a_key_of_its_own(void **state)
{
    struct process *process = *state;
    uint64_t fence = let_it_be_held(process);

    append_word(process, fence, fence);
    append_word(process, fence, fence);
    run_until_idle(process);
    assert_int_equal(fake_http_message_count(), 2); /* under the old key the provider would have dropped it */
    assert_string_equal(fake_http_message(0)->mid, fake_http_message(1)->mid);
    assert_string_not_equal(fake_http_message(0)->key, fake_http_message(1)->key);
}

/* The copy was taken, its answer lost and its worker killed; whoever goes on goes on with the copy's key, also when it
 * comes from the original event. */
static void an_unknown_copy_is_repeated_under_its_own_key(void **state)
{
    struct process *process = *state;
    uint64_t fence = let_it_be_held(process);

    fake_http_script(ADDRESS, 3, 3, FAKE_ACCEPT_LOSE_ANSWER);
    append_word(process, fence, fence);
    while (fake_http_message_count() < 2) {
        loop_turn(process->loop, true);
    }
    append_event();
    fakes_set_dead(true);
    process_stop(process);
    fakes_set_dead(false);
    process_start(process);
    run_until_idle(process);
    assert_int_equal(fake_http_message_count(), 2);
    assert_true(fake_http_request_count() > 3);
}

/* A process that dies at any point on the way of the word. */
static void a_word_is_kept_through_every_crash(void **state)
{
    struct process *process = *state;
    bool has_faulted = true;

    for (uint64_t number = 1; has_faulted; number++) {
        uint64_t fence;

        tear_down(state);
        begin(state);
        fence = let_it_die(process);
        fakes_plan(FAKE_FAULT_CRASH, number);
        append_word(process, fence, 0);
        while (!fakes_is_dead() && !fake_kafka_is_idle()) {
            loop_turn(process->loop, true);
        }
        has_faulted = fakes_has_faulted();
        process_stop(process);
        fakes_set_dead(false);
        process_start(process);
        run_until_idle(process);
        if (fake_http_message_count() != 1) {
            fail_msg("crash at point %d: %d messages", (int)number, (int)fake_http_message_count());
        }
    }
}

#define reopen_test(name) cmocka_unit_test_setup_teardown(name, begin, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        reopen_test(a_dead_delivery_is_sent_once_however_often_that_is_said),
        reopen_test(another_fence_opens_nothing),
        reopen_test(what_dies_again_needs_a_new_word),
        reopen_test(what_is_sent_is_never_touched),
        reopen_test(a_copy_of_a_held_delivery_has_a_key_of_its_own),
        reopen_test(an_unknown_copy_is_repeated_under_its_own_key),
        reopen_test(a_word_is_kept_through_every_crash),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
