#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "core/outcome.h"
#include "core/park.h"
#include "run/recovery.h"
#include "tests/support/fake_redis_store.h"
#include "tests/support/fakes.h"

struct world {
    struct loop *loop;
    struct metrics *metrics;
    struct claims *claims;
    struct kafka_settings kafka;
    struct topics topics;
    struct recovery *recovery;
    bool is_answered;
    struct claim_record record;
};

static void open_process(struct world *world)
{
    const struct redis_settings redis = {"redis://fake", 500, 2000, 50};
    const struct claims_settings claims = {.environment = "test", .lease_ms = 15000, .most_skew_ms = 60000};
    struct err err = {0};

    assert_true(topics_init(&world->topics, "loyalty", &err));
    world->loop = loop_create();
    world->metrics = metrics_create();
    world->claims = claims_open(world->loop, &redis, &claims, world->metrics, &err);
    world->recovery = recovery_create(world->loop, world->claims, &world->kafka, &world->topics, world->metrics);
}

static void close_process(struct world *world)
{
    recovery_destroy(world->recovery);
    claims_close(world->claims);
    loop_destroy(world->loop);
    metrics_destroy(world->metrics);
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    fakes_begin();
    fake_kafka_add_topic("loyalty.outcomes", 3);
    fake_kafka_add_topic("loyalty.retry.1m", 1);
    fake_kafka_add_topic("loyalty.retry.10m", 1);
    fake_kafka_add_topic("loyalty.retry.1h", 1);
    fake_kafka_add_topic("loyalty.retry.6h", 1);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    close_process(*state);
    free(*state);
    fake_kafka_set_opening_ms(0);
    fakes_end();
    return 0;
}

static struct mid mid_of(unsigned number)
{
    struct mid mid = {{(uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16)}};

    return mid;
}

static void append_aged(unsigned number, enum outcome_state state, const char *reason, const char *id, uint64_t fence,
                        int64_t age_ms, int64_t dedupe_for_ms)
{
    struct mid mid = mid_of(number);
    struct outcome outcome = {.mid = &mid,
                              .state = state,
                              .reason = reason,
                              .provider_id = id,
                              .fence = fence,
                              .dedupe_for_ms = dedupe_for_ms,
                              .wall_ms = fakes_wall_ms() - age_ms,
                              .queue_ms = -1,
                              .render_ms = -1,
                              .admit_ms = -1,
                              .deliver_ms = -1,
                              .total_ms = -1};
    char key[MID_TEXT_SIZE];
    struct buf text;

    mid_format(&mid, key);
    buf_init(&text, 0);
    outcome_format(&outcome, &text);
    fake_kafka_append("loyalty.outcomes", (int32_t)(number % 3), slice_of(key), buf_slice(&text), NULL, 0);
    buf_finish(&text);
}

static void append_outcome(unsigned number, enum outcome_state state, const char *reason, const char *id, uint64_t fence)
{
    append_aged(number, state, reason, id, fence, 0, 0);
}

static void append_parked(unsigned number, const char *claim, int64_t due_in_ms)
{
    struct park_note note = {.mid = mid_of(number), .channel = CHANNEL_SMS, .due_at = fakes_wall_ms() + due_in_ms,
                             .topic = "loyalty.events"};
    struct record_header own[PARK_HEADER_COUNT];
    struct kafka_header headers[PARK_HEADER_COUNT];
    struct buf store;

    snprintf(note.claim, sizeof(note.claim), "%s", claim);
    buf_init(&store, 0);
    park_format(&note, &store, own);
    for (int i = 0; i < PARK_HEADER_COUNT; i++) {
        headers[i] = (struct kafka_header){own[i].name, own[i].value};
    }
    fake_kafka_append("loyalty.retry.1h", 0, SLICE("k"), SLICE("{}"), headers, PARK_HEADER_COUNT);
    buf_finish(&store);
}

static bool is_ready(void *arg)
{
    return claims_is_ready(((struct world *)arg)->claims);
}

static bool is_answered(void *arg)
{
    return ((struct world *)arg)->is_answered;
}

static void on_looked_up(void *arg, const struct claim_record *record)
{
    struct world *world = arg;

    world->is_answered = true;
    world->record = *record;
}

static char look_up(struct world *world, unsigned number)
{
    struct mid mid = mid_of(number);

    world->is_answered = false;
    claims_look_up(world->claims, &mid, on_looked_up, world);
    assert_true(fakes_run(world->loop, 10000, is_answered, world));
    return world->record.state;
}

