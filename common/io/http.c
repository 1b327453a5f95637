#include "io/http.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/crashpoint.h"
#include "base/die.h"
#include "base/mem.h"
#include "io/http_answer.h"
#include "io/http_multi.h"
#include "io/http_peer.h"
#include "io/http_problem.h"

/* A slot is a curl handle with its answer, used again and again, so that what does not change from one request to the
 * next is not set again. */

enum { IDLE_CONNECTION_S = 20, CONNECTION_LIFE_S = 300, DNS_CACHE_S = 30, REQUEST_HEADERS_MAX = 64 };

struct slot {
    struct slot *next; /* in the list of free ones */
    struct slot *open_prev;
    struct slot *open_next;
    struct http_client *client;
    CURL *easy;
    char *url;
    char *method;
    /* What CURLOPT_HTTPHEADER was given once: the nodes stay, their texts change. */
    struct curl_slist nodes[REQUEST_HEADERS_MAX + 1];
    struct buf header_text;
    struct http_answer answer;
    http_fn fn;
    void *arg;
    int64_t send_before_ms;
    int64_t begun_ms;
    bool is_begun;       /* the guard let it through */
    const char *refusal; /* why the guard did not, or NULL */
};

struct http_client {
    struct loop *loop;
    struct http_settings settings;
    char *ca_file;
    char *user_agent;
    struct http_multi *multi;
    struct slot *free_slots;
    struct slot *open_slots;
    int64_t open_count;
    bool is_closed;
};

static int client_count; /* users of curl's global state */

/* --- what curl calls --------------------------------------------------------------------------------------------- */

/* The pre-request guard: after connecting, before each issue of the request, also of curl's own silent repeat on a
 * connection that turned out dead. Never called means that no byte of the request has left. */
static int guard(void *arg, char *peer_ip, char *local_ip, int peer_port, int local_port)
{
    struct slot *slot = arg;

    (void)local_ip;
    (void)peer_port;
    (void)local_port;
    if (slot->is_begun) {
        slot->refusal = "repeat_stopped";
    } else if (slot->send_before_ms && clock_mono_ms() > slot->send_before_ms) {
        slot->refusal = "lease_over";
    } else if (!slot->client->settings.is_plain_allowed && !http_peer_is_public(peer_ip)) {
        slot->refusal = "peer_refused";
    } else {
        slot->is_begun = true;
        CRASHPOINT("request_allowed");
        return CURL_PREREQFUNC_OK;
    }
    return CURL_PREREQFUNC_ABORT;
}

static size_t on_header_line(char *line, size_t size, size_t count, void *arg)
{
    struct slot *slot = arg;

    CRASHPOINT("answer_begun");
    http_answer_add_line(&slot->answer, line, size * count);
    return size * count;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct slot *slot = arg;

    return http_answer_add_body(&slot->answer, data, size * count) ? size * count : CURL_WRITEFUNC_ERROR;
}

static void name_problem(const struct slot *slot, CURLcode code, struct http_reply *reply)
{
    if (slot->refusal) {
        reply->problem = slot->refusal;
        reply->is_permanent = strcmp(slot->refusal, "peer_refused") == 0;
    } else {
        reply->problem = http_problem_name(code, slot->is_begun, &reply->is_permanent);
    }
}

/* --- slots ------------------------------------------------------------------------------------------------------- */

static void set_once(struct slot *slot)
{
    const struct http_client *client = slot->client;
    CURL *easy = slot->easy;

    curl_easy_setopt(easy, CURLOPT_PRIVATE, slot);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, client->settings.is_plain_allowed ? "http,https" : "https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)client->settings.connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)client->settings.request_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)IDLE_CONNECTION_S);
    curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_LIFE_S);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, (long)DNS_CACHE_S);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* not from the environment */
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (client->ca_file) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, client->ca_file);
    }
    if (client->user_agent) {
        curl_easy_setopt(easy, CURLOPT_USERAGENT, client->user_agent);
    }
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, guard);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, slot);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header_line);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, slot);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, slot);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, &slot->nodes[0]);
    http_multi_adopt(client->multi, easy);
}

static struct slot *create_slot(struct http_client *client)
{
    static char no_expect[] = "Expect:"; /* leaves out "Expect: 100-continue" */
    struct slot *slot = xcalloc(1, sizeof(*slot));

    slot->client = client;
    slot->easy = curl_easy_init();
    if (!slot->easy) {
        die("curl: cannot make a handle");
    }
    slot->nodes[0].data = no_expect;
    buf_init(&slot->header_text, 0);
    http_answer_init(&slot->answer);
    set_once(slot);
    return slot;
}

