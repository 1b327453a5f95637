#include "tests/support/chaos_proxy_inside.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include <utlist.h>

#include "base/clock.h"
#include "base/die.h"
#include "base/mem.h"

/* --- sockets ------------------------------------------------------------------------------------------------------ */

void proxy_set_address(struct chaos_proxy *proxy, const char *to)
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

void proxy_listen(struct chaos_proxy *proxy)
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

void proxy_close_end(int *fd, bool is_reset)
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

void proxy_close_pair(struct pair *pair, bool is_reset)
{
    proxy_close_end(&pair->client, is_reset);
    proxy_close_end(&pair->server, is_reset);
    free_way(&pair->to_server);
    free_way(&pair->to_client);
}

void proxy_close_all(struct chaos_proxy *proxy)
{
    for (size_t i = 0; i < proxy->pair_count; i++) {
        proxy_close_pair(&proxy->pairs[i], true);
    }
    proxy->pair_count = 0;
}

void proxy_accept(struct chaos_proxy *proxy)
{
    int client = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    int server = client < 0 ? -1 : socket(proxy->to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;

    if (client < 0) {
        return;
    }
    if (proxy->pair_count == MOST_PAIRS || server < 0 ||
        connect(server, (struct sockaddr *)&proxy->to, proxy->to_len) != 0) {
        proxy_close_end(&client, true);
        proxy_close_end(&server, false);
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

bool proxy_read(struct chaos_proxy *proxy, struct pair *pair, bool is_client)
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

bool proxy_write(struct chaos_proxy *proxy, struct way *way, int fd, int64_t now)
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

bool proxy_is_over(const struct pair *pair, int64_t now)
{
    return (pair->is_doomed && now >= pair->doom_at_ms) || (pair->to_client.is_ended && !pair->to_client.chunks) ||
           (pair->to_server.is_ended && !pair->to_server.chunks);
}
