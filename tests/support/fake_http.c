/*
 * fake_http: the HTTP client and the provider behind it. A request reaches the provider after a millisecond, its answer
 * comes after some more; both are points. The provider remembers keys (the mid) and what it delivered.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/clock.h"
#include "base/mem.h"
#include "fake_world.h"
#include "fakes.h"
#include "io/http.h"

enum { BEGIN_MS = 1, ANSWER_MS = 20, MOST_SCRIPTS = 64, MOST_RECIPIENTS = 256, MOST_MESSAGES = 1024 };

struct exchange {
    struct http_client *client;
    char *url, *body;
    int64_t send_before_ms, begun_ms;
    http_fn fn;
    void *arg;
    enum fake_behaviour behaviour;
    int status;
    bool is_question, is_begun;
    const char *problem;
    char answer[64];
    struct loop_timer *timer;
    struct exchange *prev, *next; /* list: client->open */
};

struct http_client {
    struct loop *loop;
    struct http_settings settings;
    struct exchange *open;
    int64_t count;
};

static struct {
    struct {
        char to[256];
        int first, last;
        enum fake_behaviour behaviour;
    } scripts[MOST_SCRIPTS];
    size_t script_count;
    struct {
        char to[256];
        int requests;
    } recipients[MOST_RECIPIENTS];
    size_t recipient_count;
    struct fake_message messages[MOST_MESSAGES];
    size_t message_count;
    uint64_t requests, questions;
    int64_t most_open;
    bool are_keys_ignored;
    struct fake_http_judge judge;
} provider;

void fake_http_begin_world(void)
{
    memset(&provider, 0, sizeof(provider));
}

void fake_http_end_world(void)
{
}

/* --- the provider ------------------------------------------------------------------------------------------------- */

void fake_http_script(const char *to, int first, int last, enum fake_behaviour behaviour)
{
    assert(provider.script_count < MOST_SCRIPTS);
    snprintf(provider.scripts[provider.script_count].to, 256, "%s", to);
    provider.scripts[provider.script_count].first = first;
    provider.scripts[provider.script_count].last = last;
    provider.scripts[provider.script_count++].behaviour = behaviour;
}

void fake_http_set_judge(const struct fake_http_judge *judge)
{
    provider.judge = *judge;
}

void fake_http_ignore_keys(bool is_ignored)
{
    provider.are_keys_ignored = is_ignored;
}

/* The number of this request for the recipient. */
static int count_request(const char *to)
{
    size_t i = 0;

    while (i < provider.recipient_count && strcmp(provider.recipients[i].to, to) != 0) {
        i++;
    }
    assert(i < MOST_RECIPIENTS);
    if (i == provider.recipient_count) {
        snprintf(provider.recipients[provider.recipient_count++].to, 256, "%s", to);
    }
    return ++provider.recipients[i].requests;
}

static enum fake_behaviour behaviour_for(const char *to)
{
    int number = count_request(to);

    for (size_t i = 0; i < provider.script_count; i++) {
        if (strcmp(provider.scripts[i].to, to) == 0 && number >= provider.scripts[i].first &&
            number <= provider.scripts[i].last) {
            return provider.scripts[i].behaviour;
        }
    }
    return FAKE_ACCEPT;
}

static const struct fake_message *find_message(const char *mid)
{
    for (size_t i = 0; i < provider.message_count; i++) {
        if (strcmp(provider.messages[i].mid, mid) == 0) {
            return &provider.messages[i];
        }
    }
    return NULL;
}

/* "mid\nkey\nto\ntext" */
static void parse_body(const char *body, struct fake_message *message)
{
    int matched = sscanf(body, "%32[^\n]\n%32[^\n]\n%255[^\n]\n%255[^\n]", message->mid, message->key, message->to,
                         message->text);

    assert(matched == 4);
}

static int64_t now_ms(void)
{
    return fakes_redis_us() / 1000; /* a clock that no process can set */
}

