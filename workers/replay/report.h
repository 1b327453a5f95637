/*
 * report: what a replay came to, counted by flow, channel and locale, with the reasons and the first few examples. Its
 * size depends on the templates, not on the number of records.
 */
#ifndef WORKERS_REPLAY_REPORT_H
#define WORKERS_REPLAY_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/channel.h"
#include "core/sms_cost.h"
#include "workers/replay/replay.h"

enum report_kind {
    REPORT_SEND,       /* would be sent; in a sandbox: was sent */
    REPORT_DONE,       /* has its outcome already, or was asked for before in this range */
    REPORT_SUPPRESSED, /* no consent, no address */
    REPORT_EXPIRED,    /* too old */
    REPORT_BROKEN,     /* no event, or a fault of template or data: goes to the DLQ */
    REPORT_HELD,       /* sandbox: nobody can know whether it was sent */
    REPORT_LATER,      /* sandbox: failed for now, a worker would try again later */
    REPORT_KIND_COUNT,
};

struct report_row {
    char *flow;
    enum channel channel;
    char *locale;
    int64_t counts[REPORT_KIND_COUNT];
    int64_t segments; /* of the SMS of REPORT_SEND */
    int64_t cost_micro;
};

struct report_reason {
    enum report_kind kind;
    char *reason;
    int64_t count;
};

enum { REPORT_EXAMPLES_A_REASON = 3, REPORT_MOST_EXAMPLES = 30 };

struct report_example {
    char *place, *flow, *reason, *detail; /* flow "" for a record that is no event */
    enum channel channel;
};

struct report {
    const struct sms_costs *costs; /* borrowed; NULL: there is no cost table */
    struct report_entry *entries;  /* rows and reasons, by key */
    struct report_row **rows;
    size_t row_count;
    struct report_reason **reasons;
    size_t reason_count;
    struct report_example examples[REPORT_MOST_EXAMPLES];
    size_t example_count;
    int64_t bad_records;  /* no events */
    int64_t unknown_type; /* events that no flow names */
    int64_t unplanned;    /* events whose flows ask for nothing */
    int64_t unpriced;     /* segments to numbers that the cost table does not know */
};

/* What became of one delivery. */
struct report_delivery {
    const char *flow;
    enum channel channel;
    const char *locale;
    enum report_kind kind;
    const char *reason; /* "" for REPORT_SEND */
    int segments;       /* of an SMS of REPORT_SEND, to `number` */
    const char *number;
};

void report_init(struct report *report, const struct sms_costs *costs);
void report_finish(struct report *report);
void report_count(struct report *report, const struct report_delivery *delivery);
/* Another record that is no event. */
void report_count_bad(struct report *report, const char *reason);
/* Is one more example of this reason wanted? */
bool report_wants_example(const struct report *report, const char *reason);
void report_add_example(struct report *report, const char *place, const char *flow, enum channel channel,
                        const char *reason, const char *detail);
int64_t report_total(const struct report *report, enum report_kind kind);

/* What the numbers are called, and what else is to be said. */
struct report_facts {
    const char *title;            /* "dry run: nothing was sent" */
    const char *send_name;        /* "would send" */
    const char *mode;             /* "dry_run" */
    const char *source;           /* topic or file */
    const char *version;          /* of the templates */
    const char *const *notes;     /* sentences; NULL-terminated */
    const char *const (*more)[2]; /* name and value of more members of the JSON object; ends with NULL, or is NULL */
};

void report_print_text(struct report *report, const struct replay_tally *tally, const struct report_facts *facts,
                       FILE *to);
void report_print_json(struct report *report, const struct replay_tally *tally, const struct report_facts *facts,
                       FILE *to);

#endif
