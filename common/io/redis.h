/*
 * redis: one pipelined connection to Redis (hiredis async behind it), remade when it breaks.
 *
 * Commands of one loop turn leave in one write. Every call is answered exactly once: with a reply, or with
 * REDIS_UNAVAILABLE when the connection broke, its deadline passed (then the connection is dropped, since replies
 * would no longer line up), the server may not write (not master, read-only, loading, out of memory, ...), or the
 * client is not ready. An answer of UNAVAILABLE says nothing about whether the command ran.
 *
 * Ready means: connected, authenticated, ROLE says master, scripts loaded, and the owner's on_connect finished.
 */
#ifndef IO_REDIS_H
#define IO_REDIS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/metrics.h"
#include "base/slice.h"
#include "io/loop.h"

struct redis;

/* A Lua script; sent as EVALSHA, once more as EVAL on NOSCRIPT. */
struct redis_script {
    const char *name;   /* for logs and fakes: "begin" */
    const char *source; /* NUL-terminated; may begin with "#!lua flags=..." */
    int key_count;
};

enum redis_status {
    REDIS_OK,          /* `reply` holds the answer */
    REDIS_ERROR,       /* the server refused this command; reply->text says why */
    REDIS_UNAVAILABLE, /* store not usable now; reply->text says why */
};

enum redis_type { REDIS_NIL, REDIS_TEXT, REDIS_INT, REDIS_ARRAY };

/* Plain value, borrowed until the callback returns. */
struct redis_reply {
    enum redis_type type;
    struct slice text;
    int64_t number;
    const struct redis_reply *items; /* ARRAY */
    size_t count;
};

typedef void (*redis_fn)(void *arg, enum redis_status status, const struct redis_reply *reply);

struct redis_settings {
    const char *url;             /* redis://[user:password@]host[:port][/db], rediss://..., unix:///path */
    int64_t command_timeout_ms;  /* 500 */
    int64_t connect_timeout_ms;  /* 2000 */
    int64_t reconnect_delay_ms;  /* first delay; doubles up to 2000 */
};

/* What the owner wants to hear. */
struct redis_events {
    /* The connection is up and checked, but no command of others is let through yet: the owner issues its own with
     * redis_call()/redis_eval() (they pass) and ends with redis_set_ready(). `run_id` identifies the server process;
     * `is_new_server` is true when it differs from the one of the connection before, at the first connection, and
     * always when the server hides it (""). NULL: ready at once. */
    void (*on_connect)(void *arg, const char *run_id, bool is_new_server);
    /* Ready, or not ready any more, or still not ready for a new reason: "host:port: what is wrong". It names no
     * secret. */
    void (*on_state)(void *arg, bool is_ready, const char *reason);
    void *arg;
    struct metric *latency; /* a histogram that gets the time to each answer, or NULL */
};

/* Can it be understood, and served by this hiredis (TLS)? Asks nobody. */
bool redis_check_url(const char *url, struct err *err);
/* Checks the URL (false + err: cannot be understood, or rediss:// with a hiredis that has no TLS) and begins to
 * connect; a server that is not there is not an error but a state. Texts are copied. */
struct redis *redis_open(struct loop *loop, const struct redis_settings *settings, const struct redis_events *events,
                         struct err *err);
/* Commands still open are answered UNAVAILABLE. */
void redis_close(struct redis *redis);
/* User and password of this URL count from the next connection on. False + err: it is no URL, or names another server. */
bool redis_set_credentials(struct redis *redis, const char *url, struct err *err);
void redis_set_ready(struct redis *redis);
bool redis_is_ready(const struct redis *redis);
/* Drops the connection and makes it anew. */
void redis_reconnect(struct redis *redis, const char *reason);

/* Any command but those that change what the connection is (SUBSCRIBE, MONITOR, ...). Arguments are copied before the
 * call returns. Calls made while not ready are answered UNAVAILABLE at the end of this turn, never from within the
 * call; only those pass that are made from on_connect itself or from answers to such calls. `fn` may be NULL. */
void redis_call(struct redis *redis, const struct slice args[], size_t count, redis_fn fn, void *arg);
/* keys first (script->key_count of them), then arguments. */
void redis_eval(struct redis *redis, const struct redis_script *script, const struct slice args[], size_t count,
                redis_fn fn, void *arg);

/* Scripts to load on every connect; call before the first turn. `script` must outlive the client. A script that was
 * not added is sent in full every time. */
void redis_add_script(struct redis *redis, const struct redis_script *script);

struct redis_stats {
    uint64_t commands, errors, timeouts, reconnects;
};
struct redis_stats redis_stats(const struct redis *redis);

#endif
