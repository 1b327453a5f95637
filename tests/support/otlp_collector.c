#include "tests/support/otlp_collector.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/die.h"
#include "base/mem.h"
#include "io/http_server.h"

enum { MOST_BODY = 16 << 20, LOOK_MS = 10 };

struct otlp_collector {
    pthread_t thread;
    struct loop *loop; /* the thread's, as the next two */
    struct http_server *server;
    struct loop_timer *timer;
    char *url;
    atomic_bool must_stop;
    pthread_mutex_t lock; /* for the rest */
    json_t *taken;
    size_t requests;
    int status, times;
};

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static void on_request(void *arg, struct http_exchange *exchange)
{
    struct otlp_collector *collector = arg;
    struct slice body = http_exchange_body(exchange);
    int status = 200;

    pthread_mutex_lock(&collector->lock);
    collector->requests++;
    if (collector->times > 0) {
        collector->times--;
        status = collector->status;
    }
    if (status == 200) {
        json_array_append_new(collector->taken,
                              json_pack("{s:s, s:o, s:o, s:o?}", "path", http_exchange_path(exchange), "type",
                                        text_or_null(http_exchange_header(exchange, "content-type")), "token",
                                        text_or_null(http_exchange_header(exchange, "x-token")), "body",
                                        json_loadb(body.data, body.len, JSON_REJECT_DUPLICATES, NULL)));
    }
    pthread_mutex_unlock(&collector->lock);
    if (status) {
        http_answer(exchange, status, "application/json", SLICE("{}"));
    } else {
        http_exchange_hang(exchange);
    }
}

static void look(void *arg)
{
    struct otlp_collector *collector = arg;

    if (atomic_load(&collector->must_stop)) {
        loop_stop(collector->loop);
    } else {
        loop_timer_start(collector->timer, LOOK_MS);
    }
}

static void *run(void *arg)
{
    struct otlp_collector *collector = arg;

    loop_run(collector->loop);
    return NULL;
}

struct otlp_collector *otlp_collector_start(void)
{
    struct otlp_collector *collector = xcalloc(1, sizeof(*collector));
    const struct http_server_settings settings = {"127.0.0.1:0", MOST_BODY, 60};
    struct err err = {0};

    pthread_mutex_init(&collector->lock, NULL);
    atomic_init(&collector->must_stop, false);
    collector->taken = json_array();
    collector->loop = loop_create();
    collector->timer = loop_timer_create(collector->loop, look, collector);
    loop_timer_start(collector->timer, LOOK_MS);
    collector->server = http_server_open(collector->loop, &settings, on_request, collector, &err);
    if (!collector->server) {
        die("the collector does not start: %s", err.text);
    }
    collector->url = xasprintf("http://%s", http_server_address(collector->server));
    if (pthread_create(&collector->thread, NULL, run, collector) != 0) {
        die("no thread for the collector");
    }
    return collector;
}

void otlp_collector_stop(struct otlp_collector *collector)
{
    atomic_store(&collector->must_stop, true);
    pthread_join(collector->thread, NULL);
    http_server_close(collector->server);
    loop_timer_destroy(collector->timer);
    loop_destroy(collector->loop);
    json_decref(collector->taken);
    pthread_mutex_destroy(&collector->lock);
    free(collector->url);
    free(collector);
}

const char *otlp_collector_url(const struct otlp_collector *collector)
{
    return collector->url;
}

void otlp_collector_answer(struct otlp_collector *collector, int status, int times)
{
    pthread_mutex_lock(&collector->lock);
    collector->status = status;
    collector->times = times;
    pthread_mutex_unlock(&collector->lock);
}

size_t otlp_collector_requests(struct otlp_collector *collector)
{
    size_t requests;

    pthread_mutex_lock(&collector->lock);
    requests = collector->requests;
    pthread_mutex_unlock(&collector->lock);
    return requests;
}

json_t *otlp_collector_taken(struct otlp_collector *collector)
{
    json_t *copy;

    pthread_mutex_lock(&collector->lock);
    copy = json_deep_copy(collector->taken);
    pthread_mutex_unlock(&collector->lock);
    return copy;
}

json_t *otlp_collector_spans(struct otlp_collector *collector)
{
    json_t *taken = otlp_collector_taken(collector);
    json_t *spans = json_array();
    size_t index;
    json_t *request;

    json_array_foreach (taken, index, request) {
        json_t *resource = json_array_get(json_object_get(json_object_get(request, "body"), "resourceSpans"), 0);
        json_t *scope = json_array_get(json_object_get(resource, "scopeSpans"), 0);

        json_array_extend(spans, json_object_get(scope, "spans"));
    }
    json_decref(taken);
    return spans;
}
