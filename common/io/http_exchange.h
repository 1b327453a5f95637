/*
 * http_exchange: one request and its answer, for http_server.c only. The public side stands in http_server.h.
 *
 * There is one exchange for each connection; it is used again for each of its requests.
 */
#ifndef IO_HTTP_EXCHANGE_H
#define IO_HTTP_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include <microhttpd.h>

#include "base/buf.h"
#include "io/http_server.h"

enum exchange_state {
    EXCHANGE_RECEIVING, /* no whole request yet; also an idle connection */
    EXCHANGE_HANDLING,  /* within the handler */
    EXCHANGE_WAITING,   /* suspended until the handler answers */
    EXCHANGE_HUNG,      /* suspended for good */
    EXCHANGE_ANSWERED,  /* `response` waits to be queued */
    EXCHANGE_ENDED,     /* to be closed without an answer */
};

struct http_exchange {
    struct http_server *server;
    struct MHD_Connection *connection;
    struct http_exchange *prev, *next; /* of the server's list */
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

struct http_exchange *http_exchange_create(struct http_server *server, struct MHD_Connection *connection,
                                           size_t most_body, int64_t now_ms);
void http_exchange_destroy(struct http_exchange *exchange);
/* Ready for the next request of the connection. */
void http_exchange_clear(struct http_exchange *exchange, int64_t now_ms);

/* The head has come. */
enum MHD_Result http_exchange_take_head(struct http_exchange *exchange, const char *method, const char *path);
/* A piece of the body has come; *len becomes 0 when it was taken. */
enum MHD_Result http_exchange_take_body(struct http_exchange *exchange, const char *data, size_t *len);
enum MHD_Result http_exchange_refuse_body(struct http_exchange *exchange);
/* Hands the answer to the daemon. */
enum MHD_Result http_exchange_queue(struct http_exchange *exchange);

/* In http_server.c. Takes the connection of a suspended exchange up again; the daemon then asks what to do with it. */
void http_exchange_wake(struct http_exchange *exchange);
int64_t http_exchange_now_ms(const struct http_exchange *exchange);

#endif
