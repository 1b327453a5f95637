#include "run/worker_trial.h"

#include "io/kafka_consumer.h"
#include "io/kafka_settings.h"
#include "io/listener.h"

bool worker_trial(const struct worker_settings *settings, struct err *err)
{
    const struct kafka_settings kafka = worker_kafka_settings(settings, "perkline");

    if (!kafka_settings_check(&kafka, err)) {
        return err_prefix(err, "%s", settings->kafka_config ? "KAFKA_CONFIG" : "KAFKA_BROKERS");
    }
    if (!kafka_consumer_check(settings->topics, settings->kafka_assign, err)) {
        return err_prefix(err, "%s", settings->kafka_assign ? "KAFKA_ASSIGN" : "KAFKA_TOPICS");
    }
    return listener_check(settings->http_listen, err) || err_prefix(err, "HTTP_LISTEN");
}
