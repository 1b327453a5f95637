#include "workers/sandbox/brevo_api.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/utf8.h"

enum {
    NAME_MOST = 70,
    RECIPIENTS_MOST = 99,
    ADDRESS_MOST = 254,
    SENDER_LETTERS_MOST = 11,
    SENDER_DIGITS_MOST = 15,
    RECIPIENT_LEAST = 6,
    UUID_LEN = 36,
};

static bool refuse(struct refusal *refusal, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool refuse(struct refusal *refusal, const char *code, const char *format, ...)
{
    va_list args;

    refusal->status = 400;
    refusal->code = code;
    va_start(args, format);
    vsnprintf(refusal->message, sizeof(refusal->message), format, args);
    va_end(args);
    return false;
}

static bool refuse_missing(struct refusal *refusal, const char *what)
{
    return refuse(refusal, "missing_parameter", "%s is missing", what);
}

static bool is_empty(const json_t *value)
{
    return !value || json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0);
}

static bool is_address(const json_t *value)
{
    const char *text = json_string_value(value);
    const char *at = text ? strchr(text, '@') : NULL;

    if (!at || at == text || strchr(at + 1, '@') || !strchr(at, '.') || json_string_length(value) > ADDRESS_MOST ||
        json_string_length(value) != strlen(text)) {
        return false;
    }
    return strpbrk(text, " \t\r\n<>,;\"") == NULL;
}

static size_t count_code_points(const json_t *value)
{
    struct slice text = slice_make(json_string_value(value), json_string_length(value));
    size_t count = 0;

    for (size_t at = 0; at < text.len; count++) {
        utf8_next(text, &at, NULL);
    }
    return count;
}

/* {email, name?} */
static bool check_mailbox(const json_t *mailbox, const char *field, struct refusal *refusal)
{
    const json_t *name = json_object_get(mailbox, "name");

    if (!json_is_object(mailbox)) {
        return refuse(refusal, "invalid_parameter", "%s is not valid", field);
    }
    if (is_empty(json_object_get(mailbox, "email"))) {
        return refuse(refusal, "missing_parameter", "email is missing in %s", field);
    }
    if (!is_address(json_object_get(mailbox, "email"))) {
        return refuse(refusal, "invalid_parameter", "email is not valid in %s", field);
    }
    if (name && (!json_is_string(name) || count_code_points(name) > NAME_MOST)) {
        return refuse(refusal, "invalid_parameter", "name is not valid in %s", field);
    }
    return true;
}

static bool check_sender(const json_t *sender, struct refusal *refusal)
{
    if (is_empty(sender)) {
        return refuse_missing(refusal, "sender");
    }
    if (json_is_integer(json_object_get(sender, "id"))) {
        return true;
    }
    return check_mailbox(sender, "sender", refusal);
}

static bool check_recipients(const json_t *list, const char *field, struct refusal *refusal)
{
    if (!json_is_array(list) || json_array_size(list) == 0) {
        return refuse(refusal, "invalid_parameter", "%s must be a list of recipients", field);
    }
    if (json_array_size(list) > RECIPIENTS_MOST) {
        return refuse(refusal, "out_of_range", "%s holds more than %d recipients", field, RECIPIENTS_MOST);
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!check_mailbox(json_array_get(list, i), field, refusal)) {
            return false;
        }
    }
    return true;
}

static bool check_content(const json_t *body, struct refusal *refusal)
{
    static const char *const names[] = {"subject", "htmlContent"};
    const json_t *text = json_object_get(body, "textContent");

    if (json_is_integer(json_object_get(body, "templateId"))) {
        return true;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const json_t *value = json_object_get(body, names[i]);

        if (is_empty(value)) {
            return refuse_missing(refusal, names[i]);
        }
        if (!json_is_string(value)) {
            return refuse(refusal, "invalid_parameter", "%s must be a text", names[i]);
        }
    }
    if (text && !json_is_string(text)) {
        return refuse(refusal, "invalid_parameter", "textContent must be a text");
    }
    return true;
}

