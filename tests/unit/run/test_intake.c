#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "run/intake.h"
#include "tests/support/fakes.h"

enum { WINDOW = 4 };
static const char *const group = "group";

struct world {
    struct loop *loop;
    struct metrics *metrics;
    struct topics topics;
    struct templates *templates;
    struct kafka_producer *producer;
    struct claims *claims;
    struct pauses *pauses;
    struct http_client *http;
    struct pipeline *pipeline;
    struct partitions *partitions;
    struct intake *intake;
    struct kafka_consumer *consumer;
};

/* --- one channel, as channel_worker.c puts it together ------------------------------------------------------------ */

static void on_record(void *arg, const struct kafka_record *record)
{
    intake_take(((struct world *)arg)->intake, record);
}

static int64_t on_assign(void *arg, const struct kafka_partition *which, int64_t committed, const char *metadata)
{
    return partitions_assign(((struct world *)arg)->partitions, which, committed, metadata, KAFKA_START_EARLIEST);
}

static void forget(struct world *world, const struct partition *partition, bool is_log_gone)
{
    if (partition) {
        pipeline_forget_partition(world->pipeline, partition, is_log_gone);
        intake_forget_partition(world->intake, partition, is_log_gone);
    }
}

static bool on_revoke(void *arg, const struct kafka_partition *which, bool can_commit, struct kafka_position *position)
{
    struct world *world = arg;
    bool must_commit;
    struct partition *partition = partitions_revoke(world->partitions, which, can_commit, position, &must_commit);

    forget(world, partition, false);
    return must_commit;
}

static void on_out_of_range(void *arg, const struct kafka_partition *which, int64_t wanted, int64_t low, int64_t high,
                            int64_t missing)
{
    struct world *world = arg;

    (void)high, (void)missing;
    forget(world, partitions_restart(world->partitions, which, wanted, low), true);
}

static void on_end(void *arg, const struct kafka_partition *which, int64_t next_offset)
{
    partitions_reach_end(((struct world *)arg)->partitions, which, next_offset);
}

static void on_state(void *arg, bool is_up, const char *reason)
{
    (void)arg, (void)is_up, (void)reason;
}

static void on_parcel_done(void *arg, struct parcel *parcel, bool is_complete)
{
    intake_parcel_done(((struct world *)arg)->intake, parcel, is_complete);
}

static void on_recover(void *arg)
{
    claims_recovered(((struct world *)arg)->claims);
}

static void create_stages(struct world *world)
{
    struct err err = {0};

    world->pauses = pauses_create(world->loop, world->metrics);
    pauses_take(world->pauses, SLICE(""), &err);
    world->partitions = partitions_create(world->loop, CHANNEL_EMAIL, world->metrics);
    world->pipeline = pipeline_create(&(struct pipeline_parts){.channel = CHANNEL_EMAIL,
                                                               .provider = &fake_email_provider,
                                                               .account = {.base_url = "http://fake", .api_key = "key"},
                                                               .loop = world->loop,
                                                               .claims = world->claims,
                                                               .http = world->http,
                                                               .producer = world->producer,
                                                               .templates = world->templates,
                                                               .pauses = world->pauses,
                                                               .topics = &world->topics,
                                                               .metrics = world->metrics,
                                                               .environment = "test",
                                                               .rate_per_s = 100,
                                                               .connections = 8,
                                                               .request_timeout_ms = 10000},
                                      on_parcel_done, world);
    world->intake = intake_create(&(struct intake_parts){CHANNEL_EMAIL, world->loop, world->partitions, world->pipeline,
                                                         world->templates, world->pauses, NULL, &world->topics, world->metrics,
                                                         WINDOW});
}

