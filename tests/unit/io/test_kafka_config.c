#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/kafka_config.h"

static char path[32];

static void write_properties(const char *text, size_t len)
{
    FILE *file;

    snprintf(path, sizeof(path), "/tmp/kafka-test-XXXXXX");
    file = fdopen(mkstemp(path), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    fclose(file);
}

static void expect_property(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char text[256];
    size_t size = sizeof(text);

    assert_int_equal(rd_kafka_conf_get(conf, name, text, &size), RD_KAFKA_CONF_OK);
    if (strcmp(text, value) != 0) {
        fail_msg("%s is %s, expected %s", name, text, value);
    }
}

static void a_consumer_commits_nothing_by_itself_and_resets_nothing(void **state)
{
    struct kafka_settings settings = {.brokers = "a:1,b:2",
                                      .client_id = "perkline",
                                      .group_instance_id = "pod-7",
                                      .session_timeout_ms = 12000,
                                      .queue_kib = 4096};
    struct err err = {""};
    rd_kafka_conf_t *conf = kafka_config_create(KAFKA_ROLE_CONSUMER, &settings, "g", &err);

    (void)state;
    assert_non_null(conf);
    expect_property(conf, "bootstrap.servers", "a:1,b:2");
    expect_property(conf, "client.id", "perkline");
    expect_property(conf, "group.id", "g");
    expect_property(conf, "group.instance.id", "pod-7");
    expect_property(conf, "session.timeout.ms", "12000");
    expect_property(conf, "queued.max.messages.kbytes", "4096");
    expect_property(conf, "max.partition.fetch.bytes", "65536");
    expect_property(conf, "queued.min.messages", "100000");
    expect_property(conf, "heartbeat.interval.ms", "1000");
    expect_property(conf, "enable.auto.commit", "false");
    expect_property(conf, "enable.auto.offset.store", "false");
    expect_property(conf, "auto.offset.reset", "error");
    expect_property(conf, "partition.assignment.strategy", "range,roundrobin");
    expect_property(conf, "enable.partition.eof", "true");
    expect_property(conf, "allow.auto.create.topics", "false");
    rd_kafka_conf_destroy(conf);
}

static void a_producer_waits_for_all_replicas(void **state)
{
    struct kafka_settings settings = {.brokers = "a:1"};
    struct err err = {""};
    rd_kafka_conf_t *conf = kafka_config_create(KAFKA_ROLE_PRODUCER, &settings, NULL, &err);

    (void)state;
    assert_non_null(conf);
    expect_property(conf, "acks", "-1");
    expect_property(conf, "enable.idempotence", "false");
    expect_property(conf, "message.timeout.ms", "30000");
    expect_property(conf, "partitioner", "murmur2_random");
    expect_property(conf, "linger.ms", "5");
    rd_kafka_conf_destroy(conf);
}

static void the_properties_file_wins_over_defaults(void **state)
{
    static const char text[] =
        "# a comment\n\n! another\n  linger.ms = 20 \r\nsasl.password=a=b\nsession.timeout.ms=9000";
    struct kafka_settings settings = {.brokers = "a:1", .properties_file = path};
    struct err err = {""};

    (void)state;
    write_properties(text, sizeof(text) - 1);
    rd_kafka_conf_t *conf = kafka_config_create(KAFKA_ROLE_CONSUMER, &settings, "g", &err);
    assert_string_equal(err.text, "");
    assert_non_null(conf);
    expect_property(conf, "linger.ms", "20");
    expect_property(conf, "sasl.password", "a=b");
    expect_property(conf, "session.timeout.ms", "9000");
    rd_kafka_conf_destroy(conf);
    unlink(path);
}

static void the_brokers_may_stand_in_the_file_but_not_contradict_the_settings(void **state)
{
    static const char text[] = "bootstrap.servers=c:3\n";
    struct kafka_settings none = {.properties_file = path};
    struct kafka_settings same = {.brokers = "c:3", .properties_file = path};
    struct kafka_settings other = {.brokers = "d:4", .properties_file = path};
    struct err err = {""};

    (void)state;
    write_properties(text, sizeof(text) - 1);
    rd_kafka_conf_t *conf = kafka_config_create(KAFKA_ROLE_PRODUCER, &none, NULL, &err);
    assert_non_null(conf);
    expect_property(conf, "bootstrap.servers", "c:3");
    rd_kafka_conf_destroy(conf);
    conf = kafka_config_create(KAFKA_ROLE_PRODUCER, &same, NULL, &err);
    assert_non_null(conf);
    rd_kafka_conf_destroy(conf);
    assert_null(kafka_config_create(KAFKA_ROLE_PRODUCER, &other, NULL, &err));
    assert_non_null(strstr(err.text, ":1: bootstrap.servers contradicts"));
    unlink(path);
}

static void a_wrong_line_is_named_by_its_number_and_no_value_is_shown(void **state)
{
#define CASE(text, says)                                                                                               \
    {                                                                                                                  \
        text, sizeof(text) - 1, says                                                                                   \
    }
    static const struct {
        const char *text;
        size_t len;
        const char *says;
    } cases[] = {
        CASE("linger.ms=1\nno.such.thing=secret\n", ":2: librdkafka has no property \"no.such.thing\""),
        CASE("linger.ms=secret\n", ":1: the value of linger.ms is not valid"),
        CASE("\n\nlinger.ms\n", ":3: expected key=value"),
        CASE("=secret\n", ":1: librdkafka has no property \"\""),
        CASE("acks=1\n", ":1: acks cannot be changed"),
        CASE("request.required.acks=1\n", ":1: request.required.acks cannot be changed"),
        CASE("enable.auto.commit=true\n", ":1: enable.auto.commit cannot be changed"),
        CASE("auto.offset.reset=latest\n", ":1: auto.offset.reset cannot be changed"),
        CASE("group.id=secret\n", ":1: group.id cannot be changed"),
        CASE("partition.assignment.strategy=cooperative-sticky\n", ":1: partition.assignment.strategy cannot"),
        CASE("linger.ms=1\0\n", ":1: not a text file"),
    };
#undef CASE
    struct kafka_settings settings = {.brokers = "a:1", .properties_file = path};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int role = KAFKA_ROLE_CONSUMER; role <= KAFKA_ROLE_READER; role++) {
            struct err err = {""};

            write_properties(cases[i].text, cases[i].len);
            assert_null(kafka_config_create((enum kafka_role)role, &settings, "g", &err));
            unlink(path);
            if (!strstr(err.text, cases[i].says) || strstr(err.text, "secret")) {
                fail_msg("case %zu: %s", i, err.text);
            }
        }
    }
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
    struct kafka_settings settings = {.brokers = "a:1", .properties_file = "/no/such/file"};
    struct kafka_settings folder = {.brokers = "a:1", .properties_file = "/"};
    struct err err = {""};

    (void)state;
    assert_null(kafka_config_create(KAFKA_ROLE_PRODUCER, &settings, NULL, &err));
    assert_string_equal(err.text, "/no/such/file: No such file or directory");
    err_clear(&err);
    assert_null(kafka_config_create(KAFKA_ROLE_PRODUCER, &folder, NULL, &err));
    assert_non_null(strstr(err.text, "Is a directory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_consumer_commits_nothing_by_itself_and_resets_nothing),
        cmocka_unit_test(a_producer_waits_for_all_replicas),
        cmocka_unit_test(the_properties_file_wins_over_defaults),
        cmocka_unit_test(the_brokers_may_stand_in_the_file_but_not_contradict_the_settings),
        cmocka_unit_test(a_wrong_line_is_named_by_its_number_and_no_value_is_shown),
        cmocka_unit_test(a_file_that_cannot_be_read_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
