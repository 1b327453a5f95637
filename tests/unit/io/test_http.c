/* Every row of "did the request leave?" that can be made on one machine, against a server that fails on demand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "io/http.h"
#include "io/http_answer.h"
#include "io/http_peer.h"
#include "tests/support/certificate.c"
#include "tests/support/fault_server.c"
#include "tests/support/temp_dir.c"
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

static void keep_header(const struct http_reply *reply, const char *name, char *text, size_t size)
{
    const char *value = http_find_header(reply, name);

    snprintf(text, size, "%s", value ? value : "(none)");
}

static void on_reply(void *arg, const struct http_reply *reply)
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

static char *url_of(const char *path)
{
    return xasprintf("http://127.0.0.1:%d%s", fault_server_port(server), path);
}

static void begin_url(struct http_client *client, const char *url, struct slice body, struct got *got)
{
    const struct http_header headers[] = {{"Content-Type", "application/json"}, {"api-key", "k"}};
    const struct http_request request = {.method = "POST", .url = url, .headers = headers, .header_count = 2,
                                         .body = body};

    http_begin(client, &request, on_reply, got);
    assert_int_equal(got->count, 0);
}

static void begin(struct http_client *client, const char *path, struct got *got)
{
    char *url = url_of(path);

    begin_url(client, url, SLICE("{\"a\":1}"), got);
    free(url);
}

static void run_one(struct http_client *client, const char *path, struct got *got)
{
    *got = (struct got){0};
    begin(client, path, got);
    assert_true(wait_for_count(loop, &got->count, 1));
    assert_int_equal(got->count, 1);
}

static struct http_client *open_client(const struct http_settings *settings)
{
    struct err err = {0};
    struct http_client *client;

    client = http_open(loop, settings, &err);
    if (!client) {
        fail_msg("%s", err.text);
    }
    return client;
}

/* --- answers ----------------------------------------------------------------------------------------------------- */

static void an_answer_arrives_with_status_headers_and_body(void **state)
{
    struct http_client *client = open_client(&lenient);
    struct got got;

    (void)state;
    run_one(client, "/ok", &got);
    assert_int_equal(got.status, 201);
    assert_true(got.is_begun);
    assert_true(got.is_body_complete);
    assert_string_equal(got.problem, "");
    assert_string_equal(got.body, "{\"messageId\":\"1\"}");
    assert_string_equal(got.request_id, "abc");
    assert_string_equal(got.retry_after, "(none)");
    http_close(client);
}

static void the_request_on_the_wire_is_what_was_asked_for(void **state)
{
    static const struct {
        const char *method;
        const char *first_line;
        const char *body;
    } cases[] = {{"POST", "POST /echo HTTP/1.1\r\n", "b1"}, {"GET", "GET /echo HTTP/1.1\r\n", ""},
                 {"PUT", "PUT /echo HTTP/1.1\r\n", "b3"},   {"POST", "POST /echo HTTP/1.1\r\n", ""},
                 {"DELETE", "DELETE /echo HTTP/1.1\r\n", "b5"}};
    struct http_client *client = open_client(&lenient);
    char *url = url_of("/echo");

    (void)state;
    /* All through the same handle: nothing of one request may show in the next. */
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char number[8];
        const struct http_header headers[] = {{"X-Number", number}, {"X-Empty", ""}, {"X-Only-First", "1"}};
        const struct http_request request = {
            .method = cases[i].method, .url = url, .headers = headers, .header_count = i == 0 ? 3 : 2,
            .body = slice_of(cases[i].body)};
        struct got got = {0};
        char expected[32];

        snprintf(number, sizeof(number), "%zu", i);
        snprintf(expected, sizeof(expected), "\r\nX-Number: %zu\r\n", i);
        http_begin(client, &request, on_reply, &got);
        snprintf(number, sizeof(number), "?"); /* was borrowed only for the call */
        assert_true(wait_for_count(loop, &got.count, 1));
        assert_int_equal(got.status, 200);
        assert_memory_equal(got.body, cases[i].first_line, strlen(cases[i].first_line));
        assert_non_null(strstr(got.body, expected));
        assert_non_null(strstr(got.body, "\r\nX-Empty:\r\n"));
        assert_non_null(strstr(got.body, "\r\nUser-Agent: test/1\r\n"));
        assert_null(strcasestr(got.body, "\r\nExpect:"));
        assert_int_equal(strstr(got.body, "X-Only-First") != NULL, i == 0);
        assert_string_equal(strstr(got.body, "\r\n\r\n") + 4, cases[i].body);
    }
    free(url);
    http_close(client);
}

