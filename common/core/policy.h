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

/* `reason` is a stable word: "no_consent", "no_marketing_consent", "no_address", "bad_address", "too_old". */
enum policy_answer policy_check(const struct flow *flow, enum channel channel, const struct event *event,
                                int64_t wall_ms, const char **reason);

/* Recipient of a channel: member.email or member.phone when it is one (a plausible address without control
 * characters, at most 254 bytes; E.164 with '+'), else NULL. Borrowed from the event. */
const char *policy_find_address(enum channel channel, const struct event *event, const char **reason);

#endif
