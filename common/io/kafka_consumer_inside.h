/*
 * kafka_consumer_inside: what the files of the consumer share. Nobody else includes it.
 *
 *     kafka_consumer.c   the client: open, poll, deliver, errors, close
 *     kafka_partitions.c the assigned partitions: paused ones, messages that wait, whose turn it is
 *     kafka_waiting.c    a message that waits
 *     kafka_rebalance.c  which partitions are ours and where they start: group, static list, lost offsets
 *     kafka_commit.c     commits and their answers
 *     kafka_consumer_watch.c   has the client stopped working without saying so?
 *
 * The client has one queue for all partitions, in which a partition with a lag lies before one with a single record. So
 * what it has is taken at once, and each partition's messages wait in a line of its own, `assigned.first`, from which
 * they are delivered one by one, partition after partition. Who has taken its share of the memory is ahead, and is
 * stopped in the client until half of that is delivered.
 *
 * A message that the client handed out counts as consumed for it, so it is delivered, or dropped with the partition,
 * and nothing newer of that partition overtakes it. next_offset is the truth about a partition: it survives pauses and
 * re-assignments, and a record below it is a repetition that is not delivered.
 */
#ifndef IO_KAFKA_CONSUMER_INSIDE_H
#define IO_KAFKA_CONSUMER_INSIDE_H

#include <librdkafka/rdkafka.h>

#include "base/hash_table.h"
#include "io/kafka_consumer.h"
#include "io/kafka_lookup.h"
#include "io/kafka_wake.h"
#include "io/kafka_watchdog.h"

enum {
    KAFKA_TURN_MESSAGES = 512,    /* most that one turn of the loop takes from the client, and that it delivers */
    KAFKA_SHARE_LEAST = 16 << 10, /* bytes of one partition that may wait in any case */
    KAFKA_TICK_MS = 100,
    KAFKA_KEY_SIZE = 512, /* of an assigned partition: number and topic (249 characters at most) */
};

/* A copy: the client's own lies in a buffer as large as the answer that it came with, which it would keep. */
struct waiting {
    struct waiting *next;
    size_t size; /* of all of this, in bytes */
    bool is_end; /* no record: everything before its offset was read */
    struct kafka_record record;
    struct kafka_header headers[]; /* then bytes */
};

/* A partition that is ours. */
struct assigned {
    struct kafka_partition id; /* topic is owned */
    int64_t start;             /* offset, or KAFKA_START_* */
    int64_t next_offset;       /* after the last message that the client handed out; -1: none yet */
    bool is_paused;            /* by the owner */
    bool is_ahead;             /* its share waits */
    bool is_stopped;           /* paused in the client */
    bool is_lost;              /* its offset is outside of the log, the client has stopped reading it */
    int64_t lost_offset;
    int64_t watched_offset;       /* next offset when the watchdog looked last */
    int64_t quiet_since_ms;       /* ... and since when it has been that one; 0: not looked at yet */
    int64_t log_end, end_told_ms; /* of the log, and when the broker said so; 0: never */
    int64_t read_up_at_ms;        /* when the client last came to the end of the log; 0: never */
    struct waiting *first;
    struct waiting **end;
    size_t waiting_bytes;
    bool has_turn;                /* it is in consumer.turns: something waits, and may go */
    struct assigned *prev, *next; /* there */
    size_t key_len;
    UT_hash_handle hh;
    char key[]; /* number, then topic */
};

enum lookup_purpose { LOOKUP_FOR_PROBE, LOOKUP_FOR_ASSIGN, LOOKUP_FOR_LOST, LOOKUP_FOR_WATCH };

/* The question under way and what waits to be asked. */
struct questions {
    struct kafka_lookup *lookup; /* or NULL */
    enum lookup_purpose purpose;
    bool is_stale; /* the partitions it was about are no longer ours */
    bool is_probe_due;
    rd_kafka_topic_partition_list_t *offered; /* group: given to us, not yet taken; NULL when none */
    int64_t not_before_ms;
};

struct open_commit {
    kafka_commit_fn fn; /* NULL: none is open */
    void *arg;
    intptr_t number;
    int64_t give_up_at_ms;
    char problem[256]; /* refused at once; answered from the loop */
};

