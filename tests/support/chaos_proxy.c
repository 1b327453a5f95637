#include "tests/support/chaos_proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <utlist.h>

#include "base/clock.h"
#include "base/die.h"
#include "base/mem.h"
#include "base/random.h"

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

/* --- sockets ------------------------------------------------------------------------------------------------------ */

static void set_address(struct chaos_proxy *proxy, const char *to)
{
    const char *colon = strrchr(to, ':');

    memset(&proxy->to, 0, sizeof(proxy->to));
    if (to[0] == '/') {
        struct sockaddr_un *address = (struct sockaddr_un *)&proxy->to;

        address->sun_family = AF_UNIX;
        snprintf(address->sun_path, sizeof(address->sun_path), "%s", to);
        proxy->to_len = sizeof(*address);
    } else {
        struct sockaddr_in *address = (struct sockaddr_in *)&proxy->to;

        if (!colon) {
            die("chaos_proxy: %s is no address", to);
        }
        address->sin_family = AF_INET;
        address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address->sin_port = htons((uint16_t)strtol(colon + 1, NULL, 10));
        proxy->to_len = sizeof(*address);
    }
}

/* The same port every time, so that clients find it again. */
static void listen_again(struct chaos_proxy *proxy)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    const int on = 1;

    proxy->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    address.sin_port = htons((uint16_t)proxy->port);
    setsockopt(proxy->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (proxy->listener < 0 || bind(proxy->listener, (struct sockaddr *)&address, len) != 0 ||
        listen(proxy->listener, 512) != 0 || getsockname(proxy->listener, (struct sockaddr *)&address, &len) != 0) {
        die("chaos_proxy: cannot listen: %s", strerror(errno));
    }
    proxy->port = ntohs(address.sin_port);
}

