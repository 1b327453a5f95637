/*
 * kafka_watchdog: has the client stopped doing its work without saying so?
 *
 * Two faults of librdkafka 2.0.2 end in silence: a pause that outlives an assignment leaves the partition dead, and a
 * metadata refresh that is stuck on a lost broker keeps the coordinator from being found again. Both end with the process
 * (status 3), which is started again. Fed with facts at every statistics; pure.
 */
#ifndef IO_KAFKA_WATCHDOG_H
#define IO_KAFKA_WATCHDOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/kafka_stats.h"

struct kafka_watchdog {
    int64_t quiet_ms;        /* a partition with lag may be silent for so long: 30000 */
    int64_t absent_ms;       /* the coordinator may be away for so long while a broker is there: 60000 */
    int64_t grace_ms;        /* what is in a log is delivered within that: 4000 */
    int64_t absent_since_ms; /* 0: it is there */
};

/* What is known about one partition of ours. */
struct kafka_watched {
    const char *topic;
    int32_t partition;
    int64_t next_offset;    /* what should come next; negative: not known yet */
    int64_t quiet_since_ms; /* when it last gave something, or was last not meant to */
    int64_t end;            /* of the log, as the broker said */
    int64_t end_told_ms;    /* ... and when; 0: not asked. The client itself does not learn it from a dead partition */
    /* Of the partitions that gave something lately, the one that has not been read up for longest was read up then (0:
     * never); INT64_MAX: none gave anything. */
    int64_t others_read_up_ms;
};

/* False: it is stuck; `reason` says how, for a person. Times are clock_mono_ms(). */
bool kafka_watchdog_check_group(struct kafka_watchdog *watchdog, const struct kafka_stats *stats, int64_t now_ms,
                                char *reason, size_t size);
/* Another partition has more than the client fetches at once, and has had it all the time: the client goes on with that one
 * before it looks at this one (librdkafka 2.0.2, many partitions on one broker). So its silence says nothing. */
bool kafka_watchdog_must_wait(const struct kafka_watched *watched);
/* Time to ask the broker where the log ends? */
bool kafka_watchdog_must_ask(const struct kafka_watchdog *watchdog, const struct kafka_watched *watched, int64_t now_ms);
bool kafka_watchdog_check_partition(const struct kafka_watchdog *watchdog, const struct kafka_stats *stats,
                                    const struct kafka_watched *watched, int64_t now_ms, char *reason, size_t size);

#endif