struct kafka_consumer {
    struct loop *loop;
    struct kafka_consumer_events events;
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    rd_kafka_queue_t *commit_queue;
    struct kafka_wake *wake;
    struct loop_timer *tick;
    struct loop_timer *again;

    struct assigned *assigned; /* hash */
    struct assigned *latest;   /* of the last message */
    const rd_kafka_topic_t *latest_topic;
    struct assigned *turns; /* list: whose record is delivered next, and after it */
    size_t waiting_bytes;
    size_t waiting_most_bytes; /* of all */
    uint64_t rewound;          /* messages that the client handed out once more; they are dropped */
    bool is_held;
    bool is_choked; /* too much waits: everything is stopped until half of it is delivered, or nothing of it may go */

    char **topics;              /* NULL-terminated */
    int32_t *static_partitions; /* NULL in group mode */
    size_t static_count;
    struct questions questions;
    struct open_commit commit;
    struct kafka_watchdog watchdog;

    bool is_in_turn; /* callbacks of the owner run */
    bool is_closing;
    bool is_fatal;
    bool is_state_known;
    bool is_up;
    char reason[256];
};

/* kafka_consumer.c */
void consumer_set_state(struct kafka_consumer *consumer, bool is_up, const char *reason);
void consumer_fail(struct kafka_consumer *consumer, const char *reason);

/* kafka_consumer_watch.c */
void consumer_watch_init(struct kafka_consumer *consumer);
/* The client's statistics; from within the poll. */
int consumer_watch_stats(rd_kafka_t *rk, char *json, size_t len, void *arg);
void consumer_watch_take(struct kafka_consumer *consumer, const struct kafka_lookup_item items[], size_t count);

/* kafka_partitions.c */
struct assigned *kafka_partitions_add(struct kafka_consumer *consumer, const char *topic, int32_t partition);
struct assigned *kafka_partitions_find(const struct kafka_consumer *consumer, const char *topic, int32_t partition);
struct assigned *kafka_partitions_find_for(struct kafka_consumer *consumer, const rd_kafka_message_t *message);
void kafka_partitions_drop_waiting(struct kafka_consumer *consumer, struct assigned *assigned);
/* Drops what waits, and the partitions. */
void kafka_partitions_clear(struct kafka_consumer *consumer);
/* Makes the client's pauses what is_paused, is_ahead and is_choked ask for. */
void kafka_partitions_apply_pauses(struct kafka_consumer *consumer);
/* Resumes everything that is stopped: before the assignment changes, since a pause would outlive it. */
void kafka_partitions_resume_all(struct kafka_consumer *consumer);
/* To the end of its partition's line. */
void kafka_partitions_keep(struct kafka_consumer *consumer, struct assigned *assigned,
                           const rd_kafka_message_t *message);
/* Delivers what waits and may go, at most `most` messages. True: there are more. */
bool kafka_partitions_deliver(struct kafka_consumer *consumer, int most);

/* kafka_waiting.c */
/* The topic is borrowed. */
struct waiting *waiting_create(const char *topic, const rd_kafka_message_t *message);
void waiting_destroy(struct waiting *waiting);

/* kafka_rebalance.c */
bool rebalance_parse_static(struct kafka_consumer *consumer, const char *assign, struct err *err);
bool rebalance_subscribe(struct kafka_consumer *consumer, struct err *err);
void rebalance_on_change(rd_kafka_t *rk, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list, void *arg);
void rebalance_on_lost_offset(struct kafka_consumer *consumer, const rd_kafka_message_t *message);
/* Where these logs end, for the watchdog; not when something else is asked. */
void rebalance_ask_ends(struct kafka_consumer *consumer, const struct kafka_lookup_item items[], size_t count);
/* Takes answers and asks what is to be asked next. */
void rebalance_step(struct kafka_consumer *consumer);
/* False: a question is still under way and goes on without us. */
bool rebalance_finish(struct kafka_consumer *consumer, int64_t wait_ms);

/* kafka_commit.c */
void commit_step(struct kafka_consumer *consumer);
/* Commits and waits at most `wait_ms`. */
void commit_now(struct kafka_consumer *consumer, const rd_kafka_topic_partition_list_t *list, int64_t wait_ms);
void commit_add(rd_kafka_topic_partition_list_t *list, const struct kafka_position *position);

#endif