static void close_end(int *fd, bool is_reset)
{
    const struct linger linger = {.l_onoff = 1};

    if (*fd >= 0 && is_reset) {
        setsockopt(*fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    }
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

static void free_way(struct way *way)
{
    struct chunk *chunk, *next;

    LL_FOREACH_SAFE(way->chunks, chunk, next)
    {
        free(chunk);
    }
    *way = (struct way){0};
}

static void close_pair(struct pair *pair, bool is_reset)
{
    close_end(&pair->client, is_reset);
    close_end(&pair->server, is_reset);
    free_way(&pair->to_server);
    free_way(&pair->to_client);
}

static void close_all(struct chaos_proxy *proxy)
{
    for (size_t i = 0; i < proxy->pair_count; i++) {
        close_pair(&proxy->pairs[i], true);
    }
    proxy->pair_count = 0;
}

static void accept_one(struct chaos_proxy *proxy)
{
    int client = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    int server = client < 0 ? -1 : socket(proxy->to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;

    if (client < 0) {
        return;
    }
    if (proxy->pair_count == MOST_PAIRS || server < 0 ||
        connect(server, (struct sockaddr *)&proxy->to, proxy->to_len) != 0) {
        close_end(&client, true);
        close_end(&server, false);
        return;
    }
    fcntl(server, F_SETFL, O_NONBLOCK);
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (proxy->to.ss_family == AF_INET) {
        setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    proxy->pairs[proxy->pair_count++] = (struct pair){.client = client, .server = server};
    pthread_mutex_lock(&proxy->lock);
    proxy->connections++;
    pthread_mutex_unlock(&proxy->lock);
}

/* --- which request loses its answer ------------------------------------------------------------------------------- */

static void doom(struct chaos_proxy *proxy, struct pair *pair, size_t rule)
{
    if (pair->is_doomed || random_below(&proxy->random, (uint64_t)proxy->now.drops[rule].one_in) != 0) {
        return;
    }
    pair->is_doomed = true;
    pair->doom_at_ms = clock_mono_ms() + DOOM_MS;
    pthread_mutex_lock(&proxy->lock);
    proxy->dropped[rule]++;
    proxy->times[proxy->time_count++ % MOST_TIMES] = clock_wall_ms();
    pthread_mutex_unlock(&proxy->lock);
}

static void look_for_markers(struct chaos_proxy *proxy, struct pair *pair, const char *bytes, size_t len)
{
    for (size_t i = 0; i < proxy->now.drop_count; i++) {
        struct slice marker = proxy->now.drops[i].marker;

        if (memmem(bytes, len, marker.data, marker.len)) {
            doom(proxy, pair, i);
        }
    }
}

/* A request: length (4 bytes, big endian), number of the API (2), the rest. */
static void look_at_frames(struct chaos_proxy *proxy, struct pair *pair, const char *bytes, size_t len)
{
    while (len > 0) {
        size_t step = pair->frame_left < len ? pair->frame_left : len;
        const unsigned char *head = (const unsigned char *)pair->head;
        int api;

        bytes += step;
        len -= step;
        pair->frame_left -= (uint32_t)step;
        if (len == 0 || pair->frame_left > 0) {
            return;
        }
        pair->head[pair->head_len++] = *bytes++;
        len--;
        if (pair->head_len < sizeof(pair->head)) {
            continue;
        }
        pair->head_len = 0;
        pair->frame_left = ((uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3]) - 2;
        api = head[4] << 8 | head[5];
        for (size_t i = 0; i < proxy->now.drop_count; i++) {
            if (proxy->now.drops[i].kafka_api == api) {
                doom(proxy, pair, i);
            }
        }
    }
}

/* --- bytes -------------------------------------------------------------------------------------------------------- */

static void add_chunk(struct chaos_proxy *proxy, struct way *way, const char *bytes, size_t len)
{
    struct chunk *chunk = xmalloc(sizeof(*chunk) + len);

    chunk->next = NULL;
    chunk->due_ms = clock_mono_ms() + proxy->now.delay_ms;
    chunk->len = len;
    chunk->at = 0;
    memcpy(chunk->bytes, bytes, len);
    LL_APPEND(way->chunks, chunk);
    way->queued += len;
}

/* Replaces the broker's address by ours. What might be the beginning of one at the end waits for more. */
static void add_answer(struct chaos_proxy *proxy, struct way *way, const char *bytes, size_t len)
{
    char *all;
    size_t total = way->held_len + len;
    size_t keep = 0;

    if (!proxy->settings.is_kafka) {
        add_chunk(proxy, way, bytes, len);
        return;
    }
    all = xmalloc(total);
    memcpy(all, way->held, way->held_len);
    memcpy(all + way->held_len, bytes, len);
    for (char *at = all; (at = memmem(at, total - (size_t)(at - all), proxy->target, ADDRESS_PATTERN));) {
        memcpy(at, proxy->own, ADDRESS_PATTERN);
    }
    for (size_t n = ADDRESS_PATTERN - 1; n > 0 && keep == 0; n--) {
        keep = n <= total && memcmp(all + total - n, proxy->target, n) == 0 ? n : 0;
    }
    /* An answer may end in those bytes by chance; more always follows an address. A lone "1" is no address. */
    keep = keep < 4 ? 0 : keep;
    memcpy(way->held, all + total - keep, keep);
    way->held_len = keep;
    if (total > keep) {
        add_chunk(proxy, way, all, total - keep);
    }
    free(all);
}

/* False: the pair is to be closed. */
static bool read_from(struct chaos_proxy *proxy, struct pair *pair, bool is_client)
{
    static __thread char bytes[CHUNK];
    struct way *way = is_client ? &pair->to_server : &pair->to_client;
    ssize_t got = read(is_client ? pair->client : pair->server, bytes, sizeof(bytes));

    if (got < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    if (got == 0) {
        way->is_ended = true;
        return true;
    }
    if (is_client) {
        if (proxy->settings.is_kafka) {
            look_at_frames(proxy, pair, bytes, (size_t)got);
        } else {
            look_for_markers(proxy, pair, bytes, (size_t)got);
        }
        add_chunk(proxy, way, bytes, (size_t)got);
    } else if (!pair->is_doomed) {
        add_answer(proxy, way, bytes, (size_t)got);
    } else if (pair->doom_at_ms > clock_mono_ms() + LINGER_MS) {
        pair->doom_at_ms = clock_mono_ms() + LINGER_MS;
    }
    return true;
}

/* How much may be written now. */
static size_t allowance(struct chaos_proxy *proxy, struct way *way, int64_t now)
{
    size_t most = SIZE_MAX;

    if (proxy->now.slice) {
        most = now >= way->not_before_ms ? proxy->now.slice : 0;
    }
    if (proxy->now.limit) {
        double fresh = (double)(now - way->credit_at_ms) * (double)proxy->now.limit / 1000;

        way->credit = way->credit_at_ms ? way->credit + fresh : (double)proxy->now.limit / 20;
        way->credit = way->credit > (double)proxy->now.limit / 10 ? (double)proxy->now.limit / 10 : way->credit;
        way->credit_at_ms = now;
        most = way->credit < 1 ? 0 : way->credit < (double)most ? (size_t)way->credit : most;
    }
    return most;
}

static bool write_to(struct chaos_proxy *proxy, struct way *way, int fd, int64_t now)
{
    while (way->chunks && way->chunks->due_ms <= now) {
        struct chunk *chunk = way->chunks;
        size_t most = allowance(proxy, way, now);
        size_t len = chunk->len - chunk->at < most ? chunk->len - chunk->at : most;
        ssize_t sent = len ? send(fd, chunk->bytes + chunk->at, len, MSG_NOSIGNAL) : 0;

        if (sent < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        if (sent == 0) {
            return true;
        }
        way->credit -= (double)sent;
        way->not_before_ms = now + 1;
        way->queued -= (size_t)sent;
        chunk->at += (size_t)sent;
        if (chunk->at == chunk->len) {
            LL_DELETE(way->chunks, chunk);
            free(chunk);
        }
    }
    return true;
}

static bool is_over(const struct pair *pair, int64_t now)
{
    return (pair->is_doomed && now >= pair->doom_at_ms) || (pair->to_client.is_ended && !pair->to_client.chunks) ||
           (pair->to_server.is_ended && !pair->to_server.chunks);
}

/* --- the thread --------------------------------------------------------------------------------------------------- */

static void take_changes(struct chaos_proxy *proxy)
{
    char drained[64];
    bool was_down = proxy->now.is_down;

    while (read(proxy->wake[0], drained, sizeof(drained)) > 0) {
    }
    pthread_mutex_lock(&proxy->lock);
    proxy->now = proxy->wanted;
    if (proxy->now.is_down != was_down) {
        close_all(proxy);
        if (proxy->now.is_down) {
            close_end(&proxy->listener, false);
        } else {
            listen_again(proxy);
        }
    }
    if (proxy->resets_done != proxy->now.resets) {
        set_address(proxy, proxy->now.to);
        proxy->resets_done = proxy->now.resets;
        close_all(proxy);
    }
    proxy->done = proxy->asked;
    pthread_cond_broadcast(&proxy->taken);
    pthread_mutex_unlock(&proxy->lock);
}

/* Milliseconds until something is due. */
static int wait_ms(const struct chaos_proxy *proxy, int64_t now)
{
    int64_t next = now + 1000;

    if (proxy->now.is_frozen) {
        return -1;
    }
    for (size_t i = 0; i < proxy->pair_count; i++) {
        const struct pair *pair = &proxy->pairs[i];
        const struct way *ways[] = {&pair->to_server, &pair->to_client};

        for (size_t w = 0; w < 2; w++) {
            int64_t due = ways[w]->chunks ? ways[w]->chunks->due_ms : next;

            if (due <= now && (proxy->now.limit || proxy->now.slice)) {
                due = now + 1;
            }
            next = due > now && due < next ? due : next;
        }
        if (pair->is_doomed && pair->doom_at_ms < next) {
            next = pair->doom_at_ms > now ? pair->doom_at_ms : now;
        }
    }
    return (int)(next - now);
}

static short events_of(const struct way *from, const struct way *to, int64_t now, bool is_paced)
{
    short events = 0;

    if (!from->is_ended && from->queued < MOST_QUEUED) {
        events |= POLLIN;
    }
    if (to->chunks && to->chunks->due_ms <= now && !is_paced) {
        events |= POLLOUT;
    }
    return events;
}

static void serve_pair(struct chaos_proxy *proxy, struct pair *pair, short client, short server)
{
    int64_t now = clock_mono_ms();
    bool is_fine = true;

    if (client & (POLLIN | POLLHUP | POLLERR) && !pair->to_server.is_ended) {
        is_fine = read_from(proxy, pair, true);
    }
    if (is_fine && server & (POLLIN | POLLHUP | POLLERR) && !pair->to_client.is_ended) {
        is_fine = read_from(proxy, pair, false);
    }
    is_fine = is_fine && write_to(proxy, &pair->to_server, pair->server, now) &&
              write_to(proxy, &pair->to_client, pair->client, now);
    if (!is_fine || is_over(pair, now)) {
        close_pair(pair, !is_fine);
    }
}

static void drop_closed(struct chaos_proxy *proxy)
{
    size_t kept = 0;

    for (size_t i = 0; i < proxy->pair_count; i++) {
        if (proxy->pairs[i].client >= 0) {
            proxy->pairs[kept++] = proxy->pairs[i];
        }
    }
    proxy->pair_count = kept;
}

static void turn(struct chaos_proxy *proxy)
{
    static __thread struct pollfd fds[2 + 2 * MOST_PAIRS];
    int64_t now = clock_mono_ms();
    bool is_paced = proxy->now.limit || proxy->now.slice;
    size_t pairs = proxy->now.is_frozen ? 0 : proxy->pair_count;

    fds[0] = (struct pollfd){.fd = proxy->wake[0], .events = POLLIN};
    fds[1] = (struct pollfd){.fd = proxy->now.is_frozen ? -1 : proxy->listener, .events = POLLIN};
    for (size_t i = 0; i < pairs; i++) {
        struct pair *pair = &proxy->pairs[i];

        fds[2 + 2 * i] = (struct pollfd){.fd = pair->client,
                                         .events = events_of(&pair->to_server, &pair->to_client, now, is_paced)};
        fds[3 + 2 * i] = (struct pollfd){.fd = pair->server,
                                         .events = events_of(&pair->to_client, &pair->to_server, now, is_paced)};
    }
    poll(fds, (nfds_t)(2 + 2 * pairs), wait_ms(proxy, now));
    for (size_t i = 0; i < pairs; i++) {
        serve_pair(proxy, &proxy->pairs[i], fds[2 + 2 * i].revents, fds[3 + 2 * i].revents);
    }
    if (!proxy->now.is_frozen) {
        drop_closed(proxy);
    }
    if (fds[1].revents) {
        accept_one(proxy);
    }
    if (fds[0].revents) {
        take_changes(proxy);
    }
}

static void *run(void *arg)
{
    struct chaos_proxy *proxy = arg;

    while (!proxy->now.is_stopping) {
        turn(proxy);
    }
    close_all(proxy);
    return NULL;
}

/* --- from outside ------------------------------------------------------------------------------------------------- */

static void fill_pattern(char pattern[ADDRESS_PATTERN], int port)
{
    memcpy(pattern, "127.0.0.1", 9);
    pattern[9] = pattern[10] = 0;
    pattern[11] = (char)(port >> 8);
    pattern[12] = (char)port;
}

struct chaos_proxy *chaos_proxy_start(const struct chaos_proxy_settings *settings)
{
    struct chaos_proxy *proxy = xcalloc(1, sizeof(*proxy));

    proxy->settings = *settings;
    proxy->wanted.to = settings->to;
    set_address(proxy, settings->to);
    random_init(&proxy->random, settings->seed);
    listen_again(proxy);
    snprintf(proxy->address, sizeof(proxy->address), "127.0.0.1:%d", proxy->port);
    if (settings->is_kafka) {
        fill_pattern(proxy->target, ntohs(((struct sockaddr_in *)&proxy->to)->sin_port));
        fill_pattern(proxy->own, proxy->port);
    }
    pthread_mutex_init(&proxy->lock, NULL);
    pthread_cond_init(&proxy->taken, NULL);
    if (pipe2(proxy->wake, O_CLOEXEC | O_NONBLOCK) != 0 || pthread_create(&proxy->thread, NULL, run, proxy) != 0) {
        die("chaos_proxy: no thread");
    }
    return proxy;
}

/* With the lock held: waits until the thread has taken over what is wanted. */
static void apply(struct chaos_proxy *proxy)
{
    unsigned number = ++proxy->asked;

    if (write(proxy->wake[1], "", 1) < 0 && errno != EAGAIN) {
        die("chaos_proxy: %s", strerror(errno));
    }
    while ((int)(proxy->done - number) < 0) {
        pthread_cond_wait(&proxy->taken, &proxy->lock);
    }
    pthread_mutex_unlock(&proxy->lock);
}

void chaos_proxy_stop(struct chaos_proxy *proxy)
{
    if (!proxy) {
        return;
    }
    pthread_mutex_lock(&proxy->lock);
    proxy->wanted.is_stopping = true;
    apply(proxy);
    pthread_join(proxy->thread, NULL);
    close_end(&proxy->listener, false);
    close(proxy->wake[0]);
    close(proxy->wake[1]);
    pthread_mutex_destroy(&proxy->lock);
    pthread_cond_destroy(&proxy->taken);
    free(proxy);
}

const char *chaos_proxy_address(const struct chaos_proxy *proxy)
{
    return proxy->address;
}

void chaos_proxy_delay(struct chaos_proxy *proxy, int64_t ms)
{
    pthread_mutex_lock(&proxy->lock);
    proxy->wanted.delay_ms = ms;
    apply(proxy);
}

void chaos_proxy_limit(struct chaos_proxy *proxy, int64_t bytes_per_s)
{
    pthread_mutex_lock(&proxy->lock);
    proxy->wanted.limit = bytes_per_s;
    apply(proxy);
}

void chaos_proxy_slice(struct chaos_proxy *proxy, size_t bytes)
{
    pthread_mutex_lock(&proxy->lock);
    proxy->wanted.slice = bytes;
    apply(proxy);
}

void chaos_proxy_freeze(struct chaos_proxy *proxy, bool is_frozen)
{
    pthread_mutex_lock(&proxy->lock);
    proxy->wanted.is_frozen = is_frozen;
    apply(proxy);
}

void chaos_proxy_down(struct chaos_proxy *proxy, bool is_down)
{
    pthread_mutex_lock(&proxy->lock);
    proxy->wanted.is_down = is_down;
    apply(proxy);
}

void chaos_proxy_reset(struct chaos_proxy *proxy)
{
    pthread_mutex_lock(&proxy->lock);
    proxy->wanted.resets++;
    apply(proxy);
}

void chaos_proxy_move(struct chaos_proxy *proxy, const char *to)
{
    pthread_mutex_lock(&proxy->lock);
    proxy->wanted.to = to;
    proxy->wanted.resets++;
    apply(proxy);
}

void chaos_proxy_drop(struct chaos_proxy *proxy, const struct chaos_proxy_drop rules[], size_t count)
{
    pthread_mutex_lock(&proxy->lock);
    for (size_t i = 0; i < count; i++) {
        proxy->wanted.drops[i] = rules[i];
    }
    proxy->wanted.drop_count = count;
    memset(proxy->dropped, 0, sizeof(proxy->dropped));
    apply(proxy);
}

int chaos_proxy_dropped(struct chaos_proxy *proxy, size_t rule)
{
    int count;

    pthread_mutex_lock(&proxy->lock);
    count = proxy->dropped[rule];
    pthread_mutex_unlock(&proxy->lock);
    return count;
}

size_t chaos_proxy_drop_times(struct chaos_proxy *proxy, int64_t *times, size_t most)
{
    size_t count, first;

    pthread_mutex_lock(&proxy->lock);
    count = proxy->time_count < MOST_TIMES ? proxy->time_count : MOST_TIMES;
    count = count < most ? count : most;
    first = proxy->time_count - count;
    for (size_t i = 0; i < count; i++) {
        times[i] = proxy->times[(first + i) % MOST_TIMES];
    }
    pthread_mutex_unlock(&proxy->lock);
    return count;
}

int chaos_proxy_connections(struct chaos_proxy *proxy)
{
    int count;

    pthread_mutex_lock(&proxy->lock);
    count = proxy->connections;
    pthread_mutex_unlock(&proxy->lock);
    return count;
}
