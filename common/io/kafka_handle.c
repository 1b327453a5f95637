#include "io/kafka_handle.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <time.h>

#include "base/die.h"
#include "base/log.h"
#include "base/mem.h"

struct closing {
    rd_kafka_t *rk;
    bool leaves_group;
};

struct rd_kafka_s *kafka_handle_open(enum kafka_role role, struct rd_kafka_conf_s *conf, struct err *err)
{
    rd_kafka_type_t type = role == KAFKA_ROLE_PRODUCER ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER;
    char reason[256];
    rd_kafka_t *rk = rd_kafka_new(type, conf, reason, sizeof(reason));

    if (!rk) {
        rd_kafka_conf_destroy(conf);
        err_set(err, "cannot start the Kafka client: %s", reason);
        return NULL;
    }
    rd_kafka_set_log_queue(rk, NULL);
    return rk;
}

static void *close_handle(void *arg)
{
    struct closing *closing = arg;

    if (closing->leaves_group) {
        rd_kafka_consumer_close(closing->rk);
    }
    rd_kafka_destroy(closing->rk);
    free(closing);
    return NULL;
}

bool kafka_handle_join(pthread_t thread, int64_t wait_ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += wait_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    if (pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &until) == 0) {
        return true;
    }
    pthread_detach(thread);
    return false;
}

bool kafka_handle_close(struct rd_kafka_s *rk, bool leaves_group, int64_t wait_ms)
{
    struct closing *closing = xcalloc(1, sizeof(*closing));
    pthread_t thread;

    closing->rk = rk;
    closing->leaves_group = leaves_group;
    if (pthread_create(&thread, NULL, close_handle, closing) != 0) {
        die("cannot start a thread to close the Kafka client");
    }
    if (!kafka_handle_join(thread, wait_ms)) {
        log_event(LOG_WARN, "kafka_close_late", "wait_ms", log_int(wait_ms), NULL);
        return false;
    }
    return true;
}
