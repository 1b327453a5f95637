/*
 * kafka_cluster: brokers of a real Kafka that a test kills and starts again. KAFKA_CLUSTER names the folder of a cluster
 * of tests/support/kafka/kafka_cluster.sh, with KAFKA_BOOTSTRAP and KAFKA_REPLICAS to match; without it there is none.
 */
#ifndef SUPPORT_KAFKA_CLUSTER_H
#define SUPPORT_KAFKA_CLUSTER_H

#include <stdbool.h>

#include "tests/support/system.h"

bool kafka_cluster_is_there(void);

/* Brokers count from 1. Back when it is dead, or ready; false: it is neither (cluster.log of the system says why). */
bool kafka_cluster_kill(const struct system *system, int broker);
/* In good order, which takes a while: runs until the broker has ended. The caller destroys it. */
struct process *kafka_cluster_begin_end(const struct system *system, int broker);
bool kafka_cluster_restart(const struct system *system, int broker);

#endif
