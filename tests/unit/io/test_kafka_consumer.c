#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/random.h"
#include "io/kafka_consumer_inside.h"
#include "kafka_fixture.h"

static void the_committed_offset_and_its_metadata_survive_a_restart_of_the_group(void **state)
{
    struct fixture f;
    struct observer first = {0};
    struct observer second = {0};

    (void)state;
    fixture_start(&f, 2);
    fixture_produce(&f, 0, 0, 100);
    observer_open(&f, &first, NULL);
    WAIT_UNTIL(&f, first.records == 100 && first.ends >= 2);
    assert_true(first.is_up);
    assert_int_equal(first.assigned, 2);
    assert_int_equal(first.committed[0], -1);
    assert_string_equal(first.metadata[0], "");
    observer_commit(&f, &first, 0, 40, "1:abc:Zm9v");
    observer_close(&first);

    observer_open(&f, &second, NULL);
    WAIT_UNTIL(&f, second.ends >= 2);
    assert_int_equal(second.committed[0], 40);
    assert_string_equal(second.metadata[0], "1:abc:Zm9v");
    assert_int_equal(second.committed[1], -1);
    assert_int_equal(second.records, 60);
    assert_int_equal(second.gaps + second.repeated, 0);
    observer_close(&second);
    fixture_stop(&f);
}

static void static_partitions_go_on_at_the_committed_offset_after_a_restart(void **state)
{
    struct fixture f;
    struct observer first = {0};
    struct observer second = {0};

    (void)state;
    fixture_start(&f, 4);
    for (int32_t p = 0; p < 4; p++) {
        fixture_produce(&f, p, 0, 50);
    }
    observer_open(&f, &first, "0-1,3");
    WAIT_UNTIL(&f, first.records == 150);
    assert_false(first.is_assigned[2]);
    observer_commit(&f, &first, 3, 20, "m");
    observer_close(&first);

    observer_open(&f, &second, "3");
    WAIT_UNTIL(&f, second.ends > 0);
    assert_int_equal(second.records, 30);
    assert_int_equal(second.gaps + second.repeated, 0);
    assert_string_equal(second.metadata[3], "m");
    observer_close(&second);
    fixture_stop(&f);
}

static void a_start_at_the_latest_skips_what_was_there_and_nothing_else(void **state)
{
    struct fixture f;
    struct observer o = {.start = KAFKA_START_LATEST};

    (void)state;
    fixture_start(&f, 1);
    fixture_produce(&f, 0, 0, 30);
    observer_open(&f, &o, "0");
    WAIT_UNTIL(&f, o.ends == 1);
    assert_int_equal(o.records, 0);
    fixture_produce(&f, 0, 30, 5);
    WAIT_UNTIL(&f, o.records == 5);
    assert_int_equal(o.next[0], 35);
    observer_close(&o);
    fixture_stop(&f);
}

/* Every 7th turn or so something is paused, resumed, held or released. */
static void meddle(struct fixture *f, struct observer *o, struct random *random, int partitions)
{
    int32_t p = (int32_t)random_below(random, (uint64_t)partitions);

    switch (random_below(random, 8)) {
    case 0:
    case 1:
        observer_pause(f, o, p, !o->is_paused[p]);
        break;
    case 2:
        observer_pause(f, o, p, o->is_paused[p]); /* once more: must change nothing */
        break;
    case 3:
        observer_hold(o, !o->is_held);
        break;
    default:
        break;
    }
}

static void pausing_and_holding_at_random_loses_and_repeats_nothing(void **state)
{
    enum { PARTITIONS = 3, EACH = 4000 };
    struct fixture f;
    struct observer o = {0};
    struct random random;

    (void)state;
    fixture_start(&f, PARTITIONS);
    f.settings.queue_kib = 512; /* so that each is stopped often because it is ahead, too */
    random_init(&random, 42);
    for (int32_t p = 0; p < PARTITIONS; p++) {
        fixture_produce(&f, p, 0, EACH);
    }
    observer_open(&f, &o, "0-2");
    WAIT_UNTIL(&f, o.assigned == PARTITIONS);
    for (int32_t p = 0; p < PARTITIONS; p++) {
        o.next[p] = 0;
        observer_pause(&f, &o, p, true); /* before the first record */
    }
    for (int i = 0; i < 300 && o.records < (size_t)PARTITIONS * EACH; i++) {
        meddle(&f, &o, &random, PARTITIONS);
        loop_turn(f.loop, true);
    }
    observer_hold(&o, false);
    for (int32_t p = 0; p < PARTITIONS; p++) {
        observer_pause(&f, &o, p, false);
    }
    WAIT_UNTIL(&f, o.records >= (size_t)PARTITIONS * EACH && o.ends >= PARTITIONS);
    assert_int_equal(o.records, PARTITIONS * EACH);
    assert_int_equal(o.gaps + o.repeated, 0);
    assert_int_equal(o.while_held + o.while_paused, 0);
    assert_int_equal(o.consumer->rewound, 0); /* nor is anything fetched twice */
    observer_close(&o);
    fixture_stop(&f);
}

