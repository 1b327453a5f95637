/*
 * fake_http_server: nobody asks.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "io/http_server.h"

struct http_server {
    char *listen;
};

struct http_server *http_server_open(struct loop *loop, const struct http_server_settings *settings,
                                     http_handler_fn fn, void *arg, struct err *err)
{
    struct http_server *server = xcalloc(1, sizeof(*server));

    (void)loop, (void)fn, (void)arg, (void)err;
    server->listen = xstrdup(settings->listen);
    return server;
}

void http_server_close(struct http_server *server)
{
    if (server) {
        free(server->listen);
        free(server);
    }
}

const char *http_server_address(const struct http_server *server)
{
    return server->listen;
}

const char *http_exchange_method(const struct http_exchange *exchange)
{
    (void)exchange;
    abort();
}

const char *http_exchange_path(const struct http_exchange *exchange)
{
    (void)exchange;
    abort();
}

void http_answer(struct http_exchange *exchange, int status, const char *content_type, struct slice body)
{
    (void)exchange, (void)status, (void)content_type, (void)body;
    abort();
}
