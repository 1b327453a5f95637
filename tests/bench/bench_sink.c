/*
 * bench_sink: a provider that answers at once (or after a fixed time) and keeps the books of a measurement.
 *
 * Every message carries "bench:<serial>:<sent_us>:<member>:" in its subject or text. From that the sink knows how many
 * different messages came, how many came twice, whether a member's messages came in order, and how long each took
 * from event to request (both ends read the same monotonic clock).
 *
 *   GET /stats    "messages duplicates disorders malformed"
 *   GET /latency  "p50 p99 p99.9" in microseconds
 *   GET /reset    forgets all
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/args.h"
#include "base/clock.h"
#include "base/die.h"
#include "base/mem.h"

enum { MOST_SERIALS = 1 << 21, MOST_MEMBERS = 1 << 16, BUFFER_SIZE = 64 << 10, EVENTS = 256, BACKLOG = 1024 };

struct connection {
    int fd;
    size_t len;
    bool is_sms;
    int64_t due_us;          /* when the answer is to leave; 0: no request is open */
    struct connection *next; /* queue of answers that wait, by due time, or list of connections to use again */
    char buffer[BUFFER_SIZE];
};

static struct {
    int poll;
    int64_t latency_us;
    struct connection *first, *last; /* answers that wait; the time is the same for all, so it is a queue */
    struct connection *spare;

    uint8_t is_seen[MOST_SERIALS];
    uint32_t latest[MOST_MEMBERS]; /* serial + 1 */
    int32_t *took_us;
    uint64_t messages, duplicates, disorders, malformed;
} sink;

/* --- the books ---------------------------------------------------------------------------------------------------- */

static void keep_books(const char *body, size_t len)
{
    static const char mark[] = "bench:";
    const char *at = memmem(body, len, mark, sizeof(mark) - 1);
    unsigned long serial, member;
    long long sent_us;
    char *end;

    if (!at) {
        sink.malformed++;
        return;
    }
    serial = strtoul(at + sizeof(mark) - 1, &end, 10);
    sent_us = strtoll(end + (*end == ':'), &end, 10);
    member = strtoul(end + (*end == ':'), &end, 10);
    if (*end != ':' || serial >= MOST_SERIALS || member >= MOST_MEMBERS) {
        sink.malformed++;
        return;
    }
    if (sink.is_seen[serial]) {
        sink.duplicates++;
        return;
    }
    sink.is_seen[serial] = 1;
    sink.disorders += serial < sink.latest[member];
    sink.latest[member] = (uint32_t)serial + 1;
    sink.took_us[sink.messages++] = (int32_t)(clock_mono_us() - sent_us);
}

static int compare(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

    return (x > y) - (x < y);
}

static int32_t quantile(double q)
{
    return sink.messages ? sink.took_us[(size_t)(q * (double)(sink.messages - 1))] : -1;
}

