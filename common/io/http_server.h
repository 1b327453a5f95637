/*
 * http_server: a small HTTP server for health, metrics, the sandbox and its pages (libmicrohttpd behind it, run by
 * the loop, no threads of its own).
 *
 * Requests are hostile: bodies over `most_body` are refused with 413, slow ones time out, and the handler sees only
 * whole requests. A handler answers at once with http_answer(), or later (exactly once).
 *
 * An exchange that waits for its answer stays valid until it is answered, even when its client has left, or until the
 * server is closed.
 */
#ifndef IO_HTTP_SERVER_H
#define IO_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "io/loop.h"

struct http_server;
struct http_exchange; /* one request and its answer; owned by the server */

struct http_server_settings {
    const char *listen; /* "127.0.0.1:9464", "[::1]:0", ":8080" (all addresses); port 0 chooses one */
    size_t most_body;   /* bytes */
    int timeout_s;      /* idle time of a connection, and of a hung one; a request must be whole within twice that */
};

typedef void (*http_handler_fn)(void *arg, struct http_exchange *exchange);

struct http_server *http_server_open(struct loop *loop, const struct http_server_settings *settings, http_handler_fn fn,
                                     void *arg, struct err *err);
/* Open connections are cut; exchanges not yet answered are gone. Not from within a handler. */
void http_server_close(struct http_server *server);
/* "127.0.0.1:41833", with the port that was really taken. */
const char *http_server_address(const struct http_server *server);

const char *http_exchange_method(const struct http_exchange *exchange);
const char *http_exchange_path(const struct http_exchange *exchange); /* without the query, decoded */
struct slice http_exchange_body(const struct http_exchange *exchange);
/* Borrowed; NULL when absent. Header names in any case. */
const char *http_exchange_header(const struct http_exchange *exchange, const char *name);
const char *http_exchange_query(const struct http_exchange *exchange, const char *name);
/* Method, path and headers as lines of text, for people to read; the value of the header `hidden` becomes "***". */
void http_exchange_print_head(const struct http_exchange *exchange, const char *hidden, struct buf *out);

/* Adds a header to the answer to come. */
void http_exchange_add_header(struct http_exchange *exchange, const char *name, const char *value);
/* Sends the answer; `body` is copied. The exchange is gone afterwards. */
void http_answer(struct http_exchange *exchange, int status, const char *content_type, struct slice body);
/* Faults for the sandbox: closes the connection with a reset, or sends these bytes raw and closes. */
void http_exchange_reset(struct http_exchange *exchange);
void http_exchange_raw(struct http_exchange *exchange, struct slice bytes);
/* Never answers; the connection stays open until the client or the time limit ends it. */
void http_exchange_hang(struct http_exchange *exchange);

#endif