static void open_consumer(struct world *world)
{
    static const char *const topics[] = {"events", "loyalty.retry.1m", "loyalty.retry.10m", NULL};
    const struct kafka_consumer_events events = {.on_record = on_record, .on_assign = on_assign, .on_revoke = on_revoke,
                                                 .on_end = on_end, .on_out_of_range = on_out_of_range,
                                                 .on_state = on_state, .arg = world};
    const struct kafka_settings settings = {0};
    struct err err = {0};

    world->consumer = kafka_consumer_open(world->loop, &settings, group, topics, NULL, &events, &err);
    partitions_set_consumer(world->partitions, world->consumer);
    intake_set_consumer(world->intake, world->consumer);
}

static int set_up(void **state)
{
    static const char *const topics[] = {"events", "loyalty.retry.1m", "loyalty.retry.10m", "loyalty.outcomes",
                                         "loyalty.dlq", "loyalty.held"};
    const struct redis_settings redis = {"redis://fake", 500, 2000, 50};
    const struct claims_settings claims = {.environment = "test", .lease_ms = 15000, .most_skew_ms = 60000};
    const struct http_settings http = {.connections = 8, .request_timeout_ms = 10000};
    const struct kafka_settings kafka = {0};
    struct world *world = calloc(1, sizeof(*world));
    struct diag_list diags;
    struct err err = {0};

    fakes_begin();
    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        fake_kafka_add_topic(topics[i], 1);
    }
    topics_init(&world->topics, "loyalty", &err);
    world->loop = loop_create();
    world->metrics = metrics_create();
    diag_list_init(&diags);
    world->templates = templates_open(fake_templates_dir(), "en", world->metrics, &diags, &err);
    world->producer = kafka_producer_open(world->loop, &kafka, &err);
    world->claims = claims_open(world->loop, &redis, &claims, world->metrics, &err);
    claims_set_recovery(world->claims, on_recover, world);
    world->http = http_open(world->loop, &http, &err);
    create_stages(world);
    fakes_run_ms(world->loop, 100); /* Redis is ready */
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    intake_set_consumer(world->intake, NULL);
    partitions_set_consumer(world->partitions, NULL);
    kafka_consumer_close(world->consumer);
    http_close(world->http);
    kafka_producer_close(world->producer, 0);
    claims_close(world->claims);
    pipeline_destroy(world->pipeline);
    pauses_destroy(world->pauses);
    intake_destroy(world->intake);
    partitions_destroy(world->partitions);
    templates_close(world->templates);
    loop_destroy(world->loop);
    metrics_destroy(world->metrics);
    free(world);
    fakes_end();
    return 0;
}

/* --- records ------------------------------------------------------------------------------------------------------ */

static void format_event(char text[512], const char *type, const char *n)
{
    snprintf(text, 512,
             "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"/t\",\"type\":\"%s\",\"data\":{\"n\":\"%s\","
             "\"member\":{\"id\":\"m-%s\",\"email\":\"%s@example.com\"}}}",
             n, type, n, n, n);
}

static void append_event(const char *type, const char *n)
{
    char text[512];

    format_event(text, type, n);
    fake_kafka_append("events", 0, SLICE("k"), slice_of(text), NULL, 0);
}

static struct mid mid_of(const char *n)
{
    struct event event = {.data = json_pack("{s:s}", "n", n)};
    struct diag_list diags;
    struct catalog *catalog = catalog_build(NULL, NULL, &diags);
    struct err err = {0};
    struct mid mid;

    assert_true(mid_make(catalog_find_flow(catalog, "mail"), CHANNEL_EMAIL, &event, &mid, &err));
    json_decref(event.data);
    catalog_unref(catalog);
    return mid;
}

/* `claim`: what the note says of it. */
static void append_claimed(const char *type, const char *n, enum channel channel, int64_t wait_ms, const char *claim)
{
    struct park_note note = {.mid = mid_of(n), .channel = channel, .attempts = 3, .first_at = fakes_wall_ms(),
                             .due_at = fakes_wall_ms() + wait_ms, .template_version = "v1", .reason = "http_425",
                             .topic = "events", .partition = 0, .offset = 77};
    struct record_header own[PARK_HEADER_COUNT];
    struct kafka_header headers[PARK_HEADER_COUNT];
    struct buf store;
    char text[512];

    snprintf(note.claim, sizeof(note.claim), "%s", claim);
    format_event(text, type, n);
    buf_init(&store, 0);
    park_format(&note, &store, own);
    for (int i = 0; i < PARK_HEADER_COUNT; i++) {
        headers[i] = (struct kafka_header){own[i].name, own[i].value};
    }
    fake_kafka_append("loyalty.retry.1m", 0, SLICE("k"), slice_of(text), headers, PARK_HEADER_COUNT);
    buf_finish(&store);
}

