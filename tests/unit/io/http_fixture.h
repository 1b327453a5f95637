/*
 * http_fixture: clients against a server that fails on demand, and what came of a request. Included by the tests of
 * io/http.h.
 */
#ifndef TESTS_HTTP_FIXTURE_H
#define TESTS_HTTP_FIXTURE_H

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "io/http.h"
#include "tests/support/fault_server.c"
#include "tests/support/wait.c"

enum { TIMEOUT_MS = 10000, SHORT_MS = 60 };

struct got {
    int count; /* how often the callback was called: exactly once */
    int status;
    bool is_begun;
    bool is_body_complete;
    bool is_permanent;
    char problem[32];
    char body[2048];
    size_t body_len;
    size_t header_count;
    char request_id[32];
    char retry_after[32];
    char late[32];
};

static struct fault_server *server;
static struct loop *loop;

static const struct http_settings lenient = {
    .connections = 8, .connect_timeout_ms = TIMEOUT_MS, .request_timeout_ms = TIMEOUT_MS, .is_plain_allowed = true,
    .user_agent = "test/1"};

static inline void keep_header(const struct http_reply *reply, const char *name, char *text, size_t size)
{
    const char *value = http_find_header(reply, name);

    snprintf(text, size, "%s", value ? value : "(none)");
}

static inline void on_reply(void *arg, const struct http_reply *reply)
{
    struct got *got = arg;

    got->count++;
    got->status = reply->status;
    got->is_begun = reply->is_begun;
    got->is_body_complete = reply->is_body_complete;
    got->is_permanent = reply->is_permanent;
    got->body_len = reply->body.len;
    got->header_count = reply->header_count;
    snprintf(got->problem, sizeof(got->problem), "%s", reply->problem);
    snprintf(got->body, sizeof(got->body), "%.*s", (int)reply->body.len, reply->body.len ? reply->body.data : "");
    keep_header(reply, "x-request-id", got->request_id, sizeof(got->request_id));
    keep_header(reply, "retry-after", got->retry_after, sizeof(got->retry_after));
    keep_header(reply, "x-late", got->late, sizeof(got->late));
    assert_null(http_find_header(reply, "x-early"));
}

static inline char *url_of(const char *path)
{
    return xasprintf("http://127.0.0.1:%d%s", fault_server_port(server), path);
}

static inline void begin_url(struct http_client *client, const char *url, struct slice body, struct got *got)
{
    const struct http_header headers[] = {{"Content-Type", "application/json"}, {"api-key", "k"}};
    const struct http_request request = {.method = "POST", .url = url, .headers = headers, .header_count = 2,
                                         .body = body};

    http_begin(client, &request, on_reply, got);
    assert_int_equal(got->count, 0);
}

static inline void begin(struct http_client *client, const char *path, struct got *got)
{
    char *url = url_of(path);

    begin_url(client, url, SLICE("{\"a\":1}"), got);
    free(url);
}

static inline void run_one(struct http_client *client, const char *path, struct got *got)
{
    *got = (struct got){0};
    begin(client, path, got);
    assert_true(wait_for_count(loop, &got->count, 1));
    assert_int_equal(got->count, 1);
}

static inline struct http_client *open_client(const struct http_settings *settings)
{
    struct err err = {0};
    struct http_client *client;

    client = http_open(loop, settings, &err);
    if (!client) {
        fail_msg("%s", err.text);
    }
    return client;
}

static inline int bind_port(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (const struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static inline int start_all(void **state)
{
    (void)state;
    server = fault_server_start();
    loop = loop_create();
    return 0;
}

static inline int stop_all(void **state)
{
    (void)state;
    loop_destroy(loop);
    fault_server_stop(server);
    return 0;
}

#endif
