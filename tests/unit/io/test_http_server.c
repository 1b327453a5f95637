/* The server against real sockets, all in one thread: the loop is turned by hand until what is expected is there. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "io/http_server.h"

enum { MOST_BODY = 4096, MOST_TURNS = 20000 };

struct fixture {
    struct loop *loop;
    struct http_server *server;
    struct http_exchange *held[4];
    size_t held_count;
    size_t handled;
};

/* What the server does with a request stands in its path. */
static void on_request(void *arg, struct http_exchange *exchange)
{
    struct fixture *f = arg;
    const char *path = http_exchange_path(exchange);
    const char *name = http_exchange_query(exchange, "name");
    struct buf out;

    f->handled++;
    if (strcmp(path, "/later") == 0) {
        f->held[f->held_count++] = exchange;
        return;
    }
    if (strcmp(path, "/reset") == 0) {
        http_exchange_reset(exchange);
        return;
    }
    if (strcmp(path, "/raw") == 0) {
        http_exchange_raw(exchange, SLICE("\x01garbage\xff"));
        return;
    }
    if (strcmp(path, "/hang") == 0) {
        http_exchange_hang(exchange);
        return;
    }
    buf_init(&out, 0);
    buf_appendf(&out, "%s %s %s %s ", http_exchange_method(exchange), path, name ? name : "-",
                http_exchange_header(exchange, "x-word") ? http_exchange_header(exchange, "x-word") : "-");
    buf_append_slice(&out, http_exchange_body(exchange));
    http_exchange_add_header(exchange, "x-first", "1");
    http_exchange_add_header(exchange, "x-second", "two words");
    http_answer(exchange, 201, "text/plain", buf_slice(&out));
    buf_finish(&out);
}

static void open_server(struct fixture *f, int timeout_s)
{
    struct http_server_settings settings = {.listen = "127.0.0.1:0", .most_body = MOST_BODY, .timeout_s = timeout_s};
    struct err err = {{0}};

    f->server = http_server_open(f->loop, &settings, on_request, f, &err);
    assert_string_equal(err.text, "");
    assert_non_null(f->server);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->loop = loop_create();
    open_server(f, 30);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    http_server_close(f->server);
    loop_destroy(f->loop);
    free(f);
    return 0;
}

static int dial(const struct fixture *f)
{
    const char *colon = strrchr(http_server_address(f->server), ':');
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)strtol(colon + 1, NULL, 10))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Turns the loop and collects bytes until `needle` came (when given) or the connection ended. Returns 0 when the
 * needle came, or how the connection ended: -1 by its peer's close, else errno. */
static int hear(struct fixture *f, int fd, struct buf *out, const char *needle)
{
    char piece[4096];

    for (int turn = 0; turn < MOST_TURNS; turn++) {
        ssize_t n = recv(fd, piece, sizeof(piece), MSG_DONTWAIT);

        if (n == 0) {
            return -1;
        }
        if (n < 0 && errno != EAGAIN) {
            return errno;
        }
        if (n > 0) {
            buf_append(out, piece, (size_t)n);
            if (needle && strstr(buf_text(out), needle)) {
                return 0;
            }
            continue;
        }
        loop_turn(f->loop, true);
    }
    fail_msg("nothing more came; so far: %s", buf_text(out));
    return 0;
}

static void expect(struct fixture *f, int fd, const char *needle)
{
    struct buf out;

    buf_init(&out, 0);
    if (hear(f, fd, &out, needle) != 0) {
        fail_msg("\"%s\" did not come but: %s", needle, buf_text(&out));
    }
    buf_finish(&out);
}

static int expect_end(struct fixture *f, int fd, const char *beginning)
{
    struct buf out;
    int how;

    buf_init(&out, 0);
    how = hear(f, fd, &out, NULL);
    if (strncmp(buf_text(&out), beginning, strlen(beginning)) != 0 || (!beginning[0] && out.len)) {
        fail_msg("\"%s\" was expected, not: %s", beginning, buf_text(&out));
    }
    buf_finish(&out);
    return how;
}

static void test_a_request_reaches_the_handler_whole(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);
    struct buf out;

    say(fd, "POST /a%20b?name=x%26y HTTP/1.1\r\nHost: x\r\nX-Word: hello\r\nContent-Length: 5\r\n\r\n12");
    for (int i = 0; i < 20; i++) {
        loop_turn(f->loop, false);
    }
    assert_int_equal(f->handled, 0);
    say(fd, "345");
    buf_init(&out, 0);
    assert_int_equal(hear(f, fd, &out, "12345"), 0);
    assert_non_null(strstr(buf_text(&out), "HTTP/1.1 201"));
    assert_non_null(strstr(buf_text(&out), "\r\nx-first: 1\r\n"));
    assert_non_null(strstr(buf_text(&out), "\r\nx-second: two words\r\n"));
    assert_non_null(strstr(buf_text(&out), "POST /a b x&y hello 12345"));
    buf_finish(&out);
    close(fd);
}

