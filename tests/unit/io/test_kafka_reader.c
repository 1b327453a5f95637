#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <sys/socket.h>

#include "io/kafka_opening.h"
#include "kafka_fixture.h"

static struct kafka_reader *open_reader(struct fixture *f)
{
    struct err err = {""};
    struct kafka_reader *reader = kafka_reader_open(&f->settings, f->topic, &err);

    assert_string_equal(err.text, "");
    return reader;
}

/* Reads to the end; next[] must rise without gaps. */
static size_t read_all(struct kafka_reader *reader, int64_t next[FIXTURE_PARTITIONS])
{
    int64_t patience_ends_ms = clock_mono_ms() + FIXTURE_PATIENCE_MS;
    const struct kafka_record *record;
    struct err err = {""};
    bool is_end = false;
    size_t count = 0;

    while (!is_end) {
        assert_true(clock_mono_ms() < patience_ends_ms);
        assert_true(kafka_reader_next(reader, 500, &record, &is_end, &err));
        if (record) {
            assert_false(is_end);
            assert_int_equal(record->offset, next[record->partition]);
            next[record->partition]++;
            count++;
        }
    }
    return count;
}

static void every_record_up_to_the_end_that_was_there_at_open_is_read_once(void **state)
{
    struct fixture f;
    int64_t next[FIXTURE_PARTITIONS] = {0};

    (void)state;
    fixture_start(&f, 3);
    fixture_produce(&f, 0, 0, 700);
    fixture_produce(&f, 2, 0, 50);
    struct kafka_reader *reader = open_reader(&f);
    assert_int_equal(kafka_reader_total(reader), 750);
    fixture_produce(&f, 0, 700, 30); /* too late for this reader */
    fixture_produce(&f, 1, 0, 30);
    assert_int_equal(read_all(reader, next), 750);
    assert_int_equal(next[0], 700);
    assert_int_equal(next[1], 0);
    assert_int_equal(next[2], 50);
    kafka_reader_close(reader);
    fixture_stop(&f);
}

static void what_a_record_holds_comes_through(void **state)
{
    struct kafka_header headers[] = {{"a", {"\0b", 2}}, {"c", SLICE("d")}};
    struct fixture f;
    struct answers answers = {0};
    const struct kafka_record *record = NULL;
    struct err err = {""};
    bool is_end = false;

    (void)state;
    fixture_start(&f, 1);
    struct kafka_producer *producer = kafka_producer_open(f.loop, &f.settings, &err);
    struct kafka_message message = {.topic = f.topic,
                                    .timestamp_ms = 1700000000001,
                                    .key = {"k\0", 2},
                                    .value = SLICE("value"),
                                    .headers = headers,
                                    .header_count = 2};
    struct kafka_message bare = {.topic = f.topic, .value = SLICE("bare")};
    kafka_produce(producer, &message, fixture_on_produced, &answers);
    kafka_produce(producer, &bare, fixture_on_produced, &answers);
    WAIT_UNTIL(&f, answers.done == 2);
    kafka_producer_close(producer, 1000);

    struct kafka_reader *reader = open_reader(&f);
    assert_true(kafka_reader_next(reader, 20000, &record, &is_end, &err));
    assert_non_null(record);
    assert_string_equal(record->topic, f.topic);
    assert_int_equal(record->timestamp_ms, 1700000000001);
    assert_true(slice_equal(record->key, slice_make("k\0", 2)));
    assert_true(slice_is(record->value, "value"));
    assert_int_equal(record->header_count, 2);
    assert_string_equal(record->headers[0].name, "a");
    assert_true(slice_equal(record->headers[0].value, slice_make("\0b", 2)));
    assert_true(kafka_reader_next(reader, 20000, &record, &is_end, &err));
    assert_non_null(record);
    assert_true(slice_is(record->value, "bare"));
    assert_null(record->key.data);
    assert_int_equal(record->header_count, 0);
    assert_true(kafka_reader_next(reader, 0, &record, &is_end, &err));
    assert_true(is_end);
    assert_null(record);
    kafka_reader_close(reader);
    fixture_stop(&f);
}

static void an_empty_topic_is_at_its_end_at_once(void **state)
{
    struct fixture f;
    int64_t next[FIXTURE_PARTITIONS] = {0};

    (void)state;
    fixture_start(&f, 4);
    struct kafka_reader *reader = open_reader(&f);
    assert_int_equal(kafka_reader_total(reader), 0);
    assert_int_equal(read_all(reader, next), 0);
    kafka_reader_close(reader);
    fixture_stop(&f);
}

