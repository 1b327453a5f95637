#include "workers/brevo.h"

#include <stdio.h>
#include <string.h>

enum {
    QUERY_DAYS = 30, /* of at most 90; a delivery stays unknown for hours */
    QUERY_EVENTS = 50,
    CODE_SIZE = 48,
    RETRY_LEAST_MS = 1000,
    RETRY_MOST_MS = 3600 * 1000,
    HOUR_S = 3600,
    HOUR_LIMIT_LEAST = 100000,
};

/* Codes that say nothing about the message: the account cannot send now. */
static const struct brevo_rule account_rules[] = {
    {"unauthorized", VERDICT_NOT_SENT_CHANNEL},
    {"authentication_failed", VERDICT_NOT_SENT_CHANNEL},
    {"api_key_not_found", VERDICT_NOT_SENT_CHANNEL},
    {"not_enough_credits", VERDICT_NOT_SENT_CHANNEL},
    {"insufficient_credits", VERDICT_NOT_SENT_CHANNEL},
    {"permission_denied", VERDICT_NOT_SENT_CHANNEL},
    {"account_under_validation", VERDICT_NOT_SENT_CHANNEL},
    {NULL, VERDICT_AMBIGUOUS},
};

bool brevo_check(const struct provider_account *account, struct err *err)
{
    const char *key = account->api_key;
    const char *url = account->base_url;

    if (!key || !key[0]) {
        return err_set(err, "BREVO_API_KEY is not set");
    }
    for (const char *c = key; *c; c++) {
        if (*c <= ' ' || *c > '~') {
            return err_set(err, "BREVO_API_KEY holds a blank or another character that no key has");
        }
    }
    if (!url || (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)) {
        return err_set(err, "BREVO_URL must begin with https://");
    }
    if (strpbrk(url, " \t\r\n?#@") || strstr(url, "://")[3] == '\0') {
        return err_set(err, "BREVO_URL must be a plain address such as https://api.brevo.com");
    }
    return true;
}

void brevo_begin_request(const struct provider_account *account, const char *path, struct provider_request *request)
{
    struct slice base = slice_of(account->base_url);

    while (base.len > 0 && base.data[base.len - 1] == '/') {
        base.len--;
    }
    request->method = "POST";
    buf_append_slice(&request->url, base);
    buf_append_text(&request->url, path);
    provider_request_add_header(request, "api-key", account->api_key);
    provider_request_add_header(request, "content-type", "application/json");
    provider_request_add_header(request, "accept", "application/json");
}

/* "Request already processed" -> "request_already_processed". "" when it is no short word: a code that quotes an
 * address must not reach logs as a reason. */
static void normalise_code(const char *code, char word[CODE_SIZE])
{
    size_t len = 0;

    for (; code && code[len] && len < CODE_SIZE - 1; len++) {
        char c = code[len];

        if (c >= 'A' && c <= 'Z') {
            c = (char)(c - 'A' + 'a');
        } else if (c == ' ' || c == '-') {
            c = '_';
        } else if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_') {
            len = 0;
            break;
        }
        word[len] = c;
    }
    word[code && code[len] ? 0 : len] = '\0';
}

static const struct brevo_rule *find_rule(const struct brevo_rule rules[], const char *word)
{
    for (const struct brevo_rule *rule = rules; rule->code; rule++) {
        if (strcmp(rule->code, word) == 0) {
            return rule;
        }
    }
    return NULL;
}

/* A message stands in for a missing code only where a rule knows it: it may quote an address, so it is never the
 * reason by itself. */
static void read_refusal(const json_t *answer, int status, const struct brevo_rule rules[], struct verdict *verdict)
{
    const char *code = json_string_value(json_object_get(answer, "code"));
    const struct brevo_rule *rule;
    char word[CODE_SIZE];

    normalise_code(code ? code : json_string_value(json_object_get(answer, "message")), word);
    rule = status == 400 ? find_rule(rules, word) : NULL;
    if (!rule) {
        rule = find_rule(account_rules, word);
    }
    if (rule) {
        verdict->kind = rule->kind;
    }
    if (word[0] && (code || rule)) {
        snprintf(verdict->reason, sizeof(verdict->reason), "%s", word);
    }
}

/* A whole number below a thousand million, or -1. */
static int64_t read_number(const struct attempt *attempt, const char *name)
{
    const char *text = attempt->find_header ? attempt->find_header(attempt->header_arg, name) : NULL;
    int64_t number = 0;

    if (!text || !text[0] || strlen(text) > 9) {
        return -1;
    }
    for (; *text; text++) {
        if (*text < '0' || *text > '9') {
            return -1;
        }
        number = number * 10 + (*text - '0');
    }
    return number;
}

/* `reset` counts seconds from now. There are two windows, a second (150 to 6,000 calls) and an hour (540,000 and more);
 * the answer does not say whose figures it carries. */
static void read_limits(const struct attempt *attempt, struct verdict *verdict)
{
    int64_t limit = read_number(attempt, "x-sib-ratelimit-limit");
    int64_t reset_s = read_number(attempt, "x-sib-ratelimit-reset");

    verdict->limit_remaining = read_number(attempt, "x-sib-ratelimit-remaining");
    verdict->limit_reset_ms = reset_s < 0 ? -1 : reset_s * 1000;
    verdict->limit_per_s = limit;
    if (limit >= HOUR_LIMIT_LEAST && reset_s > 1) {
        verdict->limit_per_s = limit / HOUR_S;
    }
    if (attempt->status == 429 && verdict->retry_after_ms == 0 && reset_s >= 0) {
        int64_t ms = reset_s * 1000;

        verdict->retry_after_ms = ms < RETRY_LEAST_MS ? RETRY_LEAST_MS : ms > RETRY_MOST_MS ? RETRY_MOST_MS : ms;
    }
}

