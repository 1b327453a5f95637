/*
 * Fuzzing of web requests: what anybody may send to the port of a worker (health, metrics) and to the sandbox. The first
 * line of the input names whom it is for: "health", "sandbox", or "fast" (the sandbox of benchmarks); with "slow" in it
 * the bytes come in small pieces. The rest is what is sent over one connection, through libmicrohttpd.
 *
 * Whatever is sent: what comes back is HTTP (from the sandbox also what a fault asks for), what calls itself JSON is JSON,
 * and the next request to a worker is answered as if nothing had been.
 */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/mem.h"
#include "io/http_server.h"
#include "io/listener.h"
#include "io/loop.h"
#include "run/health.h"
#include "workers/sandbox/calls.h"
#include "workers/sandbox/inbox_api.h"
#include "workers/sandbox/statistics.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    MOST_IDLE = 6,
    PIECE = 7,
    SANDBOX_BODY = 3072, /* smaller than in life, so that bodies that are too large come up */
    SANDBOX_BODIES = 1 << 20,
    TIMEOUT_S = 5,
};

/* --- a listener without a port ------------------------------------------------------------------------------------ */

/* Instead of io/listener.c: a name that the kernel makes up, in no file system; it stands in `address`. */
int listener_open(const char *listen_on, char address[LISTENER_ADDRESS_SIZE], struct err *err)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    socklen_t len = sizeof(name.sun_family);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    (void)listen_on;
    (void)err;
    assert(fd >= 0 && bind(fd, (struct sockaddr *)&name, len) == 0 && listen(fd, 8) == 0);
    len = sizeof(name);
    assert(getsockname(fd, (struct sockaddr *)&name, &len) == 0);
    snprintf(address, LISTENER_ADDRESS_SIZE, "%.*s", (int)(len - offsetof(struct sockaddr_un, sun_path) - 1),
             name.sun_path + 1);
    return fd;
}

static int connect_to(const char *address)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(address));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    memcpy(name.sun_path + 1, address, strlen(address));
    assert(fd >= 0 && connect(fd, (struct sockaddr *)&name, len) == 0);
    return fd;
}

/* --- the servers -------------------------------------------------------------------------------------------------- */

static struct web {
    struct loop *loop;
    struct metrics *metrics;
    struct health *health;
    struct http_server *server;
    struct faults faults;
    struct inbox *inbox;
    struct tally *tally;
    struct calls *calls;
    struct inbox_api api;
    struct statistics statistics;
} web;

static void add_no_problem(void *arg, struct buf *out)
{
    (void)arg;
    (void)out;
}

static void update_nothing(void *arg)
{
    (void)arg;
}

/* As workers/sandbox/sandbox.c does. */
static void on_request(void *arg, struct http_exchange *exchange)
{
    (void)arg;
    if (statistics_handle(&web.statistics, exchange)) {
        return;
    }
    if (strncmp(http_exchange_path(exchange), "/v3/", 4) == 0) {
        calls_handle(web.calls, exchange);
    } else {
        inbox_api_handle(&web.api, exchange);
    }
}

static void open_web(void)
{
    static const struct http_server_settings http = {"", SANDBOX_BODY, TIMEOUT_S};
    struct err err = {0};

    web.loop = loop_create();
    web.metrics = metrics_create();
    web.health = health_open(&(struct health_parts){web.loop, "", web.metrics, add_no_problem, update_nothing, NULL}, &err);
    web.server = http_server_open(web.loop, &http, on_request, NULL, &err);
    assert(web.health && web.server);
}

static void close_web(void)
{
    http_server_close(web.server);
    health_close(web.health);
    metrics_destroy(web.metrics);
    loop_destroy(web.loop);
    web.loop = NULL;
}

/* Of each input its own. */
static void open_sandbox(bool is_fast)
{
    const struct calls_settings settings = {.key_ttl_ms = 1000, .is_fast = is_fast};

    web.inbox = inbox_create(8, SANDBOX_BODIES);
    web.tally = tally_create();
    faults_init(&web.faults, 1);
    web.calls = calls_create(web.loop, &settings, &web.faults, web.inbox, web.tally);
    web.api = (struct inbox_api){web.inbox, web.tally, &web.faults, web.calls};
    web.statistics = (struct statistics){web.calls, is_fast ? NULL : web.inbox, 0, false};
}

static void close_sandbox(void)
{
    calls_destroy(web.calls);
    inbox_destroy(web.inbox);
    tally_destroy(web.tally);
}

