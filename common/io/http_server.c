#include "io/http_server.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>
#include <utlist.h>
#include <uv.h>

#include "base/mem.h"
#include "io/http_exchange.h"
#include "io/listener.h"
#include "io/loop_uv.h"

enum {
    CONNECTIONS_MOST = 8192,
    CONNECTION_MEMORY = 64 << 10, /* of libmicrohttpd, per connection: head of the request and one piece of body */
    SWEEP_MS = 1000,
};

struct http_server {
    struct loop *loop;
    struct MHD_Daemon *daemon;
    uv_poll_t *poll;
    struct loop_timer *run_timer;
    struct loop_timer *sweep_timer;
    struct http_exchange *exchanges;
    size_t most_body;
    int64_t timeout_ms;
    http_handler_fn fn;
    void *arg;
    bool is_running; /* within MHD_run() */
    bool is_closing;
    char address[LISTENER_ADDRESS_SIZE];
};

/* --- driving the daemon ------------------------------------------------------------------------------------------- */

static void run(struct http_server *server)
{
    MHD_UNSIGNED_LONG_LONG delay_ms = 0;

    server->is_running = true;
    MHD_run(server->daemon);
    server->is_running = false;
    if (MHD_get_timeout(server->daemon, &delay_ms) == MHD_YES) {
        loop_timer_start(server->run_timer, delay_ms > INT32_MAX ? INT32_MAX : (int64_t)delay_ms);
    } else {
        loop_timer_stop(server->run_timer);
    }
}

static void on_run_timer(void *arg)
{
    run(arg);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    run(poll->data);
}

static void on_poll_closed(uv_handle_t *handle)
{
    free(handle);
}

/* Not from where we are: the daemon may be in the middle of its own run. */
static void run_soon(struct http_server *server)
{
    if (!server->is_running) {
        loop_timer_start(server->run_timer, 0);
    }
}

void http_exchange_wake(struct http_exchange *exchange)
{
    MHD_resume_connection(exchange->connection);
    run_soon(exchange->server);
}

int64_t http_exchange_now_ms(const struct http_exchange *exchange)
{
    return loop_now_ms(exchange->server->loop);
}

static bool is_peer_gone(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

/* The daemon's own time limit is for idle connections: one that trickles bytes, and one that hangs, end here. */
static void on_sweep_timer(void *arg)
{
    struct http_server *server = arg;
    int64_t now_ms = loop_now_ms(server->loop);
    struct http_exchange *exchange;

    DL_FOREACH(server->exchanges, exchange)
    {
        int64_t age_ms = now_ms - exchange->since_ms;

        if (exchange->state == EXCHANGE_RECEIVING && age_ms > 2 * server->timeout_ms) {
            shutdown(exchange->fd, SHUT_RDWR);
        } else if (exchange->state == EXCHANGE_HUNG && (age_ms > server->timeout_ms || is_peer_gone(exchange->fd))) {
            exchange->state = EXCHANGE_ENDED;
            http_exchange_wake(exchange);
        }
    }
    loop_timer_start(server->sweep_timer, SWEEP_MS);
}

/* --- what the daemon asks -------------------------------------------------------------------------------------------
 */

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http_server *server = arg;
    struct http_exchange *exchange;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        exchange = http_exchange_create(server, connection, server->most_body, loop_now_ms(server->loop));
        DL_APPEND(server->exchanges, exchange);
        *context = exchange;
    } else {
        exchange = *context;
        DL_DELETE(server->exchanges, exchange);
        http_exchange_destroy(exchange);
    }
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code)
{
    const struct http_server *server = arg;

    (void)connection;
    (void)code;
    if (*context) {
        http_exchange_clear(*context, loop_now_ms(server->loop));
        *context = NULL;
    }
}