static bool check_tags_and_headers(const json_t *body, struct refusal *refusal)
{
    json_t *tags = json_object_get(body, "tags");
    json_t *headers = json_object_get(body, "headers");
    const char *name;
    json_t *value;

    if (tags && !json_is_array(tags)) {
        return refuse(refusal, "invalid_parameter", "tags must be a list of texts");
    }
    for (size_t i = 0; i < json_array_size(tags); i++) {
        if (!json_is_string(json_array_get(tags, i))) {
            return refuse(refusal, "invalid_parameter", "tags must be a list of texts");
        }
    }
    if (headers && !json_is_object(headers)) {
        return refuse(refusal, "invalid_parameter", "headers must be an object");
    }
    json_object_foreach(headers, name, value)
    {
        if (!json_is_string(value)) {
            return refuse(refusal, "invalid_parameter", "headers must hold texts");
        }
    }
    return true;
}

static bool check_email(const json_t *body, struct refusal *refusal)
{
    static const char *const copies[] = {"cc", "bcc"};
    const json_t *reply_to = json_object_get(body, "replyTo");

    if (json_object_get(body, "messageVersions")) {
        return refuse(refusal, "not_acceptable", "messageVersions is not part of this sandbox");
    }
    if (!check_sender(json_object_get(body, "sender"), refusal)) {
        return false;
    }
    if (is_empty(json_object_get(body, "to"))) {
        return refuse_missing(refusal, "to");
    }
    if (!check_recipients(json_object_get(body, "to"), "to", refusal)) {
        return false;
    }
    for (size_t i = 0; i < 2; i++) {
        const json_t *list = json_object_get(body, copies[i]);

        if (list && !check_recipients(list, copies[i], refusal)) {
            return false;
        }
    }
    if (reply_to && !check_mailbox(reply_to, "replyTo", refusal)) {
        return false;
    }
    return check_content(body, refusal) && check_tags_and_headers(body, refusal);
}

static bool is_digits(const char *text, size_t least, size_t most)
{
    size_t len = strlen(text);

    return len >= least && len <= most && strspn(text, "0123456789") == len;
}

static bool is_sms_sender(const char *text)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t len = strlen(text);

    return is_digits(text, 1, SENDER_DIGITS_MOST) ||
           (len >= 1 && len <= SENDER_LETTERS_MOST && strspn(text, letters) == len);
}

static bool check_sms_options(const json_t *body, struct refusal *refusal)
{
    const json_t *type = json_object_get(body, "type");
    const json_t *tag = json_object_get(body, "tag");
    const json_t *unicode = json_object_get(body, "unicodeEnabled");

    if (type && (!json_is_string(type) || (strcmp(json_string_value(type), "transactional") != 0 &&
                                           strcmp(json_string_value(type), "marketing") != 0))) {
        return refuse(refusal, "invalid_parameter", "type must be transactional or marketing");
    }
    if (tag && !json_is_string(tag)) {
        return refuse(refusal, "invalid_parameter", "tag must be a text");
    }
    if (unicode && !json_is_boolean(unicode)) {
        return refuse(refusal, "invalid_parameter", "unicodeEnabled must be true or false");
    }
    return true;
}

static bool check_sms(const json_t *body, struct refusal *refusal)
{
    const json_t *sender = json_object_get(body, "sender");
    const json_t *recipient = json_object_get(body, "recipient");
    const json_t *content = json_object_get(body, "content");

    if (is_empty(sender)) {
        return refuse_missing(refusal, "sender");
    }
    if (!json_is_string(sender) || !is_sms_sender(json_string_value(sender))) {
        return refuse(refusal, "invalid_parameter", "sender is not valid");
    }
    if (is_empty(recipient)) {
        return refuse_missing(refusal, "recipient");
    }
    if (!json_is_string(recipient) || !is_digits(json_string_value(recipient), RECIPIENT_LEAST, SENDER_DIGITS_MOST)) {
        return refuse(refusal, "invalid_parameter", "recipient is not a valid phone number");
    }
    if (is_empty(content) == is_empty(json_object_get(body, "templateId"))) {
        return is_empty(content) ? refuse_missing(refusal, "content")
                                 : refuse(refusal, "invalid_parameter", "either content or templateId, not both");
    }
    if (content && !json_is_string(content)) {
        return refuse(refusal, "invalid_parameter", "content must be a text");
    }
    return check_sms_options(body, refusal);
}

