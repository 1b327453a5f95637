#include "workers/email/brevo.h"

#include <string.h>

#include "base/digest.h"
#include "base/json_text.h"
#include "base/utf8.h"
#include "workers/brevo.h"

enum { NAME_MOST = 70, ADDRESS_MOST = 254, BODY_OVERHEAD = 1024 };

/* Every request carries a key of ours, so "already processed" can only mean an earlier attempt of this delivery. */
static const struct brevo_rule rules[] = {
    {"duplicate_parameter", VERDICT_SENT},
    {"duplicate_request", VERDICT_SENT},
    {"request_already_processed", VERDICT_SENT},
    {NULL, VERDICT_AMBIGUOUS},
};

static bool is_address(const char *text)
{
    const char *at = strchr(text, '@');

    if (!at || at == text || strchr(at + 1, '@') || strlen(text) > ADDRESS_MOST) {
        return false;
    }
    for (const char *c = text; *c; c++) {
        if (*c <= ' ' || *c > '~' || strchr("<>()[],;:\\\"", *c)) {
            return false;
        }
    }
    return strchr(at, '.') && at[1] != '.' && text[strlen(text) - 1] != '.';
}

static bool check(const struct provider_account *account, struct err *err)
{
    if (!brevo_check(account, err)) {
        return false;
    }
    if (!account->from_address || !account->from_address[0]) {
        return err_set(err, "EMAIL_FROM is not set");
    }
    if (!is_address(account->from_address)) {
        return err_set(err, "EMAIL_FROM: \"%s\" is no e-mail address", account->from_address);
    }
    if (account->reply_to && account->reply_to[0] && !is_address(account->reply_to)) {
        return err_set(err, "EMAIL_REPLY_TO: \"%s\" is no e-mail address", account->reply_to);
    }
    return true;
}

/* Brevo takes at most 70 characters. */
static struct slice cut_name(const char *name)
{
    struct slice text = slice_of(name);
    size_t at = 0;

    for (int count = 0; at < text.len && count < NAME_MOST; count++) {
        utf8_next(text, &at, NULL);
    }
    return slice_make(text.data, at);
}

static void print_mailbox(struct json_text *j, const char *address, const char *name)
{
    json_text_open(j, '{');
    json_text_member(j, "email", address);
    if (name && name[0]) {
        json_text_member_slice(j, "name", cut_name(name));
    }
    json_text_close(j, '}');
}

static void print_people(struct json_text *j, const struct provider_account *account, const struct message *message)
{
    const char *reply_to = message->reply_to ? message->reply_to : account->reply_to;

    json_text_key(j, "sender");
    if (message->from_address) {
        print_mailbox(j, message->from_address, message->from_name);
    } else {
        print_mailbox(j, account->from_address, message->from_name ? message->from_name : account->from_name);
    }
    json_text_key(j, "to");
    json_text_open(j, '[');
    print_mailbox(j, message->to, message->to_name);
    json_text_close(j, ']');
    if (reply_to && reply_to[0]) {
        json_text_key(j, "replyTo");
        print_mailbox(j, reply_to, NULL);
    }
}

static void print_tags(struct json_text *j, const struct message *message, const struct mid *mid)
{
    char text[MID_TEXT_SIZE];

    mid_format(mid, text);
    json_text_key(j, "tags");
    json_text_open(j, '[');
    json_text_string(j, slice_of(text));
    json_text_string(j, slice_of(message->flow));
    json_text_close(j, ']');
}

/* One-click unsubscribing: RFC 8058. */
static void print_headers(struct json_text *j, const struct message *message, const struct mid *key_mid)
{
    char key[UUID_TEXT_SIZE];

    uuid_format(key_mid->bytes, key);
    json_text_key(j, "headers");
    json_text_open(j, '{');
    json_text_member(j, "idempotencyKey", key);
    if (message->unsubscribe_url && message->unsubscribe_url[0]) {
        json_text_key(j, "List-Unsubscribe");
        buf_append_text(j->out, "\"<");
        json_escape_append(j->out, slice_of(message->unsubscribe_url));
        buf_append_text(j->out, ">\"");
        j->needs_comma = true;
        json_text_member(j, "List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
    }
    json_text_close(j, '}');
}

static void build(const struct provider_account *account, const struct message *message, const struct mid *mid,
                  const struct mid *key, struct provider_request *request)
{
    struct slice html = slice_of(message->html);
    struct slice text = slice_of(message->text);
    struct json_text j;

    brevo_begin_request(account, "/v3/smtp/email", request);
    buf_reserve(&request->body, html.len + html.len / 8 + text.len + text.len / 8 + BODY_OVERHEAD);
    json_text_init(&j, &request->body);
    json_text_open(&j, '{');
    print_people(&j, account, message);
    json_text_member_slice(&j, "subject", slice_of(message->subject));
    json_text_member_slice(&j, "htmlContent", html);
    if (text.len) {
        json_text_member_slice(&j, "textContent", text);
    }
    print_tags(&j, message, mid);
    print_headers(&j, message, key);
    json_text_close(&j, '}');
}

static void read_answer(const struct attempt *attempt, struct verdict *verdict)
{
    brevo_read_message(attempt, rules, verdict);
}

static void build_query(const struct provider_account *account, const struct mid *mid, struct provider_request *request)
{
    brevo_build_query(account, "/v3/smtp/statistics/events", mid, request);
}

const struct provider brevo_email = {
    .name = "brevo",
    .channel = CHANNEL_EMAIL,
    .key_ttl_ms = 15 * 60 * 1000,
    .visibility_lag_ms = 10 * 60 * 1000,
    .questions_per_hour = 300,
    .default_rate = 1000,
    .takes_traceparent = true,
    .check = check,
    .build = build,
    .read = read_answer,
    .build_query = build_query,
    .read_query = brevo_read_query,
};
