#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "run/partitions.h"
#include "tests/support/fakes.h"

struct world {
    struct loop *loop;
    struct metrics *metrics;
    struct partitions *partitions;
    struct kafka_consumer *consumer;
    int records;
    int64_t start, policy; /* 0: the earliest */
    bool is_revoked_with_commit;
    int told;
    int64_t committed_when_told;
};

/* --- what a channel worker does with the consumer's events -------------------------------------------------------- */

static void on_record(void *arg, const struct kafka_record *record)
{
    struct world *world = arg;

    world->records++;
    partition_open(partitions_find(world->partitions, record->topic, record->partition), record->offset);
}

static int64_t on_assign(void *arg, const struct kafka_partition *which, int64_t committed, const char *metadata)
{
    struct world *world = arg;

    world->start = partitions_assign(world->partitions, which, committed, metadata,
                                     world->policy ? world->policy : KAFKA_START_EARLIEST);
    return world->start;
}

static bool on_revoke(void *arg, const struct kafka_partition *which, bool can_commit, struct kafka_position *position)
{
    struct world *world = arg;
    bool must_commit;

    partitions_revoke(world->partitions, which, can_commit, position, &must_commit);
    world->is_revoked_with_commit = must_commit;
    return must_commit;
}

static void on_end(void *arg, const struct kafka_partition *which, int64_t next_offset)
{
    partitions_reach_end(((struct world *)arg)->partitions, which, next_offset);
}

static void on_out_of_range(void *arg, const struct kafka_partition *which, int64_t wanted, int64_t low, int64_t high,
                            int64_t missing)
{
    (void)high, (void)missing;
    partitions_restart(((struct world *)arg)->partitions, which, wanted, low);
}

static void on_state(void *arg, bool is_up, const char *reason)
{
    (void)arg, (void)is_up, (void)reason;
}

static void on_fatal(void *arg, const char *reason)
{
    (void)arg, (void)reason;
    abort();
}

static void open_process(struct world *world)
{
    static const char *const topics[] = {"events", NULL};
    const struct kafka_consumer_events events = {on_record, on_assign, on_revoke, on_end, on_out_of_range, on_state,
                                                 on_fatal,  world};
    const struct kafka_settings settings = {0};
    struct err err = {0};

    world->loop = loop_create();
    world->metrics = metrics_create();
    world->partitions = partitions_create(world->loop, CHANNEL_EMAIL, world->metrics);
    world->consumer = kafka_consumer_open(world->loop, &settings, "group", topics, NULL, &events, &err);
    partitions_set_consumer(world->partitions, world->consumer);
}

static void close_process(struct world *world)
{
    partitions_set_consumer(world->partitions, NULL);
    kafka_consumer_close(world->consumer);
    partitions_destroy(world->partitions);
    loop_destroy(world->loop);
    metrics_destroy(world->metrics);
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    fakes_begin();
    fake_kafka_add_topic("events", 1);
    open_process(world);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    close_process(*state);
    free(*state);
    fakes_end();
    return 0;
}

static void append(int count)
{
    for (int i = 0; i < count; i++) {
        fake_kafka_append("events", 0, SLICE("k"), SLICE("v"), NULL, 0);
    }
}

static void close_offsets(struct world *world, int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i++) {
        partition_close(partitions_find(world->partitions, "events", 0), i);
    }
}

static int64_t committed(void)
{
    return fake_kafka_committed("group", "events", 0);
}

