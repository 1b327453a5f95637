#include "workers/sms/brevo.h"

#include <string.h>

#include "base/json_text.h"
#include "workers/brevo.h"

enum { SENDER_LETTERS_MOST = 11, SENDER_DIGITS_MOST = 15 };

/* That some request like ours was taken says nothing sure about this one: no key ties them together. */
static const struct brevo_rule rules[] = {
    {"duplicate_request", VERDICT_AMBIGUOUS},
    {"request_already_processed", VERDICT_AMBIGUOUS},
    {NULL, VERDICT_AMBIGUOUS},
};

static const char *without_plus(const char *number)
{
    return number[0] == '+' ? number + 1 : number;
}

/* At most 11 letters and digits, or a number of at most 15 digits. */
static bool is_sender(const char *text)
{
    static const char digits[] = "0123456789";
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const char *number = without_plus(text);
    size_t len = strlen(number);

    if (strspn(number, digits) == len) {
        return len >= 1 && len <= SENDER_DIGITS_MOST;
    }
    return number == text && len <= SENDER_LETTERS_MOST && strspn(text, letters) == len;
}

static bool check(const struct provider_account *account, struct err *err)
{
    if (!brevo_check(account, err)) {
        return false;
    }
    if (!account->sms_from || !account->sms_from[0]) {
        return err_set(err, "SMS_FROM is not set");
    }
    if (!is_sender(account->sms_from)) {
        return err_set(err, "SMS_FROM: \"%s\" is no sender (at most 11 letters and digits, or 15 digits)",
                       account->sms_from);
    }
    return true;
}

static void build(const struct provider_account *account, const struct message *message, const struct mid *mid,
                  const struct mid *key, struct provider_request *request)
{
    const char *sender = message->sms_sender ? message->sms_sender : account->sms_from;
    char tag[MID_TEXT_SIZE];
    struct json_text j;

    (void)key;
    mid_format(mid, tag);
    brevo_begin_request(account, "/v3/transactionalSMS/send", request);
    json_text_init(&j, &request->body);
    json_text_open(&j, '{');
    json_text_member(&j, "sender", without_plus(sender));
    json_text_member(&j, "recipient", without_plus(message->to));
    json_text_member(&j, "content", message->text);
    json_text_member(&j, "type", message->class == FLOW_MARKETING ? "marketing" : "transactional");
    json_text_member(&j, "tag", tag);
    /* Without it Brevo replaces what GSM-7 lacks by "English equivalents", silently. */
    json_text_key(&j, "unicodeEnabled");
    json_text_bool(&j, message->is_unicode);
    json_text_close(&j, '}');
}

static void read_answer(const struct attempt *attempt, struct verdict *verdict)
{
    brevo_read_message(attempt, rules, verdict);
}

static void build_query(const struct provider_account *account, const struct mid *mid, struct provider_request *request)
{
    brevo_build_query(account, "/v3/transactionalSMS/statistics/events", mid, request);
}

const struct provider brevo_sms = {
    .name = "brevo",
    .channel = CHANNEL_SMS,
    .key_ttl_ms = 0,
    .visibility_lag_ms = 10 * 60 * 1000,
    .questions_per_hour = 100,
    .default_rate = 150,
    .takes_traceparent = true,
    .check = check,
    .build = build,
    .read = read_answer,
    .build_query = build_query,
    .read_query = brevo_read_query,
};
