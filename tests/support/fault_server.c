#include "tests/support/fault_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/die.h"
#include "base/mem.h"

enum { CONNECTIONS_MAX = 4096, PATH_SIZE = 64, SEEN_MAX = 64 };

struct peer {
    struct buf in;
    size_t head_len; /* with the empty line; 0: not there yet */
    size_t body_len;
    int request_count;
    bool is_waiting; /* for the others of /together */
    bool is_deaf;    /* silent on purpose: what comes is read and dropped */
    char path[PATH_SIZE];
};

struct seen {
    char path[PATH_SIZE];
    int count;
};

struct fault_server {
    int listener;
    int port;
    int stop_pipe[2];
    pthread_t thread;
    pthread_mutex_t lock; /* over the counters */
    struct seen seen[SEEN_MAX];
    int connections;
    struct pollfd fds[CONNECTIONS_MAX]; /* 0: pipe, 1: listener, then peers */
    struct peer *peers[CONNECTIONS_MAX];
    int fd_count;
};

static void send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);

        if (sent <= 0) {
            return;
        }
        data += sent;
        len -= (size_t)sent;
    }
}

static void send_text(int fd, const char *text)
{
    send_all(fd, text, strlen(text));
}

static void drop_peer(struct fault_server *server, int at, bool is_reset)
{
    int fd = server->fds[at].fd;

    if (is_reset) {
        const struct linger linger = {.l_onoff = 1};

        setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    }
    close(fd);
    buf_finish(&server->peers[at]->in);
    free(server->peers[at]);
    server->peers[at] = NULL;
    server->fds[at].fd = -1;
}

static void count_request(struct fault_server *server, const char *path)
{
    pthread_mutex_lock(&server->lock);
    for (int i = 0; i < SEEN_MAX; i++) {
        struct seen *seen = &server->seen[i];

        if (!seen->path[0]) {
            snprintf(seen->path, sizeof(seen->path), "%s", path);
        }
        if (strcmp(seen->path, path) == 0) {
            seen->count++;
            break;
        }
    }
    pthread_mutex_unlock(&server->lock);
}

static void send_ok(int fd)
{
    send_text(fd, "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nX-Request-Id: abc\r\n"
                  "Content-Length: 17\r\n\r\n{\"messageId\":\"1\"}");
}

static void send_with_body(int fd, const char *head, const char *body, size_t len)
{
    char line[64];

    send_text(fd, head);
    snprintf(line, sizeof(line), "Content-Length: %zu\r\n\r\n", len);
    send_text(fd, line);
    send_all(fd, body, len);
}

static void send_many_headers(int fd)
{
    send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nRetry-After: 1\r\nRETRY-AFTER:  7 \r\nEmpty:\r\n");
    for (int i = 0; i < 100; i++) {
        char line[300];

        snprintf(line, sizeof(line), "X-Header-%d: %0200d\r\n", i, i);
        send_text(fd, line);
    }
    send_text(fd, "\r\n");
}

static void release_together(struct fault_server *server, int wanted)
{
    int waiting = 0;

    for (int i = 2; i < server->fd_count; i++) {
        waiting += server->peers[i] && server->peers[i]->is_waiting;
    }
    for (int i = 2; waiting >= wanted && i < server->fd_count; i++) {
        if (server->peers[i] && server->peers[i]->is_waiting) {
            server->peers[i]->is_waiting = false;
            send_ok(server->fds[i].fd);
        }
    }
}

/* The answer, or the failure, to one whole request. */
static void act(struct fault_server *server, int at)
{
    struct peer *peer = server->peers[at];
    const char *path = peer->path;
    int fd = server->fds[at].fd;
    bool is_second = peer->request_count > 1;

    if (strcmp(path, "/ok") == 0) {
        send_ok(fd);
    } else if (strcmp(path, "/echo") == 0) {
        send_with_body(fd, "HTTP/1.1 200 OK\r\n", peer->in.data, peer->head_len + peer->body_len);
    } else if (strcmp(path, "/silent") == 0) {
        peer->is_deaf = true;
    } else if (strcmp(path, "/continue") == 0) {
        send_text(fd, "HTTP/1.1 100 Continue\r\n\r\n");
        peer->is_deaf = true;
    } else if (strcmp(path, "/half") == 0) {
        send_text(fd, "HTTP/1.1 2");
        drop_peer(server, at, false);
    } else if (strcmp(path, "/garbage") == 0) {
        send_text(fd, "SSH-2.0-nothing here speaks HTTP\r\n\r\n");
        drop_peer(server, at, false);
    } else if (strcmp(path, "/stall") == 0 || strcmp(path, "/cut") == 0) {
        send_text(fd, "HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n0123456789");
        peer->is_deaf = true;
        if (strcmp(path, "/cut") == 0) {
            drop_peer(server, at, false);
        }
    } else if (strcmp(path, "/interim") == 0) {
        send_text(fd, "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\nHTTP/1.1 200 OK\r\nX-Late: 2\r\n"
                      "Content-Length: 0\r\n\r\n");
    } else if (strcmp(path, "/many") == 0) {
        send_many_headers(fd);
    } else if (strcmp(path, "/big") == 0) {
        char *body = xmalloc(100 << 10);

        memset(body, 'x', 100 << 10);
        send_with_body(fd, "HTTP/1.1 200 OK\r\n", body, 100 << 10);
        free(body);
    } else if (strcmp(path, "/redirect") == 0) {
        send_with_body(fd, "HTTP/1.1 302 Found\r\nLocation: /ok\r\n", "", 0);
    } else if (strncmp(path, "/second", 7) == 0 && !is_second) {
        send_ok(fd);
    } else if (strncmp(path, "/together/", 10) == 0) {
        peer->is_waiting = true;
        release_together(server, (int)strtol(path + 10, NULL, 10));
    } else { /* /close, /reset, /second, /second-reset */
        drop_peer(server, at, strstr(path, "reset") != NULL);
    }
}