static void test_pipelined_requests_are_answered_in_order(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);
    struct buf out;
    const char *first, *second, *third;

    say(fd, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
            "GET /3 HTTP/1.1\r\nHost: x\r\n\r\n");
    buf_init(&out, 0);
    assert_int_equal(hear(f, fd, &out, "GET /3 - - "), 0);
    first = strstr(buf_text(&out), "GET /1 - - ");
    second = strstr(buf_text(&out), "POST /2 - - abc");
    third = strstr(buf_text(&out), "GET /3 - - ");
    assert_true(first && second && third && first < second && second < third);
    assert_int_equal(f->handled, 3);
    buf_finish(&out);
    close(fd);
}

static void test_answers_may_come_later_and_in_any_order(void **state)
{
    struct fixture *f = *state;
    int one = dial(f);
    int two = dial(f);

    say(one, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    while (f->held_count < 1) {
        loop_turn(f->loop, true);
    }
    say(two, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    while (f->held_count < 2) {
        loop_turn(f->loop, true);
    }
    http_answer(f->held[1], 200, "text/plain", SLICE("second"));
    expect(f, two, "second");
    http_answer(f->held[0], 200, "text/plain", SLICE("first"));
    expect(f, one, "first");
    /* and the connection is good for more */
    say(one, "GET /again HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(f, one, "GET /again");
    close(one);
    close(two);
}

static void test_a_client_that_left_does_not_disturb_its_late_answer(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);

    say(fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    while (f->held_count < 1) {
        loop_turn(f->loop, true);
    }
    close(fd);
    http_answer(f->held[0], 200, "text/plain", SLICE("for nobody"));
    fd = dial(f);
    say(fd, "GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(f, fd, "GET /next");
    close(fd);
}

static void test_an_announced_body_that_is_too_large_is_refused_unread(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);

    say(fd, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n");
    expect_end(f, fd, "HTTP/1.1 413 ");
    assert_int_equal(f->handled, 0);
    close(fd);
}

static void test_a_chunked_body_that_grows_too_large_is_refused(void **state)
{
    struct fixture *f = *state;
    char chunk[1024];

    for (int chunks = 5; chunks <= 40; chunks += 35) { /* a little too much, and on and on */
        int fd = dial(f);

        memset(chunk, 'x', sizeof(chunk) - 1);
        chunk[sizeof(chunk) - 1] = '\0';
        say(fd, "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < chunks; i++) {
            say(fd, "3ff\r\n");
            say(fd, chunk);
            say(fd, "\r\n");
        }
        say(fd, "0\r\n\r\n");
        expect(f, fd, "HTTP/1.1 413 ");
        close(fd);
    }
    assert_int_equal(f->handled, 0);
}

static void test_a_chunked_body_of_allowed_size_is_taken(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);

    say(fd, "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    expect(f, fd, "POST /c - - abcde");
    close(fd);
}

static void test_what_is_no_http_is_refused(void **state)
{
    static const char *const cases[] = {
        "\x16\x03\x01 no such thing\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int fd = dial(f);
        struct buf out;

        say(fd, cases[i]);
        shutdown(fd, SHUT_WR);
        buf_init(&out, 0);
        hear(f, fd, &out, NULL);
        assert_true(out.len == 0 || strstr(buf_text(&out), " 400 "));
        buf_finish(&out);
        close(fd);
    }
    assert_int_equal(f->handled, 0);
}

static void test_reset_reaches_the_client_as_a_reset(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);

    say(fd, "POST /reset HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab");
    assert_int_equal(expect_end(f, fd, ""), ECONNRESET);
    assert_int_equal(f->handled, 1);
    close(fd);
}

static void test_a_held_exchange_can_be_reset_later(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);

    say(fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    while (f->held_count < 1) {
        loop_turn(f->loop, true);
    }
    http_exchange_reset(f->held[0]);
    assert_int_equal(expect_end(f, fd, ""), ECONNRESET);
    close(fd);
}

static void test_raw_bytes_arrive_as_they_are_and_the_connection_ends(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);

    say(fd, "GET /raw HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(expect_end(f, fd, "\x01garbage\xff"), -1);
    close(fd);
}

static void test_a_hung_exchange_stays_silent_while_others_are_served(void **state)
{
    struct fixture *f = *state;
    int hung = dial(f);
    int fd = dial(f);
    char byte;

    say(hung, "GET /hang HTTP/1.1\r\nHost: x\r\n\r\n");
    while (f->handled < 1) {
        loop_turn(f->loop, true);
    }
    say(fd, "GET /other HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(f, fd, "GET /other");
    assert_int_equal(recv(hung, &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    close(hung);
    close(fd);
}

static void test_a_hung_exchange_ends_at_the_time_limit(void **state)
{
    struct fixture *f = *state;
    int fd;

    http_server_close(f->server);
    open_server(f, 1);
    fd = dial(f);
    say(fd, "GET /hang HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(expect_end(f, fd, ""), -1);
    close(fd);
}

/* A byte whenever the loop turns: never idle, never done. */
static void test_a_request_that_trickles_in_is_cut_off(void **state)
{
    struct fixture *f = *state;
    bool is_over = false;
    int fd;

    http_server_close(f->server);
    open_server(f, 1);
    fd = dial(f);
    say(fd, "GET /slow HTTP/1.1\r\nHost: x\r\nX-Word: ");
    while (!is_over) {
        char byte;
        ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);

        is_over = n == 0 || (n < 0 && errno != EAGAIN);
        send(fd, "a", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        loop_turn(f->loop, true);
        usleep(20000); /* spreads the head over the time limit; nothing is asserted on how long it takes */
    }
    assert_int_equal(f->handled, 0);
    close(fd);
}

static void test_closing_cuts_open_held_and_hung_connections(void **state)
{
    static const char *const requests[] = {
        "GET /later HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /hang HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /half HTTP/1.1\r\nHo",
    };
    struct fixture *f = *state;
    int fds[3];

    for (size_t i = 0; i < 3; i++) {
        fds[i] = dial(f);
        say(fds[i], requests[i]);
    }
    while (f->handled < 2) {
        loop_turn(f->loop, true);
    }
    http_server_close(f->server);
    f->server = NULL;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(expect_end(f, fds[i], ""), -1);
        close(fds[i]);
    }
}

static void test_an_address_that_cannot_be_used_is_named(void **state)
{
    static const struct {
        const char *listen;
        const char *complaint;
    } cases[] = {
        {"8025", "no address to listen on"},
        {"", "no address to listen on"},
        {"::1:80", "no address to listen on"},
        {"127.0.0.1:", "no address to listen on"},
        {"127.0.0.1:http", "no address to listen on"},
        {"[::1]80", "no address to listen on"},
        {"[]:80", "no address to listen on"},
        {"127.0.0.1:65536", "no address to listen on"},
        {"192.0.2.1:0", "cannot listen on 192.0.2.1:0: Cannot assign"},
    };
    struct fixture *f = *state;
    struct http_server_settings settings = {.most_body = MOST_BODY, .timeout_s = 30};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err = {{0}};

        settings.listen = cases[i].listen;
        assert_null(http_server_open(f->loop, &settings, on_request, f, &err));
        if (!strstr(err.text, cases[i].complaint)) {
            fail_msg("%s: \"%s\" was expected, not \"%s\"", cases[i].listen, cases[i].complaint, err.text);
        }
    }
}

static void test_a_port_in_use_is_named(void **state)
{
    struct fixture *f = *state;
    struct http_server_settings settings = {.most_body = MOST_BODY, .timeout_s = 30};
    struct err err = {{0}};

    settings.listen = http_server_address(f->server);
    assert_null(http_server_open(f->loop, &settings, on_request, f, &err));
    assert_non_null(strstr(err.text, "Address already in use"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_request_reaches_the_handler_whole),
        TEST(test_pipelined_requests_are_answered_in_order),
        TEST(test_answers_may_come_later_and_in_any_order),
        TEST(test_a_client_that_left_does_not_disturb_its_late_answer),
        TEST(test_an_announced_body_that_is_too_large_is_refused_unread),
        TEST(test_a_chunked_body_that_grows_too_large_is_refused),
        TEST(test_a_chunked_body_of_allowed_size_is_taken),
        TEST(test_what_is_no_http_is_refused),
        TEST(test_reset_reaches_the_client_as_a_reset),
        TEST(test_a_held_exchange_can_be_reset_later),
        TEST(test_raw_bytes_arrive_as_they_are_and_the_connection_ends),
        TEST(test_a_hung_exchange_stays_silent_while_others_are_served),
        TEST(test_a_hung_exchange_ends_at_the_time_limit),
        TEST(test_a_request_that_trickles_in_is_cut_off),
        TEST(test_closing_cuts_open_held_and_hung_connections),
        TEST(test_an_address_that_cannot_be_used_is_named),
        TEST(test_a_port_in_use_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