/* Of one that is not paused the client would go back to where it was paused last, or began. */
static void who_resumes_one_partition_moves_no_other(void **state)
{
    enum { EACH = 100, MORE = 10 };
    struct fixture f;
    struct observer o = {0};

    (void)state;
    fixture_start(&f, 2);
    fixture_produce(&f, 0, 0, EACH);
    fixture_produce(&f, 1, 0, EACH);
    observer_open(&f, &o, "0-1");
    WAIT_UNTIL(&f, o.records == 2 * EACH && o.ends == 2);
    observer_pause(&f, &o, 0, true);
    observer_pause(&f, &o, 0, false);
    fixture_produce(&f, 0, EACH, MORE);
    fixture_produce(&f, 1, EACH, MORE);
    WAIT_UNTIL(&f, o.records == 2 * (EACH + MORE));
    assert_int_equal(o.gaps + o.repeated + o.consumer->rewound, 0);
    observer_close(&o);
    fixture_stop(&f);
}

static void produce_much(struct fixture *f, int32_t partition, int count, size_t len)
{
    struct err err = {""};
    struct kafka_producer *producer = kafka_producer_open(f->loop, &f->settings, &err);
    struct answers answers = {0};
    char *value = xcalloc(1, len);
    struct kafka_message message = {.topic = f->topic, .partition = partition, .value = {value, len}};

    for (int i = 0; i < count; i++) {
        kafka_produce(producer, &message, fixture_on_produced, &answers);
        WAIT_UNTIL(f, answers.done == i + 1);
    }
    kafka_producer_close(producer, 1000);
    free(value);
}

static bool is_stopped(const struct fixture *f, const struct observer *o, int32_t partition)
{
    const struct assigned *assigned = kafka_partitions_find(o->consumer, f->topic, partition);

    return assigned && assigned->is_stopped;
}

/* A little more than there are. */
static size_t count_waiting(const struct fixture *f, const struct observer *o, int32_t partition)
{
    const struct assigned *assigned = kafka_partitions_find(o->consumer, f->topic, partition);

    return assigned ? assigned->waiting_bytes / sizeof(struct waiting) : 0;
}

static void a_long_hold_keeps_little_and_loses_nothing(void **state)
{
    enum { EACH = 45, SIZE = 100000, QUEUE_KIB = 1024 };
    struct fixture f;
    struct observer o = {.hold_at = 10};

    (void)state;
    fixture_start(&f, 2);
    f.settings.queue_kib = QUEUE_KIB;
    produce_much(&f, 0, EACH, SIZE);
    produce_much(&f, 1, EACH, SIZE);
    observer_open(&f, &o, "0,1");
    WAIT_UNTIL(&f, o.is_held && is_stopped(&f, &o, 0) && is_stopped(&f, &o, 1));
    assert_in_range(o.consumer->waiting_bytes, SIZE, (QUEUE_KIB << 10) + SIZE);
    assert_int_equal(o.records, 10);
    observer_pause(&f, &o, 1, true); /* also while it is stopped anyway */
    observer_hold(&o, false);
    WAIT_UNTIL(&f, o.next[0] == EACH);
    observer_pause(&f, &o, 1, false);
    WAIT_UNTIL(&f, o.records >= 2 * EACH && o.ends >= 2);
    assert_int_equal(o.records, 2 * EACH);
    assert_int_equal(o.gaps + o.repeated + o.while_held + o.while_paused, 0);
    assert_int_equal(o.consumer->rewound + o.consumer->waiting_bytes, 0);
    observer_close(&o);
    fixture_stop(&f);
}