static void reading_twice_gives_the_same_for_nothing_was_committed(void **state)
{
    struct fixture f;

    (void)state;
    fixture_start(&f, 1);
    fixture_produce(&f, 0, 0, 20);
    for (int i = 0; i < 2; i++) {
        int64_t next[FIXTURE_PARTITIONS] = {0};
        struct kafka_reader *reader = open_reader(&f);

        assert_int_equal(read_all(reader, next), 20);
        kafka_reader_close(reader);
    }
    fixture_stop(&f);
}

static void closing_in_the_middle_is_fine(void **state)
{
    struct fixture f;
    const struct kafka_record *record = NULL;
    struct err err = {""};
    bool is_end;

    (void)state;
    fixture_start(&f, 2);
    fixture_produce(&f, 0, 0, 500);
    fixture_produce(&f, 1, 0, 500);
    struct kafka_reader *reader = open_reader(&f);
    assert_true(kafka_reader_next(reader, 20000, &record, &is_end, &err));
    assert_non_null(record);
    kafka_reader_close(reader);
    fixture_stop(&f);
}

/* --- ranges ------------------------------------------------------------------------------------------------------- */

enum { FIRST_MS = 1000000 };

/* Record n of the partition is of FIRST_MS + 1000 * n. */
static void produce_timed(struct fixture *f, int32_t partition, int count)
{
    struct err err = {""};
    struct kafka_producer *producer = kafka_producer_open(f->loop, &f->settings, &err);
    struct answers answers = {0};

    for (int i = 0; i < count; i++) {
        struct kafka_message message = {
            .topic = f->topic, .partition = partition, .timestamp_ms = FIRST_MS + 1000 * i, .value = SLICE("v")};

        kafka_produce(producer, &message, fixture_on_produced, &answers);
    }
    WAIT_UNTIL(f, answers.done == count);
    kafka_producer_close(producer, 1000);
}

static void only_what_lies_in_the_range_is_read(void **state)
{
    static const struct kafka_reader_place beginning = {KAFKA_READER_BEGINNING, 0}, end = {KAFKA_READER_END, 0};
    const struct {
        int32_t partition;
        struct kafka_reader_place from, to;
        int64_t first[2], after[2]; /* offsets of each partition */
    } rows[] = {
        {-1, beginning, end, {0, 0}, {20, 10}},
        {1, beginning, end, {0, 0}, {0, 10}},
        {-1, {5, 0}, {8, 0}, {5, 5}, {8, 8}},
        {-1, {12, 0}, {99, 0}, {12, 0}, {20, 0}},
        {0, {8, 0}, {3, 0}, {0, 0}, {0, 0}},
        {-1, end, end, {0, 0}, {0, 0}},
        {-1, {KAFKA_READER_TIME, FIRST_MS + 3000}, {KAFKA_READER_TIME, FIRST_MS + 11500}, {3, 3}, {12, 10}},
        {-1, {KAFKA_READER_TIME, FIRST_MS + 2001}, end, {3, 3}, {20, 10}},
        {-1, {KAFKA_READER_TIME, 0}, {KAFKA_READER_TIME, FIRST_MS}, {0, 0}, {0, 0}},
        {0, {4, 0}, {KAFKA_READER_TIME, FIRST_MS + 6000}, {4, 0}, {6, 0}},
        {-1, {KAFKA_READER_TIME, FIRST_MS + 99000}, {KAFKA_READER_TIME, FIRST_MS + 100000}, {0, 0}, {0, 0}},
    };
    struct fixture f;

    (void)state;
    fixture_start(&f, 2);
    produce_timed(&f, 0, 20);
    produce_timed(&f, 1, 10);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct kafka_reader_range range = {f.topic, rows[i].partition, rows[i].from, rows[i].to, false};
        int64_t next[FIXTURE_PARTITIONS] = {rows[i].first[0], rows[i].first[1]};
        struct err err = {""};
        struct kafka_reader *reader = kafka_reader_open_range(&f.settings, &range, &err);
        bool has_times = rows[i].from.offset == KAFKA_READER_TIME || rows[i].to.offset == KAFKA_READER_TIME;
        int64_t count = rows[i].after[0] - rows[i].first[0] + rows[i].after[1] - rows[i].first[1];

        assert_string_equal(err.text, "");
        assert_int_equal(kafka_reader_is_scan(reader), has_times && !fixture_is_real());
        assert_true(kafka_reader_total(reader) >= count);
        assert_int_equal(kafka_reader_left(reader), kafka_reader_total(reader));
        assert_int_equal(read_all(reader, next), count);
        assert_int_equal(kafka_reader_left(reader), 0);
        assert_memory_equal(next, rows[i].after, sizeof(rows[i].after));
        kafka_reader_close(reader);
    }
    fixture_stop(&f);
}

