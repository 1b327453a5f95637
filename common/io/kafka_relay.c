#include "io/kafka_relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>
#include <uv.h>

#include "base/mem.h"
#include "io/loop_uv.h"

enum { BACKLOG = 128, CHUNK = 64 << 10, ADDRESS_SIZE = 80 };

struct pair;

/* One of the two connections of a pair. Reading stops while its bytes are on their way out at the other end. */
struct end {
    uv_tcp_t tcp;
    uv_write_t write; /* of what this end has read */
    struct pair *pair;
    struct end *other;
    char *bytes;
};

struct pair {
    struct end client;
    struct end broker;
    uv_connect_t connect;
    struct kafka_relay *relay; /* NULL: the relay is gone */
    bool is_closing;
    int open_handles;
    struct pair *prev;
    struct pair *next;
};

struct kafka_relay {
    uv_tcp_t server;
    uv_loop_t *uv;
    struct sockaddr_in target;
    struct pair *pairs;
    char address[ADDRESS_SIZE];
};

/* --- addresses ---------------------------------------------------------------------------------------------------- */

static bool parse_address(const char *text, struct sockaddr_in *address, struct err *err)
{
    const char *colon = strrchr(text, ':');
    char host[64];
    char *end;
    long port;

    if (!colon || colon[1] < '0' || colon[1] > '9' || (size_t)(colon - text) >= sizeof(host)) {
        return err_set(err, "\"%s\": expected HOST:PORT with an IPv4 address", text);
    }
    snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
    port = strtol(colon + 1, &end, 10);
    if (*end || port > 65535 ||
        uv_ip4_addr(strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, (int)port, address) != 0) {
        return err_set(err, "\"%s\": expected HOST:PORT with an IPv4 address", text);
    }
    return true;
}

static void name_address(struct kafka_relay *relay)
{
    struct sockaddr_storage bound;
    int len = sizeof(bound);
    char host[64] = "";

    uv_tcp_getsockname(&relay->server, (struct sockaddr *)&bound, &len);
    uv_ip4_name((const struct sockaddr_in *)&bound, host, sizeof(host));
    snprintf(relay->address, sizeof(relay->address), "%s:%d", host,
             ntohs(((const struct sockaddr_in *)&bound)->sin_port));
}

/* --- one connection ----------------------------------------------------------------------------------------------- */

static void on_end_closed(uv_handle_t *handle)
{
    struct pair *pair = ((struct end *)handle->data)->pair;

    if (--pair->open_handles == 0) {
        free(pair->client.bytes);
        free(pair->broker.bytes);
        free(pair);
    }
}

static void close_pair(struct pair *pair)
{
    if (pair->is_closing) {
        return;
    }
    pair->is_closing = true;
    if (pair->relay) {
        DL_DELETE(pair->relay->pairs, pair);
    }
    uv_close((uv_handle_t *)&pair->client.tcp, on_end_closed);
    uv_close((uv_handle_t *)&pair->broker.tcp, on_end_closed);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct end *end = handle->data;

    (void)suggested;
    *buf = uv_buf_init(end->bytes, CHUNK);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf);

static void on_written(uv_write_t *write, int status)
{
    struct end *from = write->data;

    if (from->pair->is_closing) {
        return;
    }
    if (status != 0 || uv_read_start((uv_stream_t *)&from->tcp, on_alloc, on_read) != 0) {
        close_pair(from->pair);
    }
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
    struct end *from = stream->data;
    uv_buf_t out;

    if (len == 0) {
        return;
    }
    if (len < 0) {
        close_pair(from->pair);
        return;
    }
    uv_read_stop(stream);
    out = uv_buf_init(buf->base, (unsigned)len);
    from->write.data = from;
    if (uv_write(&from->write, (uv_stream_t *)&from->other->tcp, &out, 1, on_written) != 0) {
        close_pair(from->pair);
    }
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct pair *pair = connect->data;

    if (pair->is_closing) {
        return;
    }
    if (status != 0 || uv_read_start((uv_stream_t *)&pair->client.tcp, on_alloc, on_read) != 0 ||
        uv_read_start((uv_stream_t *)&pair->broker.tcp, on_alloc, on_read) != 0) {
        close_pair(pair);
    }
}

static void init_end(struct kafka_relay *relay, struct pair *pair, struct end *end, struct end *other)
{
    uv_tcp_init(relay->uv, &end->tcp);
    end->tcp.data = end;
    end->pair = pair;
    end->other = other;
    end->bytes = xmalloc(CHUNK);
    pair->open_handles++;
}

static void on_connection(uv_stream_t *server, int status)
{
    struct kafka_relay *relay = server->data;
    struct pair *pair;

    if (status != 0) {
        return;
    }
    pair = xcalloc(1, sizeof(*pair));
    pair->relay = relay;
    init_end(relay, pair, &pair->client, &pair->broker);
    init_end(relay, pair, &pair->broker, &pair->client);
    DL_APPEND(relay->pairs, pair);
    pair->connect.data = pair;
    if (uv_accept(server, (uv_stream_t *)&pair->client.tcp) != 0 ||
        uv_tcp_connect(&pair->connect, &pair->broker.tcp, (const struct sockaddr *)&relay->target, on_connected) != 0) {
        close_pair(pair);
        return;
    }
    uv_tcp_nodelay(&pair->client.tcp, 1);
    uv_tcp_nodelay(&pair->broker.tcp, 1);
}

/* --- the relay ---------------------------------------------------------------------------------------------------- */

static void on_server_closed(uv_handle_t *handle)
{
    free(handle->data);
}

struct kafka_relay *kafka_relay_open(struct loop *loop, const char *listen, const char *target, struct err *err)
{
    struct sockaddr_in address;
    struct sockaddr_in to;
    struct kafka_relay *relay;
    int status;

    if (!parse_address(listen, &address, err) || !parse_address(target, &to, err)) {
        return NULL;
    }
    relay = xcalloc(1, sizeof(*relay));
    relay->uv = loop_uv(loop);
    relay->target = to;
    uv_tcp_init(relay->uv, &relay->server);
    relay->server.data = relay;
    status = uv_tcp_bind(&relay->server, (const struct sockaddr *)&address, 0);
    if (status == 0) {
        status = uv_listen((uv_stream_t *)&relay->server, BACKLOG, on_connection);
    }
    if (status != 0) {
        err_set(err, "cannot listen on %s: %s", listen, uv_strerror(status));
        kafka_relay_close(relay);
        return NULL;
    }
    name_address(relay);
    return relay;
}

void kafka_relay_close(struct kafka_relay *relay)
{
    if (!relay) {
        return;
    }
    while (relay->pairs) {
        close_pair(relay->pairs);
    }
    uv_close((uv_handle_t *)&relay->server, on_server_closed);
}

const char *kafka_relay_address(const struct kafka_relay *relay)
{
    return relay->address;
}