/* Many partitions, so that each has little left to share: all of them together keep to the limit, too. */
static void what_waits_is_bounded_over_all_partitions(void **state)
{
    enum { PARTITIONS = 16, EACH = 4, SIZE = 100000, QUEUE_KIB = 1024 };
    struct fixture f;
    struct observer o = {.hold_at = 1};

    (void)state;
    fixture_start(&f, PARTITIONS);
    f.settings.queue_kib = QUEUE_KIB;
    for (int32_t p = 0; p < PARTITIONS; p++) {
        produce_much(&f, p, EACH, SIZE);
    }
    observer_open(&f, &o, "0-15");
    WAIT_UNTIL(&f, o.consumer->is_choked);
    assert_in_range(o.consumer->waiting_bytes, QUEUE_KIB << 9, (QUEUE_KIB << 10) + 2 * SIZE); /* one may be delivered since */
    observer_hold(&o, false);
    WAIT_UNTIL(&f, o.records >= PARTITIONS * EACH && o.ends >= PARTITIONS);
    assert_false(o.consumer->is_choked);
    assert_int_equal(o.records, PARTITIONS * EACH);
    assert_int_equal(o.gaps + o.repeated + o.while_held, 0);
    observer_close(&o);
    fixture_stop(&f);
}

/* As retry topics are, for hours: all that may be kept is theirs. */
static void what_waits_for_those_that_are_paused_does_not_stop_the_others(void **state)
{
    enum { PAUSED = 15, EACH = 4, SIZE = 100000, QUEUE_KIB = 1024 };
    struct fixture f;
    struct observer o = {.hold_at = 1};

    (void)state;
    fixture_start(&f, PAUSED + 1);
    f.settings.queue_kib = QUEUE_KIB;
    for (int32_t p = 0; p < PAUSED; p++) {
        produce_much(&f, p, EACH, SIZE);
    }
    observer_open(&f, &o, "0-15");
    WAIT_UNTIL(&f, o.consumer->is_choked);
    for (int32_t p = 0; p < PAUSED; p++) {
        observer_pause(&f, &o, p, true);
    }
    observer_hold(&o, false);
    fixture_produce(&f, PAUSED, 0, 5);
    WAIT_UNTIL(&f, o.next[PAUSED] == 5);
    assert_in_range(o.consumer->waiting_bytes, QUEUE_KIB << 9, (QUEUE_KIB << 10) + 2 * SIZE);
    for (int32_t p = 0; p < PAUSED; p++) {
        observer_pause(&f, &o, p, false);
    }
    WAIT_UNTIL(&f, o.records >= PAUSED * EACH + 5);
    assert_int_equal(o.gaps + o.repeated + o.while_held + o.while_paused, 0);
    observer_close(&o);
    fixture_stop(&f);
}

/* Two with a lag that are read first, and one with a few records that came last. */
static void partitions_take_turns(void **state)
{
    enum { LAG = 3000, FEW = 20 };
    struct fixture f;
    struct observer o = {.hold_at = 1};

    (void)state;
    fixture_start(&f, 3);
    fixture_produce(&f, 0, 0, LAG);
    fixture_produce(&f, 1, 0, LAG);
    observer_open(&f, &o, "0-2");
    WAIT_UNTIL(&f, o.is_held && count_waiting(&f, &o, 0) > LAG / 2 && count_waiting(&f, &o, 1) > LAG / 2);
    fixture_produce(&f, 2, 0, FEW);
    WAIT_UNTIL(&f, count_waiting(&f, &o, 2) > FEW);
    observer_hold(&o, false);
    o.hold_at = 3 * FEW + 3; /* a turn for each in every round; that a log has ended before is none */
    WAIT_UNTIL(&f, o.is_held);
    assert_int_equal(o.next[2], FEW);
    observer_hold(&o, false);
    WAIT_UNTIL(&f, o.records == 2 * LAG + FEW);
    assert_int_equal(o.gaps + o.repeated + o.while_held, 0);
    observer_close(&o);
    fixture_stop(&f);
}