static void destroy_slot(struct slot *slot)
{
    curl_easy_cleanup(slot->easy);
    buf_finish(&slot->header_text);
    http_answer_finish(&slot->answer);
    free(slot->url);
    free(slot->method);
    free(slot);
}

static struct slot *take_slot(struct http_client *client)
{
    struct slot *slot = client->free_slots;

    if (slot) {
        client->free_slots = slot->next;
    } else {
        slot = create_slot(client);
    }
    slot->open_prev = NULL;
    slot->open_next = client->open_slots;
    if (client->open_slots) {
        client->open_slots->open_prev = slot;
    }
    client->open_slots = slot;
    client->open_count++;
    return slot;
}

static void leave_open_list(struct slot *slot)
{
    struct http_client *client = slot->client;

    if (slot->open_prev) {
        slot->open_prev->open_next = slot->open_next;
    } else {
        client->open_slots = slot->open_next;
    }
    if (slot->open_next) {
        slot->open_next->open_prev = slot->open_prev;
    }
    client->open_count--;
}

/* The slot can be taken again only after the callback, since the reply lies in it. */
static void answer(struct slot *slot, struct http_reply *reply)
{
    struct http_client *client = slot->client;

    leave_open_list(slot);
    reply->is_begun = slot->is_begun;
    reply->total_ms = loop_now_ms(client->loop) - slot->begun_ms;
    slot->fn(slot->arg, reply);
    slot->next = client->free_slots;
    client->free_slots = slot;
}

/* NULL for curl's own handles. */
static struct slot *slot_of(CURL *easy)
{
    char *address = NULL;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &address);
    return (struct slot *)(void *)address;
}

static bool has_begun(CURL *easy)
{
    const struct slot *slot = slot_of(easy);

    return slot && slot->is_begun;
}

static void on_done(void *arg, CURL *easy, CURLcode code)
{
    struct http_client *client = arg;
    struct http_reply reply = {.problem = ""};
    struct slot *slot = slot_of(easy);
    const struct http_answer *got = &slot->answer;

    http_multi_remove(client->multi, easy);
    if (slot->is_begun && got->status >= 200 && got->status <= 599) {
        reply.status = got->status;
        reply.headers = got->headers;
        reply.header_count = got->header_count;
        reply.body = buf_slice(&got->body);
        reply.is_body_complete = code == CURLE_OK;
    }
    if (code != CURLE_OK) {
        name_problem(slot, code, &reply);
    } else if (reply.status == 0) {
        reply.problem = "garbage";
    }
    answer(slot, &reply);
}

/* --- requests ---------------------------------------------------------------------------------------------------- */

static bool is_token(const char *text)
{
    return text[0] && !text[strcspn(text, "()<>@,;:\\\"/[]?={} \t\r\n")];
}

static bool is_value(const char *text)
{
    for (; *text; text++) {
        if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f) {
            return false;
        }
    }
    return true;
}

/* Line breaks in a value would be headers of their own. */
static bool set_headers(struct slot *slot, const struct http_request *request)
{
    size_t most = 1;
    char *at;

    if (request->header_count > REQUEST_HEADERS_MAX) {
        return false;
    }
    for (size_t i = 0; i < request->header_count; i++) {
        if (!is_token(request->headers[i].name) || !is_value(request->headers[i].value)) {
            return false;
        }
        most += strlen(request->headers[i].name) + strlen(request->headers[i].value) + 3;
    }
    buf_clear(&slot->header_text);
    at = buf_reserve(&slot->header_text, most);
    if (!at) {
        return false;
    }
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];
        /* curl's way to write an empty value is a semicolon. */
        int len = snprintf(at, most, header->value[0] ? "%s: %s" : "%s;%s", header->name, header->value);

        slot->nodes[i].next = &slot->nodes[i + 1];
        slot->nodes[i + 1].data = at;
        at += len + 1;
        most -= (size_t)len + 1;
    }
    slot->nodes[request->header_count].next = NULL;
    return true;
}

static void set_method(struct slot *slot, const char *method)
{
    bool is_get = strcmp(method, "GET") == 0;
    bool is_plain = is_get || strcmp(method, "POST") == 0;

    if (slot->method && strcmp(slot->method, method) == 0) {
        return;
    }
    free(slot->method);
    slot->method = xstrdup(method);
    curl_easy_setopt(slot->easy, is_get ? CURLOPT_HTTPGET : CURLOPT_POST, 1L);
    curl_easy_setopt(slot->easy, CURLOPT_CUSTOMREQUEST, is_plain ? NULL : method);
}

