#include "io/http_server.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>
#include <utlist.h>
#include <uv.h>

#include "base/buf.h"
#include "base/mem.h"
#include "io/listener.h"
#include "io/loop_uv.h"

enum {
    CONNECTIONS_MOST = 8192,
    CONNECTION_MEMORY = 64 << 10, /* of libmicrohttpd, per connection: head of the request and one piece of body */
    BODY_KEPT = 64 << 10,         /* a larger buffer is given back after the request */
    SWEEP_MS = 1000,
};

enum exchange_state {
    EXCHANGE_RECEIVING, /* no whole request yet; also an idle connection */
    EXCHANGE_HANDLING,  /* within the handler */
    EXCHANGE_WAITING,   /* suspended until the handler answers */
    EXCHANGE_HUNG,      /* suspended for good */
    EXCHANGE_ANSWERED,  /* `response` waits to be queued */
    EXCHANGE_ENDED,     /* to be closed without an answer */
};

/* One per connection, used again for each of its requests. */
struct http_exchange {
    struct http_server *server;
    struct MHD_Connection *connection;
    struct http_exchange *prev, *next;
    int fd;
    enum exchange_state state;
    int64_t since_ms; /* start of RECEIVING or HUNG */
    const char *method;
    const char *path;
    struct buf body;
    struct buf headers; /* name NUL value NUL ... */
    bool is_too_large;
    int status;
    struct MHD_Response *response;
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

/* Takes the connection of a suspended exchange up again; the daemon then asks on_request() what to do with it. */
static void wake(struct http_exchange *exchange)
{
    MHD_resume_connection(exchange->connection);
    run_soon(exchange->server);
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
        } else if (exchange->state == EXCHANGE_HUNG &&
                   (age_ms > server->timeout_ms || is_peer_gone(exchange->fd))) {
            exchange->state = EXCHANGE_ENDED;
            wake(exchange);
        }
    }
    loop_timer_start(server->sweep_timer, SWEEP_MS);
}

/* --- one request -------------------------------------------------------------------------------------------------- */

static void exchange_reset_request(struct http_exchange *exchange)
{
    if (exchange->response) {
        MHD_destroy_response(exchange->response);
        exchange->response = NULL;
    }
    if (exchange->body.cap > BODY_KEPT) {
        buf_finish(&exchange->body);
        buf_init(&exchange->body, exchange->server->most_body);
    }
    buf_clear(&exchange->body);
    buf_clear(&exchange->headers);
    exchange->is_too_large = false;
    exchange->method = NULL;
    exchange->path = NULL;
    exchange->state = EXCHANGE_RECEIVING;
    exchange->since_ms = loop_now_ms(exchange->server->loop);
}

static struct http_exchange *exchange_create(struct http_server *server, struct MHD_Connection *connection)
{
    struct http_exchange *exchange = xcalloc(1, sizeof(*exchange));

    exchange->server = server;
    exchange->connection = connection;
    exchange->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    buf_init(&exchange->body, server->most_body);
    buf_init(&exchange->headers, 64 << 10);
    exchange_reset_request(exchange);
    DL_APPEND(server->exchanges, exchange);
    return exchange;
}

static void exchange_destroy(struct http_exchange *exchange)
{
    DL_DELETE(exchange->server->exchanges, exchange);
    if (exchange->response) {
        MHD_destroy_response(exchange->response);
    }
    buf_finish(&exchange->body);
    buf_finish(&exchange->headers);
    free(exchange);
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = exchange_create(arg, connection);
    } else {
        exchange_destroy(*context);
    }
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code)
{
    (void)arg;
    (void)connection;
    (void)code;
    if (*context) {
        exchange_reset_request(*context);
        *context = NULL;
    }
}

