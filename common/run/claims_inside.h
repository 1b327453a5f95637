/*
 * claims_inside: what claims.c (calls), claims_life.c (open, close, states) and claims_check.c (may Redis be
 * trusted?) and claims_rebuild.c (what it forgot is put back) share.
 */
#ifndef RUN_CLAIMS_INSIDE_H
#define RUN_CLAIMS_INSIDE_H

#include "run/claims.h"
#include "run/claims_ring.h"
#include "run/redis_info.h"

enum { CLAIMS_MOST_LISTENERS = 8, CLAIMS_MOST_SPARES = 1024,
       CLAIMS_ROUNDS = 64, CLAIMS_RUN_ID_SIZE = 48 };

enum claims_state {
    CLAIMS_DOWN,       /* no connection */
    CLAIMS_CHECKING,   /* connected: policy, epoch, server, RESTORE of the ring */
    CLAIMS_RECOVERING, /* no epoch, or another server: the owner puts back what the topics know */
    CLAIMS_REFUSED,    /* connected, but not to be trusted; checked again every second */
    CLAIMS_READY,
    CLAIMS_STATE_COUNT,
};

struct claims_call; /* one look-up, BEGIN or SETTLE, until answered */

struct claims {
    struct loop *loop;
    struct redis *redis;
    struct claims_settings settings;
    char environment[33];

    enum claims_state state;
    char reason[256];
    char told[256]; /* the reason that the log has; "" when it was told that all is well */
    char epoch[24];
    char run_id[CLAIMS_RUN_ID_SIZE]; /* of the server; "": it does not tell */

    char boot_id[17];
    uint64_t next_claim;
    struct claims_ring ring;

    struct claims_call *calls; /* all that are not answered, in order of their first sending */
    struct claims_call *spare_calls; /* answered, to be used again */
    size_t spare_count;
    struct loop_hook *hook;    /* repeats, outside of Redis' callbacks */
    bool must_repeat;

    /* claims_check.c */
    struct loop_timer *check_timer;   /* next try while not ready; every 60 s while ready */
    int check_round;                  /* answers of an older round are ignored */
    struct claims_round {
        struct claims *claims;
        int number;
    } rounds[CLAIMS_ROUNDS];          /* what answers of a check carry as argument */
    size_t check_open;                /* answers awaited in this round */
    size_t shards_with_epoch;
    bool has_mixed_epochs;
    bool knows_nothing;
    bool was_ready;
    bool is_skewed;                   /* our clock, or that of Redis */
    int64_t check_begun_ms;           /* monotonic */
    int64_t check_took_ms;            /* up to the rebuild */
    size_t ring_next;
    void (*ring_done)(struct claims *claims);

    /* claims_rebuild.c */
    struct loop_timer *lease_timer;   /* looks whether it goes on undisturbed */
    bool goes_on;                     /* an attempt that failed, under the same mark */
    char mark[48];                    /* of the last rebuild that we know of */
    bool has_put_back;                /* all of the ring, under it */
    uint64_t rebuilds;
    int64_t rebuild_from_ms;          /* wall clock; 0: from the beginning of the topics */
    size_t restores_open;
    loop_fn recover;
    void *recover_arg;

    /* claims_watch.c */
    struct loop_timer *watch_timer;
    unsigned watched_shard;
    int watched_round;

    /* claims_persistence.c */
    enum redis_persistence persistence; /* the last that was told */
    bool has_persistence;

    struct {
        loop_fn fn;
        void *arg;
    } listeners[CLAIMS_MOST_LISTENERS];
    size_t listener_count;

    struct metrics *metrics;
    struct metric *policy_gauge;
    struct metric *stale_count, *stale_sent_count, *amnesia_count, *new_server_count, *skew_count, *unknown_count, *broken_count;
};

/* Keys. `shard` is the first byte of the mid. The slices point into `text`. */
struct slice claims_record_key(const struct claims *claims, const struct mid *mid, char text[CLAIM_KEY_SIZE]);
struct slice claims_guard_key(const struct claims *claims, unsigned shard, char text[CLAIM_KEY_SIZE]);

extern const struct redis_script claims_begin_script, claims_settle_script, claims_restore_script,
    claims_open_shard_script, claims_note_server_script, claims_reopen_script;

/* claims.c: sends again what was not answered, at the end of a turn when Redis may be used; forgets all calls. */
void claims_repeat_calls(void *arg);
void claims_forget_calls(struct claims *claims);

/* claims_answer.c: false: not an answer that BEGIN gives. Fills what it says of the claim. AMNESIA and SKEW, which are not
 * about the delivery, are none here. */
bool claims_read_begin(struct claims *claims, const struct mid *mid, const struct redis_reply *reply, struct claim *claim,
                       struct claim_result *result);

/* claims_life.c: alarm: a strange record, of a version that this program does not know ('?') or broken ('!'). */
void claims_tell_strange(struct claims *claims, const struct mid *mid, char state);
/* claims_life.c: changes the state, tells listeners, logs. */
void claims_set_state(struct claims *claims, enum claims_state state, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* claims_check.c */
void claims_check_begin(struct claims *claims);
void claims_check_init(struct claims *claims);
void claims_check_finish(struct claims *claims);
void claims_refuse(struct claims *claims, const char *reason);
void *claims_round_arg(struct claims *claims);
/* The claims of an answer, or NULL when it belongs to an older round. */
struct claims *claims_of_round(void *arg);
bool claims_is_unavailable(struct claims *claims, enum redis_status status, const struct redis_reply *reply);
void claims_send_restore(struct claims *claims, const struct mid *mid, struct slice record, int64_t ttl_ms, redis_fn fn,
                         void *arg);
/* What we wrote lately; done() when all of it is there. */
void claims_put_ring_back(struct claims *claims, void (*done)(struct claims *claims));

void claims_refuse_skew(struct claims *claims);

/* claims_rebuild.c: from what the topics tell since then; 0: from their beginning. */
void claims_rebuild(struct claims *claims, int64_t from_ms);
/* By a worker that must not be trusted with more: under the mark of whoever rebuilds. */
void claims_put_ring_back_for_other(struct claims *claims);
void claims_rebuild_init(struct claims *claims);
void claims_rebuild_finish(struct claims *claims);
/* Which server was written to last, and until when, as the one says that we are connected to: kept in Redis itself, so that a
 * server that took its place tells how far it had come. */
void claims_note_server(struct claims *claims);
void claims_ask_server(struct claims *claims, redis_fn fn, void *arg);
/* Answers until when, by Redis' clock; 0: nobody knows. */
int64_t claims_read_server(struct slice text, struct slice *run_id);

/* claims_watch.c: from now on, while ready. */
void claims_watch_begin(struct claims *claims);
void claims_watch_init(struct claims *claims);
void claims_watch_finish(struct claims *claims);
/* claims_persistence.c: asks, and tells by log and metric. */
void claims_ask_persistence(struct claims *claims);
/* A script said that the epoch is gone, or that clocks differ. */
void claims_distrust(struct claims *claims, const char *reason);

#endif
