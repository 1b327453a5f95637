/*
 * kafka_tool: what a test wants of a Kafka, each done before the call returns: make topics, publish, read a topic whole,
 * ask how far a group has committed. Ends the test program with a message when Kafka does not do it.
 */
#ifndef SUPPORT_KAFKA_TOOL_H
#define SUPPORT_KAFKA_TOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "io/kafka_consumer.h"

struct kafka_tool;

struct kafka_tool *kafka_tool_create(const char *brokers);
void kafka_tool_destroy(struct kafka_tool *tool);

/* With the admin API; the embedded broker has none. Names end with NULL. */
void kafka_tool_make_topics(struct kafka_tool *tool, const char *const names[], int partitions, int replicas);

struct kafka_tool_message {
    int32_t partition; /* -1: by key */
    struct slice key;
    struct slice value; /* data NULL: tombstone */
    const struct kafka_header *headers;
    size_t header_count;
    int64_t timestamp_ms; /* 0: now */
};

/* Begins; kafka_tool_flush() sees to it that everything is acknowledged. */
void kafka_tool_publish(struct kafka_tool *tool, const char *topic, const struct kafka_tool_message *message);
void kafka_tool_flush(struct kafka_tool *tool);

typedef void (*kafka_tool_record_fn)(void *arg, const struct kafka_record *record);
/* Every record that is there now, partition by partition in order. Returns how many. */
int64_t kafka_tool_read(struct kafka_tool *tool, const char *topic, kafka_tool_record_fn fn, void *arg);
int64_t kafka_tool_count(struct kafka_tool *tool, const char *topic);

/* Where the group stands in partitions 0 to `partitions` - 1: -1 where it has committed nothing. False: no answer now. */
bool kafka_tool_committed(struct kafka_tool *tool, const char *group, const char *topic, int partitions,
                          int64_t offsets[]);

/* Records of the topic that the group has not committed; -1 when Kafka gives no answer now. For topics from which nothing
 * was removed yet. */
int64_t kafka_tool_lag(struct kafka_tool *tool, const char *group, const char *topic, int partitions);

/* The broker that keeps the group; -1 when Kafka does not say. Not of the embedded broker. */
int kafka_tool_coordinator(struct kafka_tool *tool, const char *group);

/* Names of the consumer groups that the brokers know, sorted, a line each, without those of other tests, which may run at
 * the same time: groups of systems whose prefix is not `prefix`. The caller frees it. Not of the embedded broker, which
 * cannot say. */
char *kafka_tool_list_groups(struct kafka_tool *tool, const char *prefix);

#endif
