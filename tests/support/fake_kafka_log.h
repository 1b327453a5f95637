/*
 * fake_kafka_log: the broker's side of the Kafka fakes: topics, records, committed offsets.
 */
#ifndef SUPPORT_FAKE_KAFKA_LOG_H
#define SUPPORT_FAKE_KAFKA_LOG_H

#include "io/kafka_consumer.h"

struct fake_log; /* one partition */

/* NULL: there is no such partition. */
struct fake_log *fake_log_find(const char *topic, int32_t partition);
int32_t fake_log_partition_count(const char *topic);
int32_t fake_log_partition_of_key(const char *topic, struct slice key);
int64_t fake_log_append(struct fake_log *log, struct slice key, struct slice value, const struct kafka_header *headers,
                        size_t header_count);
/* There may be something to read. */
void fake_log_wake_consumers(void);
int64_t fake_log_end(const struct fake_log *log);
int64_t fake_log_low(const struct fake_log *log);
/* The first record at or beyond the offset, or NULL. */
const struct kafka_record *fake_log_at(const struct fake_log *log, int64_t offset);

/* -1 when there is nothing. `metadata` is borrowed. */
int64_t fake_log_committed(const char *group, const char *topic, int32_t partition, const char **metadata);
void fake_log_commit(const char *group, const struct kafka_position *position);
bool fake_log_is_down(void);
bool fake_log_takes(size_t bytes);

#endif
