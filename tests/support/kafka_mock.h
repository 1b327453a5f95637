/*
 * kafka_mock: the embedded broker's kind of Kafka, several brokers of it, in the test program itself: so that a test can make
 * requests fail, take brokers away and move coordinators. Workers reach it over loopback. Ends the test program with a message
 * when librdkafka refuses.
 */
#ifndef SUPPORT_KAFKA_MOCK_H
#define SUPPORT_KAFKA_MOCK_H

#include <stdbool.h>
#include <stdint.h>

struct kafka_mock;

struct kafka_mock *kafka_mock_create(int brokers);
void kafka_mock_destroy(struct kafka_mock *mock);
const char *kafka_mock_bootstrap(const struct kafka_mock *mock);

void kafka_mock_make_topic(struct kafka_mock *mock, const char *name, int partitions);

/* Requests that can be made to fail, by their number in the protocol. */
enum kafka_mock_request {
    KAFKA_MOCK_FETCH = 1,
    KAFKA_MOCK_COMMIT = 8,
    KAFKA_MOCK_JOIN = 11,
    KAFKA_MOCK_HEARTBEAT = 12,
    KAFKA_MOCK_SYNC = 14,
};
/* The next request of this kind, whoever makes it, is answered with this code of the protocol; -195: by a lost connection. */
void kafka_mock_fail(struct kafka_mock *mock, enum kafka_mock_request request, int code);
/* What was to fail and did not yet. */
void kafka_mock_fail_no_more(struct kafka_mock *mock);

/* Brokers count from 1. */
void kafka_mock_set_down(struct kafka_mock *mock, int broker, bool is_down);
void kafka_mock_move_coordinator(struct kafka_mock *mock, const char *group, int broker);

#endif
