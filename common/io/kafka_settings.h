/*
 * kafka_settings: how to reach Kafka. The same for consumers and producers.
 */
#ifndef IO_KAFKA_SETTINGS_H
#define IO_KAFKA_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct kafka_settings {
    const char *brokers;         /* "host:port,host:port" */
    const char *properties_file; /* librdkafka properties (key=value lines, # comments), or NULL */
    const char *client_id;
    const char *group_instance_id; /* NULL: dynamic member */
    int64_t session_timeout_ms;    /* 30000 */
    int64_t queue_kib;             /* records read ahead, KiB: 16384 */
};

/* Does librdkafka take the properties file, for each kind of client? Asks nobody. */
bool kafka_settings_check(const struct kafka_settings *settings, struct err *err);

#endif
