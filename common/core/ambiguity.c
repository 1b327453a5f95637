#include "core/ambiguity.h"

/* For so long the key is counted on: clocks, queues and the provider's own rounding are in the rest. */
static int64_t last_resend_age_ms(const struct ambiguity *facts)
{
    return facts->key_ttl_ms / 10 * 6;
}

/* Those who set `hold` want a person to decide. A provider with keys is asked before its key is given up, whatever the
 * flow says; one without keys only where the flow says so, since `resend` chose speed there. */
static bool may_ask(const struct ambiguity *facts)
{
    return facts->visibility_lag_ms > 0 && facts->policy != FLOW_AMBIGUOUS_HOLD &&
           (facts->policy == FLOW_AMBIGUOUS_QUERY || facts->has_keys);
}

enum ambiguity_way ambiguity_decide(const struct ambiguity *facts, int64_t age_ms, int64_t *wait_ms)
{
    /* The last resend under the key may be that young, and must be visible too. */
    int64_t ask_age_ms = last_resend_age_ms(facts) + facts->visibility_lag_ms;

    *wait_ms = 0;
    if (facts->can_repeat && facts->key_ttl_ms > 0 && age_ms <= last_resend_age_ms(facts)) {
        return AMBIGUITY_RESEND;
    }
    if (may_ask(facts)) {
        *wait_ms = age_ms < ask_age_ms ? ask_age_ms - age_ms : 0;
        return age_ms < ask_age_ms ? AMBIGUITY_WAIT : AMBIGUITY_ASK;
    }
    return facts->can_repeat && facts->policy == FLOW_AMBIGUOUS_RESEND ? AMBIGUITY_RESEND : AMBIGUITY_HOLD;
}