static enum MHD_Result handle(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;

    exchange->state = EXCHANGE_HANDLING;
    server->fn(server->arg, exchange);
    switch (exchange->state) {
    case EXCHANGE_ANSWERED:
        return http_exchange_queue(exchange);
    case EXCHANGE_ENDED:
        return MHD_NO;
    case EXCHANGE_HANDLING:
        exchange->state = EXCHANGE_WAITING;
        break;
    default:
        break;
    }
    MHD_suspend_connection(exchange->connection);
    return MHD_YES;
}

/* The daemon calls this for the head of a request, for each piece of its body, at its end, and once more after a
 * suspended connection was taken up again. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_len, void **context)
{
    struct http_server *server = arg;
    struct http_exchange *exchange = *context;

    (void)version;
    if (!exchange) {
        exchange = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
        *context = exchange;
        return http_exchange_take_head(exchange, method, url);
    }
    if (*upload_len > 0) {
        return http_exchange_take_body(exchange, upload, upload_len);
    }
    if (server->is_closing || exchange->state == EXCHANGE_ENDED) {
        return MHD_NO;
    }
    if (exchange->state == EXCHANGE_ANSWERED) {
        return http_exchange_queue(exchange);
    }
    assert(exchange->state == EXCHANGE_RECEIVING);
    return exchange->is_too_large ? http_exchange_refuse_body(exchange) : handle(exchange);
}

/* --- the server --------------------------------------------------------------------------------------------------- */

static struct MHD_Daemon *start_daemon(struct http_server *server, int fd, int timeout_s)
{
    unsigned int flags = MHD_USE_EPOLL | MHD_USE_TURBO | MHD_ALLOW_SUSPEND_RESUME;

    return MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, server, /* options: */
        MHD_OPTION_LISTEN_SOCKET, fd,             /* */
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, /* */
        MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS_MOST, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)timeout_s, MHD_OPTION_END);
}

static void start_poll(struct http_server *server)
{
    int fd = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;

    server->poll = xcalloc(1, sizeof(*server->poll));
    server->poll->data = server;
    uv_poll_init(loop_uv(server->loop), server->poll, fd);
    uv_poll_start(server->poll, UV_READABLE, on_poll);
}

struct http_server *http_server_open(struct loop *loop, const struct http_server_settings *settings, http_handler_fn fn,
                                     void *arg, struct err *err)
{
    struct http_server *server = xcalloc(1, sizeof(*server));
    int fd = listener_open(settings->listen, server->address, err);

    if (fd < 0) {
        free(server);
        return NULL;
    }
    server->loop = loop;
    server->most_body = settings->most_body ? settings->most_body : 1; /* for a buf, 0 is no limit of ours */
    server->timeout_ms = (int64_t)settings->timeout_s * 1000;
    server->fn = fn;
    server->arg = arg;
    server->daemon = start_daemon(server, fd, settings->timeout_s);
    if (!server->daemon) {
        err_set(err, "cannot serve HTTP on %s", settings->listen);
        close(fd);
        free(server);
        return NULL;
    }
    server->run_timer = loop_timer_create(loop, on_run_timer, server);
    server->sweep_timer = loop_timer_create(loop, on_sweep_timer, server);
    start_poll(server);
    loop_timer_start(server->sweep_timer, SWEEP_MS);
    run(server);
    return server;
}

void http_server_close(struct http_server *server)
{
    struct http_exchange *exchange;

    if (!server) {
        return;
    }
    assert(!server->is_running);
    server->is_closing = true;
    DL_FOREACH(server->exchanges, exchange)
    {
        if (exchange->state == EXCHANGE_WAITING || exchange->state == EXCHANGE_HUNG) {
            exchange->state = EXCHANGE_ENDED;
            MHD_resume_connection(exchange->connection);
        }
    }
    MHD_run(server->daemon); /* takes the resumed ones up, which a stopping daemon insists on */
    uv_poll_stop(server->poll);
    uv_close((uv_handle_t *)server->poll, on_poll_closed);
    loop_timer_destroy(server->run_timer);
    loop_timer_destroy(server->sweep_timer);
    MHD_stop_daemon(server->daemon);
    free(server);
}

const char *http_server_address(const struct http_server *server)
{
    return server->address;
}
