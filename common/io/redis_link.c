#include "io/redis_link.h" /* before hiredis, whose macro REDIS_OK has the value of ours */

#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>
#if __has_include(<hiredis/hiredis_ssl.h>)
#include <hiredis/hiredis_ssl.h>
#include <openssl/ssl.h>
#define HAS_TLS 1
#else
#define HAS_TLS 0
#endif

#include "base/mem.h"
#include "io/loop_uv.h"
#include "io/redis_reader.h"

_Static_assert(REDIS_OK == 0, "hiredis' REDIS_OK and that of enum redis_status are the same value");

enum { ADDRESSES_MAX = 8, ADDRESS_SIZE = 64, REASON_SIZE = 160 };

struct redis_link {
    struct loop *loop;
    const struct redis_url *url;
    struct redis_link_events events;
    struct redis_reader *reader;

    uv_getaddrinfo_t lookup;
    bool is_looking_up;
    char addresses[ADDRESSES_MAX][ADDRESS_SIZE]; /* numeric; tried in order until one connects */
    int address_count;
    int address_at;

    redisAsyncContext *context; /* NULL before connecting and as soon as hiredis gave it up */
    uv_poll_t *poll;            /* of the context's socket; frees itself when closed */
    int wanted_events;
    int polled_events;
    bool is_connected;
    bool is_up_told;
    bool is_down_told;
    bool is_flush_due; /* commands were appended in this turn */
    bool is_flushing;
    bool is_closed;
    char reason[REASON_SIZE]; /* why the context went away */
    struct ssl_st *tls;       /* of the context, ours too; NULL without TLS */
};

/* Why hiredis gave the context up. When TLS failed it says "Success", or nothing. */
static void explain(struct redis_link *link, const redisAsyncContext *context)
{
    const char *text = context->c.errstr[0] ? context->c.errstr : "connection closed";

#if HAS_TLS
    long verdict = link->tls ? SSL_get_verify_result(link->tls) : X509_V_OK;

    if (verdict != X509_V_OK) {
        snprintf(link->reason, sizeof(link->reason), "TLS: certificate refused: %s",
                 X509_verify_cert_error_string(verdict));
        return;
    }
    if (link->tls && !SSL_is_init_finished(link->tls) && (!context->c.errstr[0] || strcmp(text, "Success") == 0)) {
        text = "TLS: the server does not complete the handshake";
    }
#endif
    snprintf(link->reason, sizeof(link->reason), "%s", text);
}

static void forget_tls(struct redis_link *link)
{
#if HAS_TLS
    SSL_free(link->tls);
#endif
    link->tls = NULL;
}

bool redis_link_has_tls(void)
{
    return HAS_TLS;
}

/* --- watching the socket: the functions that hiredis calls ------------------------------------------------------- */

static void on_poll(uv_poll_t *poll, int status, int events);

static void watch(struct redis_link *link, int events)
{
    link->wanted_events = events;
    if (!link->poll || events == link->polled_events) {
        return;
    }
    link->polled_events = events;
    if (events) {
        uv_poll_start(link->poll, events, on_poll);
    } else {
        uv_poll_stop(link->poll);
    }
}

static void add_read(void *arg)
{
    struct redis_link *link = arg;

    watch(link, link->wanted_events | UV_READABLE);
}

static void delete_read(void *arg)
{
    struct redis_link *link = arg;

    watch(link, link->wanted_events & ~UV_READABLE);
}

/* Called when something was appended to the output (it is flushed at the end of the turn, without waiting for the
 * socket), while connecting, and when a flush could not write everything (then the socket must become writable). */
static void add_write(void *arg)
{
    struct redis_link *link = arg;

    if (link->is_connected && !link->is_flushing) {
        link->is_flush_due = true;
    } else {
        watch(link, link->wanted_events | UV_WRITABLE);
    }
}

static void delete_write(void *arg)
{
    struct redis_link *link = arg;

    watch(link, link->wanted_events & ~UV_WRITABLE);
}

static void on_poll_closed(uv_handle_t *handle)
{
    free(handle);
}

/* Before the socket is closed, since libuv must not watch a number that means another file by then. */
static void stop_watching(struct redis_link *link)
{
    if (link->poll) {
        link->poll->data = NULL;
        uv_poll_stop(link->poll);
        uv_close((uv_handle_t *)link->poll, on_poll_closed);
        link->poll = NULL;
    }
    link->wanted_events = 0;
    link->polled_events = 0;
}

/* hiredis is about to free the context, on its own account or on ours. */
static void on_cleanup(void *arg)
{
    struct redis_link *link = arg;

    if (link->context && !link->reason[0]) {
        explain(link, link->context);
    }
    stop_watching(link);
    link->context = NULL;
    link->is_connected = false;
}

