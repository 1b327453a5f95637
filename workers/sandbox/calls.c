#include "workers/sandbox/calls.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <utlist.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "core/sms_text.h"
#include "workers/sandbox/brevo_api.h"
#include "workers/sandbox/rate.h"

enum { REPLY_BODY_SIZE = 512, SNIPPET_MOST = 160 };

/* First of the 16-digit numbers that SMS ids are made of. */
static const int64_t sms_id_base = 1511882900000000;

/* What goes back, and how. */
struct reply {
    enum fault_kind spoilt; /* FAULT_NONE: as it should */
    int status;
    int64_t reset_s; /* of the limit; 0: the usual second */
    char word[INBOX_ANSWER_SIZE];
    char provider_id[INBOX_PROVIDER_ID_SIZE];
    char body[REPLY_BODY_SIZE];
};

/* A reply that waits for its time. */
struct pending {
    struct pending *prev, *next;
    struct calls *calls;
    struct http_exchange *exchange;
    struct loop_timer *timer;
    enum channel channel;
    struct reply reply;
};

struct calls {
    struct loop *loop;
    struct calls_settings settings;
    struct faults *faults;
    struct inbox *inbox;
    struct tally *tally;
    struct keys *keys;
    struct rate rates[CHANNEL_COUNT];
    struct pending *pending;
    uint64_t accepted; /* also numbers the provider's ids */
};

static const struct {
    const char *path;
    enum channel channel;
} endpoints[] = {
    {"/v3/smtp/email", CHANNEL_EMAIL},
    {"/v3/transactionalSMS/send", CHANNEL_SMS},
};

/* What Brevo says with a status, for faults that are a status only. */
static const struct {
    int status;
    const char *code;
    const char *message;
} refusals[] = {
    {400, "invalid_parameter", "invalid parameter"},   {401, "unauthorized", "Key not found"},
    {402, "not_enough_credits", "Not enough credits"}, {403, "permission_denied", "permission denied"},
    {404, "document_not_found", "document not found"}, {405, "method_not_allowed", "method not allowed"},
    {406, "not_acceptable", "not acceptable"},         {422, "unprocessable_entity", "unprocessable entity"},
    {429, "too_many_requests", "Too many requests"},
};

struct calls *calls_create(struct loop *loop, const struct calls_settings *settings, struct faults *faults,
                           struct inbox *inbox, struct tally *tally)
{
    struct calls *calls = xcalloc(1, sizeof(*calls));

    calls->loop = loop;
    calls->settings = *settings;
    calls->faults = faults;
    calls->inbox = inbox;
    calls->tally = tally;
    calls->keys = keys_create(settings->key_ttl_ms);
    return calls;
}

static void pending_destroy(struct pending *pending)
{
    DL_DELETE(pending->calls->pending, pending);
    loop_timer_destroy(pending->timer);
    free(pending);
}

void calls_destroy(struct calls *calls)
{
    if (!calls) {
        return;
    }
    while (calls->pending) {
        pending_destroy(calls->pending);
    }
    keys_destroy(calls->keys);
    free(calls);
}

void calls_clear(struct calls *calls)
{
    keys_destroy(calls->keys);
    calls->keys = keys_create(calls->settings.key_ttl_ms);
}

struct calls_settings *calls_settings(struct calls *calls)
{
    return &calls->settings;
}

/* --- making the reply --------------------------------------------------------------------------------------------- */

static void reply_refuse(struct reply *reply, int status, const char *code, const char *message)
{
    struct buf out;
    struct json_text j;

    buf_init(&out, REPLY_BODY_SIZE - 1);
    json_text_init(&j, &out);
    json_text_open(&j, '{');
    json_text_member(&j, "code", code);
    json_text_member(&j, "message", message);
    json_text_close(&j, '}');
    reply->status = status;
    snprintf(reply->word, sizeof(reply->word), "%d %s", status, code);
    snprintf(reply->body, sizeof(reply->body), "%s", buf_text(&out));
    buf_finish(&out);
}

