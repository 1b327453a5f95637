/*
 * partitions: the partitions that are ours now, what is done in each, and the commits.
 *
 * A partition lives from assign to revoke; parcels point to theirs and lose the pointer at the revoke. Nothing is
 * dispatched further than PARTITION_WINDOW records beyond the last acknowledged commit: whatever Redis may forget, the
 * messages that can have been sent without a trace lie inside that window.
 */
#ifndef RUN_PARTITIONS_H
#define RUN_PARTITIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/metrics.h"
#include "core/channel.h"
#include "io/kafka_consumer.h"
#include "io/loop.h"

struct partitions;
struct partition;

enum { PARTITION_WINDOW = 2048, PARTITION_MOST_WAITING = 64 };

struct partitions *partitions_create(struct loop *loop, enum channel channel, struct metrics *metrics);
void partitions_destroy(struct partitions *partitions);
/* After the consumer is open, and NULL before it is closed. */
void partitions_set_consumer(struct partitions *partitions, struct kafka_consumer *consumer);

/* For the consumer's events of the same names. `start` is where to begin when nothing was ever committed. */
int64_t partitions_assign(struct partitions *partitions, const struct kafka_partition *which, int64_t committed,
                          const char *metadata, int64_t start);
/* Removes it; the object stays valid until the next assign or revoke. */
struct partition *partitions_revoke(struct partitions *partitions, const struct kafka_partition *which, bool can_commit,
                                    struct kafka_position *position, bool *must_commit);
/* Reading goes on at `first` instead of `wanted`. What Kafka removed leaves a gap, and what was read before it is still
 * ours to finish. A log that ends before `wanted` is another one, whose offsets begin anew: answers the partition then,
 * for those to forget who have parcels of it; else NULL. */
struct partition *partitions_restart(struct partitions *partitions, const struct kafka_partition *which, int64_t wanted,
                                     int64_t first);
void partitions_reach_end(struct partitions *partitions, const struct kafka_partition *which, int64_t next_offset);

/* NULL: not ours (any more). */
struct partition *partitions_find(struct partitions *partitions, const char *topic, int32_t number);
size_t partitions_count(const struct partitions *partitions);
/* Records not read yet over all partitions, where known. */
int64_t partitions_lag(const struct partitions *partitions);
/* Records of a topic that are not done yet, read or not, in the partitions that are ours. */
int64_t partitions_depth(const struct partitions *partitions, const char *topic);

/* For people to look at; the topic is borrowed. False: there is no partition of that index. */
struct partition_facts {
    const char *topic;
    int32_t number;
    int64_t lag;     /* -1: not known */
    int64_t open;    /* records read and not done */
    bool is_paused;
};

bool partitions_look(const struct partitions *partitions, size_t index, struct partition_facts *facts);

/* False: the record was done before, by the bitmap of the last commit. */
bool partition_open(struct partition *partition, int64_t offset);
void partition_close(struct partition *partition, int64_t offset);
/* An earlier owner may have had this record in flight when it died. */
bool partition_is_suspect(const struct partition *partition, int64_t offset);
/* A parcel of a retry topic waits for its time (+1) or does not any more (-1); too many pause the partition. */
void partition_add_waiting(struct partition *partition, int change);

/* Commits what is done now; told when Kafka has acknowledged (or refused) it. NULL: no need to be told. */
void partitions_commit(struct partitions *partitions, loop_fn fn, void *arg);
/* Pauses or resumes everything, on top of each partition's own reasons. */
void partitions_pause_all(struct partitions *partitions, bool is_paused);
void partitions_update_metrics(struct partitions *partitions);

#endif