static void interim_answers_are_forgotten_and_headers_are_bounded(void **state)
{
    struct http_client *client = open_client(&lenient);
    struct got got;

    (void)state;
    run_one(client, "/interim", &got);
    assert_int_equal(got.status, 200);
    assert_string_equal(got.late, "2");
    run_one(client, "/many", &got);
    assert_int_equal(got.status, 200);
    assert_string_equal(got.retry_after, "7"); /* the last wins */
    assert_int_equal(got.header_count, HTTP_HEADERS_MAX);
    run_one(client, "/redirect", &got);
    assert_int_equal(got.status, 302); /* not followed */
    http_close(client);
}

static void a_body_beyond_the_limit_is_cut_and_the_status_stands(void **state)
{
    struct http_client *client = open_client(&lenient);
    struct got got;

    (void)state;
    run_one(client, "/big", &got);
    assert_int_equal(got.status, 200);
    assert_false(got.is_body_complete);
    assert_int_equal(got.body_len, HTTP_BODY_MAX);
    assert_string_equal(got.problem, "too_large");
    http_close(client);
}

static void connections_are_kept_and_used_again(void **state)
{
    struct http_client *client = open_client(&lenient);
    int before = fault_server_connections(server);
    struct got got;

    (void)state;
    for (int i = 0; i < 20; i++) {
        run_one(client, "/ok", &got);
        assert_int_equal(got.status, 201);
    }
    assert_int_equal(fault_server_connections(server) - before, 1);
    http_close(client);
}

/* --- faults ------------------------------------------------------------------------------------------------------ */

static void faults_are_reported_as_facts(void **state)
{
    static const struct {
        const char *path;
        int status;
        bool is_body_complete;
        const char *problem;
        int64_t timeout_ms;
    } cases[] = {
        {"/silent", 0, false, "timeout", SHORT_MS},
        {"/continue", 0, false, "timeout", SHORT_MS},
        {"/close", 0, false, "empty", TIMEOUT_MS},
        {"/half", 0, false, "empty", TIMEOUT_MS},
        {"/reset", 0, false, "reset", TIMEOUT_MS},
        {"/garbage", 0, false, "garbage", TIMEOUT_MS},
        {"/stall", 201, false, "timeout", SHORT_MS},
        {"/cut", 201, false, "partial", TIMEOUT_MS},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_settings settings = lenient;
        struct http_client *client;
        int before = fault_server_count(server, cases[i].path);
        struct got got;

        settings.request_timeout_ms = cases[i].timeout_ms;
        client = open_client(&settings);
        run_one(client, cases[i].path, &got);
        if (got.status != cases[i].status || !got.is_begun || got.is_body_complete != cases[i].is_body_complete ||
            strcmp(got.problem, cases[i].problem) != 0 || got.is_permanent) {
            fail_msg("%s: status %d, begun %d, complete %d, problem %s", cases[i].path, got.status, got.is_begun,
                     got.is_body_complete, got.problem);
        }
        assert_int_equal(fault_server_count(server, cases[i].path) - before, 1); /* it left once */
        assert_int_equal(http_free_slots(client), settings.connections);
        http_close(client);
        loop_turn(loop, false);
    }
}

static void a_kept_connection_that_dies_after_reading_does_not_make_the_request_leave_twice(void **state)
{
    static const struct {
        const char *path;
        const char *problem;
    } cases[] = {{"/second", "repeat_stopped"}, {"/second-reset", "reset"}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct http_client *client = open_client(&lenient);
        struct got got;

        run_one(client, cases[i].path, &got);
        assert_int_equal(got.status, 201);
        run_one(client, cases[i].path, &got);
        assert_int_equal(got.status, 0);
        assert_true(got.is_begun);
        /* Whether curl repeats after a reset, too, depends on its version. */
        if (strcmp(got.problem, "repeat_stopped") != 0) {
            assert_string_equal(got.problem, cases[i].problem);
        }
        assert_int_equal(fault_server_count(server, cases[i].path), 2);
        run_one(client, "/ok", &got); /* and life goes on */
        assert_int_equal(got.status, 201);
        http_close(client);
    }
}

