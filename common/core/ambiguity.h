/*
 * ambiguity: what may be done about a delivery that someone may have sent, when nobody knows. Pure.
 *
 * In this order: send the same again while the provider surely remembers its idempotency key; ask the provider, once what
 * it took can surely be found; then what the flow says: send again, or hold. Another provider is never a way out.
 */
#ifndef CORE_AMBIGUITY_H
#define CORE_AMBIGUITY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/flow.h"

enum ambiguity_way {
    AMBIGUITY_RESEND, /* the same again */
    AMBIGUITY_ASK,
    AMBIGUITY_WAIT,   /* until it can be asked */
    AMBIGUITY_HOLD,
};

struct ambiguity {
    enum flow_ambiguous policy;
    bool can_repeat;           /* the first attempt's content is at hand, may go out, and was not refused since */
    bool has_keys;             /* a provider with idempotency keys, whether trusted or not */
    int64_t key_ttl_ms;        /* 0: none that is trusted */
    int64_t visibility_lag_ms; /* from BEGIN on, with the time that a request may take to leave; 0: it cannot be asked */
};

/* `age_ms`: since the first attempt that may have arrived. *wait_ms: for WAIT. */
enum ambiguity_way ambiguity_decide(const struct ambiguity *facts, int64_t age_ms, int64_t *wait_ms);

#endif