static void reply_status(struct reply *reply, int status)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        if (refusals[i].status == status) {
            reply_refuse(reply, status, refusals[i].code, refusals[i].message);
            return;
        }
    }
    reply->status = status;
    snprintf(reply->word, sizeof(reply->word), "%d", status);
    snprintf(reply->body, sizeof(reply->body), "<html><body><h1>%d</h1></body></html>", status);
}

static void reply_accept(struct calls *calls, struct reply *reply, enum channel channel, int64_t wall_ms)
{
    uint64_t number = ++calls->accepted;

    if (channel == CHANNEL_SMS) {
        snprintf(reply->provider_id, sizeof(reply->provider_id), "%" PRId64, sms_id_base + (int64_t)number);
        snprintf(reply->body, sizeof(reply->body), "{\"messageId\":%s}", reply->provider_id);
    } else {
        time_t seconds = (time_t)(wall_ms / 1000);
        char minute[16];
        struct tm tm;

        gmtime_r(&seconds, &tm);
        strftime(minute, sizeof(minute), "%Y%m%d%H%M", &tm);
        snprintf(reply->provider_id, sizeof(reply->provider_id), "%s.%" PRIu64 "@sandbox.invalid", minute, number);
        snprintf(reply->body, sizeof(reply->body), "{\"messageId\":\"<%s>\"}", reply->provider_id);
    }
    reply->status = 201;
    snprintf(reply->word, sizeof(reply->word), "201");
}

/* The fault strikes an accepted message, or one that is refused for it. */
static void reply_spoil(struct reply *reply, const struct fault *fault)
{
    reply->spoilt = fault->kind;
    switch (fault->kind) {
    case FAULT_NONE:
        return;
    case FAULT_HTTP:
    case FAULT_HTTP_AFTER:
        reply_status(reply, fault->status);
        reply->reset_s = (fault->reset_ms + 999) / 1000;
        reply->spoilt = FAULT_NONE;
        break;
    case FAULT_EMPTY_201:
        reply->body[0] = '\0';
        reply->spoilt = FAULT_NONE;
        break;
    default:
        break;
    }
    snprintf(reply->word, sizeof(reply->word), "%s", fault->name);
}

/* --- giving it ---------------------------------------------------------------------------------------------------- */

static void add_limit_headers(struct calls *calls, struct http_exchange *exchange, enum channel channel,
                              const struct reply *reply)
{
    const struct rate *rate = &calls->rates[channel];
    char number[24];

    snprintf(number, sizeof(number), "%" PRId64, rate->per_s ? rate->per_s : (int64_t)RATE_UNLIMITED);
    http_exchange_add_header(exchange, "x-sib-ratelimit-limit", number);
    snprintf(number, sizeof(number), "%" PRId64, reply->status == 429 ? 0 : rate_remaining(rate));
    http_exchange_add_header(exchange, "x-sib-ratelimit-remaining", number);
    snprintf(number, sizeof(number), "%" PRId64, reply->reset_s ? reply->reset_s : 1);
    http_exchange_add_header(exchange, "x-sib-ratelimit-reset", number);
}

static void give(struct calls *calls, struct http_exchange *exchange, enum channel channel, const struct reply *reply)
{
    switch (reply->spoilt) {
    case FAULT_HANG_BEFORE:
    case FAULT_HANG_AFTER_ACCEPT:
        http_exchange_hang(exchange);
        return;
    case FAULT_RESET_BEFORE:
    case FAULT_RESET_AFTER:
        http_exchange_reset(exchange);
        return;
    case FAULT_CLOSE_BEFORE:
    case FAULT_CLOSE_AFTER:
        http_exchange_raw(exchange, SLICE(""));
        return;
    case FAULT_GARBAGE:
        http_exchange_raw(exchange, SLICE("\x15\x03\x01 this is no HTTP\r\n\r\n\xff\xfe"));
        return;
    default:
        add_limit_headers(calls, exchange, channel, reply);
        http_answer(exchange, reply->status, reply->body[0] == '<' ? "text/html" : "application/json",
                    slice_of(reply->body));
    }
}

static void on_due(void *arg)
{
    struct pending *pending = arg;

    give(pending->calls, pending->exchange, pending->channel, &pending->reply);
    pending_destroy(pending);
}

