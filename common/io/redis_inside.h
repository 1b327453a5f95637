/*
 * redis_inside: what redis.c (the connection: made, checked, given up, made anew) and redis_calls.c (each call until its
 * answer) share.
 *
 * Commands wait in `open` in the order in which their replies will come. When the connection is given up they move to
 * `failed`, together with calls that were refused, and are answered at the end of the turn.
 */
#ifndef IO_REDIS_INSIDE_H
#define IO_REDIS_INSIDE_H

#include "base/buf.h"
#include "io/redis.h"
#include "io/redis_check.h"
#include "io/redis_command.h"
#include "io/redis_link.h"
#include "io/redis_url.h"

enum redis_state {
    REDIS_WAITING,    /* for the time of the next attempt */
    REDIS_CONNECTING, /* or checking the server */
    REDIS_OWNER,      /* the owner's on_connect is at work */
    REDIS_READY,
    REDIS_CLOSED,
};

struct redis {
    struct loop *loop;
    struct redis_url url;
    struct redis_settings settings;
    struct redis_events events;
    struct redis_link *link;
    struct loop_timer *connect_timer; /* next attempt, or the limit of the present one */
    struct loop_timer *expiry_timer;
    struct loop_hook *turn_hook;
    struct redis_check check;

    enum redis_state state;
    struct command_list open;
    struct command_list failed;
    struct command_list answering;
    struct command_list pool;
    const struct command *expiring; /* found late once; dropped when still the oldest after one look at the socket */
    bool is_owner_speaking;
    bool is_answer_due;
    bool is_state_due; /* on_state(false) is to be told */
    bool has_been_ready;
    int64_t delay_ms;
    int64_t turn_us; /* time stamp of this turn, 0 when not taken yet */
    char run_id[REDIS_RUN_ID_SIZE]; /* of the server last connected to */
    char reason[REDIS_REASON_SIZE];
    struct buf scratch;
    struct redis_stats stats;
};

/* Gives the connection up and plans the next one. Everything that has to be told is told at the end of the turn. */
void redis_drop(struct redis *redis, const char *reason);
/* Tells the owner why it is not ready. */
void redis_tell_reason(struct redis *redis);

/* For struct redis_check_events: a call of the connection's own, before the owner's. */
void redis_send_check(void *redis, const struct slice args[], size_t count, redis_fn fn, void *fn_arg);
/* For struct redis_link_events. */
void redis_on_reply(void *redis, const struct redis_reply *reply, bool is_error);
/* The oldest command has had its time. */
void redis_on_expiry(void *redis);
void redis_on_turn_end(void *redis);
/* What is in `failed` is answered at the end of this turn; with a list, now. */
void redis_plan_answers(struct redis *redis);
void redis_answer_all(struct redis *redis, struct command_list *list);

#endif
