#include "io/kafka_broker.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdlib.h>

#include "base/mem.h"
#include "io/kafka_relay.h"

struct kafka_broker {
    rd_kafka_t *rk; /* the client that the mock cluster lives in */
    rd_kafka_mock_cluster_t *cluster;
    struct kafka_relay *relay; /* NULL without `listen` */
};

/* The mock cluster tells of every connection that ends. */
static void drop_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk;
    (void)level;
    (void)facility;
    (void)text;
}

static bool start_cluster(struct kafka_broker *broker, struct err *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char reason[256];

    rd_kafka_conf_set_log_cb(conf, drop_log);
    broker->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason));
    if (!broker->rk) {
        rd_kafka_conf_destroy(conf);
        return err_set(err, "cannot start the embedded broker: %s", reason);
    }
    broker->cluster = rd_kafka_mock_cluster_new(broker->rk, 1);
    return broker->cluster ? true : err_set(err, "cannot start the embedded broker: no free port on loopback");
}

static bool create_topics(struct kafka_broker *broker, const struct kafka_broker_topic *topics, int count,
                          struct err *err)
{
    for (int i = 0; i < count; i++) {
        rd_kafka_resp_err_t code = rd_kafka_mock_topic_create(broker->cluster, topics[i].name, topics[i].partitions, 1);

        if (code) {
            return err_set(err, "topic %s: %s", topics[i].name, rd_kafka_err2str(code));
        }
    }
    return true;
}

struct kafka_broker *kafka_broker_open(struct loop *loop, const char *listen, const struct kafka_broker_topic *topics,
                                       int topic_count, struct err *err)
{
    struct kafka_broker *broker = xcalloc(1, sizeof(*broker));

    if (!start_cluster(broker, err) || !create_topics(broker, topics, topic_count, err)) {
        kafka_broker_close(broker);
        return NULL;
    }
    if (listen) {
        broker->relay = kafka_relay_open(loop, listen, rd_kafka_mock_cluster_bootstraps(broker->cluster), err);
        if (!broker->relay) {
            kafka_broker_close(broker);
            return NULL;
        }
    }
    return broker;
}

void kafka_broker_close(struct kafka_broker *broker)
{
    if (!broker) {
        return;
    }
    kafka_relay_close(broker->relay);
    if (broker->cluster) {
        rd_kafka_mock_cluster_destroy(broker->cluster);
    }
    if (broker->rk) {
        rd_kafka_destroy(broker->rk);
    }
    free(broker);
}

const char *kafka_broker_bootstrap(const struct kafka_broker *broker)
{
    return broker->relay ? kafka_relay_address(broker->relay) : rd_kafka_mock_cluster_bootstraps(broker->cluster);
}
