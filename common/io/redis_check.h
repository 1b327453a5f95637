/*
 * redis_check: what a new connection has to pass before anyone may use it: AUTH, SELECT, ROLE must say master,
 * INFO tells which server it is, and the scripts are loaded. All in one write.
 *
 * Owned by struct redis and embedded in it. Commands go out through `send`; a check whose connection broke hears
 * REDIS_UNAVAILABLE for the rest of its commands and says nothing.
 */
#ifndef IO_REDIS_CHECK_H
#define IO_REDIS_CHECK_H

#include "base/buf.h"
#include "io/redis.h"
#include "io/redis_url.h"

enum { REDIS_RUN_ID_SIZE = 64, REDIS_REASON_SIZE = 256 };

struct redis_check_events {
    void (*send)(void *arg, const struct slice args[], size_t count, redis_fn fn, void *fn_arg);
    void (*on_pass)(void *arg, const char *run_id);
    void (*on_fail)(void *arg, const char *reason); /* must break the connection */
    void *arg;
};

struct script_slot;

struct redis_check {
    struct redis_check_events events;
    struct script_slot *scripts;
    int open_count; /* commands of the present check without an answer */
    char run_id[REDIS_RUN_ID_SIZE];
};

void redis_check_init(struct redis_check *check, const struct redis_check_events *events);
void redis_check_finish(struct redis_check *check);
void redis_check_add_script(struct redis_check *check, const struct redis_script *script);
void redis_check_begin(struct redis_check *check, const struct redis_url *url);

/* The formatted words "EVALSHA <sha> <number of keys>" of a loaded script; empty when it was never loaded. */
struct slice redis_check_evalsha(const struct redis_check *check, const struct redis_script *script);

#endif
