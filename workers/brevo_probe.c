#include "workers/brevo.h"

#include <string.h>

/* Fewer credits than this are worth a word. */
enum { FEW_CREDITS = 1000 };

static void build(const struct provider_account *account, struct provider_request *request)
{
    brevo_begin_request(account, "/v3/account", request);
    request->method = "GET";
}

/* The account's e-mail plan may be unlimited; SMS are always bought ahead. */
static enum provider_health read_credits(const json_t *answer, struct err *says)
{
    const json_t *plans = json_object_get(answer, "plan");
    double sms = 0;
    bool has_sms = false;
    size_t i;
    json_t *plan;

    json_array_foreach(plans, i, plan) {
        const char *type = json_string_value(json_object_get(plan, "type"));

        if (type && strcmp(type, "sms") == 0) {
            has_sms = true;
            sms = json_number_value(json_object_get(plan, "credits"));
        }
    }
    if (has_sms && sms < FEW_CREDITS) {
        err_set(says, "the key is good, but %.9g SMS credits are left: buy some if SMS are sent", sms);
        return PROVIDER_DOUBTFUL;
    }
    err_set(says, "the key is good");
    return PROVIDER_FINE;
}

static enum provider_health refuse(const struct attempt *attempt, const struct verdict *verdict, struct err *says)
{
    if (attempt->status == 401) {
        err_set(says, "Brevo refuses the key (%s): set BREVO_API_KEY to one of the account's API keys (SMTP & API in "
                      "Brevo), or allow this machine's address there", verdict->reason);
    } else if (attempt->status == 403 || attempt->status == 402) {
        err_set(says, "Brevo does not let this account send now (%s): look into the account", verdict->reason);
    } else if (attempt->status == 0) {
        err_set(says, "Brevo cannot be reached (%s): look at BREVO_URL, PROVIDER_CA_FILE, name service and firewall",
                attempt->problem);
    } else {
        err_set(says, "Brevo answers with status %d (%s): not a Brevo at BREVO_URL, or it has a fault now",
                attempt->status, verdict->reason);
    }
    return attempt->status == 429 || attempt->status >= 500 ? PROVIDER_DOUBTFUL : PROVIDER_UNUSABLE;
}

static enum provider_health read_answer(const struct attempt *attempt, struct err *says)
{
    static const struct brevo_rule no_rules[] = {{NULL, VERDICT_AMBIGUOUS}};
    enum provider_health health;
    struct verdict verdict;
    json_t *answer = brevo_read(attempt, no_rules, &verdict);

    if (attempt->status == 200 && answer && json_is_array(json_object_get(answer, "plan"))) {
        health = read_credits(answer, says);
    } else {
        health = refuse(attempt, &verdict, says);
    }
    json_decref(answer);
    return health;
}

const struct provider_probe brevo_probe = {"brevo", build, read_answer};
