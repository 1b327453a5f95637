/* What must not leave: to whom, when, and in which form; seen from a server that writes down what it got. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "io/http_peer.h"
#include "http_fixture.h"
#include "tests/support/certificate.c"
#include "tests/support/temp_dir.c"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_whose_lease_is_over_does_not_leave),
        cmocka_unit_test(plain_http_is_not_even_connected_to_where_it_is_not_allowed),
        cmocka_unit_test(over_tls_the_certificate_and_the_peer_are_checked_before_anything_leaves),
        cmocka_unit_test(addresses_that_are_not_of_the_public_internet_are_known),
        cmocka_unit_test(urls_are_checked_against_the_settings),
        cmocka_unit_test(headers_that_would_break_the_request_are_refused),
    };

    return cmocka_run_group_tests(tests, start_all, stop_all);
}