static void an_early_refusal_counts_although_the_body_was_not_read(void **state)
{
    enum { LEN = 8 << 20 };
    struct http_client *client = open_client(&lenient);
    char *body = xcalloc(1, LEN);
    char *url = url_of("/early");
    struct got got = {0};

    (void)state;
    begin_url(client, url, slice_make(body, LEN), &got);
    assert_true(wait_for_count(loop, &got.count, 1));
    assert_int_equal(got.status, 429);
    assert_string_equal(got.retry_after, "3");
    assert_true(got.is_begun);
    free(body);
    free(url);
    http_close(client);
}

static int bind_port(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (const struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static void what_fails_before_the_request_is_reported_as_not_begun(void **state)
{
    struct http_settings settings = lenient;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int closed_port, full_port;
    int closed = bind_port(&closed_port); /* bound, but nobody listens */
    int full = bind_port(&full_port);
    int fillers[4];
    const struct {
        char *url;
        const char *problem;
        bool is_permanent;
        int64_t connect_ms;
    } cases[] = {
        {xasprintf("http://127.0.0.1:%d/ok", closed_port), "connect", false, TIMEOUT_MS},
        {xasprintf("http://127.0.0.1:%d/ok", full_port), "connect_timeout", false, SHORT_MS},
        {xstrdup("http://no-such-host.invalid/ok"), "dns", false, TIMEOUT_MS},
        {xasprintf("https://127.0.0.1:%d/ok", full_port), "connect_timeout", false, SHORT_MS},
        {xasprintf("ftp://127.0.0.1:%d/ok", closed_port), "bad_url", true, TIMEOUT_MS},
        {xasprintf("http://u:p@127.0.0.1:%d/ok", closed_port), "other", false, TIMEOUT_MS},
        {xstrdup("http://a b/"), "bad_url", true, TIMEOUT_MS},
    };

    (void)state;
    assert_int_equal(listen(full, 0), 0);
    address.sin_port = htons((uint16_t)full_port);
    for (int i = 0; i < 4; i++) { /* fill the backlog: later connects are neither taken nor refused */
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect(fillers[i], (const struct sockaddr *)&address, sizeof(address));
    }
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_client *client;
        struct got got = {0};

        settings.connect_timeout_ms = cases[i].connect_ms;
        client = open_client(&settings);
        begin_url(client, cases[i].url, SLICE("x"), &got);
        if (!wait_for_count(loop, &got.count, 1)) {
            fail_msg("%s: never answered", cases[i].url);
        }
        if (got.is_begun || got.status || strcmp(got.problem, cases[i].problem) != 0 ||
            got.is_permanent != cases[i].is_permanent) {
            fail_msg("%s: status %d, begun %d, problem %s", cases[i].url, got.status, got.is_begun, got.problem);
        }
        http_close(client);
        free(cases[i].url);
    }
    for (int i = 0; i < 4; i++) {
        close(fillers[i]);
    }
    close(full);
    close(closed);
}

static void a_tls_handshake_that_fails_or_hangs_is_not_begun(void **state)
{
    static const struct {
        const char *path;
        const char *problem;
        int64_t connect_ms;
    } cases[] = {{"/", "tls", TIMEOUT_MS}, {"/", "connect_timeout", SHORT_MS}};
    int listener = -1;
    int port;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct http_settings settings = lenient;
        struct http_client *client;
        struct got got = {0};
        char *url;

        listener = bind_port(&port);
        assert_int_equal(listen(listener, 4), 0);
        url = xasprintf("https://127.0.0.1:%d/", port);
        settings.connect_timeout_ms = cases[i].connect_ms;
        client = open_client(&settings);
        begin_url(client, url, SLICE("x"), &got);
        if (i == 0) {
            int fd;

            loop_turn(loop, false);
            fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC); /* answers a handshake with something else */
            assert_true(write(fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 28) == 28);
            assert_true(wait_for_count(loop, &got.count, 1));
            close(fd);
        }
        assert_true(wait_for_count(loop, &got.count, 1));
        assert_false(got.is_begun);
        assert_string_equal(got.problem, cases[i].problem);
        http_close(client);
        free(url);
        close(listener);
    }
}