static void a_partition_that_is_not_there_is_named_with_those_that_are(void **state)
{
    const struct kafka_reader_place beginning = {KAFKA_READER_BEGINNING, 0}, end = {KAFKA_READER_END, 0};
    struct fixture f;
    struct err err = {""};
    char text[200];

    (void)state;
    fixture_start(&f, 2);
    assert_null(kafka_reader_open_range(&f.settings, &(struct kafka_reader_range){f.topic, 2, beginning, end, false}, &err));
    snprintf(text, sizeof(text), "topic %s has no partition 2: its partitions are 0 to 1", f.topic);
    assert_string_equal(err.text, text);
    fixture_stop(&f);
}

static void a_topic_that_does_not_exist_and_a_broker_that_is_not_there_are_errors(void **state)
{
    struct fixture f;
    struct err err = {""};

    (void)state;
    fixture_start(&f, 1);
    if (fixture_is_real()) { /* the embedded broker creates whatever is asked for */
        assert_null(kafka_reader_open(&f.settings, "no-such-topic", &err));
        assert_string_equal(err.text, "topic no-such-topic does not exist");
    }
    err_clear(&err);
    assert_null(kafka_reader_open(&f.settings, "", &err));
    assert_true(err_is_set(&err));
    fixture_stop(&f);
}

/* --- several topics ----------------------------------------------------------------------------------------------- */