static void a_second_member_takes_over_a_share_and_gives_it_back(void **state)
{
    struct fixture f;
    struct observer one = {.revoke_metadata = "one"};
    struct observer two = {.revoke_metadata = "two"};

    (void)state;
    fixture_start(&f, 4);
    for (int32_t p = 0; p < 4; p++) {
        fixture_produce(&f, p, 0, 50);
    }
    observer_open(&f, &one, NULL);
    WAIT_UNTIL(&f, one.records == 200);
    for (int32_t p = 0; p < 4; p++) {
        if (!fixture_is_real()) { /* the embedded broker refuses a commit once a rebalance has begun */
            observer_commit(&f, &one, p, 50, "one");
        }
        observer_pause(&f, &one, p, true); /* a pause must not outlive the assignment */
    }
    observer_open(&f, &two, NULL);
    WAIT_UNTIL(&f, one.revoked >= 4 && observer_has(&two) == 2 && observer_has(&one) == 2);
    for (int32_t p = 0; p < 4; p++) {
        assert_true(one.is_assigned[p] != two.is_assigned[p]);
        if (two.is_assigned[p]) {
            assert_int_equal(two.committed[p], 50);
            assert_string_equal(two.metadata[p], "one");
        }
        fixture_produce(&f, p, 50, 10);
    }
    WAIT_UNTIL(&f, one.records + two.records == 240);
    assert_int_equal(one.records, 220);
    assert_int_equal(one.gaps + one.repeated + two.gaps + two.repeated, 0);
    for (int32_t p = 0; p < 4; p++) {
        if (two.is_assigned[p]) {
            observer_commit(&f, &two, p, two.next[p], "two");
        } else if (!fixture_is_real()) {
            observer_commit(&f, &one, p, one.next[p], "one");
        }
    }
    observer_close(&two);
    WAIT_UNTIL(&f, observer_has(&one) == 4);
    for (int32_t p = 0; p < 4; p++) {
        assert_true(one.is_assigned[p]);
        assert_int_equal(one.committed[p], 60);
    }
    assert_int_equal(one.fatal, 0);
    observer_close(&one);
    fixture_stop(&f);
}

static void a_rebalance_is_served_while_everything_is_held_and_what_waited_is_not_delivered_twice(void **state)
{
    struct fixture f;
    struct observer one = {.revoke_metadata = "", .hold_at = 5};
    struct observer two = {0};
    size_t total;

    (void)state;
    fixture_start(&f, 2);
    fixture_produce(&f, 0, 0, 1000);
    fixture_produce(&f, 1, 0, 1000);
    observer_open(&f, &one, NULL);
    WAIT_UNTIL(&f, one.is_held);
    for (int32_t p = 0; p < 2; p++) {
        if (one.next[p] > 0) {
            observer_commit(&f, &one, p, one.next[p], "");
        }
    }
    observer_open(&f, &two, NULL);
    observer_hold(&two, true);
    WAIT_UNTIL(&f, one.revoked >= 2 && observer_has(&one) == 1 && observer_has(&two) == 1);
    assert_int_equal(one.records, 5);
    observer_hold(&one, false);
    observer_hold(&two, false);
    /* What one had when it was held was committed; everything after it comes exactly once. */
    WAIT_UNTIL(&f, one.ends > 0 && two.ends > 0);
    total = one.records + two.records;
    assert_int_equal(total, 2000);
    assert_int_equal(one.gaps + one.repeated + two.gaps + two.repeated, 0);
    observer_close(&two);
    observer_close(&one);
    fixture_stop(&f);
}

static void an_offset_beyond_the_end_is_reported_and_reading_goes_on_at_the_beginning(void **state)
{
    struct fixture f;
    struct observer o = {.start = 5000, .ignores_committed = true};

    (void)state;
    fixture_start(&f, 2);
    fixture_produce(&f, 0, 0, 20);
    observer_open(&f, &o, "0");
    WAIT_UNTIL(&f, o.ends > 0);
    assert_int_equal(o.out_of_range, 1);
    assert_int_equal(o.wanted, 5000);
    assert_int_equal(o.low, 0);
    assert_int_equal(o.high, 20);
    assert_int_equal(o.missing, 0);
    assert_int_equal(o.records, 20);
    assert_int_equal(o.gaps + o.repeated, 0);
    observer_close(&o);
    fixture_stop(&f);
}

static void of_a_log_that_was_made_anew_nothing_comes_that_waited_of_the_one_before(void **state)
{
    struct fixture f;
    struct observer o = {.start = KAFKA_START_EARLIEST, .hold_at = 10};
    struct assigned *assigned;

    (void)state;
    fixture_start(&f, 1);
    fixture_produce(&f, 0, 0, 300);
    observer_open(&f, &o, "0");
    WAIT_UNTIL(&f, o.is_held && o.consumer->waiting_bytes > 0);
    assigned = kafka_partitions_find(o.consumer, f.topic, 0);
    assigned->is_lost = true; /* as the client says it: the embedded broker does not delete topics */
    assigned->lost_offset = 5000;
    WAIT_UNTIL(&f, o.out_of_range == 1);
    observer_hold(&o, false);
    WAIT_UNTIL(&f, o.next[0] == 300 && o.ends > 0);
    assert_int_equal(o.records, 10 + 300);
    assert_int_equal(o.gaps + o.repeated, 0);
    observer_close(&o);
    fixture_stop(&f);
}