/* --- the guard --------------------------------------------------------------------------------------------------- */

static void a_request_whose_lease_is_over_does_not_leave(void **state)
{
    struct http_client *client = open_client(&lenient);
    char *url = url_of("/ok");
    struct http_request request = {.method = "POST", .url = url, .body = SLICE("x"),
                                   .send_before_ms = clock_mono_ms() - 1};
    int before = fault_server_count(server, "/ok");
    struct got got = {0};

    (void)state;
    http_begin(client, &request, on_reply, &got);
    assert_true(wait_for_count(loop, &got.count, 1));
    assert_string_equal(got.problem, "lease_over");
    assert_false(got.is_begun);
    assert_false(got.is_permanent);
    request.send_before_ms = clock_mono_ms() + TIMEOUT_MS;
    http_begin(client, &request, on_reply, &got);
    assert_true(wait_for_count(loop, &got.count, 2));
    assert_int_equal(got.status, 201);
    assert_int_equal(fault_server_count(server, "/ok") - before, 1);
    free(url);
    http_close(client);
}

static void plain_http_is_not_even_connected_to_where_it_is_not_allowed(void **state)
{
    struct http_settings settings = lenient;
    struct http_client *client;
    struct got got = {0};
    char *url = url_of("/ok");

    (void)state;
    settings.is_plain_allowed = false;
    client = open_client(&settings);
    begin_url(client, url, SLICE("x"), &got); /* http:// does not even connect */
    assert_true(wait_for_count(loop, &got.count, 1));
    assert_string_equal(got.problem, "bad_url");
    assert_false(got.is_begun);
    free(url);
    http_close(client);
}

/* A TLS server for one connection, with a certificate of its own making for 127.0.0.1. */
struct tls_server {
    SSL_CTX *context;
    int listener;
    int port;
    int received; /* bytes of requests */
    pthread_t thread;
};

static void *serve_tls(void *arg)
{
    static const char reply[] = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
    struct tls_server *tls = arg;
    int fd = accept4(tls->listener, NULL, NULL, SOCK_CLOEXEC);
    SSL *ssl = SSL_new(tls->context);
    char bytes[4096];
    int got = 0;

    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) {
        got = SSL_read(ssl, bytes, sizeof(bytes));
    }
    if (got > 0) {
        tls->received += got;
        SSL_write(ssl, reply, sizeof(reply) - 1);
    }
    SSL_free(ssl);
    close(fd);
    return NULL;
}

static void start_tls(struct tls_server *tls, const char *ca_path)
{
    char *key_path = xasprintf("%s.key", ca_path);

    certificate_write("IP:127.0.0.1", false, ca_path, key_path);
    *tls = (struct tls_server){.context = SSL_CTX_new(TLS_server_method())};
    assert_int_equal(SSL_CTX_use_certificate_file(tls->context, ca_path, SSL_FILETYPE_PEM), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(tls->context, key_path, SSL_FILETYPE_PEM), 1);
    free(key_path);
    tls->listener = bind_port(&tls->port);
    assert_int_equal(listen(tls->listener, 1), 0);
    assert_int_equal(pthread_create(&tls->thread, NULL, serve_tls, tls), 0);
}

static void over_tls_the_certificate_and_the_peer_are_checked_before_anything_leaves(void **state)
{
    static const struct {
        bool is_trusted;
        bool is_plain_allowed;
        int status;
        const char *problem;
        bool is_permanent;
    } cases[] = {
        {true, true, 201, "", false},
        {true, false, 0, "peer_refused", true}, /* the name led to a loopback address */
        {false, true, 0, "certificate", true},
    };
    char *dir = temp_dir_create();
    char *ca_path = temp_dir_path(dir, "ca.pem");

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_settings settings = lenient;
        struct http_client *client;
        struct tls_server tls;
        struct got got = {0};
        char *url;

        start_tls(&tls, ca_path);
        settings.is_plain_allowed = cases[i].is_plain_allowed;
        settings.ca_file = cases[i].is_trusted ? ca_path : NULL;
        client = open_client(&settings);
        url = xasprintf("https://127.0.0.1:%d/", tls.port);
        begin_url(client, url, SLICE("x"), &got);
        assert_true(wait_for_count(loop, &got.count, 1));
        pthread_join(tls.thread, NULL);
        assert_int_equal(got.status, cases[i].status);
        assert_string_equal(got.problem, cases[i].problem);
        assert_int_equal(got.is_permanent, cases[i].is_permanent);
        assert_int_equal(got.is_begun, cases[i].status != 0);
        assert_int_equal(tls.received > 0, cases[i].status != 0);
        http_close(client);
        free(url);
        close(tls.listener);
        SSL_CTX_free(tls.context);
    }
    free(ca_path);
    temp_dir_destroy(dir);
}

