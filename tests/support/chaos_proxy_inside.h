/*
 * chaos_proxy_inside: what the two files of the chaos proxy share: its connections, which belong to its thread, and what is
 * wanted of it.
 */
#ifndef SUPPORT_CHAOS_PROXY_INSIDE_H
#define SUPPORT_CHAOS_PROXY_INSIDE_H

#include <pthread.h>
#include <sys/socket.h>

#include "base/random.h"
#include "tests/support/chaos_proxy.h"

enum {
    MOST_PAIRS = 1024,
    CHUNK = 64 << 10,
    MOST_QUEUED = 4 << 20, /* bytes of one way; then its source is not read */
    LINGER_MS = 10,        /* after the first bytes of a swallowed answer: the server has executed the rest by then */
    DOOM_MS = 1500,        /* the most a doomed connection lives without an answer */
    MOST_TIMES = 16384,
    ADDRESS_PATTERN = 13, /* "127.0.0.1" and a port in Kafka's answers */
};

struct chunk {
    struct chunk *next;
    int64_t due_ms;
    size_t len, at;
    char bytes[];
};

/* One direction. */
struct way {
    struct chunk *chunks;
    size_t queued;
    int64_t credit_at_ms; /* of the limit */
    double credit;
    int64_t not_before_ms; /* of the slices */
    bool is_ended;         /* the source is closed */
    char held[ADDRESS_PATTERN];
    size_t held_len; /* might be the beginning of an address */
};

struct pair {
    int client, server; /* -1: closed */
    struct way to_server, to_client;
    uint32_t frame_left; /* Kafka: bytes of the request under way */
    char head[6];
    size_t head_len;
    bool is_doomed;
    int64_t doom_at_ms; /* closed then; moves when the answer begins */
};

struct shared {
    int64_t delay_ms, limit;
    size_t slice;
    bool is_frozen, is_down;
    struct chaos_proxy_drop drops[CHAOS_PROXY_MOST_DROPS];
    size_t drop_count;
    const char *to;
    unsigned resets; /* asked for */
    bool is_stopping;
};

struct chaos_proxy {
    struct chaos_proxy_settings settings;
    struct sockaddr_storage to;
    socklen_t to_len;
    char address[32];
    int listener, port;
    int wake[2];
    pthread_t thread;
    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t taken;
    struct shared wanted;
    unsigned asked, done; /* numbers of changes */
    int dropped[CHAOS_PROXY_MOST_DROPS];
    int64_t times[MOST_TIMES];
    size_t time_count;
    int connections;
    /* the thread's own */
    struct shared now;
    unsigned resets_done;
    struct random random;
    char target[ADDRESS_PATTERN], own[ADDRESS_PATTERN];
    struct pair pairs[MOST_PAIRS];
    size_t pair_count;
};

/* --- chaos_proxy_pairs.c ------------------------------------------------------------------------------------------ */

void proxy_set_address(struct chaos_proxy *proxy, const char *to);
/* The same port every time, so that clients find it again. */
void proxy_listen(struct chaos_proxy *proxy);
void proxy_accept(struct chaos_proxy *proxy);
void proxy_close_end(int *fd, bool is_reset);
void proxy_close_pair(struct pair *pair, bool is_reset);
void proxy_close_all(struct chaos_proxy *proxy);
/* False: the pair is to be closed. */
bool proxy_read(struct chaos_proxy *proxy, struct pair *pair, bool is_client);
bool proxy_write(struct chaos_proxy *proxy, struct way *way, int fd, int64_t now);
bool proxy_is_over(const struct pair *pair, int64_t now);

#endif
