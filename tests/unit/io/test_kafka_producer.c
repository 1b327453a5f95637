#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "kafka_fixture.h"

static struct kafka_producer *open_producer(struct fixture *f)
{
    struct err err = {""};
    struct kafka_producer *producer = kafka_producer_open(f->loop, &f->settings, &err);

    assert_string_equal(err.text, "");
    return producer;
}

/* What the last record was, copied. */
struct seen {
    int records;
    char key[64], value[64], header_names[8][16], header_values[8][16];
    size_t key_len, value_len, header_lens[8], header_count;
    bool has_key, has_value;
    int64_t timestamp_ms;
    int32_t partition;
};

static void see(void *arg, const struct kafka_record *record)
{
    struct seen *seen = arg;

    seen->records++;
    seen->partition = record->partition;
    seen->has_key = record->key.data != NULL;
    seen->has_value = record->value.data != NULL;
    seen->key_len = record->key.len;
    seen->value_len = record->value.len;
    assert_true(record->key.len <= sizeof(seen->key) && record->value.len <= sizeof(seen->value));
    if (seen->has_key) {
        memcpy(seen->key, record->key.data, record->key.len);
    }
    if (seen->has_value) {
        memcpy(seen->value, record->value.data, record->value.len);
    }
    seen->timestamp_ms = record->timestamp_ms;
    seen->header_count = record->header_count;
    for (size_t i = 0; i < record->header_count; i++) {
        snprintf(seen->header_names[i], sizeof(seen->header_names[i]), "%s", record->headers[i].name);
        seen->header_lens[i] = record->headers[i].value.len;
        memcpy(seen->header_values[i], record->headers[i].value.data, record->headers[i].value.len);
    }
}

static int64_t start_at_the_earliest(void *arg, const struct kafka_partition *partition, int64_t committed,
                                     const char *metadata)
{
    (void)arg;
    (void)partition;
    (void)committed;
    (void)metadata;
    return KAFKA_START_EARLIEST;
}

static void ignore_end(void *arg, const struct kafka_partition *partition, int64_t next_offset)
{
    (void)arg;
    (void)partition;
    (void)next_offset;
}

static void ignore_state(void *arg, bool is_up, const char *reason)
{
    (void)arg;
    (void)is_up;
    (void)reason;
}

static struct kafka_consumer *open_consumer(struct fixture *f, struct seen *seen, const char *assign)
{
    const char *topics[] = {f->topic, NULL};
    struct kafka_consumer_events events = {.on_record = see,
                                           .on_assign = start_at_the_earliest,
                                           .on_end = ignore_end,
                                           .on_state = ignore_state,
                                           .arg = seen};
    struct err err = {""};
    struct kafka_consumer *consumer =
        kafka_consumer_open(f->loop, &f->settings, f->group, topics, assign, &events, &err);

    assert_string_equal(err.text, "");
    return consumer;
}

static void binary_keys_values_and_headers_arrive_as_they_were_sent(void **state)
{
    struct kafka_header headers[] = {
        {"ce_type", SLICE("loyalty.x")},
        {"twice", {"\0\xff", 2}},
        {"twice", SLICE("2nd")},
        {"empty", SLICE("")},
    };
    struct fixture f;
    struct seen seen = {0};
    struct answers answers = {0};

    (void)state;
    fixture_start(&f, 1);
    struct kafka_producer *producer = open_producer(&f);
    struct kafka_message message = {
        .topic = f.topic,
        .partition = 0,
        .timestamp_ms = 1700000000123,
        .key = {"k\0\xfe\n", 4},
        .value = {"v\0w", 3},
        .headers = headers,
        .header_count = 4,
    };
    struct kafka_consumer *consumer = open_consumer(&f, &seen, "0");

    kafka_produce(producer, &message, fixture_on_produced, &answers);
    assert_int_equal(answers.done, 0); /* never from within the call */
    assert_int_equal(kafka_producer_open_count(producer), 1);
    WAIT_UNTIL(&f, answers.done == 1 && seen.records == 1);
    assert_int_equal(kafka_producer_open_count(producer), 0);
    assert_int_equal(seen.key_len, 4);
    assert_memory_equal(seen.key, "k\0\xfe\n", 4);
    assert_int_equal(seen.value_len, 3);
    assert_memory_equal(seen.value, "v\0w", 3);
    assert_int_equal(seen.timestamp_ms, 1700000000123);
    assert_int_equal(seen.header_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(seen.header_names[i], headers[i].name);
        assert_int_equal(seen.header_lens[i], headers[i].value.len);
        assert_memory_equal(seen.header_values[i], headers[i].value.data, headers[i].value.len);
    }
    kafka_consumer_close(consumer);
    kafka_producer_close(producer, 1000);
    fixture_stop(&f);
}