static bool has_key(const char *key)
{
    for (size_t i = 0; i < provider.message_count; i++) {
        if (strcmp(provider.messages[i].key, key) == 0 && provider.messages[i].wall_ms + FAKE_KEY_TTL_MS > now_ms()) {
            return true;
        }
    }
    return false;
}

/* Delivers, unless the key is known; true when it did. */
static bool accept_message(struct exchange *exchange, const struct fake_message *message)
{
    bool has_keys = message->channel == CHANNEL_EMAIL && !provider.are_keys_ignored;

    exchange->status = 201;
    snprintf(exchange->answer, sizeof(exchange->answer), "id-%.8s", message->mid);
    if (has_keys && !fakes_has_bug(FAKE_BUG_RESEND_WITHOUT_KEY) && has_key(message->key)) {
        return false;
    }
    assert(provider.message_count < MOST_MESSAGES);
    provider.messages[provider.message_count] = *message;
    provider.messages[provider.message_count++].wall_ms = now_ms();
    return true;
}

/* What it took long enough ago, by the mid at the end of the address. */
static void answer_question(struct exchange *exchange)
{
    const struct fake_message *message = find_message(strchr(exchange->url, '?') + 1);

    exchange->status = 200;
    if (message && message->wall_ms + FAKE_VISIBILITY_LAG_MS <= now_ms()) {
        snprintf(exchange->answer, sizeof(exchange->answer), "id-%.8s", message->mid);
    }
}

/* Returns after how long the answer comes. */
static int64_t decide(struct exchange *exchange)
{
    struct fake_message message = {0};
    int64_t after_ms = ANSWER_MS;
    bool is_delivered = false;

    if (exchange->is_question) {
        provider.questions++;
        snprintf(message.to, sizeof(message.to), "%s", FAKE_QUESTION);
        snprintf(message.mid, sizeof(message.mid), "%s", strchr(exchange->url, '?') + 1);
    } else {
        provider.requests++;
        parse_body(exchange->body, &message);
    }
    message.channel = strstr(exchange->url, "/sms") ? CHANNEL_SMS : CHANNEL_EMAIL;
    exchange->behaviour = provider.judge.decide
                              ? provider.judge.decide(provider.judge.arg, &message)
                              : behaviour_for(message.to);
    exchange->is_begun = exchange->behaviour != FAKE_NEVER_BEGIN;
    switch (exchange->behaviour) {
    case FAKE_ACCEPT:
        if (exchange->is_question) {
            answer_question(exchange);
        } else {
            is_delivered = accept_message(exchange, &message);
        }
        break;
    case FAKE_ACCEPT_LOSE_ANSWER:
        is_delivered = accept_message(exchange, &message);
        exchange->status = 0;
        exchange->problem = "reset";
        break;
    case FAKE_NEVER_BEGIN:
        exchange->problem = "connect";
        break;
    case FAKE_HANG:
        exchange->problem = "timeout";
        after_ms = exchange->client->settings.request_timeout_ms;
        break;
    case FAKE_ANSWER_400:
        exchange->status = 400;
        break;
    case FAKE_ANSWER_401:
        exchange->status = 401;
        break;
    case FAKE_ANSWER_429:
        exchange->status = 429;
        break;
    case FAKE_ANSWER_500:
        exchange->status = 500;
        break;
    case FAKE_REFUSE_NOW:
        exchange->status = 425;
        break;
    }
    if (provider.judge.told && exchange->is_begun) {
        provider.judge.told(provider.judge.arg, &message, exchange->behaviour, exchange->status,
                            exchange->is_question ? exchange->answer[0] != '\0' : is_delivered);
    }
    return after_ms;
}

size_t fake_http_message_count(void)
{
    return provider.message_count;
}

const struct fake_message *fake_http_message(size_t index)
{
    assert(index < provider.message_count);
    return &provider.messages[index];
}

uint64_t fake_http_request_count(void)
{
    return provider.requests;
}

uint64_t fake_http_question_count(void)
{
    return provider.questions;
}

int64_t fake_http_most_open(void)
{
    return provider.most_open;
}