/* --- connecting -------------------------------------------------------------------------------------------------- */

static void on_connect(const redisAsyncContext *context, int status)
{
    struct redis_link *link = context->data;

    if (status == REDIS_OK) {
        link->is_connected = true;
    }
}

#if HAS_TLS
/* The certificate must be signed by an authority of this machine, or of SSL_CERT_FILE, and name the host of the URL. */
static bool begin_tls(struct redis_link *link, redisAsyncContext *context)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    struct ssl_st *ssl = NULL;
    const char *host = link->url->host;

    if (tls && SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) && SSL_CTX_set_default_verify_paths(tls)) {
        SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
        ssl = SSL_new(tls);
    }
    SSL_CTX_free(tls); /* ssl keeps it */
    if (!ssl) {
        return false;
    }
    if (!X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host)) {
        if (!SSL_set1_host(ssl, host) || !SSL_set_tlsext_host_name(ssl, host)) {
            SSL_free(ssl);
            return false;
        }
    }
    forget_tls(link);
    link->tls = ssl;
    if (redisInitiateSSL(&context->c, ssl) != REDIS_OK) {
        return false;
    }
    SSL_up_ref(ssl); /* the context's own */
    return true;
}
#endif

static bool attach(struct redis_link *link, redisAsyncContext *context)
{
    uv_poll_t *poll = xcalloc(1, sizeof(*poll));

    if (uv_poll_init(loop_uv(link->loop), poll, context->c.fd) != 0) {
        free(poll);
        return false;
    }
    poll->data = link;
    link->poll = poll;
    link->context = context;
    link->reason[0] = '\0';
    context->data = link;
    context->ev.data = link;
    context->ev.addRead = add_read;
    context->ev.delRead = delete_read;
    context->ev.addWrite = add_write;
    context->ev.delWrite = delete_write;
    context->ev.cleanup = on_cleanup;
    redis_reader_attach(link->reader, context);
    redisAsyncSetConnectCallback(context, on_connect); /* also begins to wait for the socket */
    if (!link->url->path) {
        redisEnableKeepAlive(&context->c);
    }
#if HAS_TLS
    if (link->url->is_tls && !begin_tls(link, context)) {
        explain(link, context);
        redisAsyncFree(context);
        return false;
    }
#endif
    return true;
}

/* False: this address failed at once, with the reason noted. */
static bool connect_to(struct redis_link *link, const char *address)
{
    redisAsyncContext *context =
        link->url->path ? redisAsyncConnectUnix(link->url->path) : redisAsyncConnect(address, link->url->port);

    if (!context) {
        snprintf(link->reason, sizeof(link->reason), "out of memory");
        return false;
    }
    if (context->err) {
        snprintf(link->reason, sizeof(link->reason), "%s", context->errstr);
        redisAsyncFree(context);
        return false;
    }
    if (!attach(link, context)) {
        if (!link->reason[0]) {
            snprintf(link->reason, sizeof(link->reason), "cannot watch the socket");
            redisAsyncFree(context);
        }
        return false;
    }
    return true;
}

static bool try_next_address(struct redis_link *link)
{
    while (link->address_at < link->address_count) {
        if (connect_to(link, link->addresses[link->address_at++])) {
            return true;
        }
    }
    return false;
}

/* --- telling the owner, with none of hiredis' functions on the stack ---------------------------------------------- */