static bool parse_uuid(const char *text, uint8_t key[KEY_SIZE])
{
    static const int starts[] = {0, 9, 14, 19, 24};
    static const int lengths[] = {8, 4, 4, 4, 12};
    size_t at = 0;

    if (!text || strlen(text) != UUID_LEN) {
        return false;
    }
    for (size_t i = 0; i < 5; i++) {
        size_t len = (size_t)lengths[i];

        if ((i > 0 && text[starts[i] - 1] != '-') || !hex_parse(slice_make(text + starts[i], len), key + at, len / 2)) {
            return false;
        }
        at += len / 2;
    }
    return true;
}

static void take_mid(struct call *call, struct slice tag)
{
    size_t len = utf8_truncate(tag, CALL_MID_SIZE - 1);

    memcpy(call->mid, tag.data, len);
    call->mid[len] = '\0';
}

static void take_email(struct call *call)
{
    const json_t *headers = json_object_get(call->json, "headers");
    const json_t *to = json_object_get(call->json, "to");
    const char *drop = json_string_value(json_object_get(headers, "X-Sib-Sandbox"));

    call->to = json_string_value(json_object_get(json_array_get(to, 0), "email"));
    call->to_count = json_array_size(to);
    call->from = json_string_value(json_object_get(json_object_get(call->json, "sender"), "email"));
    call->subject = json_string_value(json_object_get(call->json, "subject"));
    call->has_key = parse_uuid(json_string_value(json_object_get(headers, "idempotencyKey")), call->key);
    call->is_drop = drop && strcmp(drop, "drop") == 0;
}

static void take_sms(struct call *call)
{
    call->to = json_string_value(json_object_get(call->json, "recipient"));
    call->to_count = 1;
    call->from = json_string_value(json_object_get(call->json, "sender"));
    call->text = json_string_value(json_object_get(call->json, "content"));
}

json_t *brevo_api_tags(enum channel channel, const json_t *body)
{
    json_t *tag;

    if (channel == CHANNEL_EMAIL) {
        return json_incref(json_object_get(body, "tags"));
    }
    tag = json_object_get(body, "tag");
    return tag ? json_pack("[O]", tag) : NULL;
}

bool brevo_api_parse(enum channel channel, struct slice body, struct call *call, struct refusal *refusal)
{
    json_t *tags;
    json_t *tag;

    *call = (struct call){.channel = channel};
    call->json = json_loadb(body.data, body.len, 0, NULL);
    if (!json_is_object(call->json)) {
        call_finish(call);
        return refuse(refusal, "bad_request", "Input must be a valid JSON object");
    }
    if (!(channel == CHANNEL_EMAIL ? check_email(call->json, refusal) : check_sms(call->json, refusal))) {
        call_finish(call);
        return false;
    }
    tags = brevo_api_tags(channel, call->json);
    tag = json_array_get(tags, 0);
    if (tag) {
        take_mid(call, slice_make(json_string_value(tag), json_string_length(tag)));
    }
    json_decref(tags);
    if (channel == CHANNEL_EMAIL) {
        take_email(call);
    } else {
        take_sms(call);
    }
    return true;
}

/* The text between `mark` and the next quote. A quote within a JSON text is escaped, so the marks, which hold quotes,
 * cannot be found in contents. */
static struct slice scan(struct slice body, const char *mark)
{
    size_t len = strlen(mark);
    const char *at = memmem(body.data, body.len, mark, len);
    const char *end;

    if (!at) {
        return slice_make("", 0);
    }
    at += len;
    end = memchr(at, '"', (size_t)(body.data + body.len - at));
    return slice_make(at, end ? (size_t)(end - at) : 0);
}

void brevo_api_scan(enum channel channel, struct slice body, struct call *call)
{
    size_t cut = body.len > 512 ? body.len - 512 : 0; /* tags and headers come last in what perkline writes */
    struct slice tail = slice_make(body.data + cut, body.len - cut);
    const char *mark = channel == CHANNEL_EMAIL ? "\"tags\":[\"" : "\"tag\":\"";
    struct slice tag = scan(tail, mark);

    *call = (struct call){.channel = channel};
    take_mid(call, tag.len ? tag : scan(body, mark));
    if (channel == CHANNEL_EMAIL) {
        struct slice key = scan(tail, "\"idempotencyKey\":\"");
        char text[UUID_LEN + 1] = "";

        memcpy(text, key.data, key.len == UUID_LEN ? UUID_LEN : 0);
        call->has_key = parse_uuid(text, call->key);
    }
}

void call_finish(struct call *call)
{
    json_decref(call->json);
    call->json = NULL;
}
