#include "run/health.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/http_server.h"

enum { MOST_BODY = 8192, TIMEOUT_S = 5 };

struct health {
    struct health_parts parts;
    struct http_server *server;
};

static void answer_ready(struct health *health, struct http_exchange *exchange)
{
    struct buf text;

    buf_init(&text, 1 << 16);
    health->parts.add_problems(health->parts.arg, &text);
    if (text.len == 0) {
        http_answer(exchange, 200, "text/plain; charset=utf-8", SLICE("ready\n"));
    } else {
        http_answer(exchange, 503, "text/plain; charset=utf-8", buf_slice(&text));
    }
    buf_finish(&text);
}

static void answer_metrics(struct health *health, struct http_exchange *exchange)
{
    struct buf text;

    buf_init(&text, 0);
    health->parts.update_metrics(health->parts.arg);
    metrics_format(health->parts.metrics, &text);
    http_answer(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", buf_slice(&text));
    buf_finish(&text);
}

static void on_request(void *arg, struct http_exchange *exchange)
{
    struct health *health = arg;
    const char *method = http_exchange_method(exchange);
    const char *path = http_exchange_path(exchange);

    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        http_answer(exchange, 405, "text/plain", SLICE("only GET\n"));
    } else if (strcmp(path, "/healthz") == 0) {
        http_answer(exchange, 200, "text/plain; charset=utf-8", SLICE("alive\n"));
    } else if (strcmp(path, "/readyz") == 0) {
        answer_ready(health, exchange);
    } else if (strcmp(path, "/metrics") == 0) {
        answer_metrics(health, exchange);
    } else {
        http_answer(exchange, 404, "text/plain", SLICE("/healthz, /readyz, /metrics\n"));
    }
}

struct health *health_open(const struct health_parts *parts, struct err *err)
{
    const struct http_server_settings settings = {parts->listen, MOST_BODY, TIMEOUT_S};
    struct health *health = xcalloc(1, sizeof(*health));

    health->parts = *parts;
    health->server = http_server_open(parts->loop, &settings, on_request, health, err);
    if (!health->server) {
        free(health);
        err_prefix(err, "HTTP_LISTEN");
        return NULL;
    }
    return health;
}

void health_close(struct health *health)
{
    if (health) {
        http_server_close(health->server);
        free(health);
    }
}

const char *health_address(const struct health *health)
{
    return http_server_address(health->server);
}
