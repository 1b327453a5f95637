/*
 * kafka_lookup: questions to the brokers that can only be asked by waiting, asked on a helper thread.
 *
 * Which of these partitions exist, what the group committed for them, where their logs begin and end. The loop goes on
 * meanwhile; a byte in the wake pipe says that the answer is there. The thread touches nothing but the lookup and the
 * (thread-safe) client, and gives up by itself after a few seconds. One lookup at a time for each client.
 * Private to io/kafka_*.c.
 */
#ifndef IO_KAFKA_LOOKUP_H
#define IO_KAFKA_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct rd_kafka_s;
struct kafka_lookup;

enum kafka_lookup_question {
    KAFKA_LOOKUP_EXISTS = 1 << 0,    /* topic and partition; what does not exist is not asked further */
    KAFKA_LOOKUP_COMMITTED = 1 << 1, /* and, where nothing was committed, the end of the log */
    KAFKA_LOOKUP_RANGE = 1 << 2,     /* low and high */
    KAFKA_LOOKUP_PROBE = 1 << 3,     /* is there a broker at all */
};

enum { KAFKA_LOOKUP_UNKNOWN = -1 };

struct kafka_lookup_item {
    char *topic;
    int32_t partition;
    bool exists;       /* true when not asked */
    int64_t committed; /* KAFKA_LOOKUP_UNKNOWN: the broker says there is none */
    char *metadata;    /* never NULL once answered */
    int64_t low;       /* KAFKA_LOOKUP_UNKNOWN: no answer */
    int64_t high;
};

/* `items` are ordered by topic and copied. `wake_fd` gets one byte at the end. */
struct kafka_lookup *kafka_lookup_begin(struct rd_kafka_s *rk, unsigned questions,
                                        const struct kafka_lookup_item items[], size_t count, int wake_fd);
bool kafka_lookup_is_done(const struct kafka_lookup *lookup);
/* Of one that is done. False: some question has no answer, *problem says why; nothing of the rest is to be used. */
bool kafka_lookup_answer(const struct kafka_lookup *lookup, const struct kafka_lookup_item **items, size_t *count,
                         struct err *problem);
/* False: still busy after `wait_ms`; it is left behind with everything it uses. */
bool kafka_lookup_destroy(struct kafka_lookup *lookup, int64_t wait_ms);

#endif