static void give_later(struct calls *calls, struct http_exchange *exchange, enum channel channel,
                       const struct reply *reply, int64_t delay_ms)
{
    struct pending *pending = xcalloc(1, sizeof(*pending));

    pending->calls = calls;
    pending->exchange = exchange;
    pending->channel = channel;
    pending->reply = *reply;
    pending->timer = loop_timer_create(calls->loop, on_due, pending);
    DL_APPEND(calls->pending, pending);
    loop_timer_start(pending->timer, delay_ms);
}

/* --- deciding ----------------------------------------------------------------------------------------------------- */

bool calls_has_good_key(const struct calls *calls, const struct http_exchange *exchange)
{
    const char *key = http_exchange_header(exchange, "api-key");

    return key && key[0] && (!calls->settings.api_key || strcmp(key, calls->settings.api_key) == 0);
}

static bool check_call(struct calls *calls, struct http_exchange *exchange, enum channel channel, struct call *call,
                       struct reply *reply)
{
    const char *key = http_exchange_header(exchange, "api-key");
    struct slice body = http_exchange_body(exchange);
    struct refusal refusal;

    if (!calls_has_good_key(calls, exchange)) {
        reply_refuse(reply, 401, "unauthorized", key ? "Key not found" : "authentication not found in headers");
        return false;
    }
    if (calls->settings.is_fast) {
        brevo_api_scan(channel, body, call);
    } else if (!brevo_api_parse(channel, body, call, &refusal)) {
        reply_refuse(reply, refusal.status, refusal.code, refusal.message);
        return false;
    }
    call->has_key = call->has_key && !calls->settings.is_keyless;
    if (call->has_key && keys_has(calls->keys, call->key, loop_now_ms(calls->loop))) {
        reply_refuse(reply, 400, "duplicate_parameter", "Email for the idempotency key has already been processed");
        return false;
    }
    return true;
}

static char *copy_snippet(const char *text)
{
    size_t len;

    if (!text) {
        return NULL;
    }
    len = strlen(text);
    return xmemdup(text, len <= SNIPPET_MOST ? len : utf8_truncate(slice_make(text, len), SNIPPET_MOST));
}

static char *join_tags(const struct call *call)
{
    json_t *tags = brevo_api_tags(call->channel, call->json);
    struct buf joined;

    buf_init(&joined, 0);
    for (size_t i = 0; i < json_array_size(tags); i++) {
        buf_append_text(&joined, i ? "" : "\n");
        buf_append_text(&joined, json_string_value(json_array_get(tags, i)));
        buf_append_char(&joined, '\n');
    }
    json_decref(tags);
    return buf_take(&joined);
}

static void keep(struct calls *calls, const struct http_exchange *exchange, const struct call *call, int64_t wall_ms,
                 uint32_t copy, bool is_accepted, const struct reply *reply)
{
    struct inbox_message message = {
        .wall_ms = wall_ms,
        .channel = call->channel,
        .is_accepted = is_accepted,
        .copy = copy,
        .mid = call->mid[0] ? xstrdup(call->mid) : NULL,
        .tags = join_tags(call),
        .to = copy_snippet(call->to),
        .from = copy_snippet(call->from),
        .subject = copy_snippet(call->channel == CHANNEL_EMAIL ? call->subject : call->text),
    };

    memcpy(message.answer, reply->word, sizeof(message.answer));
    memcpy(message.provider_id, reply->provider_id, sizeof(message.provider_id));
    if (call->text) {
        message.segments = sms_measure(slice_of(call->text)).segments;
    }
    if (!calls->settings.is_bodyless) {
        struct slice body = http_exchange_body(exchange);
        struct buf head;

        buf_init(&head, 0);
        http_exchange_print_head(exchange, "api-key", &head);
        message.head = buf_take(&head);
        message.body = xmemdup(body.data, body.len);
        message.body_len = body.len;
    }
    inbox_add(calls->inbox, &message);
}

/* Who a call that is refused unread was for: nothing depends on it but the inbox. */
static void describe(const struct calls *calls, struct slice body, struct call *call)
{
    struct refusal refusal;

    if (calls->settings.is_fast || !brevo_api_parse(call->channel, body, call, &refusal)) {
        brevo_api_scan(call->channel, body, call);
    }
}