/* Refusals whose code tells more than the status does. */
static bool is_explained(int status)
{
    return status == 400 || status == 401 || status == 402 || status == 403 || status == 404 || status == 405 ||
           status == 406 || status == 422;
}

/* Every refusal of Brevo's own carries a code. "No such page" without one comes from whoever listens at a wrong BREVO_URL,
 * or from a proxy, and says nothing about the message. */
static bool is_from_elsewhere(int status, const json_t *answer)
{
    return (status == 404 || status == 405) && !json_is_string(json_object_get(answer, "code"));
}

/* E-mail has a text for an id, SMS a number. */
static void take_id(const json_t *answer, struct verdict *verdict)
{
    const json_t *id = json_object_get(answer, "messageId");
    char number[24];

    if (json_is_integer(id) && json_integer_value(id) >= 0) {
        snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(id));
        verdict_set_provider_id(verdict, slice_of(number));
    } else if (json_is_string(id)) {
        verdict_set_provider_id(verdict, slice_make(json_string_value(id), json_string_length(id)));
    }
}

json_t *brevo_read(const struct attempt *attempt, const struct brevo_rule rules[], struct verdict *verdict)
{
    json_t *answer = NULL;

    verdict_classify(attempt, verdict);
    read_limits(attempt, verdict);
    if (attempt->body.len > 0) {
        answer = json_loadb(attempt->body.data, attempt->body.len, 0, NULL);
    }
    if (is_from_elsewhere(attempt->status, answer)) {
        verdict->kind = VERDICT_NOT_SENT_CHANNEL;
    }
    if (!json_is_object(answer)) {
        json_decref(answer);
        return NULL;
    }
    if (is_explained(attempt->status)) {
        read_refusal(answer, attempt->status, rules, verdict);
    }
    return answer;
}

void brevo_read_message(const struct attempt *attempt, const struct brevo_rule rules[], struct verdict *verdict)
{
    json_t *answer = brevo_read(attempt, rules, verdict);

    if (verdict->kind == VERDICT_SENT) {
        take_id(answer, verdict);
    }
    json_decref(answer);
}

/* --- questions ---------------------------------------------------------------------------------------------------- */

/* Tags travel as a JSON array, URL-encoded. */
void brevo_build_query(const struct provider_account *account, const char *path, const struct mid *mid,
                       struct provider_request *request)
{
    char tag[MID_TEXT_SIZE];

    mid_format(mid, tag);
    brevo_begin_request(account, path, request);
    request->method = "GET";
    buf_appendf(&request->url, "?days=%d&limit=%d&tags=%%5B%%22%s%%22%%5D", QUERY_DAYS, QUERY_EVENTS, tag);
}

/* `tag` is a text with one tag or all of them; some answers have `tags`, an array. */
static bool bears_tag(const json_t *event, const char *tag)
{
    const json_t *tags = json_object_get(event, "tags");
    const char *text = json_string_value(json_object_get(event, "tag"));

    for (size_t i = 0; i < json_array_size(tags); i++) {
        const char *item = json_string_value(json_array_get(tags, i));

        if (item && strcmp(item, tag) == 0) {
            return true;
        }
    }
    return text && strstr(text, tag);
}

static void find(struct provider_finding *finding, const json_t *event)
{
    struct verdict verdict = {.provider_id = ""};

    finding->found = PROVIDER_FOUND;
    take_id(event, &verdict);
    memcpy(finding->provider_id, verdict.provider_id, sizeof(finding->provider_id));
}

/* Any event of the message will do: it was taken, whatever became of it later. No events are said by an empty list or an
 * empty object. Events of others only would mean that our filter was not understood, so they prove nothing. */
static void read_events(const json_t *answer, const char *tag, struct provider_finding *finding)
{
    const json_t *events = json_object_get(answer, "events");

    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *event = json_array_get(events, i);

        if (bears_tag(event, tag)) {
            find(finding, event);
            return;
        }
    }
    if ((json_is_array(events) && json_array_size(events) == 0) ||
        (json_is_object(answer) && json_object_size(answer) == 0)) {
        finding->found = PROVIDER_NOT_FOUND;
        return;
    }
    snprintf(finding->reason, sizeof(finding->reason), "%s", json_is_array(events) ? "other_events" : "unreadable");
}

void brevo_read_query(const struct attempt *attempt, const struct mid *mid, struct provider_finding *finding)
{
    struct verdict verdict;
    char tag[MID_TEXT_SIZE];
    json_t *answer;

    provider_finding_init(attempt, finding);
    if (finding->reason[0]) {
        verdict_classify(attempt, &verdict);
        read_limits(attempt, &verdict);
        finding->retry_after_ms = verdict.retry_after_ms;
        return;
    }
    mid_format(mid, tag);
    answer = attempt->body.len ? json_loadb(attempt->body.data, attempt->body.len, 0, NULL) : NULL;
    read_events(answer, tag, finding);
    json_decref(answer);
}