static void make_response(struct http_exchange *exchange, int status, const char *content_type, struct slice body)
{
    const char *at = exchange->headers.data;
    const char *end = at ? at + exchange->headers.len : NULL;

    exchange->status = status;
    exchange->response = MHD_create_response_from_buffer(body.len, (void *)(uintptr_t)(body.len ? body.data : ""),
                                                         MHD_RESPMEM_MUST_COPY);
    if (content_type) {
        MHD_add_response_header(exchange->response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    }
    while (at < end) {
        const char *value = at + strlen(at) + 1;

        MHD_add_response_header(exchange->response, at, value);
        at = value + strlen(value) + 1;
    }
    exchange->state = EXCHANGE_ANSWERED;
}

static enum MHD_Result queue_response(struct http_exchange *exchange)
{
    enum MHD_Result result =
        MHD_queue_response(exchange->connection, (unsigned int)exchange->status, exchange->response);

    MHD_destroy_response(exchange->response);
    exchange->response = NULL;
    return result;
}

static enum MHD_Result refuse_body(struct http_exchange *exchange)
{
    make_response(exchange, MHD_HTTP_CONTENT_TOO_LARGE, "text/plain", SLICE("body too large\n"));
    MHD_add_response_header(exchange->response, MHD_HTTP_HEADER_CONNECTION, "close");
    return queue_response(exchange);
}

static enum MHD_Result take_head(struct http_exchange *exchange, const char *method, const char *path)
{
    const char *length =
        MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

    exchange->method = method;
    exchange->path = path;
    if (length) {
        unsigned long long bytes = strtoull(length, NULL, 10); /* the daemon has refused what is no number */

        if (bytes > exchange->server->most_body) {
            return refuse_body(exchange);
        }
        /* What is announced need not come: only so much is set aside for it. */
        buf_reserve(&exchange->body, bytes < BODY_KEPT ? bytes : BODY_KEPT);
    }
    return MHD_YES;
}

/* Only a chunked body gets too large here. A little too much is read to its end, so that the client is there to see
 * the refusal; what goes on and on is cut off. */
static enum MHD_Result take_body(struct http_exchange *exchange, const char *data, size_t *len)
{
    static const char refusal[] = "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

    if (exchange->body.len + *len > exchange->server->most_body) {
        if (exchange->is_too_large) {
            send(exchange->fd, refusal, sizeof(refusal) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
            return MHD_NO;
        }
        exchange->is_too_large = true;
        buf_clear(&exchange->body);
    } else {
        buf_append(&exchange->body, data, *len);
    }
    *len = 0;
    return MHD_YES;
}

static enum MHD_Result handle(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;

    exchange->state = EXCHANGE_HANDLING;
    server->fn(server->arg, exchange);
    switch (exchange->state) {
    case EXCHANGE_ANSWERED:
        return queue_response(exchange);
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
        return take_head(exchange, method, url);
    }
    if (*upload_len > 0) {
        return take_body(exchange, upload, upload_len);
    }
    if (server->is_closing || exchange->state == EXCHANGE_ENDED) {
        return MHD_NO;
    }
    if (exchange->state == EXCHANGE_ANSWERED) {
        return queue_response(exchange);
    }
    assert(exchange->state == EXCHANGE_RECEIVING);
    return exchange->is_too_large ? refuse_body(exchange) : handle(exchange);
}

/* --- what a handler uses ------------------------------------------------------------------------------------------ */

const char *http_exchange_method(const struct http_exchange *exchange)
{
    return exchange->method;
}

const char *http_exchange_path(const struct http_exchange *exchange)
{
    return exchange->path;
}

struct slice http_exchange_body(const struct http_exchange *exchange)
{
    return buf_slice(&exchange->body);
}

const char *http_exchange_header(const struct http_exchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

const char *http_exchange_query(const struct http_exchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->connection, MHD_GET_ARGUMENT_KIND, name);
}

struct head_printer {
    struct buf *out;
    const char *hidden;
};

static enum MHD_Result print_header(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
    const struct head_printer *printer = arg;

    (void)kind;
    buf_append_text(printer->out, name);
    buf_append_text(printer->out, ": ");
    buf_append_text(printer->out, strcasecmp(name, printer->hidden) == 0 ? "***" : value ? value : "");
    buf_append_char(printer->out, '\n');
    return MHD_YES;
}

void http_exchange_print_head(const struct http_exchange *exchange, const char *hidden, struct buf *out)
{
    struct head_printer printer = {.out = out, .hidden = hidden};

    buf_append_text(out, exchange->method);
    buf_append_char(out, ' ');
    buf_append_text(out, exchange->path);
    buf_append_char(out, '\n');
    MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, print_header, &printer);
}

void http_exchange_add_header(struct http_exchange *exchange, const char *name, const char *value)
{
    buf_append(&exchange->headers, name, strlen(name) + 1);
    buf_append(&exchange->headers, value, strlen(value) + 1);
}

static bool is_open(const struct http_exchange *exchange)
{
    return exchange->state == EXCHANGE_HANDLING || exchange->state == EXCHANGE_WAITING;
}

/* Ends the exchange without an answer. */
static void end(struct http_exchange *exchange)
{
    bool is_suspended = exchange->state == EXCHANGE_WAITING;

    exchange->state = EXCHANGE_ENDED;
    if (is_suspended) {
        wake(exchange);
    }
}

void http_answer(struct http_exchange *exchange, int status, const char *content_type, struct slice body)
{
    bool is_suspended = exchange->state == EXCHANGE_WAITING;

    assert(is_open(exchange));
    make_response(exchange, status, content_type, body);
    if (is_suspended) {
        wake(exchange);
    }
}

void http_exchange_reset(struct http_exchange *exchange)
{
    struct sockaddr unspecified = {.sa_family = AF_UNSPEC};

    assert(is_open(exchange));
    /* Linux ends a connection with a reset when the socket is "connected" to no address. */
    connect(exchange->fd, &unspecified, sizeof(unspecified));
    end(exchange);
}

void http_exchange_raw(struct http_exchange *exchange, struct slice bytes)
{
    assert(is_open(exchange));
    send(exchange->fd, bytes.data, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    end(exchange);
}

void http_exchange_hang(struct http_exchange *exchange)
{
    assert(is_open(exchange));
    exchange->state = EXCHANGE_HUNG;
    exchange->since_ms = loop_now_ms(exchange->server->loop);
}

/* --- the server --------------------------------------------------------------------------------------------------- */

static struct MHD_Daemon *start_daemon(struct http_server *server, int fd, int timeout_s)
{
    unsigned int flags = MHD_USE_EPOLL | MHD_USE_TURBO | MHD_ALLOW_SUSPEND_RESUME;

    return MHD_start_daemon(flags, 0, NULL, NULL, on_request, server, /* options: */
                            MHD_OPTION_LISTEN_SOCKET, fd,             /* */
                            MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
                            MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, /* */
                            MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS_MOST,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
                            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)timeout_s, MHD_OPTION_END);
}

static void start_poll(struct http_server *server)
{
    int fd = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;

    server->poll = xcalloc(1, sizeof(*server->poll));
    server->poll->data = server;
    uv_poll_init(loop_uv(server->loop), server->poll, fd);
    uv_poll_start(server->poll, UV_READABLE, on_poll);
}

struct http_server *http_server_open(struct loop *loop, const struct http_server_settings *settings,
                                     http_handler_fn fn, void *arg, struct err *err)
{
    struct http_server *server = xcalloc(1, sizeof(*server));
    int fd = listener_open(settings->listen, server->address, err);

    if (fd < 0) {
        free(server);
        return NULL;
    }
    server->loop = loop;
    server->most_body = settings->most_body;
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