static void decide(struct calls *calls, struct http_exchange *exchange, enum channel channel, const struct fault *fault,
                   struct reply *reply)
{
    struct call call = {.channel = channel};
    int64_t wall_ms = clock_wall_ms();
    bool is_accepted = false;
    uint32_t copy = 0;

    if (!fault_is_after(fault->kind)) {
        describe(calls, http_exchange_body(exchange), &call);
        reply_spoil(reply, fault);
    } else if (!rate_take(&calls->rates[channel], loop_now_ms(calls->loop))) {
        describe(calls, http_exchange_body(exchange), &call);
        reply_status(reply, 429);
    } else if (check_call(calls, exchange, channel, &call, reply)) {
        reply_accept(calls, reply, channel, wall_ms);
        if (call.is_drop) {
            tally_drop(calls->tally, channel);
        } else {
            is_accepted = true;
            copy = tally_accept(calls->tally, channel, call.mid);
        }
        if (call.has_key) {
            keys_add(calls->keys, call.key, loop_now_ms(calls->loop));
        }
        reply_spoil(reply, fault);
    }
    if (!calls->settings.is_fast && !call.is_drop) {
        keep(calls, exchange, &call, wall_ms, copy, is_accepted, reply);
    }
    call_finish(&call);
}

static void handle_call(struct calls *calls, struct http_exchange *exchange, enum channel channel)
{
    struct fault fault = faults_draw(calls->faults, channel);
    int64_t delay_ms = calls->settings.latency_ms + fault.delay_ms;
    struct reply reply;

    reply.spoilt = FAULT_NONE;
    reply.reset_s = 0;
    reply.word[0] = '\0';
    reply.provider_id[0] = '\0';
    reply.body[0] = '\0';
    calls->rates[channel].per_s = calls->settings.rate;
    tally_request(calls->tally, channel);
    decide(calls, exchange, channel, &fault, &reply);
    tally_answer(calls->tally, reply.word);
    if (delay_ms > 0) {
        give_later(calls, exchange, channel, &reply, delay_ms);
    } else {
        give(calls, exchange, channel, &reply);
    }
}

/* Sends nothing, so no fault strikes it and nothing is counted. */
static void handle_account(struct calls *calls, struct http_exchange *exchange, struct reply *reply)
{
    const char *key = http_exchange_header(exchange, "api-key");

    if (strcmp(http_exchange_method(exchange), "GET") != 0) {
        reply_status(reply, 405);
    } else if (!calls_has_good_key(calls, exchange)) {
        reply_refuse(reply, 401, "unauthorized", key ? "Key not found" : "authentication not found in headers");
    } else {
        reply->status = 200;
        snprintf(reply->body, sizeof(reply->body), "%s",
                 "{\"email\":\"sandbox@sandbox.invalid\",\"firstName\":\"Sand\",\"lastName\":\"Box\","
                 "\"companyName\":\"Sandbox\",\"plan\":[{\"type\":\"payAsYouGo\",\"creditsType\":\"sendLimit\","
                 "\"credits\":100000},{\"type\":\"sms\",\"creditsType\":\"sendLimit\",\"credits\":100000}],"
                 "\"relay\":{\"enabled\":false}}");
    }
    give(calls, exchange, CHANNEL_EMAIL, reply);
}

void calls_handle(struct calls *calls, struct http_exchange *exchange)
{
    struct reply reply = {.spoilt = FAULT_NONE};

    if (strcmp(http_exchange_path(exchange), "/v3/account") == 0) {
        handle_account(calls, exchange, &reply);
        return;
    }
    for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
        if (strcmp(http_exchange_path(exchange), endpoints[i].path) != 0) {
            continue;
        }
        if (strcmp(http_exchange_method(exchange), "POST") != 0) {
            reply_status(&reply, 405);
            give(calls, exchange, endpoints[i].channel, &reply);
            return;
        }
        handle_call(calls, exchange, endpoints[i].channel);
        return;
    }
    reply_status(&reply, 404);
    give(calls, exchange, CHANNEL_EMAIL, &reply);
}
