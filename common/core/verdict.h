/*
 * verdict: what one attempt came to. Three classes, and nothing folds the third into one of the others:
 * SENT (the provider said yes), NOT_SENT (proved: it said no, or no byte left), AMBIGUOUS (nobody knows).
 */
#ifndef CORE_VERDICT_H
#define CORE_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum verdict_kind {
    VERDICT_SENT,
    VERDICT_NOT_SENT_PERMANENT, /* this message will never be taken */
    VERDICT_NOT_SENT_TRANSIENT, /* later it may */
    VERDICT_NOT_SENT_CHANNEL,   /* nothing of this channel is taken now (credentials, credits, certificate) */
    VERDICT_AMBIGUOUS,
};

const char *verdict_kind_name(enum verdict_kind kind);

enum { VERDICT_REASON_SIZE = 64, PROVIDER_ID_SIZE = 201 };

struct verdict {
    enum verdict_kind kind;
    char reason[VERDICT_REASON_SIZE];   /* stable word: "accepted", "duplicate_parameter", "http_503", "timeout" */
    char provider_id[PROVIDER_ID_SIZE]; /* [\x21-\x7e], "" when unknown */
    int64_t retry_after_ms;             /* 0: not told. Clamped to [1 s, 1 h] */
    /* What the answer told of the provider's limit; -1: not told. */
    int64_t limit_per_s;
    int64_t limit_remaining;
    int64_t limit_reset_ms;
};

/* Facts of an attempt, as the HTTP layer reports them. */
struct attempt {
    int status;            /* 0: no final status line */
    bool is_begun;         /* the request may have left, in part or whole */
    bool is_repeat;        /* an earlier attempt of this delivery used the same idempotency key */
    bool is_body_complete;
    const char *problem;   /* "" or the HTTP layer's word */
    bool is_permanent_problem;
    struct slice body;
    const char *(*find_header)(void *arg, const char *name); /* lower-case name; NULL when absent */
    void *header_arg;
};

/* Starting point for a provider's read(): by facts, in this order: final status line, request never begun, otherwise
 * ambiguous. Fills everything; the provider's id stays empty, the limits are "not told". */
void verdict_classify(const struct attempt *attempt, struct verdict *verdict);

/* Copies an id when it is 1 to 200 bytes of [\x21-\x7e]; angle brackets around it are dropped. */
void verdict_set_provider_id(struct verdict *verdict, struct slice id);
/* Retry-After: seconds, or an HTTP date measured against the answer's own Date header. 0 when unusable. */
int64_t verdict_parse_retry_after_ms(const char *retry_after, const char *date);

#endif