/* "POST /path HTTP/1.1", "Content-Length: N". */
static void read_head(struct peer *peer)
{
    const char *end = memmem(peer->in.data, peer->in.len, "\r\n\r\n", 4);
    const char *path = memchr(peer->in.data, ' ', peer->in.len);
    const char *length = strcasestr(peer->in.data, "\r\nContent-Length: ");

    if (!end || !path) {
        return;
    }
    peer->head_len = (size_t)(end - peer->in.data) + 4;
    peer->body_len = length && length < end ? strtoul(length + 18, NULL, 10) : 0;
    snprintf(peer->path, sizeof(peer->path), "%.*s", (int)strcspn(path + 1, " ?"), path + 1);
}

static void serve(struct fault_server *server, int at)
{
    struct peer *peer = server->peers[at];
    char bytes[16 << 10];
    ssize_t got = recv(server->fds[at].fd, bytes, sizeof(bytes), 0);

    if (got <= 0) {
        drop_peer(server, at, false);
        return;
    }
    if (peer->is_deaf) {
        return;
    }
    buf_append(&peer->in, bytes, (size_t)got);
    if (peer->head_len == 0) {
        read_head(peer);
    }
    if (peer->head_len && strcmp(peer->path, "/early") == 0) {
        send_text(server->fds[at].fd, "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\nConnection: close\r\n"
                                      "Content-Length: 0\r\n\r\n");
        peer->is_deaf = true; /* leaves the rest unread, so that closing resets */
        shutdown(server->fds[at].fd, SHUT_WR);
        return;
    }
    if (peer->head_len && peer->in.len >= peer->head_len + peer->body_len) {
        peer->request_count++;
        count_request(server, peer->path);
        act(server, at);
        if (server->peers[at] == peer) {
            buf_clear(&peer->in);
            peer->head_len = 0;
        }
    }
}

static void let_in(struct fault_server *server)
{
    int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0) {
        return;
    }
    pthread_mutex_lock(&server->lock);
    server->connections++;
    pthread_mutex_unlock(&server->lock);
    for (int i = 2; i < CONNECTIONS_MAX; i++) {
        if (i == server->fd_count) {
            server->fd_count++;
        } else if (server->fds[i].fd >= 0) {
            continue;
        }
        server->fds[i] = (struct pollfd){.fd = fd, .events = POLLIN};
        server->peers[i] = xcalloc(1, sizeof(*server->peers[i]));
        buf_init(&server->peers[i]->in, 0);
        return;
    }
    close(fd);
}

static void *run(void *arg)
{
    struct fault_server *server = arg;

    for (;;) {
        if (poll(server->fds, (nfds_t)server->fd_count, -1) < 0) {
            continue;
        }
        if (server->fds[0].revents) {
            break;
        }
        for (int i = server->fd_count - 1; i >= 2; i--) {
            if (server->fds[i].fd >= 0 && server->fds[i].revents) {
                serve(server, i);
            }
        }
        if (server->fds[1].revents) {
            let_in(server);
        }
    }
    for (int i = 2; i < server->fd_count; i++) {
        if (server->peers[i]) {
            drop_peer(server, i, false);
        }
    }
    return NULL;
}

struct fault_server *fault_server_start(void)
{
    struct fault_server *server = xcalloc(1, sizeof(*server));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);

    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server->listener, (const struct sockaddr *)&address, len) != 0 || listen(server->listener, 4096) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&address, &len) != 0 || pipe(server->stop_pipe) != 0) {
        die("fault_server: %s", strerror(errno));
    }
    server->port = ntohs(address.sin_port);
    server->fds[0] = (struct pollfd){.fd = server->stop_pipe[0], .events = POLLIN};
    server->fds[1] = (struct pollfd){.fd = server->listener, .events = POLLIN};
    server->fd_count = 2;
    pthread_mutex_init(&server->lock, NULL);
    if (pthread_create(&server->thread, NULL, run, server) != 0) {
        die("fault_server: no thread");
    }
    return server;
}

void fault_server_stop(struct fault_server *server)
{
    close(server->stop_pipe[1]);
    pthread_join(server->thread, NULL);
    close(server->stop_pipe[0]);
    close(server->listener);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

int fault_server_port(const struct fault_server *server)
{
    return server->port;
}

int fault_server_count(struct fault_server *server, const char *path)
{
    int count = 0;

    pthread_mutex_lock(&server->lock);
    for (int i = 0; i < SEEN_MAX; i++) {
        if (strcmp(server->seen[i].path, path) == 0) {
            count += server->seen[i].count;
        }
    }
    pthread_mutex_unlock(&server->lock);
    return count;
}

int fault_server_connections(struct fault_server *server)
{
    int count;

    pthread_mutex_lock(&server->lock);
    count = server->connections;
    pthread_mutex_unlock(&server->lock);
    return count;
}