static void a_tombstone_and_a_missing_key_stay_what_they_are(void **state)
{
    struct fixture f;
    struct seen seen = {0};
    struct answers answers = {0};

    (void)state;
    fixture_start(&f, 1);
    struct kafka_producer *producer = open_producer(&f);
    struct kafka_message tombstone = {.topic = f.topic, .partition = 0, .key = SLICE("mid")};
    struct kafka_message keyless = {.topic = f.topic, .partition = 0, .value = SLICE("x")};
    struct kafka_consumer *consumer = open_consumer(&f, &seen, "0");

    kafka_produce(producer, &tombstone, fixture_on_produced, &answers);
    WAIT_UNTIL(&f, seen.records == 1);
    assert_true(seen.has_key);
    assert_false(seen.has_value);
    assert_int_equal(seen.header_count, 0);
    assert_true(seen.timestamp_ms > 1600000000000);
    kafka_produce(producer, &keyless, fixture_on_produced, &answers);
    WAIT_UNTIL(&f, seen.records == 2);
    assert_false(seen.has_key);
    assert_true(seen.has_value);
    kafka_consumer_close(consumer);
    kafka_producer_close(producer, 1000);
    fixture_stop(&f);
}

/* toPositive(murmur2(key)) % 8, computed apart from any client. */
static void keys_go_to_the_partition_that_java_clients_choose(void **state)
{
    static const struct {
        const char *key;
        int32_t partition;
    } cases[] = {{"member-1", 6}, {"member-3", 1}, {"a", 4}, {"loyalty", 7}};
    struct fixture f;

    (void)state;
    fixture_start(&f, 8);
    struct kafka_producer *producer = open_producer(&f);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answers answers = {0};
        struct seen seen = {0};
        struct kafka_message message = {
            .topic = f.topic, .partition = -1, .key = slice_of(cases[i].key), .value = SLICE("x")};
        char assign[8];

        kafka_produce(producer, &message, fixture_on_produced, &answers);
        WAIT_UNTIL(&f, answers.done == 1);
        snprintf(assign, sizeof(assign), "%d", (int)cases[i].partition);
        struct kafka_consumer *consumer = open_consumer(&f, &seen, assign);
        WAIT_UNTIL(&f, seen.records == 1);
        kafka_consumer_close(consumer);
    }
    kafka_producer_close(producer, 1000);
    fixture_stop(&f);
}