static void every_outcome_is_put_back_before_anything_is_claimed(void **state)
{
    struct world *world = *state;

    append_outcome(1, OUTCOME_SENT, "accepted", "id-1", 11);
    append_outcome(2, OUTCOME_SUPPRESSED, "no_consent", NULL, 0);
    append_outcome(3, OUTCOME_EXPIRED, "too_old", NULL, 0);
    append_outcome(4, OUTCOME_DEAD, "http_400", NULL, 14);
    append_outcome(5, OUTCOME_HELD, "unknown", NULL, 15);
    open_process(world);
    assert_true(fakes_run(world->loop, 60000, is_ready, world));
    assert_int_equal(look_up(world, 1), 'S');
    assert_string_equal(world->record.info, "- id-1");
    assert_int_equal(world->record.fence, 11);
    assert_int_equal(look_up(world, 2), 'X');
    assert_string_equal(world->record.info, "- no_consent");
    assert_int_equal(look_up(world, 3), 'X');
    assert_string_equal(world->record.info, "- too_old");
    assert_int_equal(look_up(world, 4), 'D');
    assert_int_equal(look_up(world, 5), 'H');
    assert_int_equal(look_up(world, 6), 0);
}

static void many_outcomes_are_put_back_a_bounded_number_at_a_time(void **state)
{
    struct world *world = *state;
    size_t most = 0;

    for (unsigned i = 0; i < 20000; i++) {
        append_outcome(i, OUTCOME_SENT, "accepted", "id", i + 1);
    }
    open_process(world);
    while (!claims_is_ready(world->claims)) {
        size_t open = claims_restore_open_count(world->claims);

        most = open > most ? open : most;
        loop_turn(world->loop, true);
    }
    assert_in_range(most, 1, 5000);
    assert_int_equal(look_up(world, 0), 'S');
    assert_int_equal(look_up(world, 19999), 'S');
}

static void an_outcome_is_put_back_for_the_rest_of_its_time(void **state)
{
    enum { DAY_MS = 86400000 };
    struct world *world = *state;

    append_aged(1, OUTCOME_SENT, "accepted", "id", 1, 2 * DAY_MS, 3 * (int64_t)DAY_MS);
    append_aged(2, OUTCOME_SENT, "accepted", "id", 2, 4 * (int64_t)DAY_MS, 3 * (int64_t)DAY_MS);
    append_aged(3, OUTCOME_SENT, "accepted", "id", 3, 4 * (int64_t)DAY_MS, 0);
    open_process(world);
    assert_true(fakes_run(world->loop, 60000, is_ready, world));
    assert_int_equal(look_up(world, 1), 'S');
    assert_int_equal(look_up(world, 2), 0);
    assert_int_equal(look_up(world, 3), 'S');
    fakes_run_ms(world->loop, DAY_MS);
    assert_int_equal(look_up(world, 1), 0);
    assert_int_equal(look_up(world, 3), 'S');
}

static void an_outcome_of_a_later_version_keeps_everything_waiting(void **state)
{
    struct world *world = *state;

    append_outcome(1, OUTCOME_SENT, "accepted", "id", 1);
    fake_kafka_append("loyalty.outcomes", 0, SLICE("k"), SLICE("{\"v\":2,\"mid\":\"?\"}"), NULL, 0);
    open_process(world);
    fakes_run_ms(world->loop, 5500);
    assert_false(claims_is_ready(world->claims));
    assert_non_null(strstr(claims_state_reason(world->claims), "newer than this program"));
}

static void what_is_no_outcome_is_passed_over(void **state)
{
    struct world *world = *state;

    fake_kafka_append("loyalty.outcomes", 0, SLICE("k"), SLICE("garbage"), NULL, 0);
    fake_kafka_append("loyalty.outcomes", 0, SLICE("k"), (struct slice){NULL, 0}, NULL, 0);
    append_outcome(3, OUTCOME_SENT, "accepted", "id", 1);
    open_process(world);
    assert_true(fakes_run(world->loop, 60000, is_ready, world));
    assert_int_equal(look_up(world, 3), 'S');
}

static void a_topic_that_cannot_be_read_keeps_everything_waiting(void **state)
{
    struct world *world = *state;

    fake_kafka_set_down(true);
    open_process(world);
    fakes_run_ms(world->loop, 5500);
    assert_false(claims_is_ready(world->claims));
    assert_non_null(strstr(claims_state_reason(world->claims), "cannot be read"));
    fake_kafka_set_down(false);
    assert_true(fakes_run(world->loop, 5000, is_ready, world));
}

