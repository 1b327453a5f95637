/*
 * outcome: the terminal, named result of a delivery, as it goes to the outcomes topic and to the one log line.
 * Never an address, phone number, name or body.
 */
#ifndef CORE_OUTCOME_H
#define CORE_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/channel.h"
#include "core/event.h"
#include "core/mid.h"

enum outcome_state { OUTCOME_SENT, OUTCOME_SUPPRESSED, OUTCOME_EXPIRED, OUTCOME_DEAD, OUTCOME_HELD, OUTCOME_STATE_COUNT };

const char *outcome_state_name(enum outcome_state state);
bool outcome_state_parse(struct slice name, enum outcome_state *state);

/* Of the record's form, as its member "v". What was written before it had one counts as 0; both are read. */
enum { OUTCOME_VERSION = 1 };

/* Texts are borrowed; NULL or "" members are left out. */
struct outcome {
    const struct mid *mid;
    enum outcome_state state;
    const char *reason;
    const char *flow;
    enum channel channel;
    const char *locale;
    const char *template_version;
    const char *variant;
    const char *provider;
    const char *provider_id;
    int attempts;
    uint64_t fence;            /* of the claim it was settled with */
    int64_t dedupe_for_ms;     /* how long it must be remembered; 0: for ever */
    const struct event *event; /* NULL when the event could not be decoded */
    const char *trace_id; /* 32 hex digits */
    const char *topic;
    int32_t partition;
    int64_t offset;
    int64_t wall_ms;
    /* milliseconds spent: negative = not reached, left out */
    int64_t queue_ms, render_ms, admit_ms, deliver_ms, total_ms;
};

/* One JSON object, no newline. */
void outcome_format(const struct outcome *outcome, struct buf *out);

/* What a rebuild needs of an outcome record. Texts are copied. */
struct outcome_summary {
    struct mid mid;
    enum outcome_state state;
    uint64_t fence;
    char provider_id[201];
    char reason[64];
    int64_t wall_ms;
    int64_t dedupe_for_ms; /* 0: for ever, or not said */
    bool is_newer;         /* its version is not known here: nothing else of it is */
};
/* False + err: not an outcome, or (is_newer) one of a later version. */
bool outcome_parse(struct slice json, struct outcome_summary *summary, struct err *err);

#endif
