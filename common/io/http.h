/*
 * http: requests to provider APIs (curl multi behind it), reported as facts.
 *
 * One attempt is at most one request on the wire: curl's own silent repeat of a POST on a dead kept-alive
 * connection is stopped by the pre-request guard. The reply tells whether a byte of the request can have left
 * (`is_begun`), which is what the verdict is made from. The queue is the caller's: never begin more than
 * `http_free_slots()`.
 */
#ifndef IO_HTTP_H
#define IO_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "io/loop.h"

struct http_client;

struct http_settings {
    int64_t connections;          /* most requests at once, 1..4096 */
    int64_t connect_timeout_ms;   /* 3000 */
    int64_t request_timeout_ms;   /* 10000, whole transfer */
    const char *ca_file;          /* NULL: the system's */
    bool is_plain_allowed;        /* http:// and loopback/private peers allowed (sandbox, tests) */
    const char *user_agent;
};

struct http_header {
    const char *name;
    const char *value;
};

/* Borrowed for the duration of http_begin(), except `body`, which must live until the callback. */
struct http_request {
    const char *method; /* "POST", "GET" */
    const char *url;
    const struct http_header *headers;
    size_t header_count;
    struct slice body;
    int64_t send_before_ms; /* clock_mono_ms(): later than this the request must not begin (the lease); 0 = none */
};

struct http_reply {
    int status;            /* final status line received, 200..599; 0 when none (1xx is not an answer) */
    bool is_begun;         /* the request may have left this process, in part or whole */
    bool is_body_complete;
    struct slice body;     /* at most 64 KiB */
    const struct http_header *headers; /* names in lower case; last wins */
    size_t header_count;
    const char *problem;   /* "" or a short stable word for logs and metrics: "timeout", "connect", "connect_timeout",
                              "dns", "tls", "certificate", "reset", "empty", "garbage", "partial", "too_large",
                              "repeat_stopped", "lease_over", "peer_refused", "bad_url", "bad_request", "closed",
                              "other" */
    bool is_permanent;     /* the problem is one of configuration (certificate, URL): stop the channel */
    int64_t total_ms;
};

typedef void (*http_fn)(void *arg, const struct http_reply *reply);

struct http_client *http_open(struct loop *loop, const struct http_settings *settings, struct err *err);
/* Requests still open are answered with problem "closed", from within the call; no new ones may be begun then. */
void http_close(struct http_client *client);

/* True when the URL may be used with these settings: https, or http where plain is allowed. */
bool http_check_url(const struct http_settings *settings, const char *url, struct err *err);

/* Answered exactly once, never from within the call. Headers that could break the request (line breaks, control
 * characters, more than 64) are answered with problem "bad_request". */
void http_begin(struct http_client *client, const struct http_request *request, http_fn fn, void *arg);
int64_t http_free_slots(const struct http_client *client);

/* NULL when the header is not there. `name` in lower case. */
const char *http_find_header(const struct http_reply *reply, const char *name);

#endif
