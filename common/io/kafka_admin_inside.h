/*
 * kafka_admin_inside: what kafka_admin.c (topics and their settings) and kafka_admin_rights.c (may we?) share.
 */
#ifndef IO_KAFKA_ADMIN_INSIDE_H
#define IO_KAFKA_ADMIN_INSIDE_H

#include <librdkafka/rdkafka.h>

#include "io/kafka_admin.h"

struct kafka_admin {
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    int64_t wait_ms;
    int controller; /* KAFKA_ADMIN_NOT_ASKED, -1: there is none */
};

enum { KAFKA_ADMIN_NOT_ASKED = -2 };

/* Admin requests go by the controller. The embedded broker has none, and the client would wait for one. */
enum kafka_admin_status kafka_admin_need_controller(struct kafka_admin *admin, struct err *err);
/* With the time-out set. The caller destroys it. */
rd_kafka_AdminOptions_t *kafka_admin_options(struct kafka_admin *admin, rd_kafka_admin_op_t op);
/* The answer to the request just made, or NULL; serves the client's log meanwhile. */
rd_kafka_event_t *kafka_admin_wait(struct kafka_admin *admin, int type);
/* OK for no error; else err says `what` and why. */
enum kafka_admin_status kafka_admin_judge(rd_kafka_resp_err_t code, const char *text, const char *what,
                                          struct err *err);
/* Of an answer as a whole; NULL is none. */
enum kafka_admin_status kafka_admin_judge_event(rd_kafka_event_t *event, const char *what, struct err *err);

#endif
