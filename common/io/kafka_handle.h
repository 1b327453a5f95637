/*
 * kafka_handle: librdkafka's client objects, opened with their log in our hands and closed within a deadline.
 *
 * Closing can hang in librdkafka 2.0.2 (a topic deleted meanwhile, a coordinator that is gone). It is done on a helper
 * thread that is left behind when it takes too long: a leak before the end of the process is better than a process
 * that does not end. Private to io/kafka_*.c.
 */
#ifndef IO_KAFKA_HANDLE_H
#define IO_KAFKA_HANDLE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "io/kafka_config.h"

struct rd_kafka_s;

/* Takes `conf`, also when it fails. Log lines come through the handle's main queue. NULL + err. */
struct rd_kafka_s *kafka_handle_open(enum kafka_role role, struct rd_kafka_conf_s *conf, struct err *err);
/* False: it was still busy after `wait_ms` and goes on by itself, so whatever its callbacks use must stay. */
bool kafka_handle_close(struct rd_kafka_s *rk, bool leaves_group, int64_t wait_ms);
/* A thread's end, waited for at most `wait_ms`. False: it goes on, detached. */
bool kafka_handle_join(pthread_t thread, int64_t wait_ms);

#endif