static void addresses_that_are_not_of_the_public_internet_are_known(void **state)
{
    static const char *const refused[] = {
        "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "198.18.0.1", "::1", "::", "fe80::1", "fe80::1%eth0",
        "fd00:ec2::254", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.1.2.3", "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::", "2001:db8::1", "::127.0.0.1", "", "x", "1.2.3", "1.2.3.4.5",
    };
    static const char *const allowed[] = {
        "1.1.1.1", "9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "169.253.0.1", "100.63.255.255",
        "100.128.0.0", "223.255.255.255", "2606:4700::1111", "2a00:1450:4001::1", "::ffff:8.8.8.8",
        "64:ff9b::808:808", "2002:808:808::", "2003::1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (http_peer_is_public(refused[i])) {
            fail_msg("%s was taken for public", refused[i]);
        }
    }
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        if (!http_peer_is_public(allowed[i])) {
            fail_msg("%s was not taken for public", allowed[i]);
        }
    }
}

static void urls_are_checked_against_the_settings(void **state)
{
    static const struct {
        const char *url;
        bool is_good;
        bool is_good_with_plain;
    } cases[] = {
        {"https://api.brevo.com", true, true},      {"https://api.brevo.com/v3/smtp/email", true, true},
        {"http://127.0.0.1:8080", false, true},     {"HTTPS://h", true, true},
        {"ftp://h", false, false},                  {"file:///etc/passwd", false, false},
        {"https://user:pw@h", false, false},        {"api.brevo.com", false, false},
        {"", false, false},                         {"https://", false, false},
        {"https://h:99999", false, false},          {"https://h o", false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_settings settings = lenient;

        for (int is_plain = 0; is_plain < 2; is_plain++) {
            struct err err = {0};
            bool expected = is_plain ? cases[i].is_good_with_plain : cases[i].is_good;

            settings.is_plain_allowed = is_plain;
            if (http_check_url(&settings, cases[i].url, &err) != expected || err_is_set(&err) == expected) {
                fail_msg("%s, plain %d: %s", cases[i].url, is_plain, err.text);
            }
        }
    }
}

static void headers_that_would_break_the_request_are_refused(void **state)
{
    static const struct http_header bad[] = {
        {"X", "a\r\nY: b"}, {"X", "a\nb"}, {"X\r\nY", "b"}, {"X:", "b"}, {"", "b"}, {"X", "a\x01"}, {"X Y", "b"},
    };
    struct http_client *client = open_client(&lenient);
    int before = fault_server_count(server, "/ok");
    char *url = url_of("/ok");

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct http_request request = {.method = "POST", .url = url, .headers = &bad[i], .header_count = 1};
        struct got got = {0};

        http_begin(client, &request, on_reply, &got);
        assert_int_equal(got.count, 0);
        assert_true(wait_for_count(loop, &got.count, 1));
        assert_string_equal(got.problem, "bad_request");
        assert_false(got.is_begun);
    }
    assert_int_equal(fault_server_count(server, "/ok"), before);
    free(url);
    http_close(client);
}

/* --- many, and the end ------------------------------------------------------------------------------------------- */