static void reset(void)
{
    memset(sink.is_seen, 0, sizeof(sink.is_seen));
    memset(sink.latest, 0, sizeof(sink.latest));
    sink.messages = sink.duplicates = sink.disorders = sink.malformed = 0;
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void send_all(struct connection *connection, const char *text, int len)
{
    if (send(connection->fd, text, (size_t)len, MSG_NOSIGNAL) != len) {
        shutdown(connection->fd, SHUT_RDWR); /* the answers are smaller than any socket buffer: the peer is gone */
    }
}

static void answer_message(struct connection *connection)
{
    static uint64_t count;
    char body[160], text[512];
    int body_len, len;

    count++;
    if (connection->is_sms) {
        body_len = snprintf(body, sizeof(body), "{\"reference\":\"bench\",\"messageId\":%llu,\"smsCount\":1,\"usedCredits\":1,"
                            "\"remainingCredits\":1000}", (unsigned long long)count);
    } else {
        body_len = snprintf(body, sizeof(body), "{\"messageId\":\"<202611211000.%012llu@smtp-relay.example.com>\"}",
                            (unsigned long long)count);
    }
    len = snprintf(text, sizeof(text),
                   "HTTP/1.1 201 Created\r\nDate: Sat, 21 Nov 2026 10:00:00 GMT\r\nContent-Type: application/json\r\n"
                   "Content-Length: %d\r\nx-sib-ratelimit-limit: 1000000\r\nx-sib-ratelimit-remaining: 999999\r\n"
                   "x-sib-ratelimit-reset: 1\r\n\r\n%s", body_len, body);
    connection->due_us = 0;
    send_all(connection, text, len);
}

static void answer_question(struct connection *connection)
{
    char body[256], text[512];
    int len;

    if (strncmp(connection->buffer, "GET /latency ", 13) == 0) {
        qsort(sink.took_us, sink.messages, sizeof(*sink.took_us), compare);
        snprintf(body, sizeof(body), "%d %d %d\n", quantile(0.5), quantile(0.99), quantile(0.999));
    } else {
        if (strncmp(connection->buffer, "GET /reset ", 11) == 0) {
            reset();
        }
        snprintf(body, sizeof(body), "%llu %llu %llu %llu\n", (unsigned long long)sink.messages,
                 (unsigned long long)sink.duplicates, (unsigned long long)sink.disorders,
                 (unsigned long long)sink.malformed);
    }
    len = snprintf(text, sizeof(text), "HTTP/1.0 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
    send_all(connection, text, len);
    shutdown(connection->fd, SHUT_WR);
}

static void answer_later(struct connection *connection)
{
    connection->due_us = clock_mono_us() + sink.latency_us;
    connection->next = NULL;
    if (sink.last && sink.first) {
        sink.last->next = connection;
    } else {
        sink.first = connection;
    }
    sink.last = connection;
}

/* Milliseconds until the next one is due, -1 when none waits. */
static int answer_due(void)
{
    while (sink.first) {
        struct connection *connection = sink.first;
        int64_t left_us = connection->due_us - clock_mono_us();

        if (left_us > 0) {
            return (int)(left_us / 1000) + 1;
        }
        sink.first = connection->next;
        answer_message(connection);
    }
    return -1;
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

/* Bytes of the whole request in the buffer; 0: not all there yet. */
static size_t request_len(const struct connection *connection, size_t *head_len)
{
    const char *end = memmem(connection->buffer, connection->len, "\r\n\r\n", 4);
    const char *length;
    size_t whole;

    if (!end) {
        return 0;
    }
    *head_len = (size_t)(end - connection->buffer) + 4;
    length = strcasestr(connection->buffer, "\r\ncontent-length:");
    whole = *head_len + (length && length < end ? strtoul(length + 17, NULL, 10) : 0);
    return connection->len >= whole ? whole : 0;
}

static void handle(struct connection *connection)
{
    size_t head_len, whole;

    connection->buffer[connection->len] = '\0';
    whole = request_len(connection, &head_len);
    if (whole == 0) {
        return;
    }
    if (strncmp(connection->buffer, "GET ", 4) == 0) {
        answer_question(connection);
        return;
    }
    connection->is_sms = strncmp(connection->buffer, "POST /v3/transactionalSMS/", 26) == 0;
    keep_books(connection->buffer + head_len, whole - head_len);
    connection->len = 0; /* nobody pipelines */
    if (sink.latency_us > 0) {
        answer_later(connection);
    } else {
        answer_message(connection);
    }
}

static void drop(struct connection *connection)
{
    close(connection->fd);
    connection->fd = -1;
    if (connection->due_us == 0) { /* else it stays in the queue, and its answer goes nowhere */
        connection->next = sink.spare;
        sink.spare = connection;
    }
}

static void receive(struct connection *connection)
{
    ssize_t got = recv(connection->fd, connection->buffer + connection->len, BUFFER_SIZE - 1 - connection->len, 0);

    if (got <= 0) {
        drop(connection);
        return;
    }
    connection->len += (size_t)got;
    handle(connection);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static void accept_one(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    int on = 1;
    struct connection *connection = sink.spare;

    if (fd < 0) {
        return;
    }
    if (connection) {
        sink.spare = connection->next;
    } else {
        connection = xmalloc(sizeof(*connection));
    }
    connection->fd = fd;
    connection->len = 0;
    connection->due_us = 0;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (epoll_ctl(sink.poll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.ptr = connection})) {
        die("epoll_ctl failed");
    }
}

static int listen_on_loopback(unsigned *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, BACKLOG) ||
        getsockname(fd, (struct sockaddr *)&address, &len)) {
        die("cannot listen on loopback");
    }
    *port = ntohs(address.sin_port);
    return fd;
}

static void serve(int listener)
{
    struct epoll_event events[EVENTS];

    sink.poll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ctl(sink.poll, EPOLL_CTL_ADD, listener, &(struct epoll_event){.events = EPOLLIN})) {
        die("epoll_ctl failed");
    }
    for (;;) {
        int count = epoll_wait(sink.poll, events, EVENTS, answer_due());

        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr) {
                receive(events[i].data.ptr);
            } else {
                accept_one(listener);
            }
        }
    }
}

int main(int argc, char **argv)
{
    int64_t latency_ms = 0;
    unsigned port;
    int positional = 0, listener;
    const struct arg table[] = {
        {"latency-ms", ARG_INT, &latency_ms, "N", "answer so much later (default 0)"},
        {NULL, ARG_FLAG, NULL, NULL, NULL},
    };
    const struct args_usage usage = {"bench_sink", "", "A provider for measurements.", 0};
    struct err err = {{0}};

    switch (args_parse(table, &usage, argc, argv, &positional, &err)) {
    case ARGS_OK:
        break;
    case ARGS_HELP:
        args_print_help(table, &usage, stdout);
        return 0;
    case ARGS_WRONG:
        fprintf(stderr, "bench_sink: %s\n", err.text);
        return 2;
    }
    sink.latency_us = latency_ms * 1000;
    sink.took_us = xreallocarray(NULL, MOST_SERIALS, sizeof(*sink.took_us));
    listener = listen_on_loopback(&port);
    printf("%u\n", port);
    fflush(stdout);
    serve(listener);
}
