/*
 * chaos_proxy: a TCP proxy on a loopback port, in a thread of its own, that spoils what goes through it: latency, a
 * limit of bytes a second, slices, a freeze, resets, being down, and the one that matters most here: a request is passed
 * on, the server executes it, and its answer is swallowed and the connection closed.
 *
 * The proxy may stand before Redis (also on a unix socket), Kafka (one broker; the address that it advertises is replaced
 * by the proxy's) or an HTTP server. Every call takes effect before it returns. Owns its thread and sockets.
 */
#ifndef SUPPORT_CHAOS_PROXY_H
#define SUPPORT_CHAOS_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct chaos_proxy;

struct chaos_proxy_settings {
    const char *to; /* "127.0.0.1:6379", or the path of a unix socket */
    bool is_kafka;
    uint64_t seed; /* of the draws */
};

struct chaos_proxy *chaos_proxy_start(const struct chaos_proxy_settings *settings);
void chaos_proxy_stop(struct chaos_proxy *proxy);
/* "127.0.0.1:PORT" */
const char *chaos_proxy_address(const struct chaos_proxy *proxy);

/* Each way; 0: none. */
void chaos_proxy_delay(struct chaos_proxy *proxy, int64_t ms);
/* Each way and connection; 0: no limit. */
void chaos_proxy_limit(struct chaos_proxy *proxy, int64_t bytes_per_s);
/* Nothing longer is written at once, and a millisecond passes in between; 0: whole. */
void chaos_proxy_slice(struct chaos_proxy *proxy, size_t bytes);
/* Connections stay, and nothing moves. */
void chaos_proxy_freeze(struct chaos_proxy *proxy, bool is_frozen);
/* All connections are reset and new ones refused. */
void chaos_proxy_down(struct chaos_proxy *proxy, bool is_down);
/* All connections are reset; new ones are fine. */
void chaos_proxy_reset(struct chaos_proxy *proxy);

/* From now on to another server; all connections are reset. Not for Kafka. Borrowed. */
void chaos_proxy_move(struct chaos_proxy *proxy, const char *to);

/* Which requests lose their answer. */
struct chaos_proxy_drop {
    struct slice marker; /* bytes that such a request holds; borrowed. Not for Kafka */
    int kafka_api;       /* number of the API: 0 produce, 8 commit */
    int one_in;          /* of so many; what a client writes at once counts as one */
};
enum { CHAOS_PROXY_MOST_DROPS = 8 };
/* Replaces the rules; `count` 0: none. */
void chaos_proxy_drop(struct chaos_proxy *proxy, const struct chaos_proxy_drop rules[], size_t count);

/* Answers that a rule has swallowed so far, by its place in the list; counts start anew with new rules. */
int chaos_proxy_dropped(struct chaos_proxy *proxy, size_t rule);
/* When (wall clock, ms) the last `most` answers were swallowed, oldest first; returns how many. */
size_t chaos_proxy_drop_times(struct chaos_proxy *proxy, int64_t *times, size_t most);
int chaos_proxy_connections(struct chaos_proxy *proxy);

#endif
