/*
 * kafka_config: the librdkafka configuration of a role, from our settings and the operator's properties file.
 *
 * The values that exactly-once depends on (what is committed and when, what happens at a lost offset, how a group
 * rebalances, when a record counts as written) are fixed here; a properties file that names one of them is refused,
 * everything else in it wins over our defaults. Private to io/kafka_*.c.
 */
#ifndef IO_KAFKA_CONFIG_H
#define IO_KAFKA_CONFIG_H

#include <stdbool.h>

#include "base/err.h"
#include "io/kafka_settings.h"

enum kafka_role { KAFKA_ROLE_CONSUMER, KAFKA_ROLE_PRODUCER, KAFKA_ROLE_READER };

struct rd_kafka_conf_s;
struct rd_kafka_s;

/* `group` is for consumers only. Caller owns it until rd_kafka_new(). NULL + err. */
struct rd_kafka_conf_s *kafka_config_create(enum kafka_role role, const struct kafka_settings *settings,
                                            const char *group, struct err *err);
/* Gives the client the SASL user and password that the properties file holds now: they count from its next login on.
 * Nothing to do when there are none. False + err: the file is wrong. */
bool kafka_config_renew(struct rd_kafka_s *rk, const struct kafka_settings *settings, struct err *err);

/* Sets "no broker answers at host:port,...", with librdkafka's reason where it says more than that. Returns false. */
bool kafka_config_no_answer(struct rd_kafka_s *rk, int code, struct err *err);

#endif