static void reading_that_breaks_off_begins_anew(void **state)
{
    struct world *world = *state;

    append_outcome(1, OUTCOME_SENT, "accepted", "id", 1);
    append_outcome(2, OUTCOME_SENT, "accepted", "id", 2);
    fake_kafka_fail_reader_after(1);
    open_process(world);
    fakes_run_ms(world->loop, 4000);
    assert_false(claims_is_ready(world->claims));
    fake_kafka_fail_reader_after(-1);
    assert_true(fakes_run(world->loop, 5000, is_ready, world));
    assert_int_equal(look_up(world, 1), 'S');
    assert_int_equal(look_up(world, 2), 'S');
}

static void a_connection_that_breaks_while_recovering_does_not_end_it_early(void **state)
{
    struct world *world = *state;

    for (unsigned i = 0; i < 9000; i++) {
        append_outcome(i, OUTCOME_SENT, "accepted", "id", i + 1);
    }
    open_process(world);
    while (claims_restore_open_count(world->claims) == 0) {
        loop_turn(world->loop, true);
    }
    fake_redis_set_down(true);
    fakes_run_ms(world->loop, 3000);
    assert_false(claims_is_ready(world->claims));
    fake_redis_set_down(false);
    assert_true(fakes_run(world->loop, 60000, is_ready, world));
    for (unsigned i = 0; i < 9000; i += 500) {
        assert_int_equal(look_up(world, i), 'S');
    }
}

/* The lease is the worker's for 15 s, and others take over what seems to be left. */
static void the_lease_is_kept_while_slow_topics_are_opened(void **state)
{
    static const struct slice get[] = {SLICE("GET"), SLICE("n:{test.recovery}")};
    struct world *world = *state;
    struct fake_answer answer;

    append_outcome(1, OUTCOME_SENT, "accepted", "id", 1);
    fake_kafka_set_opening_ms(50000);
    open_process(world);
    fakes_run_ms(world->loop, 45000);
    assert_string_equal(claims_state_reason(world->claims), "rebuilding Redis from the outcomes topic");
    fake_store_call(get, 2, &answer);
    assert_int_equal(answer.reply.type, REDIS_TEXT);
    assert_true(fakes_run(world->loop, 120000, is_ready, world));
    assert_int_equal(look_up(world, 1), 'S');
}

static void an_opening_that_nobody_waits_for_any_more_changes_nothing(void **state)
{
    struct world *world = *state;

    append_outcome(1, OUTCOME_SENT, "accepted", "id", 1);
    fake_kafka_set_opening_ms(20000);
    open_process(world);
    fakes_run_ms(world->loop, 10000);
    fake_redis_set_down(true);
    fakes_run_ms(world->loop, 1000);
    fake_redis_set_down(false);
    fakes_run_ms(world->loop, 15000); /* the first one would be through */
    assert_false(claims_is_ready(world->claims));
    assert_true(fakes_run(world->loop, 120000, is_ready, world));
    assert_int_equal(look_up(world, 1), 'S');
}

static void a_retry_topic_that_does_not_exist_is_told_of_and_not_waited_for(void **state)
{
    struct world *world = *state;
    struct buf text;

    fakes_end();
    fakes_begin();
    fake_kafka_add_topic("loyalty.outcomes", 3);
    fake_kafka_add_topic("loyalty.retry.1m", 1);
    fake_kafka_add_topic("loyalty.retry.1h", 1);
    fake_kafka_add_topic("loyalty.retry.6h", 1);
    append_outcome(1, OUTCOME_SENT, "accepted", "id", 1);
    append_parked(2, "U|5|0|1|1795255100000||v1:f", 1000);
    open_process(world);
    assert_true(fakes_run(world->loop, 60000, is_ready, world));
    assert_int_equal(look_up(world, 1), 'S');
    assert_int_equal(look_up(world, 2), 'U');
    buf_init(&text, 0);
    metrics_format(world->metrics, &text);
    assert_non_null(strstr(buf_text(&text), "perkline_recovery_topics_missing_total{topic=\"loyalty.retry.10m\"} 1\n"));
    assert_null(strstr(buf_text(&text), "missing_total{topic=\"loyalty.retry.1h\"}"));
    buf_finish(&text);
}

/* It alone tells what was sent. */
static void without_the_outcomes_topic_everything_waits(void **state)
{
    struct world *world = *state;

    fakes_end();
    fakes_begin();
    fake_kafka_add_topic("loyalty.retry.1m", 1);
    open_process(world);
    fakes_run_ms(world->loop, 60000);
    assert_false(claims_is_ready(world->claims));
    assert_string_equal(claims_state_reason(world->claims), "topic loyalty.outcomes cannot be read");
}

