/*
 * redis_command: commands that wait for their replies, in lists and a pool, and their form on the wire (RESP arrays of
 * bulk strings, written here so that a command costs no allocation).
 */
#ifndef IO_REDIS_COMMAND_H
#define IO_REDIS_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "io/redis.h"

struct command {
    struct command *next;
    redis_fn fn;
    void *arg;
    int64_t sent_us;
    const struct redis_script *script; /* of an EVALSHA that may need to be said again as EVAL */
    size_t arg_count;
    struct buf tail;                   /* then: its formatted arguments; memory is kept for the next command */
    bool is_owners;                    /* issued from on_connect or from an answer to such a command */
    bool is_check;                     /* part of the check of a new connection */
};

/* First in, first out. */
struct command_list {
    struct command *head;
    struct command *tail;
};

void command_push(struct command_list *list, struct command *command);
/* NULL when empty. */
struct command *command_pop(struct command_list *list);
/* Moves all of `from` behind `to`. */
void command_append(struct command_list *to, struct command_list *from);

/* From the pool (a list used as a stack) or new; everything but fn, arg and the memory of `tail` is empty. */
struct command *command_take(struct command_list *pool, redis_fn fn, void *arg);
void command_give_back(struct command_list *pool, struct command *command);
void command_free_all(struct command_list *pool);

/* "*<count>\r\n": `count` arguments must follow. */
void command_append_head(struct buf *out, size_t count);
void command_append_args(struct buf *out, const struct slice args[], size_t count);

#endif