static void a_thousand_requests_are_in_flight_at_once(void **state)
{
    enum { COUNT = 1000 };
    struct rlimit limit;
    struct http_settings settings = lenient;
    struct http_client *client;
    struct got *got = xcalloc(COUNT, sizeof(*got));
    int total = 0;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < 2 * COUNT + 200) {
        free(got);
        skip();
    }
    settings.connections = COUNT;
    settings.connect_timeout_ms = settings.request_timeout_ms = 60000;
    client = open_client(&settings);
    for (int round = 0; round < 2; round++) { /* the second on the kept connections */
        memset(got, 0, COUNT * sizeof(*got));
        for (int i = 0; i < COUNT; i++) {
            begin(client, "/together/1000", &got[i]);
        }
        assert_int_equal(http_free_slots(client), 0);
        for (int i = 0; i < COUNT; i++) {
            assert_true(wait_for_count(loop, &got[i].count, 1));
            assert_int_equal(got[i].status, 201);
            total++;
        }
    }
    assert_int_equal(total, 2 * COUNT);
    assert_int_equal(http_free_slots(client), COUNT);
    http_close(client);
    free(got);
}

static void closing_answers_what_is_open(void **state)
{
    struct http_client *client = open_client(&lenient);
    struct got got[4] = {0};

    (void)state;
    for (int i = 0; i < 4; i++) {
        begin(client, i % 2 ? "/silent" : "/ok", &got[i]);
    }
    assert_true(wait_for_count(loop, &got[0].count, 1));
    assert_true(wait_for_count(loop, &got[2].count, 1));
    http_close(client);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(got[i].count, 1);
        assert_string_equal(got[i].problem, i % 2 ? "closed" : "");
        assert_true(got[i].is_begun);
    }
}

struct chain {
    struct http_client *client;
    int left;
    int done;
    bool is_closing;
};

static void begin_next(void *arg, const struct http_reply *reply)
{
    struct chain *chain = arg;
    char *url = url_of("/ok");
    const struct http_request request = {.method = "GET", .url = url};

    assert_int_equal(reply->status, 201);
    chain->done++;
    if (chain->left > 0) {
        chain->left--;
        http_begin(chain->client, &request, begin_next, chain);
    } else if (chain->is_closing) {
        http_close(chain->client);
    }
    free(url);
}

static void a_callback_may_begin_the_next_request_or_close_the_client(void **state)
{
    struct http_settings settings = lenient;
    struct chain chain = {.left = 5, .is_closing = true};
    char *url = url_of("/ok");
    const struct http_request request = {.method = "GET", .url = url};

    (void)state;
    settings.connections = 1; /* its own slot must be free for the next */
    chain.client = open_client(&settings);
    http_begin(chain.client, &request, begin_next, &chain);
    assert_true(wait_for_count(loop, &chain.done, 6));
    free(url);
}

static int start_all(void **state)
{
    (void)state;
    server = fault_server_start();
    loop = loop_create();
    return 0;
}

static int stop_all(void **state)
{
    (void)state;
    loop_destroy(loop);
    fault_server_stop(server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_arrives_with_status_headers_and_body),
        cmocka_unit_test(the_request_on_the_wire_is_what_was_asked_for),
        cmocka_unit_test(interim_answers_are_forgotten_and_headers_are_bounded),
        cmocka_unit_test(a_body_beyond_the_limit_is_cut_and_the_status_stands),
        cmocka_unit_test(connections_are_kept_and_used_again),
        cmocka_unit_test(faults_are_reported_as_facts),
        cmocka_unit_test(a_kept_connection_that_dies_after_reading_does_not_make_the_request_leave_twice),
        cmocka_unit_test(an_early_refusal_counts_although_the_body_was_not_read),
        cmocka_unit_test(what_fails_before_the_request_is_reported_as_not_begun),
        cmocka_unit_test(a_tls_handshake_that_fails_or_hangs_is_not_begun),
        cmocka_unit_test(a_request_whose_lease_is_over_does_not_leave),
        cmocka_unit_test(plain_http_is_not_even_connected_to_where_it_is_not_allowed),
        cmocka_unit_test(over_tls_the_certificate_and_the_peer_are_checked_before_anything_leaves),
        cmocka_unit_test(addresses_that_are_not_of_the_public_internet_are_known),
        cmocka_unit_test(urls_are_checked_against_the_settings),
        cmocka_unit_test(headers_that_would_break_the_request_are_refused),
        cmocka_unit_test(a_thousand_requests_are_in_flight_at_once),
        cmocka_unit_test(closing_answers_what_is_open),
        cmocka_unit_test(a_callback_may_begin_the_next_request_or_close_the_client),
    };

    return cmocka_run_group_tests(tests, start_all, stop_all);
}