static void report(struct redis_link *link)
{
    if (link->is_closed || link->is_down_told) {
        return;
    }
    if (!link->context) {
        if (!link->is_up_told && try_next_address(link)) {
            return;
        }
        link->is_down_told = true;
        link->events.on_down(link->events.arg, link->reason);
    } else if (link->is_connected && !link->is_up_told) {
        link->is_up_told = true;
        link->events.on_up(link->events.arg);
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct redis_link *link = poll->data;

    if (!link || !link->context) {
        return;
    }
    if (status != 0) { /* libuv stopped watching: let hiredis find out what is wrong */
        link->polled_events = 0;
        events = UV_READABLE;
    }
    if (events & UV_READABLE) {
        redisAsyncHandleRead(link->context);
    }
    if (link->context && !link->is_closed && (events & UV_WRITABLE)) {
        link->is_flushing = true;
        redisAsyncHandleWrite(link->context);
        link->is_flushing = false;
    }
    if (status != 0 && link->context && !link->is_closed) {
        snprintf(link->reason, sizeof(link->reason), "socket: %s", uv_strerror(status));
        redisAsyncFree(link->context);
    }
    report(link);
}

void redis_link_flush(struct redis_link *link)
{
    if (!link->is_flush_due || link->is_closed) {
        return;
    }
    link->is_flush_due = false;
    if (link->context) {
        link->is_flushing = true;
        redisAsyncHandleWrite(link->context);
        link->is_flushing = false;
    }
    report(link);
}

static void on_reply(redisAsyncContext *context, void *raw, void *arg)
{
    struct redis_link *link = arg;
    struct redis_reply reply;
    bool is_error;

    (void)context;
    if (!raw || link->is_closed) {
        return; /* the connection ends; the owner is told otherwise */
    }
    is_error = redis_reader_convert(link->reader, raw, &reply);
    link->events.on_reply(link->events.arg, &reply, is_error);
}

void redis_link_send(struct redis_link *link, const char *command, size_t len)
{
    if (link->context && !link->is_closed) {
        /* Refused only when the context is being freed; then on_down follows. */
        redis_reader_expect(link->reader);
        redisAsyncFormattedCommand(link->context, on_reply, link, command, len);
    }
}

/* --- opening and closing ----------------------------------------------------------------------------------------- */

static void free_link(struct redis_link *link)
{
    redis_reader_destroy(link->reader);
    forget_tls(link);
    free(link);
}

static void on_looked_up(uv_getaddrinfo_t *lookup, int status, struct addrinfo *list)
{
    struct redis_link *link = lookup->data;

    link->is_looking_up = false;
    for (const struct addrinfo *at = list; at && link->address_count < ADDRESSES_MAX; at = at->ai_next) {
        if (getnameinfo(at->ai_addr, at->ai_addrlen, link->addresses[link->address_count], ADDRESS_SIZE, NULL, 0,
                        NI_NUMERICHOST) == 0) {
            link->address_count++;
        }
    }
    uv_freeaddrinfo(list);
    if (link->is_closed) {
        free_link(link);
        return;
    }
    snprintf(link->reason, sizeof(link->reason), "cannot look up host: %s",
             status < 0 ? uv_strerror(status) : "no address");
    report(link);
}

static void begin(void *arg)
{
    struct redis_link *link = arg;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
    int status;

    if (link->is_closed) {
        return;
    }
    if (link->url->path) {
        link->address_count = 1;
        report(link);
        return;
    }
    link->lookup.data = link;
    status = uv_getaddrinfo(loop_uv(link->loop), &link->lookup, on_looked_up, link->url->host, NULL, &hints);
    link->is_looking_up = status == 0;
    if (status != 0) {
        snprintf(link->reason, sizeof(link->reason), "cannot look up host: %s", uv_strerror(status));
        report(link);
    }
}

bool redis_link_parse_url(const char *text, struct redis_url *url, struct err *err)
{
    if (!redis_url_parse(text, url, err)) {
        return false;
    }
    if (url->is_tls && !redis_link_has_tls()) {
        redis_url_finish(url);
        return err_set(err, "Redis URL: rediss:// (TLS) needs a build with hiredis 1.0 or newer; this one is older");
    }
    return true;
}

bool redis_check_url(const char *text, struct err *err)
{
    struct redis_url url;
    bool is_good = redis_link_parse_url(text, &url, err);

    if (is_good) {
        redis_url_finish(&url);
    }
    return is_good;
}

/* Memory of base/mem.h for hiredis. Before 1.0 it cannot be told, and does not look everywhere whether it got any. */
static void use_memory(void)
{
#if HIREDIS_MAJOR >= 1
    hiredisAllocFuncs functions = {xmalloc, xcalloc, xrealloc, xstrdup, free};

    hiredisSetAllocators(&functions);
#endif
}

struct redis_link *redis_link_open(struct loop *loop, const struct redis_url *url,
                                   const struct redis_link_events *events)
{
    struct redis_link *link = xcalloc(1, sizeof(*link));

    use_memory();
    link->loop = loop;
    link->url = url;
    link->events = *events;
    link->reader = redis_reader_create();
    loop_defer(loop, begin, link);
    return link;
}

static void dismantle(void *arg)
{
    struct redis_link *link = arg;

    if (link->context) {
        redisAsyncFree(link->context); /* on_cleanup() forgets it */
    }
    if (!link->is_looking_up) {
        free_link(link);
    }
}

void redis_link_close(struct redis_link *link)
{
    if (!link) {
        return;
    }
    link->is_closed = true;
    if (link->is_looking_up) {
        uv_cancel((uv_req_t *)&link->lookup); /* told either way */
    }
    loop_defer(link->loop, dismantle, link);
}
