#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "io/kafka_backlog.h"

#include "kafka_fixture.h"

enum { OFTEN_MS = 20 };

static struct kafka_backlog *open_backlog(struct fixture *f)
{
    const char *const topics[] = {f->topic, NULL};
    struct err err = {""};
    struct kafka_backlog *backlog = kafka_backlog_open(f->loop, &f->settings, f->group, topics, OFTEN_MS, &err);

    assert_string_equal(err.text, "");
    return backlog;
}

/* As somebody of the group does. */
static void commit(struct fixture *f, int32_t partition, int64_t offset)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    char reason[256];
    rd_kafka_t *rk;

    assert_int_equal(rd_kafka_conf_set(conf, "bootstrap.servers", f->bootstrap, reason, sizeof(reason)), 0);
    assert_int_equal(rd_kafka_conf_set(conf, "group.id", f->group, reason, sizeof(reason)), 0);
    rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof(reason));
    assert_non_null(rk);
    rd_kafka_topic_partition_list_add(list, f->topic, partition)->offset = offset;
    assert_int_equal(rd_kafka_commit(rk, list, 0), 0);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(rk);
}

/* -2: there is no such partition, or it is not known yet. */
static int64_t lag_of(const struct kafka_backlog *backlog, int32_t partition)
{
    struct kafka_backlog_partition found;

    for (size_t i = 0; kafka_backlog_look(backlog, i, &found); i++) {
        if (found.partition == partition) {
            return found.lag;
        }
    }
    return -2;
}

static void what_lies_behind_the_commits_of_a_group_is_told_without_joining_it(void **state)
{
    struct fixture f;
    struct kafka_backlog *backlog;

    (void)state;
    fixture_start(&f, 3);
    fixture_produce(&f, 0, 0, 10);
    fixture_produce(&f, 1, 0, 5);
    commit(&f, 0, 4);
    commit(&f, 2, 0);
    backlog = open_backlog(&f);
    assert_int_equal(lag_of(backlog, 0), -2);
    assert_string_equal(kafka_backlog_problem(backlog), "no answer yet");
    WAIT_UNTIL(&f, lag_of(backlog, 0) == 6);
    assert_string_equal(kafka_backlog_problem(backlog), "");
    assert_int_equal(lag_of(backlog, 1), -1); /* never committed */
    assert_int_equal(lag_of(backlog, 2), 0);
    assert_int_equal(lag_of(backlog, 3), -2);
    commit(&f, 0, 10); /* whoever has the partition goes on */
    WAIT_UNTIL(&f, lag_of(backlog, 0) == 0);
    kafka_backlog_close(backlog);
    fixture_stop(&f);
}

static void without_a_broker_it_says_so_and_closes(void **state)
{
    struct fixture f;
    struct kafka_backlog *backlog;

    (void)state;
    fixture_start(&f, 1);
    f.settings.brokers = "127.0.0.1:9";
    backlog = open_backlog(&f);
    WAIT_UNTIL(&f, strstr(kafka_backlog_problem(backlog), "no broker answers at 127.0.0.1:9") != NULL);
    assert_int_equal(lag_of(backlog, 0), -2);
    kafka_backlog_close(backlog);
    fixture_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lies_behind_the_commits_of_a_group_is_told_without_joining_it),
        cmocka_unit_test(without_a_broker_it_says_so_and_closes),
    };

    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