static void append_parked(const char *type, const char *n, enum channel channel, int64_t wait_ms)
{
    append_claimed(type, n, channel, wait_ms, "");
}

static bool is_idle(void *arg)
{
    return fake_kafka_is_all_committed(((struct world *)arg)->consumer);
}

static void run_until_idle(struct world *world)
{
    assert_true(fakes_run(world->loop, 3600000, is_idle, world));
}

static const char *header_of(const char *topic, int64_t offset, const char *name)
{
    static char text[128];
    const struct kafka_record *record = fake_kafka_record(topic, 0, offset);

    text[0] = '\0';
    for (size_t i = 0; record && i < record->header_count; i++) {
        if (strcmp(record->headers[i].name, name) == 0) {
            snprintf(text, sizeof(text), "%.*s", (int)record->headers[i].value.len, record->headers[i].value.data);
        }
    }
    return text;
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void a_full_window_holds_then_pauses_and_lets_go_again(void **state)
{
    struct world *world = *state;

    fake_redis_set_down(true);
    fakes_run_ms(world->loop, 10);
    for (int i = 0; i < 3 * WINDOW; i++) {
        char n[16];

        snprintf(n, sizeof(n), "w%d", i);
        append_event("test.mail", n);
    }
    open_consumer(world);
    fakes_run_ms(world->loop, 500);
    assert_int_equal(pipeline_parcel_count(world->pipeline), WINDOW);
    assert_true(fake_kafka_is_held(world->consumer));
    assert_false(fake_kafka_is_paused(world->consumer, "events", 0));
    fakes_run_ms(world->loop, 1000);
    assert_true(fake_kafka_is_paused(world->consumer, "events", 0));
    fake_redis_set_down(false);
    run_until_idle(world);
    assert_false(fake_kafka_is_held(world->consumer));
    assert_false(fake_kafka_is_paused(world->consumer, "events", 0));
    assert_int_equal(fake_http_message_count(), 3 * WINDOW);
}

static void what_is_no_event_goes_to_the_dlq_once(void **state)
{
    struct world *world = *state;

    fake_kafka_append("events", 0, SLICE("k"), SLICE("{\"specversion\":"), NULL, 0);
    fake_kafka_append("events", 0, (struct slice){NULL, 0}, (struct slice){NULL, 0}, NULL, 0);
    append_event("test.mail", "after");
    open_consumer(world);
    run_until_idle(world);
    assert_int_equal(fake_kafka_end("loyalty.dlq", 0), 2);
    assert_string_equal(header_of("loyalty.dlq", 0, "perkline-reason"), "not_json");
    assert_string_equal(header_of("loyalty.dlq", 0, "perkline-offset"), "0");
    assert_string_equal(header_of("loyalty.dlq", 0, "perkline-key"), "k");
    assert_int_equal(fake_kafka_record("loyalty.dlq", 0, 1)->header_count, /* it had no key */
                     fake_kafka_record("loyalty.dlq", 0, 0)->header_count - 1);
    assert_true(slice_is(fake_kafka_record("loyalty.dlq", 0, 0)->value, "{\"specversion\":"));
    assert_string_equal(header_of("loyalty.dlq", 1, "perkline-reason"), "empty");
    assert_int_equal(fake_kafka_end("loyalty.outcomes", 0), 1);
    assert_int_equal(fake_http_message_count(), 1);
}

static void what_is_larger_than_the_dlq_takes_is_there_with_its_beginning(void **state)
{
    enum { BYTES = 100 << 10 };
    struct world *world = *state;
    char *large = malloc(BYTES);

    memset(large, 'x', BYTES);
    fake_kafka_set_most_bytes(BYTES);
    fake_kafka_append("events", 0, SLICE("k"), slice_make(large, BYTES), NULL, 0);
    append_event("test.mail", "after");
    open_consumer(world);
    run_until_idle(world);
    assert_int_equal(fake_kafka_end("loyalty.dlq", 0), 1);
    assert_string_equal(header_of("loyalty.dlq", 0, "perkline-reason"), "not_json");
    assert_string_equal(header_of("loyalty.dlq", 0, "perkline-whole-bytes"), "102400");
    assert_in_range(fake_kafka_record("loyalty.dlq", 0, 0)->value.len, 1000, BYTES - 1);
    assert_int_equal(fake_http_message_count(), 1);
    free(large);
}

static void an_event_without_its_dedupe_field_goes_to_the_dlq(void **state)
{
    struct world *world = *state;

    fake_kafka_append("events", 0, SLICE("k"),
                      SLICE("{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/t\",\"type\":\"test.mail\","
                            "\"data\":{\"member\":{\"id\":\"m\"}}}"),
                      NULL, 0);
    open_consumer(world);
    run_until_idle(world);
    assert_string_equal(header_of("loyalty.dlq", 0, "perkline-reason"), "missing_field");
}

static void an_unknown_type_is_done_without_a_word(void **state)
{
    struct world *world = *state;

    append_event("test.nobody", "1");
    open_consumer(world);
    run_until_idle(world);
    assert_int_equal(fake_kafka_end("loyalty.outcomes", 0) + fake_kafka_end("loyalty.dlq", 0), 0);
    assert_int_equal(fake_redis_count("begin"), 0);
}

static void a_parked_delivery_of_the_other_channel_is_left_to_it(void **state)
{
    struct world *world = *state;

    append_parked("test.mail", "1", CHANNEL_SMS, 0);
    open_consumer(world);
    run_until_idle(world);
    assert_int_equal(fake_kafka_end("loyalty.outcomes", 0) + fake_kafka_end("loyalty.dlq", 0), 0);
    assert_int_equal(fake_http_request_count(), 0);
}

static void a_parked_delivery_leaves_when_it_is_due(void **state)
{
    struct world *world = *state;
    int64_t due = fakes_wall_ms() + 60000;

    append_parked("test.mail", "1", CHANNEL_EMAIL, 60000);
    append_parked("test.mail", "2", CHANNEL_EMAIL, 0);
    open_consumer(world);
    fakes_run_ms(world->loop, 59000);
    assert_int_equal(fake_http_message_count(), 1); /* the second does not wait for the first */
    assert_string_equal(fake_http_message(0)->to, "2@example.com");
    assert_int_equal(fake_kafka_committed(group, "loyalty.retry.1m", 0), 0);
    run_until_idle(world);
    assert_int_equal(fake_http_message_count(), 2);
    assert_in_range(fake_http_message(1)->wall_ms, due, due + 1000);
    assert_non_null(strstr(fake_kafka_record("loyalty.outcomes", 0, 1)->value.data, "\"attempts\":4"));
    assert_non_null(strstr(fake_kafka_record("loyalty.outcomes", 0, 1)->value.data, "\"offset\":77"));
}

static void too_many_waiting_deliveries_pause_their_partition_only(void **state)
{
    struct world *world = *state;

    for (int i = 0; i < 3 * PARTITION_MOST_WAITING; i++) {
        char n[16];

        snprintf(n, sizeof(n), "p%d", i);
        append_parked("test.mail", n, CHANNEL_EMAIL, 60000);
    }
    open_consumer(world);
    fakes_run_ms(world->loop, 5000);
    assert_true(fake_kafka_is_paused(world->consumer, "loyalty.retry.1m", 0));
    assert_false(fake_kafka_is_paused(world->consumer, "events", 0));
    append_event("test.mail", "now");
    fakes_run_ms(world->loop, 1000);
    assert_int_equal(fake_http_message_count(), 1);
    run_until_idle(world);
    assert_int_equal(fake_http_message_count(), 1 + 3 * PARTITION_MOST_WAITING);
}

static void a_retry_record_that_is_none_goes_to_the_dlq(void **state)
{
    struct world *world = *state;
    char text[512];

    format_event(text, "test.mail", "1");
    fake_kafka_append("loyalty.retry.1m", 0, SLICE("k"), slice_of(text), NULL, 0);
    append_parked("test.nobody", "2", CHANNEL_EMAIL, 0);
    append_claimed("test.mail", "3", CHANNEL_EMAIL, 0, "S|5|a guess");
    open_consumer(world);
    run_until_idle(world);
    assert_string_equal(header_of("loyalty.dlq", 2, "perkline-reason"), "bad_retry_record");
    assert_string_equal(header_of("loyalty.dlq", 0, "perkline-reason"), "bad_retry_record");
    assert_string_equal(header_of("loyalty.dlq", 1, "perkline-reason"), "no_longer_planned");
    assert_string_equal(header_of("loyalty.dlq", 1, "perkline-offset"), "77");
    assert_int_equal(fake_http_request_count(), 0);
    assert_int_equal(fake_kafka_end("loyalty.outcomes", 0), 1); /* of the delivery, not of the record that is none */
    assert_non_null(strstr(fake_kafka_record("loyalty.outcomes", 0, 0)->value.data,
                           "\"state\":\"dead\",\"reason\":\"no_longer_planned\""));
}

static void what_no_flow_asks_for_any_more_is_held_when_it_may_have_been_sent(void **state)
{
    struct world *world = *state;

    append_claimed("test.nobody", "1", CHANNEL_EMAIL, 0, "U|5|0|1|1700000000000||v1:x");
    append_claimed("test.nobody", "2", CHANNEL_EMAIL, 0, "P|5|0|1|1700000000000||v1:x");
    open_consumer(world);
    run_until_idle(world);
    assert_string_equal(header_of("loyalty.held", 0, "perkline-reason"), "unknown_and_no_longer_planned");
    assert_string_equal(header_of("loyalty.dlq", 0, "perkline-reason"), "no_longer_planned");
    assert_int_equal(fake_kafka_end("loyalty.held", 0), 1);
    assert_int_equal(fake_kafka_end("loyalty.dlq", 0), 1);
    assert_int_equal(fake_kafka_end("loyalty.outcomes", 0), 2);
    assert_int_equal(fake_http_request_count(), 0);
}

static void work_of_a_lost_partition_is_done_once_by_its_next_owner(void **state)
{
    struct world *world = *state;

    for (int ms = 0; ms < 60; ms++) { /* at every moment of a delivery */
        char n[16];

        snprintf(n, sizeof(n), "r%d", ms);
        append_event("test.mail", n);
        if (ms == 0) {
            open_consumer(world);
        }
        fakes_run_ms(world->loop, 1 + ms);
        fake_kafka_rebalance(world->consumer, ms % 2);
        run_until_idle(world);
        assert_int_equal(fake_http_message_count(), ms + 1);
    }
}

static void parcels_that_wait_for_their_time_leave_with_their_partition(void **state)
{
    struct world *world = *state;

    append_parked("test.mail", "1", CHANNEL_EMAIL, 60000);
    open_consumer(world);
    fakes_run_ms(world->loop, 1000);
    fake_kafka_rebalance(world->consumer, true);
    run_until_idle(world);
    assert_int_equal(fake_http_message_count(), 1);
    assert_int_equal(fake_http_request_count(), 1);
}

/* `count` of them, which wait for Redis. */
static void take_events_in_vain(struct world *world, int count)
{
    fake_redis_set_down(true);
    fakes_run_ms(world->loop, 10);
    for (int i = 0; i < count; i++) {
        char n[16];

        snprintf(n, sizeof(n), "v%d", i);
        append_event("test.mail", n);
    }
    open_consumer(world);
    fakes_run_ms(world->loop, 100);
    assert_int_equal(pipeline_parcel_count(world->pipeline), count);
}

static void what_was_read_before_kafka_removed_it_is_sent_and_then_committed(void **state)
{
    struct world *world = *state;

    take_events_in_vain(world, WINDOW - 1);
    fake_kafka_remove_below("events", 0, 5000);
    append_event("test.mail", "later");
    fakes_run_ms(world->loop, 3000);
    assert_int_equal(fake_kafka_committed(group, "events", 0), 0);
    fake_redis_set_down(false);
    run_until_idle(world);
    assert_int_equal(fake_http_message_count(), WINDOW);
    assert_int_equal(fake_kafka_committed(group, "events", 0), 5001);
}

static void a_topic_made_anew_is_read_from_its_beginning_and_what_was_read_before_is_sent(void **state)
{
    struct world *world = *state;

    take_events_in_vain(world, WINDOW - 1);
    fake_kafka_make_anew("events", 0);
    append_event("test.mail", "first");
    fakes_run_ms(world->loop, 3000);
    fake_redis_set_down(false);
    run_until_idle(world);
    assert_int_equal(fake_http_message_count(), WINDOW);
    assert_int_equal(fake_kafka_committed(group, "events", 0), 1);
}

static void a_retry_topic_made_anew_has_room_and_what_waited_is_sent_in_its_time(void **state)
{
    struct world *world = *state;

    open_consumer(world);
    for (int i = 0; i < 2 * (PARTITION_MOST_WAITING - 1); i++) {
        char n[16];

        if (i == PARTITION_MOST_WAITING - 1) {
            fakes_run_ms(world->loop, 1000);
            fake_kafka_make_anew("loyalty.retry.1m", 0);
        }
        snprintf(n, sizeof(n), "p%d", i);
        append_parked("test.mail", n, CHANNEL_EMAIL, 600000);
        fakes_run_ms(world->loop, 1);
    }
    fakes_run_ms(world->loop, 1000);
    assert_false(fake_kafka_is_paused(world->consumer, "loyalty.retry.1m", 0));
    fakes_run_ms(world->loop, 620000);
    assert_int_equal(fake_http_message_count(), 2 * (PARTITION_MOST_WAITING - 1));
}

static void nothing_is_taken_after_the_stop(void **state)
{
    struct world *world = *state;

    open_consumer(world);
    fakes_run_ms(world->loop, 100);
    intake_stop(world->intake);
    append_event("test.mail", "1");
    fakes_run_ms(world->loop, 5000);
    assert_int_equal(fake_http_request_count(), 0);
    assert_int_equal(fake_kafka_committed(group, "events", 0), 0);
}

#define intake_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        intake_test(a_full_window_holds_then_pauses_and_lets_go_again),
        intake_test(what_is_no_event_goes_to_the_dlq_once),
        intake_test(what_is_larger_than_the_dlq_takes_is_there_with_its_beginning),
        intake_test(an_event_without_its_dedupe_field_goes_to_the_dlq),
        intake_test(an_unknown_type_is_done_without_a_word),
        intake_test(a_parked_delivery_of_the_other_channel_is_left_to_it),
        intake_test(a_parked_delivery_leaves_when_it_is_due),
        intake_test(too_many_waiting_deliveries_pause_their_partition_only),
        intake_test(a_retry_record_that_is_none_goes_to_the_dlq),
        intake_test(what_no_flow_asks_for_any_more_is_held_when_it_may_have_been_sent),
        intake_test(work_of_a_lost_partition_is_done_once_by_its_next_owner),
        intake_test(parcels_that_wait_for_their_time_leave_with_their_partition),
        intake_test(what_was_read_before_kafka_removed_it_is_sent_and_then_committed),
        intake_test(a_topic_made_anew_is_read_from_its_beginning_and_what_was_read_before_is_sent),
        intake_test(a_retry_topic_made_anew_has_room_and_what_waited_is_sent_in_its_time),
        intake_test(nothing_is_taken_after_the_stop),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