/* What is published while others put back what they know is read, too. */
static void the_topic_is_read_after_the_others_had_their_time(void **state)
{
    struct world *world = *state;

    append_outcome(1, OUTCOME_SENT, "accepted", "id", 1);
    open_process(world);
    fakes_run_ms(world->loop, 2500);
    assert_false(claims_is_ready(world->claims));
    append_outcome(2, OUTCOME_SENT, "accepted", "id", 2);
    assert_true(fakes_run(world->loop, 60000, is_ready, world));
    assert_int_equal(look_up(world, 1), 'S');
    assert_int_equal(look_up(world, 2), 'S');
}

static void what_is_parked_is_put_back_unless_something_later_is_known(void **state)
{
    enum { HOUR_MS = 3600000 };
    struct world *world = *state;

    append_parked(1, "U|5|0|1|1795255100000||v1:f", 1000);
    append_parked(2, "U|5|0|1|1795255100000||v1:f", 1000);
    append_parked(2, "P|6|0|0|1795255100000||", 1000);
    append_parked(3, "U|5|0|1|1795255100000||v1:f", 1000);
    append_parked(4, "U|5|0|1|1795255100000||v1:f", 1000);
    append_parked(5, "U|5|0|1|1795255100000||v1:f", -40 * HOUR_MS);
    append_parked(6, "", 1000);
    append_parked(7, "S|5|a guess", 1000);
    fake_kafka_append("loyalty.retry.1m", 0, SLICE("k"), SLICE("no note"), NULL, 0);
    append_outcome(3, OUTCOME_SENT, "accepted", "id", 4);
    append_outcome(4, OUTCOME_DEAD, "http_400", NULL, 7);
    open_process(world);
    assert_true(fakes_run(world->loop, 60000, is_ready, world));
    assert_int_equal(look_up(world, 1), 'U');
    assert_int_equal(world->record.first_ms, 1795255100000);
    assert_int_equal(look_up(world, 2), 'P');
    assert_int_equal(look_up(world, 3), 'S');
    assert_int_equal(look_up(world, 4), 'D');
    for (unsigned i = 5; i <= 7; i++) {
        assert_int_equal(look_up(world, i), 0);
    }
}

/* Its writer is dead as well: the topic alone knows. */
static void another_server_gets_what_was_published_lately(void **state)
{
    enum { HOUR_MS = 3600000 };
    struct world *world = *state;
    uint64_t before;

    open_process(world);
    assert_true(fakes_run(world->loop, 60000, is_ready, world));
    append_outcome(1, OUTCOME_SENT, "accepted", "id", 1);
    fakes_run_ms(world->loop, HOUR_MS);
    close_process(world);
    fake_redis_save();
    append_outcome(2, OUTCOME_SENT, "accepted", "id", 2);
    append_parked(3, "U|5|0|1|1795255100000||v1:f", 1000);
    before = fake_redis_count("restore");
    fake_redis_fail_over();
    open_process(world);
    assert_true(fakes_run(world->loop, 60000, is_ready, world));
    assert_int_equal(fake_redis_count("restore") - before, 2); /* what is an hour old is there */
    assert_int_equal(look_up(world, 2), 'S');
    assert_int_equal(look_up(world, 3), 'U');
}

static void a_redis_that_remembers_is_not_rebuilt(void **state)
{
    struct world *world = *state;

    open_process(world);
    assert_true(fakes_run(world->loop, 60000, is_ready, world));
    close_process(world);
    append_outcome(1, OUTCOME_SENT, "accepted", "id", 1);
    open_process(world);
    assert_true(fakes_run(world->loop, 60000, is_ready, world));
    assert_int_equal(look_up(world, 1), 0);
}

#define recovery_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        recovery_test(every_outcome_is_put_back_before_anything_is_claimed),
        recovery_test(many_outcomes_are_put_back_a_bounded_number_at_a_time),
        recovery_test(an_outcome_is_put_back_for_the_rest_of_its_time),
        recovery_test(an_outcome_of_a_later_version_keeps_everything_waiting),
        recovery_test(what_is_no_outcome_is_passed_over),
        recovery_test(a_topic_that_cannot_be_read_keeps_everything_waiting),
        recovery_test(reading_that_breaks_off_begins_anew),
        recovery_test(a_connection_that_breaks_while_recovering_does_not_end_it_early),
        recovery_test(the_lease_is_kept_while_slow_topics_are_opened),
        recovery_test(an_opening_that_nobody_waits_for_any_more_changes_nothing),
        recovery_test(a_retry_topic_that_does_not_exist_is_told_of_and_not_waited_for),
        recovery_test(without_the_outcomes_topic_everything_waits),
        recovery_test(the_topic_is_read_after_the_others_had_their_time),
        recovery_test(what_is_parked_is_put_back_unless_something_later_is_known),
        recovery_test(another_server_gets_what_was_published_lately),
        recovery_test(a_redis_that_remembers_is_not_rebuilt),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