/* --- a client ----------------------------------------------------------------------------------------------------- */

/* Is the connection over? */
static bool hear(int fd, struct buf *answers, bool *is_news)
{
    char bytes[4096];
    ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

    *is_news = n > 0;
    buf_append(answers, bytes, n > 0 ? (size_t)n : 0);
    return n == 0 || (n < 0 && errno != EAGAIN);
}

/* False: the server left the connection open. */
static bool talk(const char *address, struct slice request, size_t piece, struct buf *answers)
{
    int fd = connect_to(address);
    bool is_over = false, is_news;

    while (request.len && !is_over) {
        ssize_t n = send(fd, request.data, request.len < piece ? request.len : piece, MSG_NOSIGNAL);

        loop_turn(web.loop, false);
        is_over = hear(fd, answers, &is_news);
        request = n > 0 ? slice_make(request.data + n, request.len - (size_t)n) : request;
        is_over = is_over || (n < 0 && errno != EAGAIN);
    }
    shutdown(fd, SHUT_WR);
    for (int idle = 0; idle < MOST_IDLE && !is_over; idle = is_news ? 0 : idle + 1) {
        loop_turn(web.loop, false);
        is_over = hear(fd, answers, &is_news);
    }
    close(fd);
    loop_turn(web.loop, false);
    return is_over;
}

/* --- what must hold ----------------------------------------------------------------------------------------------- */

static struct slice find_header(struct slice head, const char *name)
{
    size_t len = strlen(name);

    for (size_t at = 0; at + len + 2 < head.len; at++) {
        if (head.data[at] == '\n' && strncasecmp(head.data + at + 1, name, len) == 0) {
            const char *value = head.data + at + 1 + len;

            return slice_make(value, strcspn(value, "\r\n"));
        }
    }
    return slice_make("", 0);
}

static bool is_http(struct slice text)
{
    return text.len >= 7 && memcmp(text.data, "HTTP/1.", 7) == 0;
}

static void check_json(struct slice body)
{
    json_t *json = json_loadb(body.data, body.len, JSON_ALLOW_NUL, NULL);

    assert(json);
    json_decref(json);
}

/* Answer by answer, as far as they are whole; those to HEAD have no body. */
static void check_answers(struct slice text, bool may_be_spoilt)
{
    while (is_http(text)) {
        const char *end = memmem(text.data, text.len, "\r\n\r\n", 4);
        size_t head_len = end ? (size_t)(end - text.data) + 4 : text.len;
        struct slice head = slice_make(text.data, head_len), rest = slice_make(text.data + head_len, text.len - head_len);
        size_t len = strtoull(find_header(head, "content-length: ").data, NULL, 10);
        int status = (int)strtol(head.data + 9, NULL, 10);

        assert(end && status >= 100 && status <= 599);
        len = is_http(rest) ? 0 : len;
        if (len && len <= rest.len && slice_is(find_header(head, "content-type: "), "application/json")) {
            check_json(slice_make(rest.data, len));
        }
        text = len > rest.len ? slice_make("", 0) : slice_make(rest.data + len, rest.len - len);
    }
    assert(text.len == 0 || may_be_spoilt);
}

static void check_alive(void)
{
    static const char alive[] = "HTTP/1.1 200 OK";
    struct buf answer;

    buf_init(&answer, 0);
    assert(talk(health_address(web.health), SLICE("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"), SIZE_MAX, &answer));
    assert(strncmp(buf_text(&answer), alive, sizeof(alive) - 1) == 0);
    buf_finish(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *end = size ? memchr(text, '\n', size) : NULL;
    struct slice line = slice_make(text, end ? (size_t)(end - text) : size);
    struct slice request = slice_make(text + line.len + (end != NULL), size - line.len - (end != NULL));
    bool is_health = memmem(line.data, line.len, "health", 6), is_over;
    size_t piece = memmem(line.data, line.len, "slow", 4) ? PIECE : SIZE_MAX;
    struct buf answers;

    if (!web.loop) {
        open_web();
    }
    open_sandbox(memmem(line.data, line.len, "fast", 4));
    buf_init(&answers, 0);
    is_over = talk(is_health ? health_address(web.health) : http_server_address(web.server), request, piece, &answers);
    buf_text(&answers);
    check_answers(buf_slice(&answers), !is_health);
    if (is_health) {
        check_alive();
    }
    close_sandbox();
    if (!is_over) { /* a request that waits: for the rest of it, or for its answer */
        close_web();
    }
    buf_finish(&answers);
    return 0;
}
