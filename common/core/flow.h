/*
 * flow: what marketing configured for one kind of event (flow.yaml), parsed and checked.
 */
#ifndef CORE_FLOW_H
#define CORE_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "core/channel.h"
#include "core/diag.h"
#include "core/liquid/liquid.h"

enum flow_class { FLOW_TRANSACTIONAL, FLOW_MARKETING };
enum flow_priority { FLOW_PRIORITY_HIGH, FLOW_PRIORITY_NORMAL, FLOW_PRIORITY_LOW };
enum { FLOW_PRIORITIES = FLOW_PRIORITY_LOW + 1 };
/* What to do with an attempt whose outcome nobody knows, once the provider's idempotency key no longer helps. */
enum flow_ambiguous { FLOW_AMBIGUOUS_HOLD, FLOW_AMBIGUOUS_RESEND, FLOW_AMBIGUOUS_QUERY };

struct flow_channel {
    bool is_on;
    struct liquid_condition *when; /* NULL: always */
    enum flow_ambiguous ambiguous; /* default: hold for sms, resend for email */
    int segments_max;              /* sms: refused above; default 3 */
    bool is_transliterated;        /* sms: accents may be dropped when that saves segments */
};

struct flow {
    char *name; /* the folder */
    char *on;   /* event type */
    struct liquid_condition *when; /* NULL: always */
    enum flow_class class;
    char **dedupe; /* dotted paths into data, in order */
    size_t dedupe_count;
    int64_t dedupe_for_ms; /* 0: forever */
    int64_t max_age_ms;    /* 0: no limit */
    int64_t expect_every_ms; /* operators are told when no event asks for the flow for so long; 0: nobody waits for one */
    enum flow_priority priority;
    char **requires; /* dotted paths that the event must have, beyond dedupe */
    size_t requires_count;
    struct flow_channel channels[CHANNEL_COUNT];
};

const char *flow_class_name(enum flow_class class);

/* `path` names the file in diagnostics. NULL when an error was added. The caller owns the flow. */
struct flow *flow_parse(const char *name, const char *path, struct slice yaml, struct diag_list *diags);
void flow_destroy(struct flow *flow);

#endif
