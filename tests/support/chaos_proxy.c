#include "tests/support/chaos_proxy_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/die.h"
#include "base/mem.h"

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
        proxy_close_all(proxy);
        if (proxy->now.is_down) {
            proxy_close_end(&proxy->listener, false);
        } else {
            proxy_listen(proxy);
        }
    }
    if (proxy->resets_done != proxy->now.resets) {
        proxy_set_address(proxy, proxy->now.to);
        proxy->resets_done = proxy->now.resets;
        proxy_close_all(proxy);
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
        is_fine = proxy_read(proxy, pair, true);
    }
    if (is_fine && server & (POLLIN | POLLHUP | POLLERR) && !pair->to_client.is_ended) {
        is_fine = proxy_read(proxy, pair, false);
    }
    is_fine = is_fine && proxy_write(proxy, &pair->to_server, pair->server, now) &&
              proxy_write(proxy, &pair->to_client, pair->client, now);
    if (!is_fine || proxy_is_over(pair, now)) {
        proxy_close_pair(pair, !is_fine);
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

        fds[2 + 2 * i] =
            (struct pollfd){.fd = pair->client, .events = events_of(&pair->to_server, &pair->to_client, now, is_paced)};
        fds[3 + 2 * i] =
            (struct pollfd){.fd = pair->server, .events = events_of(&pair->to_client, &pair->to_server, now, is_paced)};
    }
    poll(fds, (nfds_t)(2 + 2 * pairs), wait_ms(proxy, now));
    for (size_t i = 0; i < pairs; i++) {
        serve_pair(proxy, &proxy->pairs[i], fds[2 + 2 * i].revents, fds[3 + 2 * i].revents);
    }
    if (!proxy->now.is_frozen) {
        drop_closed(proxy);
    }
    if (fds[1].revents) {
        proxy_accept(proxy);
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
    proxy_close_all(proxy);
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
    proxy_set_address(proxy, settings->to);
    random_init(&proxy->random, settings->seed);
    proxy_listen(proxy);
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
    proxy_close_end(&proxy->listener, false);
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