static void restart(struct world *world)
{
    close_process(world);
    world->records = 0;
    open_process(world);
    fakes_run_ms(world->loop, 500);
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void only_what_is_closed_without_a_gap_is_committed(void **state)
{
    struct world *world = *state;

    append(10);
    fakes_run_ms(world->loop, 500);
    assert_int_equal(world->records, 10);
    close_offsets(world, 0, 3);
    close_offsets(world, 4, 6);
    fakes_run_ms(world->loop, 2000);
    assert_int_equal(committed(), 3);
    assert_true(strlen(fake_kafka_metadata("group", "events", 0)) > 2);
    close_offsets(world, 3, 4);
    fakes_run_ms(world->loop, 2000);
    assert_int_equal(committed(), 6);
}

static void a_successor_skips_what_was_done_beyond_the_commit(void **state)
{
    struct world *world = *state;
    struct partition *partition;

    append(10);
    fakes_run_ms(world->loop, 500);
    close_offsets(world, 0, 3);
    close_offsets(world, 4, 6);
    fakes_run_ms(world->loop, 2000);
    restart(world);
    assert_int_equal(world->start, 3);
    assert_int_equal(world->records, 7); /* read, and 4 and 5 are closed already */
    partition = partitions_find(world->partitions, "events", 0);
    partition_close(partition, 3);
    fakes_run_ms(world->loop, 2000);
    assert_int_equal(committed(), 6);
}

static void what_an_earlier_owner_may_have_had_in_flight_is_suspect(void **state)
{
    struct world *world = *state;
    struct partition *partition;

    append(10);
    fakes_run_ms(world->loop, 500);
    close_offsets(world, 0, 5);
    fakes_run_ms(world->loop, 2000);
    restart(world);
    partition = partitions_find(world->partitions, "events", 0);
    assert_true(partition_is_suspect(partition, 5));
    assert_true(partition_is_suspect(partition, 5 + PARTITION_WINDOW - 1));
    assert_false(partition_is_suspect(partition, 5 + PARTITION_WINDOW));
}

static void a_partition_that_was_never_committed_starts_where_it_is_told(void **state)
{
    struct world *world = *state;

    fakes_run_ms(world->loop, 10);
    assert_int_equal(world->start, KAFKA_START_EARLIEST);
    fakes_run_ms(world->loop, 3000);
    assert_int_equal(committed(), 0);
}

static void where_it_began_is_committed_so_that_nothing_is_skipped_at_the_next_start(void **state)
{
    struct world *world = *state;

    append(5);
    world->policy = KAFKA_START_LATEST;
    fakes_run_ms(world->loop, 3000);
    assert_int_equal(world->records, 0);
    close_process(world);
    append(2);
    open_process(world);
    fakes_run_ms(world->loop, 500);
    assert_int_equal(world->records, 2);
}

static void the_window_pauses_a_partition_until_commits_go_on(void **state)
{
    struct world *world = *state;

    append(PARTITION_WINDOW + 500);
    fakes_run_ms(world->loop, 5000);
    assert_int_equal(world->records, PARTITION_WINDOW);
    assert_true(fake_kafka_is_paused(world->consumer, "events", 0));
    close_offsets(world, 1, PARTITION_WINDOW); /* all but the first */
    fakes_run_ms(world->loop, 5000);
    assert_int_equal(world->records, PARTITION_WINDOW);
    close_offsets(world, 0, 1);
    fakes_run_ms(world->loop, 5000);
    assert_false(fake_kafka_is_paused(world->consumer, "events", 0));
    assert_int_equal(world->records, PARTITION_WINDOW + 500);
    assert_int_equal(committed(), PARTITION_WINDOW);
}

static void a_commit_that_failed_is_made_again(void **state)
{
    struct world *world = *state;

    append(3);
    fakes_run_ms(world->loop, 500);
    close_offsets(world, 0, 3);
    fake_kafka_set_down(true);
    fakes_run_ms(world->loop, 3000);
    assert_int_equal(committed(), -1);
    fake_kafka_set_down(false);
    fakes_run_ms(world->loop, 2000);
    assert_int_equal(committed(), 3);
}

static void on_told(void *arg)
{
    struct world *world = arg;

    world->told++;
    world->committed_when_told = committed();
}

static void a_commit_asked_for_while_another_is_open_includes_what_was_done_since(void **state)
{
    struct world *world = *state;

    append(5);
    fakes_run_ms(world->loop, 500);
    close_offsets(world, 0, 2);
    partitions_commit(world->partitions, NULL, NULL);
    close_offsets(world, 2, 5);
    partitions_commit(world->partitions, on_told, world);
    assert_int_equal(world->told, 0);
    fakes_run_ms(world->loop, 100);
    assert_int_equal(world->told, 1);
    assert_int_equal(world->committed_when_told, 5);
}

static void who_asks_for_a_commit_is_told_also_when_there_is_nothing(void **state)
{
    struct world *world = *state;

    fakes_run_ms(world->loop, 3000);
    partitions_commit(world->partitions, on_told, world);
    assert_int_equal(world->told, 1);
}

static void pausing_everything_comes_on_top_of_a_partitions_own_reasons(void **state)
{
    struct world *world = *state;
    struct partition *partition;

    fakes_run_ms(world->loop, 10);
    partition = partitions_find(world->partitions, "events", 0);
    partitions_pause_all(world->partitions, true);
    assert_true(fake_kafka_is_paused(world->consumer, "events", 0));
    partition_add_waiting(partition, PARTITION_MOST_WAITING);
    partitions_pause_all(world->partitions, false);
    assert_true(fake_kafka_is_paused(world->consumer, "events", 0));
    partition_add_waiting(partition, -PARTITION_MOST_WAITING / 2 + 1);
    assert_true(fake_kafka_is_paused(world->consumer, "events", 0));
    partition_add_waiting(partition, -1);
    assert_false(fake_kafka_is_paused(world->consumer, "events", 0));
}

static void a_partition_assigned_while_everything_is_paused_is_paused_too(void **state)
{
    struct world *world = *state;

    partitions_pause_all(world->partitions, true);
    append(3);
    fakes_run_ms(world->loop, 1500);
    assert_true(fake_kafka_is_paused(world->consumer, "events", 0));
    partitions_pause_all(world->partitions, false);
    fakes_run_ms(world->loop, 100);
    assert_int_equal(world->records, 3);
}

static void a_revoke_commits_what_is_done(void **state)
{
    struct world *world = *state;

    append(5);
    fakes_run_ms(world->loop, 500);
    close_offsets(world, 0, 2);
    fake_kafka_rebalance(world->consumer, true);
    assert_true(world->is_revoked_with_commit);
    assert_int_equal(committed(), 2);
    assert_null(partitions_find(world->partitions, "events", 0));
    fakes_run_ms(world->loop, 500);
    assert_int_equal(world->start, 2);
    fake_kafka_rebalance(world->consumer, false);
    assert_false(world->is_revoked_with_commit);
}

static void records_that_are_gone_are_a_gap_and_what_was_read_before_them_is_still_open(void **state)
{
    struct world *world = *state;

    append(2);
    fakes_run_ms(world->loop, 100);
    fake_kafka_remove_below("events", 0, 5000); /* farther than the window */
    append(1);
    fakes_run_ms(world->loop, 2000);
    assert_int_equal(world->records, 3);
    close_offsets(world, 5000, 5001);
    close_offsets(world, 0, 1);
    fakes_run_ms(world->loop, 2000);
    assert_int_equal(committed(), 1);
    close_offsets(world, 1, 2);
    fakes_run_ms(world->loop, 2000);
    assert_int_equal(committed(), 5001);
    assert_false(fake_kafka_is_paused(world->consumer, "events", 0));
}

static void a_committed_offset_below_the_log_is_followed_by_what_is_there(void **state)
{
    struct world *world = *state;

    append(2);
    fakes_run_ms(world->loop, 100);
    close_offsets(world, 0, 2);
    fakes_run_ms(world->loop, 2000);
    fake_kafka_remove_below("events", 0, 5000);
    restart(world);
    append(1);
    fakes_run_ms(world->loop, 2000);
    close_offsets(world, 5000, 5001);
    fakes_run_ms(world->loop, 2000);
    assert_int_equal(committed(), 5001);
    assert_false(fake_kafka_is_paused(world->consumer, "events", 0));
}

static void a_log_made_anew_begins_anew(void **state)
{
    struct world *world = *state;

    append(5);
    fakes_run_ms(world->loop, 100);
    close_offsets(world, 0, 4);
    fakes_run_ms(world->loop, 2000);
    assert_int_equal(committed(), 4);
    fake_kafka_make_anew("events", 0);
    append(1);
    fakes_run_ms(world->loop, 100);
    close_offsets(world, 0, 1);
    fakes_run_ms(world->loop, 2000);
    assert_int_equal(committed(), 1);
}

static void gaps_in_the_log_do_not_hold_back_commits(void **state)
{
    struct world *world = *state;

    append(1);
    fake_kafka_skip("events", 0, 5);
    append(1);
    fake_kafka_skip("events", 0, 2);
    fakes_run_ms(world->loop, 500);
    close_offsets(world, 0, 1);
    close_offsets(world, 6, 7);
    fakes_run_ms(world->loop, 2000);
    assert_int_equal(committed(), 9); /* the end of the log */
}

static void a_record_that_comes_again_is_not_opened_twice(void **state)
{
    struct world *world = *state;
    struct partition *partition;

    append(2);
    fakes_run_ms(world->loop, 500);
    partition = partitions_find(world->partitions, "events", 0);
    assert_false(partition_open(partition, 0));
    assert_false(partition_open(partition, 1));
    assert_true(partition_open(partition, 2));
}

#define partitions_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        partitions_test(only_what_is_closed_without_a_gap_is_committed),
        partitions_test(a_successor_skips_what_was_done_beyond_the_commit),
        partitions_test(what_an_earlier_owner_may_have_had_in_flight_is_suspect),
        partitions_test(a_partition_that_was_never_committed_starts_where_it_is_told),
        partitions_test(where_it_began_is_committed_so_that_nothing_is_skipped_at_the_next_start),
        partitions_test(the_window_pauses_a_partition_until_commits_go_on),
        partitions_test(a_commit_that_failed_is_made_again),
        partitions_test(a_commit_asked_for_while_another_is_open_includes_what_was_done_since),
        partitions_test(who_asks_for_a_commit_is_told_also_when_there_is_nothing),
        partitions_test(pausing_everything_comes_on_top_of_a_partitions_own_reasons),
        partitions_test(a_partition_assigned_while_everything_is_paused_is_paused_too),
        partitions_test(a_revoke_commits_what_is_done),
        partitions_test(records_that_are_gone_are_a_gap_and_what_was_read_before_them_is_still_open),
        partitions_test(a_committed_offset_below_the_log_is_followed_by_what_is_there),
        partitions_test(a_log_made_anew_begins_anew),
        partitions_test(gaps_in_the_log_do_not_hold_back_commits),
        partitions_test(a_record_that_comes_again_is_not_opened_twice),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
