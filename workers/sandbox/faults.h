/*
 * faults: what goes wrong on purpose. A list of rules, each with a probability, drawn in order for every call; delays
 * add up, and the first other rule that is drawn decides. Drawn from a seeded generator, so that a run can be repeated.
 */
#ifndef SANDBOX_FAULTS_H
#define SANDBOX_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "base/json_text.h"
#include "base/random.h"
#include "core/channel.h"

/* "before": the message is not accepted. "after": it is, and only the answer suffers. */
enum fault_kind {
    FAULT_NONE,
    FAULT_DELAY,
    FAULT_HTTP,
    FAULT_HTTP_AFTER,
    FAULT_HANG_BEFORE,
    FAULT_HANG_AFTER_ACCEPT,
    FAULT_RESET_BEFORE,
    FAULT_RESET_AFTER,
    FAULT_CLOSE_BEFORE,
    FAULT_CLOSE_AFTER,
    FAULT_GARBAGE,
    FAULT_EMPTY_201,
};

enum { FAULT_RULES_MOST = 32, FAULT_NAME_SIZE = 32 };

struct fault_rule {
    enum fault_kind kind;
    int status;         /* HTTP, HTTP_AFTER: 400..599 */
    int64_t ms;         /* DELAY: that long; HTTP with 429: until the reset that the answer tells of */
    double probability; /* 0..1 */
    bool is_limited;    /* to one channel */
    enum channel channel;
    int64_t times; /* how often it may still strike; negative: always */
    uint64_t struck;
};

struct faults {
    struct fault_rule rules[FAULT_RULES_MOST];
    size_t count;
    uint64_t seed;
    struct random random;
};

/* What one call shall suffer. `name` is the rule's: "http_503_after", "" when there is none. */
struct fault {
    enum fault_kind kind;
    int status;
    int64_t delay_ms, reset_ms;
    char name[FAULT_NAME_SIZE];
};

void faults_init(struct faults *faults, uint64_t seed);

/* One rule as on the command line: KIND[:MS][@CHANNEL]=PROBABILITY[xTIMES], e.g. "http_503=0.1", "delay:500@email=0.2",
 * "reset_after=1x3", "http_429:3000=1" (refused, until a reset in 3 s). */
bool faults_add(struct faults *faults, struct slice text, struct err *err);
/* Replaces all rules and the seed by {"faults": [{"kind", "probability", "ms", "channel", "times"}], "seed"}. On error
 * nothing is changed. */
bool faults_replace(struct faults *faults, const json_t *json, struct err *err);
/* The same shape, with how often each has struck. */
void faults_format(const struct faults *faults, struct json_text *j);

struct fault faults_draw(struct faults *faults, enum channel channel);
/* Is the message accepted in spite of it? */
bool fault_is_after(enum fault_kind kind);
/* "delay, http_STATUS, ...": for help texts and errors. */
const char *fault_kinds_text(void);

#endif
