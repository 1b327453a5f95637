/*
 * policy: may this message go to this member now? Consent, address, age.
 */
#ifndef CORE_POLICY_H
#define CORE_POLICY_H

#include <stdint.h>

#include "core/channel.h"
#include "core/event.h"
#include "core/flow.h"

enum policy_answer { POLICY_ALLOW, POLICY_SUPPRESS, POLICY_EXPIRE };

/* Consent first, then address, then age. member.consent.<channel> that is there and not true suppresses in every
 * class; class marketing needs it to be true, and consent.marketing too. A consent that is no boolean counts as no.
 * An event older than max_age at `wall_ms` expires; one without any time does not.
 *
 * `reason` is a stable word: "no_consent", "no_marketing_consent", "no_address", "bad_address", "too_old"; NULL when
 * allowed. */
enum policy_answer policy_check(const struct flow *flow, enum channel channel, const struct event *event,
                                int64_t wall_ms, const char **reason);

/* Recipient of a channel: member.email (ASCII, one '@', at most 254 bytes, nothing that could end a header or begin
 * a second address) or member.phone (E.164: '+' and 7 to 15 digits). NULL + reason "no_address" (absent, null, empty)
 * or "bad_address". Borrowed from the event. */
const char *policy_find_address(enum channel channel, const struct event *event, const char **reason);

#endif
