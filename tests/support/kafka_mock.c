#include "tests/support/kafka_mock.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdlib.h>

#include "base/die.h"
#include "base/mem.h"

struct kafka_mock {
    rd_kafka_t *rk; /* the client that the cluster lives in */
    rd_kafka_mock_cluster_t *cluster;
};

static void drop_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk;
    (void)level;
    (void)facility;
    (void)text;
}

static void check(rd_kafka_resp_err_t code, const char *what)
{
    if (code) {
        die("%s: %s", what, rd_kafka_err2str(code));
    }
}

struct kafka_mock *kafka_mock_create(int brokers)
{
    struct kafka_mock *mock = xcalloc(1, sizeof(*mock));
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char reason[256];

    rd_kafka_conf_set_log_cb(conf, drop_log);
    mock->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason));
    mock->cluster = mock->rk ? rd_kafka_mock_cluster_new(mock->rk, brokers) : NULL;
    if (!mock->cluster) {
        die("no mock cluster: %s", mock->rk ? "no free port" : reason);
    }
    return mock;
}

void kafka_mock_destroy(struct kafka_mock *mock)
{
    if (mock) {
        rd_kafka_mock_cluster_destroy(mock->cluster);
        rd_kafka_destroy(mock->rk);
        free(mock);
    }
}

const char *kafka_mock_bootstrap(const struct kafka_mock *mock)
{
    return rd_kafka_mock_cluster_bootstraps(mock->cluster);
}

void kafka_mock_make_topic(struct kafka_mock *mock, const char *name, int partitions)
{
    check(rd_kafka_mock_topic_create(mock->cluster, name, partitions, 1), name);
}

void kafka_mock_fail(struct kafka_mock *mock, enum kafka_mock_request request, int code)
{
    rd_kafka_mock_push_request_errors(mock->cluster, request, 1, (rd_kafka_resp_err_t)code);
}

void kafka_mock_fail_no_more(struct kafka_mock *mock)
{
    static const enum kafka_mock_request all[] = {KAFKA_MOCK_FETCH, KAFKA_MOCK_COMMIT, KAFKA_MOCK_JOIN, KAFKA_MOCK_HEARTBEAT,
                                                  KAFKA_MOCK_SYNC};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        rd_kafka_mock_clear_request_errors(mock->cluster, all[i]);
    }
}

void kafka_mock_set_down(struct kafka_mock *mock, int broker, bool is_down)
{
    check(is_down ? rd_kafka_mock_broker_set_down(mock->cluster, broker) : rd_kafka_mock_broker_set_up(mock->cluster, broker),
          "a broker of the mock cluster");
}

void kafka_mock_move_coordinator(struct kafka_mock *mock, const char *group, int broker)
{
    check(rd_kafka_mock_coordinator_set(mock->cluster, "group", group, broker), group);
}
