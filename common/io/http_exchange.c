#include "io/http_exchange.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/die.h"
#include "base/mem.h"

enum { BODY_KEPT = 64 << 10 }; /* a larger buffer is given back after the request */

void http_exchange_clear(struct http_exchange *exchange, int64_t now_ms)
{
    if (exchange->response) {
        MHD_destroy_response(exchange->response);
        exchange->response = NULL;
    }
    if (exchange->body.cap > BODY_KEPT) {
        size_t most_body = exchange->body.max;

        buf_finish(&exchange->body);
        buf_init(&exchange->body, most_body);
    }
    buf_clear(&exchange->body);
    buf_clear(&exchange->headers);
    exchange->is_too_large = false;
    exchange->method = NULL;
    exchange->path = NULL;
    exchange->state = EXCHANGE_RECEIVING;
    exchange->since_ms = now_ms;
}

struct http_exchange *http_exchange_create(struct http_server *server, struct MHD_Connection *connection,
                                           size_t most_body, int64_t now_ms)
{
    struct http_exchange *exchange = xcalloc(1, sizeof(*exchange));

    exchange->server = server;
    exchange->connection = connection;
    exchange->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    buf_init(&exchange->body, most_body);
    buf_init(&exchange->headers, 64 << 10);
    http_exchange_clear(exchange, now_ms);
    return exchange;
}

void http_exchange_destroy(struct http_exchange *exchange)
{
    if (exchange->response) {
        MHD_destroy_response(exchange->response);
    }
    buf_finish(&exchange->body);
    buf_finish(&exchange->headers);
    free(exchange);
}

static void make_response(struct http_exchange *exchange, int status, const char *content_type, struct slice body)
{
    const char *at = exchange->headers.data;
    const char *end = at ? at + exchange->headers.len : NULL;

    exchange->status = status;
    exchange->response = MHD_create_response_from_buffer(body.len, (void *)(uintptr_t)(body.len ? body.data : ""),
                                                         MHD_RESPMEM_MUST_COPY);
    if (!exchange->response) {
        die_at_once("out of memory (answering HTTP)");
    }
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

enum MHD_Result http_exchange_queue(struct http_exchange *exchange)
{
    enum MHD_Result result =
        MHD_queue_response(exchange->connection, (unsigned int)exchange->status, exchange->response);

    MHD_destroy_response(exchange->response);
    exchange->response = NULL;
    return result;
}

enum MHD_Result http_exchange_refuse_body(struct http_exchange *exchange)
{
    make_response(exchange, MHD_HTTP_CONTENT_TOO_LARGE, "text/plain", SLICE("body too large\n"));
    MHD_add_response_header(exchange->response, MHD_HTTP_HEADER_CONNECTION, "close");
    return http_exchange_queue(exchange);
}

enum MHD_Result http_exchange_take_head(struct http_exchange *exchange, const char *method, const char *path)
{
    const char *length =
        MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

    exchange->method = method;
    exchange->path = path;
    if (length) {
        unsigned long long bytes = strtoull(length, NULL, 10); /* the daemon has refused what is no number */

        if (bytes > exchange->body.max) {
            return http_exchange_refuse_body(exchange);
        }
        /* What is announced need not come: only so much is set aside for it. */
        buf_reserve(&exchange->body, bytes < BODY_KEPT ? bytes : BODY_KEPT);
    }
    return MHD_YES;
}

/* Only a chunked body gets too large here. A little too much is read to its end, so that the client is there to see
 * the refusal; what goes on and on is cut off. */
enum MHD_Result http_exchange_take_body(struct http_exchange *exchange, const char *data, size_t *len)
{
    static const char refusal[] = "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

    if (exchange->body.len + *len > exchange->body.max) {
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
        http_exchange_wake(exchange);
    }
}

void http_answer(struct http_exchange *exchange, int status, const char *content_type, struct slice body)
{
    bool is_suspended = exchange->state == EXCHANGE_WAITING;

    assert(is_open(exchange));
    make_response(exchange, status, content_type, body);
    if (is_suspended) {
        http_exchange_wake(exchange);
    }
}

void http_exchange_reset(struct http_exchange *exchange)
{
    struct sockaddr unspecified = {.sa_family = AF_UNSPEC};

    assert(is_open(exchange));
    /* Linux ends a connection with a reset when the socket is "connected" to no address. */
    (void)connect(exchange->fd, &unspecified, sizeof(unspecified));
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
    exchange->since_ms = http_exchange_now_ms(exchange);
}