static void write_properties(char path[32], const char *text)
{
    int fd;

    snprintf(path, 32, "/tmp/kafka-test-XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void a_dead_broker_is_answered_not_done_within_the_message_timeout(void **state)
{
    struct fixture f;
    struct answers answers = {0};
    char path[32];

    (void)state;
    fixture_start(&f, 1);
    write_properties(path, "message.timeout.ms = 700\n");
    f.settings.brokers = "127.0.0.1:1";
    f.settings.properties_file = path;
    struct kafka_producer *producer = open_producer(&f);
    struct kafka_message message = {.topic = f.topic, .partition = -1, .key = SLICE("k"), .value = SLICE("x")};

    for (int i = 0; i < 10; i++) {
        kafka_produce(producer, &message, fixture_on_produced, &answers);
    }
    WAIT_UNTIL(&f, answers.refused == 10);
    assert_int_equal(answers.done, 0);
    assert_non_null(strstr(answers.problem, "timed out"));
    assert_int_equal(kafka_producer_open_count(producer), 0);
    kafka_producer_close(producer, 1000);
    unlink(path);
    fixture_stop(&f);
}

static void a_full_queue_and_a_record_too_large_are_answered_not_done_from_the_loop(void **state)
{
    struct fixture f;
    struct answers answers = {0};
    char path[32];
    char *large = xcalloc(1, 3000000);

    (void)state;
    fixture_start(&f, 1);
    write_properties(path, "queue.buffering.max.messages=2\nmessage.timeout.ms=60000\nmessage.max.bytes=1000000\n");
    f.settings.brokers = "127.0.0.1:1";
    f.settings.properties_file = path;
    struct kafka_producer *producer = open_producer(&f);
    struct kafka_message message = {.topic = f.topic, .partition = 0, .value = SLICE("x")};
    struct kafka_message too_large = {.topic = f.topic, .partition = 0, .value = {large, 3000000}};

    kafka_produce(producer, &too_large, fixture_on_produced, &answers);
    assert_int_equal(answers.refused, 0);
    WAIT_UNTIL(&f, answers.refused == 1);
    assert_string_equal(answers.problem, kafka_record_too_large);
    for (int i = 0; i < 5; i++) {
        kafka_produce(producer, &message, fixture_on_produced, &answers);
    }
    assert_int_equal(answers.refused, 1);
    WAIT_UNTIL(&f, answers.refused == 4);
    assert_non_null(strstr(answers.problem, "Queue full"));
    assert_int_equal(kafka_producer_open_count(producer), 2);
    kafka_producer_close(producer, 0);
    assert_int_equal(answers.refused, 6);
    assert_int_equal(answers.done, 0);
    unlink(path);
    free(large);
    fixture_stop(&f);
}

static void closing_waits_for_what_is_open(void **state)
{
    struct fixture f;
    struct answers answers = {0};

    (void)state;
    fixture_start(&f, 1);
    struct kafka_producer *producer = open_producer(&f);
    struct kafka_message message = {.topic = f.topic, .partition = 0, .value = SLICE("x")};

    for (int i = 0; i < 1000; i++) {
        kafka_produce(producer, &message, fixture_on_produced, &answers);
    }
    kafka_producer_close(producer, 30000);
    assert_int_equal(answers.done, 1000);
    assert_int_equal(answers.refused, 0);
    fixture_stop(&f);
}

struct stubborn {
    struct kafka_producer *producer;
    const struct kafka_message *message;
    int answers;
    int more;
};

static void try_again(void *arg, bool is_done, const char *problem)
{
    struct stubborn *stubborn = arg;

    (void)is_done;
    (void)problem;
    stubborn->answers++;
    if (stubborn->more > 0) {
        stubborn->more--;
        kafka_produce(stubborn->producer, stubborn->message, try_again, stubborn);
    }
}

static void an_answer_may_produce_again_also_while_closing(void **state)
{
    struct fixture f;

    (void)state;
    fixture_start(&f, 1);
    struct kafka_message message = {.topic = f.topic, .partition = 0, .value = SLICE("x")};
    struct stubborn alive = {open_producer(&f), &message, 0, 20};

    kafka_produce(alive.producer, &message, try_again, &alive);
    WAIT_UNTIL(&f, alive.answers == 21);
    kafka_producer_close(alive.producer, 1000);

    f.settings.brokers = "127.0.0.1:1";
    struct stubborn dead = {open_producer(&f), &message, 0, 1 << 30};
    kafka_produce(dead.producer, &message, try_again, &dead);
    kafka_producer_close(dead.producer, 0);
    assert_true(dead.answers >= 1 && dead.answers < 10); /* ends, leaks nothing */
    fixture_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binary_keys_values_and_headers_arrive_as_they_were_sent),
        cmocka_unit_test(a_tombstone_and_a_missing_key_stay_what_they_are),
        cmocka_unit_test(keys_go_to_the_partition_that_java_clients_choose),
        cmocka_unit_test(a_dead_broker_is_answered_not_done_within_the_message_timeout),
        cmocka_unit_test(a_full_queue_and_a_record_too_large_are_answered_not_done_from_the_loop),
        cmocka_unit_test(closing_waits_for_what_is_open),
        cmocka_unit_test(an_answer_may_produce_again_also_while_closing),
    };

    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
