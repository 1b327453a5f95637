/*
 * fake_provider: the two providers of tests. A request's body is "mid\nkey\nto\ntext". Answers are read by their facts, as
 * core/verdict.h tells.
 */
#include <string.h>

#include "fakes.h"

enum { DEFAULT_RATE = 100 };

static bool check(const struct provider_account *account, struct err *err)
{
    return account->api_key && account->api_key[0] ? true : err_set(err, "BREVO_API_KEY: is not set");
}

static void build(const struct provider_account *account, const struct message *message, const struct mid *mid,
                  const struct mid *key, struct provider_request *request)
{
    char text[MID_TEXT_SIZE], key_text[MID_TEXT_SIZE];

    mid_format(mid, text);
    mid_format(key, key_text);
    buf_appendf(&request->url, "%s/%s", account->base_url, channel_name(message->channel));
    buf_appendf(&request->body, "%s\n%s\n%s\n%s", text, key_text, message->to, message->text);
    provider_request_add_header(request, "api-key", account->api_key);
}

static void read_answer(const struct attempt *attempt, struct verdict *verdict)
{
    verdict_classify(attempt, verdict);
    if (verdict->kind == VERDICT_SENT) {
        verdict_set_provider_id(verdict, attempt->body);
    }
}

static void build_query(const struct provider_account *account, const struct mid *mid, struct provider_request *request)
{
    char text[MID_TEXT_SIZE];

    mid_format(mid, text);
    request->method = "GET";
    buf_appendf(&request->url, "%s/sms?%s", account->base_url, text);
}

/* "" is "not found". */
static void read_query(const struct attempt *attempt, const struct mid *mid, struct provider_finding *finding)
{
    struct verdict verdict = {.provider_id = ""};

    (void)mid;
    provider_finding_init(attempt, finding);
    if (finding->reason[0]) {
        return;
    }
    finding->found = attempt->body.len ? PROVIDER_FOUND : PROVIDER_NOT_FOUND;
    verdict_set_provider_id(&verdict, attempt->body);
    memcpy(finding->provider_id, verdict.provider_id, sizeof(finding->provider_id));
}

const struct provider fake_email_provider = {
    .name = "fake",
    .channel = CHANNEL_EMAIL,
    .key_ttl_ms = FAKE_KEY_TTL_MS,
    .default_rate = DEFAULT_RATE,
    .takes_traceparent = true,
    .check = check,
    .build = build,
    .read = read_answer,
};
const struct provider fake_sms_provider = {
    .name = "fake",
    .channel = CHANNEL_SMS,
    .visibility_lag_ms = FAKE_VISIBILITY_LAG_MS,
    .questions_per_hour = 3600,
    .default_rate = DEFAULT_RATE,
    .check = check,
    .build = build,
    .read = read_answer,
    .build_query = build_query,
    .read_query = read_query,
};
const struct provider *const fake_providers[] = {&fake_email_provider, &fake_sms_provider, NULL};