static void removed_records_are_counted_and_the_other_partitions_go_on_without_a_gap(void **state)
{
    struct fixture f;
    struct observer o = {.start = 1, .ignores_committed = true};

    (void)state;
    if (fixture_is_real()) {
        skip(); /* a real broker removes by time, in its own time */
    }
    fixture_start(&f, 2);
    fixture_produce(&f, 1, 0, 500);
    produce_much(&f, 0, 80, 100000); /* the embedded broker keeps 5 MiB of a partition */
    observer_open(&f, &o, "0,1");
    WAIT_UNTIL(&f, o.next[0] == 80 && o.next[1] == 500 && o.ends >= 2);
    assert_int_equal(o.out_of_range, 1);
    assert_true(o.low > 1);
    assert_int_equal(o.missing, o.low - 1);
    assert_int_equal(o.records, 499 + (80 - o.low));
    assert_int_equal(o.gaps + o.repeated, 0);
    observer_close(&o);
    fixture_stop(&f);
}

static void static_partitions_that_do_not_exist_are_said_and_the_others_are_read(void **state)
{
    struct fixture f;
    struct observer o = {0};

    (void)state;
    fixture_start(&f, 1);
    fixture_produce(&f, 0, 0, 3);
    observer_open(&f, &o, "0,9");
    WAIT_UNTIL(&f, o.records == 3);
    assert_true(o.is_up);
    assert_non_null(strstr(o.reason, "has no partition 9"));
    observer_close(&o);
    fixture_stop(&f);
}

static void a_topic_that_does_not_exist_is_a_state_and_is_picked_up_when_it_comes(void **state)
{
    struct fixture f;
    struct observer o = {0};

    (void)state;
    fixture_start(&f, 1);
    snprintf(f.topic + strlen(f.topic), sizeof(f.topic) - strlen(f.topic), "-later");
    observer_open(&f, &o, NULL);
    if (fixture_is_real()) {
        WAIT_UNTIL(&f, o.is_up && strstr(o.reason, f.topic));
        fixture_create_topic(&f, f.topic, 1);
    } else {
        WAIT_UNTIL(&f, o.is_up); /* the embedded broker creates a topic as soon as somebody asks for it */
    }
    fixture_produce(&f, 0, 0, 3);
    WAIT_UNTIL(&f, o.records == 3);
    observer_close(&o);
    fixture_stop(&f);
}

static void a_broker_that_is_not_there_is_a_state_and_closing_does_not_hang(void **state)
{
    struct fixture f;
    struct observer group = {0};
    struct observer fixed = {0};
    int64_t before;

    (void)state;
    fixture_start(&f, 1);
    f.settings.brokers = "127.0.0.1:1";
    observer_open(&f, &group, NULL);
    observer_open(&f, &fixed, "0");
    WAIT_UNTIL(&f, group.states > 0 && fixed.states > 0);
    assert_false(group.is_up);
    assert_false(fixed.is_up);
    before = clock_mono_ms();
    observer_close(&group);
    observer_close(&fixed);
    assert_true(clock_mono_ms() - before < 20000);
    fixture_stop(&f);
}

static void one_commit_at_a_time_and_only_for_partitions_that_are_ours(void **state)
{
    struct fixture f;
    struct observer o = {0};
    struct kafka_position ours = {.offset = 1, .metadata = ""};
    struct kafka_position not_ours = {.partition = 1, .offset = 1, .metadata = ""};

    (void)state;
    fixture_start(&f, 2);
    ours.topic = not_ours.topic = f.topic;
    fixture_produce(&f, 0, 0, 3);
    observer_open(&f, &o, "0");
    WAIT_UNTIL(&f, o.records == 3);
    assert_true(kafka_consumer_commit(o.consumer, &ours, 1, observer_on_commit, &o));
    assert_false(kafka_consumer_commit(o.consumer, &ours, 1, observer_on_commit, &o));
    WAIT_UNTIL(&f, o.commits == 1);
    assert_true(kafka_consumer_commit(o.consumer, &not_ours, 1, observer_on_commit, &o));
    assert_int_equal(o.commits_refused, 0);
    WAIT_UNTIL(&f, o.commits_refused == 1);
    assert_string_equal(o.reason, "the partitions are not ours any more");
    observer_close(&o);
    fixture_stop(&f);
}