/* --- the client --------------------------------------------------------------------------------------------------- */

static void end_exchange(struct exchange *exchange)
{
    static const struct http_header too_many[] = {{"retry-after", "2"}};
    struct http_client *client = exchange->client;
    struct http_reply reply = {
        .status = exchange->status,
        .is_begun = exchange->is_begun,
        .is_body_complete = exchange->status != 0,
        .body = slice_of(exchange->answer),
        .headers = too_many,
        .header_count = exchange->status == 429,
        .problem = exchange->problem,
        .total_ms = clock_mono_ms() - exchange->begun_ms,
    };

    DL_DELETE(client->open, exchange);
    client->count--;
    loop_timer_destroy(exchange->timer);
    free(exchange->url);
    free(exchange->body); /* the request's may go: the caller's buffers are its own again */
    exchange->fn(exchange->arg, &reply);
    free(exchange);
}

static void on_answer(void *arg);

static void fail(struct exchange *exchange, bool is_begun, const char *problem)
{
    exchange->status = 0;
    exchange->is_begun = is_begun;
    exchange->problem = problem;
    end_exchange(exchange);
}

static void on_begin(void *arg)
{
    struct exchange *exchange = arg;
    struct http_client *client = exchange->client;

    if (exchange->send_before_ms && clock_mono_ms() > exchange->send_before_ms) {
        fail(exchange, false, "lease_over");
        return;
    }
    if (!fakes_reach(FAKE_HTTP_BEGIN)) {
        if (!fakes_is_dead()) {
            fail(exchange, false, "connect");
        }
        return;
    }
    loop_timer_destroy(exchange->timer);
    exchange->timer = loop_timer_create(client->loop, on_answer, exchange);
    loop_timer_start(exchange->timer, decide(exchange));
}

static void on_answer(void *arg)
{
    struct exchange *exchange = arg;

    if (!fakes_reach(FAKE_HTTP_ANSWER)) {
        if (!fakes_is_dead()) {
            fail(exchange, true, "reset");
        }
        return;
    }
    end_exchange(exchange);
}

struct http_client *http_open(struct loop *loop, const struct http_settings *settings, struct err *err)
{
    struct http_client *client = xcalloc(1, sizeof(*client));

    (void)err;
    client->loop = loop;
    client->settings = *settings;
    return client;
}

void http_close(struct http_client *client)
{
    if (!client) {
        return;
    }
    while (client->open) {
        struct exchange *exchange = client->open;

        fail(exchange, exchange->is_begun, "closed");
    }
    free(client);
}

bool http_check_url(const struct http_settings *settings, const char *url, struct err *err)
{
    return settings->is_plain_allowed || strncmp(url, "https://", 8) == 0 ? true : err_set(err, "must be https");
}

void http_begin(struct http_client *client, const struct http_request *request, http_fn fn, void *arg)
{
    struct exchange *exchange = xcalloc(1, sizeof(*exchange));

    assert(client->count < client->settings.connections);
    exchange->client = client;
    exchange->url = xstrdup(request->url);
    exchange->body = xmemdup(request->body.data, request->body.len);
    exchange->is_question = strcmp(request->method, "GET") == 0;
    exchange->send_before_ms = request->send_before_ms;
    exchange->begun_ms = clock_mono_ms();
    exchange->fn = fn;
    exchange->arg = arg;
    exchange->problem = "";
    exchange->timer = loop_timer_create(client->loop, on_begin, exchange);
    loop_timer_start(exchange->timer, BEGIN_MS);
    DL_APPEND(client->open, exchange);
    client->count++;
    provider.most_open = client->count > provider.most_open ? client->count : provider.most_open;
}

int64_t http_free_slots(const struct http_client *client)
{
    return client->settings.connections - client->count;
}

const char *http_find_header(const struct http_reply *reply, const char *name)
{
    for (size_t i = reply->header_count; i > 0; i--) {
        if (strcmp(reply->headers[i - 1].name, name) == 0) {
            return reply->headers[i - 1].value;
        }
    }
    return NULL;
}
