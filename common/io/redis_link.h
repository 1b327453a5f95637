/*
 * redis_link: one connection to one Redis server, from name look-up to its end; hiredis' asynchronous context on the
 * loop. It carries commands out and replies in, in order, and knows neither what they mean nor how to reconnect.
 *
 * hiredis 0.14 does not bear being freed, disconnected or given commands inside all of its callbacks. So its callbacks
 * here only take notes and hand over replies; the context is freed at the end of the turn, when none of its functions
 * is on the stack, and up and down are told after they returned. After redis_link_close() nothing is told any more.
 */
#ifndef IO_REDIS_LINK_H
#define IO_REDIS_LINK_H

#include <stddef.h>

#include "io/loop.h"
#include "io/redis.h"
#include "io/redis_url.h"

struct redis_link;

/* What a reply is at this level: a value, or an error text of the server. Borrowed until the callback returns. */
struct redis_link_events {
    void (*on_up)(void *arg);                       /* connected (and TLS begun): commands may be sent */
    void (*on_reply)(void *arg, const struct redis_reply *reply, bool is_error);
    void (*on_down)(void *arg, const char *reason); /* last call; the link must still be closed */
    void *arg;
};

/* redis_url_parse(), and TLS is refused where it cannot be had. */
bool redis_link_parse_url(const char *text, struct redis_url *url, struct err *err);
/* True when rediss:// can be served. */
bool redis_link_has_tls(void);

/* Begins to connect; `url` must live as long as the link. Nothing is told from within the call. */
struct redis_link *redis_link_open(struct loop *loop, const struct redis_url *url,
                                   const struct redis_link_events *events);
void redis_link_close(struct redis_link *link);

/* Appends one formatted command. */
void redis_link_send(struct redis_link *link, const char *command, size_t len);
/* Writes what was appended; to be called once, at the end of every turn. */
void redis_link_flush(struct redis_link *link);

#endif
