#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "io/kafka_admin.h"
#include "kafka_fixture.h"

#include <librdkafka/rdkafka_mock.h>

enum { WAIT_MS = 4000, FETCH = 1, OFFSET_FETCH = 9, DENIALS = 100 };

static struct kafka_admin *open_admin(const struct kafka_settings *settings)
{
    struct err err = {""};
    struct kafka_admin *admin = kafka_admin_open(settings, WAIT_MS, &err);

    assert_string_equal(err.text, "");
    return admin;
}

static void topics_are_listed_with_their_partitions_and_none_is_made_by_asking(void **state)
{
    struct kafka_admin_view view;
    struct kafka_admin *admin;
    struct fixture f;
    struct err err = {""};

    (void)state;
    fixture_start(&f, 5);
    admin = open_admin(&f.settings);
    for (int i = 0; i < 2; i++) {
        assert_true(kafka_admin_look(admin, &view, &err));
        assert_true(view.broker_count >= 1);
        assert_int_equal(kafka_admin_find(&view, f.topic)->partitions, 5);
        assert_int_equal(kafka_admin_find(&view, f.topic)->leaderless, 0);
        assert_true(kafka_admin_find(&view, f.topic)->replicas >= 1);
        assert_null(kafka_admin_find(&view, "no-such-topic"));
        kafka_admin_view_finish(&view);
    }
    kafka_admin_close(admin);
    fixture_stop(&f);
}

static void without_a_broker_a_look_ends_in_time(void **state)
{
    const struct kafka_settings settings = {.brokers = "127.0.0.1:1"};
    struct kafka_admin *admin = kafka_admin_open(&settings, 300, NULL);
    struct kafka_admin_view view;
    struct err err = {""};

    (void)state;
    log_set_level(LOG_ERROR);
    assert_false(kafka_admin_look(admin, &view, &err));
    assert_non_null(strstr(err.text, "no broker answers"));
    kafka_admin_view_finish(&view);
    kafka_admin_close(admin);
}

static void a_broker_without_admin_requests_is_told_from_one_that_refuses(void **state)
{
    const struct kafka_admin_pair none[] = {{NULL, NULL}};
    struct kafka_admin_config config;
    struct kafka_admin *admin;
    struct fixture f;
    struct err err = {""};

    (void)state;
    fixture_start(&f, 1);
    admin = open_admin(&f.settings);
    if (!fixture_is_real()) {
        assert_int_equal(kafka_admin_describe(admin, f.topic, &config, &err), KAFKA_ADMIN_UNSUPPORTED);
        assert_non_null(strstr(err.text, "controller"));
        assert_int_equal(kafka_admin_create(admin, "new", 1, 1, none, &err), KAFKA_ADMIN_UNSUPPORTED);
        assert_int_equal(kafka_admin_alter(admin, f.topic, none, &err), KAFKA_ADMIN_UNSUPPORTED);
        assert_int_equal(kafka_admin_ask_authorizer(admin, &err), KAFKA_ADMIN_UNSUPPORTED);
    }
    kafka_admin_close(admin);
    fixture_stop(&f);
}

/* Only a real Kafka can. */
static void what_is_made_and_changed_is_what_is_told(void **state)
{
    const struct kafka_admin_pair first[] = {{"retention.ms", "3600000"}, {"segment.bytes", "2097152"}, {NULL, NULL}};
    const struct kafka_admin_pair second[] = {{"retention.ms", "7200000"}, {"cleanup.policy", "compact"}, {NULL, NULL}};
    struct kafka_admin_config config;
    struct kafka_admin *admin;
    struct fixture f;
    struct err err = {""};
    char name[128];

    (void)state;
    if (!fixture_is_real()) {
        skip();
    }
    fixture_start(&f, 1);
    snprintf(name, sizeof(name), "%s.made", f.topic);
    admin = open_admin(&f.settings);
    assert_int_equal(kafka_admin_create(admin, name, 2, 1, first, &err), KAFKA_ADMIN_OK);
    assert_int_equal(kafka_admin_create(admin, name, 2, 1, second, &err), KAFKA_ADMIN_OK); /* there already */
    fixture_await_topic(f.bootstrap, name, 2);
    assert_int_equal(kafka_admin_describe(admin, name, &config, &err), KAFKA_ADMIN_OK);
    assert_string_equal(kafka_admin_config_find(&config, "retention.ms"), "3600000");
    kafka_admin_config_finish(&config);
    assert_int_equal(kafka_admin_alter(admin, name, second, &err), KAFKA_ADMIN_OK);
    assert_int_equal(kafka_admin_describe(admin, name, &config, &err), KAFKA_ADMIN_OK);
    assert_string_equal(kafka_admin_config_find(&config, "retention.ms"), "7200000");
    assert_string_equal(kafka_admin_config_find(&config, "cleanup.policy"), "compact");
    assert_string_equal(kafka_admin_config_find(&config, "segment.bytes"), "2097152"); /* was not touched */
    assert_null(kafka_admin_config_find(&config, "no.such.setting"));
    kafka_admin_config_finish(&config);
    kafka_admin_close(admin);
    fixture_stop(&f);
}