static void the_lag_is_what_the_broker_last_said(void **state)
{
    struct fixture f;
    struct observer o = {0};
    struct kafka_partition id = {.partition = 0};
    struct kafka_partition other = {.partition = 7};

    (void)state;
    fixture_start(&f, 1);
    id.topic = other.topic = f.topic;
    fixture_produce(&f, 0, 0, 25);
    observer_open(&f, &o, "0");
    WAIT_UNTIL(&f, o.ends > 0);
    assert_int_equal(kafka_consumer_lag(o.consumer, &id, 5), 20);
    assert_int_equal(kafka_consumer_lag(o.consumer, &id, 25), 0);
    assert_int_equal(kafka_consumer_lag(o.consumer, &other, 0), -1);
    observer_close(&o);
    fixture_stop(&f);
}

static void wrong_lists_of_partitions_and_topics_are_refused(void **state)
{
    static const struct {
        const char *topic;
        const char *assign;
        const char *says;
    } cases[] = {
        {"t", "", "expected numbers and ranges"},
        {"t", "1,", "expected numbers and ranges"},
        {"t", "3-1", "expected numbers and ranges"},
        {"t", "1-", "expected numbers and ranges"},
        {"t", "-1", "expected numbers and ranges"},
        {"t", "1 2", "expected numbers and ranges"},
        {"t", "0-100001", "expected numbers and ranges"},
        {"t", "99999999999999999999999", "expected numbers and ranges"},
        {"t", "0-90000,0-90000", "too many"},
        {"^t.*", "0", "a pattern needs a consumer group"},
        {"", NULL, "is not the name of a topic"},
        {NULL, NULL, "no topic to read"},
    };
    struct loop *loop = loop_create();
    struct kafka_settings settings = {.brokers = "127.0.0.1:1"};
    struct kafka_consumer_events events = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *topics[] = {cases[i].topic, NULL};
        struct err err = {""};

        assert_null(kafka_consumer_open(loop, &settings, "g", topics, cases[i].assign, &events, &err));
        if (!strstr(err.text, cases[i].says)) {
            fail_msg("case %zu: %s", i, err.text);
        }
    }
    loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_committed_offset_and_its_metadata_survive_a_restart_of_the_group),
        cmocka_unit_test(static_partitions_go_on_at_the_committed_offset_after_a_restart),
        cmocka_unit_test(a_start_at_the_latest_skips_what_was_there_and_nothing_else),
        cmocka_unit_test(pausing_and_holding_at_random_loses_and_repeats_nothing),
        cmocka_unit_test(who_resumes_one_partition_moves_no_other),
        cmocka_unit_test(a_long_hold_keeps_little_and_loses_nothing),
        cmocka_unit_test(what_waits_is_bounded_over_all_partitions),
        cmocka_unit_test(what_waits_for_those_that_are_paused_does_not_stop_the_others),
        cmocka_unit_test(partitions_take_turns),
        cmocka_unit_test(a_second_member_takes_over_a_share_and_gives_it_back),
        cmocka_unit_test(a_rebalance_is_served_while_everything_is_held_and_what_waited_is_not_delivered_twice),
        cmocka_unit_test(an_offset_beyond_the_end_is_reported_and_reading_goes_on_at_the_beginning),
        cmocka_unit_test(of_a_log_that_was_made_anew_nothing_comes_that_waited_of_the_one_before),
        cmocka_unit_test(removed_records_are_counted_and_the_other_partitions_go_on_without_a_gap),
        cmocka_unit_test(static_partitions_that_do_not_exist_are_said_and_the_others_are_read),
        cmocka_unit_test(a_topic_that_does_not_exist_is_a_state_and_is_picked_up_when_it_comes),
        cmocka_unit_test(a_broker_that_is_not_there_is_a_state_and_closing_does_not_hang),
        cmocka_unit_test(one_commit_at_a_time_and_only_for_partitions_that_are_ours),
        cmocka_unit_test(the_lag_is_what_the_broker_last_said),
        cmocka_unit_test(wrong_lists_of_partitions_and_topics_are_refused),
    };

    cmocka_set_test_filter(getenv("TEST_FILTER"));
    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
