/*
 * fake_provider: the two providers of tests. A request's body is "mid\nto\ntext". Answers are read by their facts, as
 * core/verdict.h tells.
 */
#include "fakes.h"

enum { KEY_TTL_MS = 3600 * 1000, DEFAULT_RATE = 100 };

static bool check(const struct provider_account *account, struct err *err)
{
    return account->api_key && account->api_key[0] ? true : err_set(err, "BREVO_API_KEY: is not set");
}

static void build(const struct provider_account *account, const struct message *message, const struct mid *mid,
                  struct provider_request *request)
{
    char text[MID_TEXT_SIZE];

    mid_format(mid, text);
    buf_appendf(&request->url, "%s/%s", account->base_url, channel_name(message->channel));
    buf_appendf(&request->body, "%s\n%s\n%s", text, message->to, message->text);
    provider_request_add_header(request, "api-key", account->api_key);
}

static void read_answer(const struct attempt *attempt, struct verdict *verdict)
{
    verdict_classify(attempt, verdict);
    if (verdict->kind == VERDICT_SENT) {
        verdict_set_provider_id(verdict, attempt->body);
    }
}

const struct provider fake_email_provider = {"fake", CHANNEL_EMAIL, KEY_TTL_MS, DEFAULT_RATE, check, build, read_answer};
const struct provider fake_sms_provider = {"fake", CHANNEL_SMS, 0, DEFAULT_RATE, check, build, read_answer};
const struct provider *const fake_providers[] = {&fake_email_provider, &fake_sms_provider, NULL};