static bool set_request(struct slot *slot, const struct http_request *request)
{
    if (!is_token(request->method) || !set_headers(slot, request)) {
        return false;
    }
    if (!slot->url || strcmp(slot->url, request->url) != 0) {
        if (curl_easy_setopt(slot->easy, CURLOPT_URL, request->url) != CURLE_OK) {
            return false;
        }
        free(slot->url);
        slot->url = xstrdup(request->url);
    }
    set_method(slot, request->method);
    if (strcmp(request->method, "GET") != 0) {
        curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, request->body.len ? request->body.data : "");
        curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
    }
    return true;
}

static void answer_bad_request(void *arg)
{
    struct slot *slot = arg;
    struct http_reply reply = {.problem = "bad_request"};

    if (!slot->client->is_closed) { /* otherwise http_close() did */
        answer(slot, &reply);
    }
}

void http_begin(struct http_client *client, const struct http_request *request, http_fn fn, void *arg)
{
    struct slot *slot;

    assert(!client->is_closed);
    assert(client->open_count < client->settings.connections);
    slot = take_slot(client);
    slot->fn = fn;
    slot->arg = arg;
    slot->send_before_ms = request->send_before_ms;
    slot->begun_ms = loop_now_ms(client->loop);
    slot->is_begun = false;
    slot->refusal = NULL;
    http_answer_reset(&slot->answer);
    if (!set_request(slot, request) || !http_multi_add(client->multi, slot->easy)) {
        loop_defer(client->loop, answer_bad_request, slot);
    }
}

int64_t http_free_slots(const struct http_client *client)
{
    return client->settings.connections - client->open_count;
}

/* --- opening and closing ----------------------------------------------------------------------------------------- */

struct http_client *http_open(struct loop *loop, const struct http_settings *settings, struct err *err)
{
    struct http_client *client;

    if (settings->connections < 1 || settings->connections > 4096) {
        err_set(err, "HTTP connections: %lld is not within 1 and 4096", (long long)settings->connections);
        return NULL;
    }
    if (client_count == 0 &&
        curl_global_init_mem(CURL_GLOBAL_DEFAULT, xmalloc, free, xrealloc, xstrdup, xcalloc) != CURLE_OK) {
        err_set(err, "curl: cannot start");
        return NULL;
    }
    client_count++;
    client = xcalloc(1, sizeof(*client));
    client->loop = loop;
    client->settings = *settings;
    client->ca_file = xstrdup(settings->ca_file);
    client->user_agent = xstrdup(settings->user_agent);
    client->multi = http_multi_create(loop, (long)settings->connections,
                                      &(struct http_multi_events){on_done, has_begun, client});
    return client;
}

static void free_client(void *arg)
{
    struct http_client *client = arg;

    while (client->free_slots) {
        struct slot *slot = client->free_slots;

        client->free_slots = slot->next;
        destroy_slot(slot);
    }
    http_multi_destroy(client->multi);
    free(client->ca_file);
    free(client->user_agent);
    free(client);
    if (--client_count == 0) {
        curl_global_cleanup();
    }
}

/* The memory goes at the end of the turn: a callback of ours may be on the stack. */
void http_close(struct http_client *client)
{
    if (!client) {
        return;
    }
    client->is_closed = true;
    while (client->open_slots) {
        struct http_reply reply = {.problem = "closed"};

        http_multi_remove(client->multi, client->open_slots->easy);
        answer(client->open_slots, &reply);
    }
    loop_defer(client->loop, free_client, client);
}

bool http_check_url(const struct http_settings *settings, const char *url, struct err *err)
{
    CURLU *parts = curl_url();
    char *scheme = NULL;
    bool is_good = false;
    CURLUcode code;

    if (!parts) {
        die_at_once("out of memory (URL)");
    }
    code = curl_url_set(parts, CURLUPART_URL, url, CURLU_DISALLOW_USER);
    if (code == CURLUE_OK) {
        code = curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0);
    }
    if (code != CURLUE_OK) {
        err_set(err, "%s", curl_url_strerror(code));
    } else if (strcmp(scheme, "https") == 0 || (strcmp(scheme, "http") == 0 && settings->is_plain_allowed)) {
        is_good = true;
    } else if (strcmp(scheme, "http") == 0) {
        err_set(err, "must begin with https:// (plain http:// is for the sandbox only)");
    } else {
        err_set(err, "must begin with https://");
    }
    curl_free(scheme);
    curl_url_cleanup(parts);
    return is_good;
}