/* --- rights, with a broker that refuses --------------------------------------------------------------------------- */

struct denying_broker {
    rd_kafka_t *rk;
    rd_kafka_mock_cluster_t *cluster;
    struct kafka_settings settings;
};

static void start_denying(struct denying_broker *broker)
{
    broker->rk = fixture_client("none");
    broker->cluster = rd_kafka_mock_cluster_new(broker->rk, 1);
    assert_int_equal(rd_kafka_mock_topic_create(broker->cluster, "events", 1, 1), 0);
    broker->settings = (struct kafka_settings){.brokers = rd_kafka_mock_cluster_bootstraps(broker->cluster)};
}

static void deny(struct denying_broker *broker, int16_t api_key, rd_kafka_resp_err_t code)
{
    rd_kafka_resp_err_t codes[DENIALS];

    for (int i = 0; i < DENIALS; i++) {
        codes[i] = code;
    }
    rd_kafka_mock_push_request_errors_array(broker->cluster, api_key, DENIALS, codes);
}

static void publish_one(const struct denying_broker *broker)
{
    rd_kafka_t *rk = fixture_client(broker->settings.brokers);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, "events", NULL);

    rd_kafka_produce(topic, 0, RD_KAFKA_MSG_F_COPY, (void *)"x", 1, NULL, 0, NULL);
    assert_int_equal(rd_kafka_flush(rk, FIXTURE_PATIENCE_MS), 0);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(rk);
}

static void stop_denying(struct denying_broker *broker)
{
    rd_kafka_mock_cluster_destroy(broker->cluster);
    rd_kafka_destroy(broker->rk);
}

static void a_topic_that_may_be_read_is_told_from_one_that_may_not(void **state)
{
    struct kafka_admin_rights rights;
    struct denying_broker broker;
    struct kafka_admin *admin;

    (void)state;
    log_set_level(LOG_ERROR);
    start_denying(&broker);
    publish_one(&broker);
    admin = open_admin(&broker.settings);
    kafka_admin_ask_rights(admin, "events", &rights);
    assert_int_equal(rights.may_read, KAFKA_ADMIN_YES);
    assert_int_equal(rights.may_write, KAFKA_ADMIN_UNKNOWN); /* cannot be tried without writing */
    kafka_admin_close(admin);
    deny(&broker, FETCH, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    admin = open_admin(&broker.settings);
    kafka_admin_ask_rights(admin, "events", &rights);
    assert_int_equal(rights.may_read, KAFKA_ADMIN_NO);
    kafka_admin_close(admin);
    stop_denying(&broker);
}

static void a_group_that_is_not_ours_is_refused(void **state)
{
    struct denying_broker broker;
    struct kafka_admin *admin;
    struct err err = {""};

    (void)state;
    log_set_level(LOG_ERROR);
    start_denying(&broker);
    admin = open_admin(&broker.settings);
    assert_int_equal(kafka_admin_ask_group(admin, "group", "events", &err), KAFKA_ADMIN_OK);
    deny(&broker, OFFSET_FETCH, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
    assert_int_equal(kafka_admin_ask_group(admin, "group", "events", &err), KAFKA_ADMIN_REFUSED);
    assert_non_null(strstr(err.text, "group"));
    kafka_admin_close(admin);
    stop_denying(&broker);
}

static void a_property_is_what_the_client_will_use(void **state)
{
    const struct kafka_settings settings = {.brokers = "127.0.0.1:1"};
    struct kafka_admin *admin = kafka_admin_open(&settings, 100, NULL);
    char value[64];

    (void)state;
    kafka_admin_property(admin, "security.protocol", value, sizeof(value));
    assert_string_equal(value, "plaintext");
    kafka_admin_property(admin, "no.such.property", value, sizeof(value));
    assert_string_equal(value, "");
    kafka_admin_close(admin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topics_are_listed_with_their_partitions_and_none_is_made_by_asking),
        cmocka_unit_test(without_a_broker_a_look_ends_in_time),
        cmocka_unit_test(a_broker_without_admin_requests_is_told_from_one_that_refuses),
        cmocka_unit_test(what_is_made_and_changed_is_what_is_told),
        cmocka_unit_test(a_topic_that_may_be_read_is_told_from_one_that_may_not),
        cmocka_unit_test(a_group_that_is_not_ours_is_refused),
        cmocka_unit_test(a_property_is_what_the_client_will_use),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