static void several_topics_are_read_as_one_and_each_record_says_whose_it_is(void **state)
{
    const struct kafka_reader_place beginning = {KAFKA_READER_BEGINNING, 0}, end = {KAFKA_READER_END, 0};
    struct fixture f, other;
    size_t counts[2] = {0};
    const struct kafka_record *record = NULL;
    struct err err = {""};
    bool is_end = false;

    (void)state;
    fixture_start(&f, 2);
    other = f;
    snprintf(other.topic, sizeof(other.topic), "other-%d-%" PRId64, (int)getpid(), clock_wall_ms());
    if (fixture_is_real()) { /* the embedded broker creates whatever is asked for */
        fixture_create_topic(&other, other.topic, 3);
    }
    fixture_produce(&f, 0, 0, 100);
    fixture_produce(&f, 1, 0, 10);
    fixture_produce(&other, 1, 0, 40);
    struct kafka_reader *reader = kafka_reader_open_ranges(
        &f.settings,
        (const struct kafka_reader_range[]){{f.topic, 0, beginning, end, false}, {other.topic, -1, {10, 0}, end, true}}, 2,
        NULL, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(kafka_reader_range_total(reader, 0), 100);
    assert_int_equal(kafka_reader_range_total(reader, 1), 30);
    assert_int_equal(kafka_reader_total(reader), 130);
    assert_false(kafka_reader_is_missing(reader, 1));
    while (!is_end) {
        assert_true(kafka_reader_next(reader, 20000, &record, &is_end, &err));
        if (record) {
            size_t range = kafka_reader_range_of(reader);

            assert_string_equal(record->topic, range ? other.topic : f.topic);
            counts[range]++;
        }
    }
    assert_int_equal(counts[0], 100);
    assert_int_equal(counts[1], 30);
    assert_int_equal(kafka_reader_left(reader), 0);
    kafka_reader_close(reader);
    fixture_stop(&f);
}

static const struct kafka_reader_range two_topics[] = {
    {"kept", -1, {KAFKA_READER_BEGINNING, 0}, {KAFKA_READER_END, 0}, false},
    {"lost", -1, {KAFKA_READER_BEGINNING, 0}, {KAFKA_READER_END, 0}, true},
};

static void a_topic_that_kafka_does_not_know_may_be_missing_while_it_knows_another(void **state)
{
    char reason[256];
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), reason, sizeof(reason));
    rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(rk, 1);
    const struct kafka_settings settings = {.brokers = rd_kafka_mock_cluster_bootstraps(cluster), .client_id = "test"};
    struct err err = {""};
    struct kafka_reader *reader;

    (void)state;
    log_set_level(LOG_ERROR);
    rd_kafka_mock_topic_create(cluster, "kept", 2, 1);
    rd_kafka_mock_topic_create(cluster, "lost", 2, 1);
    rd_kafka_mock_topic_set_error(cluster, "lost", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    reader = kafka_reader_open_ranges(&settings, two_topics, 2, NULL, &err);
    assert_string_equal(err.text, "");
    assert_false(kafka_reader_is_missing(reader, 0));
    assert_true(kafka_reader_is_missing(reader, 1));
    assert_int_equal(kafka_reader_total(reader), 0);
    kafka_reader_close(reader);
    /* A broker that knows of nothing is not believed. */
    assert_null(kafka_reader_open_ranges(&settings, &two_topics[1], 1, NULL, &err));
    assert_string_equal(err.text, "topic lost does not exist");
    /* What may not be missing is waited for. */
    rd_kafka_mock_topic_set_error(cluster, "lost", RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_mock_topic_set_error(cluster, "kept", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    err_clear(&err);
    assert_null(kafka_reader_open_ranges(&settings, two_topics, 2, NULL, &err));
    assert_string_equal(err.text, "topic kept does not exist");
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(rk);
}

/* --- beside the loop ---------------------------------------------------------------------------------------------- */

struct told {
    int count;
    struct kafka_reader *reader;
    char problem[200];
};

static void on_opened(void *arg, struct kafka_reader *reader, const char *problem)
{
    struct told *told = arg;

    told->count++;
    told->reader = reader;
    snprintf(told->problem, sizeof(told->problem), "%s", problem);
}

static void a_reader_is_opened_and_closed_beside_the_loop(void **state)
{
    struct fixture f;
    struct told told = {0};
    int64_t next[FIXTURE_PARTITIONS] = {0};

    (void)state;
    fixture_start(&f, 2);
    fixture_produce(&f, 1, 0, 20);
    kafka_opening_begin(f.loop, &f.settings,
                        &(struct kafka_reader_range){f.topic, -1, {KAFKA_READER_BEGINNING, 0}, {KAFKA_READER_END, 0}, false}, 1,
                        on_opened, &told);
    assert_int_equal(told.count, 0);
    WAIT_UNTIL(&f, told.count > 0);
    assert_string_equal(told.problem, "");
    assert_int_equal(read_all(told.reader, next), 20);
    kafka_opening_close(f.loop, told.reader);
    fixture_stop(&f);
    assert_int_equal(told.count, 1);
}

static int listen_in_silence(char *address, size_t size)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(in);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    snprintf(address, size, "127.0.0.1:%d", ntohs(in.sin_port));
    return fd;
}

static void count_turn(void *arg)
{
    ++*(int *)arg;
}

/* A broker that takes connections and says nothing. */
static void the_loop_goes_on_while_kafka_does_not_answer(void **state)
{
    struct loop *loop = loop_create();
    struct told told = {0};
    char servers[64];
    int fd = listen_in_silence(servers, sizeof(servers));
    const struct kafka_settings settings = {.brokers = servers, .client_id = "test"};
    struct kafka_opening *opening = kafka_opening_begin(loop, &settings, two_topics, 2, on_opened, &told);
    int turns = 0;
    struct loop_timer *timer = loop_timer_create(loop, count_turn, &turns);

    (void)state;
    for (int wanted = 1; wanted <= 20; wanted++) {
        loop_timer_start(timer, 10);
        while (turns < wanted) {
            loop_turn(loop, true);
        }
    }
    assert_int_equal(told.count, 0);
    kafka_opening_give_up(opening);
    loop_timer_destroy(timer);
    loop_destroy(loop);
    assert_int_equal(told.count, 0);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_record_up_to_the_end_that_was_there_at_open_is_read_once),
        cmocka_unit_test(what_a_record_holds_comes_through),
        cmocka_unit_test(an_empty_topic_is_at_its_end_at_once),
        cmocka_unit_test(reading_twice_gives_the_same_for_nothing_was_committed),
        cmocka_unit_test(closing_in_the_middle_is_fine),
        cmocka_unit_test(only_what_lies_in_the_range_is_read),
        cmocka_unit_test(a_partition_that_is_not_there_is_named_with_those_that_are),
        cmocka_unit_test(a_topic_that_does_not_exist_and_a_broker_that_is_not_there_are_errors),
        cmocka_unit_test(several_topics_are_read_as_one_and_each_record_says_whose_it_is),
        cmocka_unit_test(a_topic_that_kafka_does_not_know_may_be_missing_while_it_knows_another),
        cmocka_unit_test(a_reader_is_opened_and_closed_beside_the_loop),
        cmocka_unit_test(the_loop_goes_on_while_kafka_does_not_answer),
    };

    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
