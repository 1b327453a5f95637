#include "workers/replay/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash_table.h"
#include "base/mem.h"

enum { KEY_SIZE = 256 };

struct report_entry {
    char *key;
    struct report_row row;
    struct report_reason reason;
    UT_hash_handle hh;
};

void report_init(struct report *report, const struct sms_costs *costs)
{
    *report = (struct report){.costs = costs};
}

void report_finish(struct report *report)
{
    struct report_entry *entry, *next;

    HASH_ITER(hh, report->entries, entry, next)
    {
        HASH_DEL(report->entries, entry);
        free(entry->row.flow);
        free(entry->row.locale);
        free(entry->reason.reason);
        free(entry->key);
        free(entry);
    }
    for (size_t i = 0; i < report->example_count; i++) {
        free(report->examples[i].place);
        free(report->examples[i].flow);
        free(report->examples[i].reason);
        free(report->examples[i].detail);
    }
    free(report->rows);
    free(report->reasons);
}

static struct report_entry *add_entry(struct report *report, const char *key, size_t len)
{
    struct report_entry *entry = xcalloc(1, sizeof(*entry));

    entry->key = xmemdup(key, len);
    HASH_ADD_KEYPTR(hh, report->entries, entry->key, len, entry);
    return entry;
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static struct report_row *get_row(struct report *report, const char *flow, enum channel channel, const char *locale)
{
    char key[KEY_SIZE];
    size_t len = (size_t)snprintf(key, sizeof(key), "%d|%.100s|%.100s", (int)channel, flow, locale);
    struct report_entry *entry;

    HASH_FIND(hh, report->entries, key, len, entry);
    if (!entry) {
        entry = add_entry(report, key, len);
        entry->row.flow = xstrdup(flow);
        entry->row.channel = channel;
        entry->row.locale = xstrdup(locale);
        report->rows = xreallocarray(report->rows, report->row_count + 1, sizeof(struct report_row *));
        report->rows[report->row_count++] = &entry->row;
    }
    return &entry->row;
}

static void count_reason(struct report *report, enum report_kind kind, const char *reason)
{
    char key[KEY_SIZE];
    size_t len = (size_t)snprintf(key, sizeof(key), "reason|%d|%.200s", (int)kind, reason);
    struct report_entry *entry;

    HASH_FIND(hh, report->entries, key, len, entry);
    if (!entry) {
        entry = add_entry(report, key, len);
        entry->reason.kind = kind;
        entry->reason.reason = xstrdup(reason);
        report->reasons = xreallocarray(report->reasons, report->reason_count + 1, sizeof(struct report_reason *));
        report->reasons[report->reason_count++] = &entry->reason;
    }
    entry->reason.count++;
}

void report_count(struct report *report, const struct report_delivery *delivery)
{
    struct report_row *row = get_row(report, delivery->flow, delivery->channel, delivery->locale);
    int64_t micro;

    row->counts[delivery->kind]++;
    if (delivery->kind != REPORT_SEND) {
        count_reason(report, delivery->kind, delivery->reason);
        return;
    }
    row->segments += delivery->segments;
    if (!report->costs || delivery->segments == 0) {
        return;
    }
    if (sms_costs_find(report->costs, delivery->number, &micro)) {
        row->cost_micro += micro * delivery->segments;
    } else {
        report->unpriced += delivery->segments;
    }
}

void report_count_bad(struct report *report, const char *reason)
{
    report->bad_records++;
    count_reason(report, REPORT_BROKEN, reason);
}

int64_t report_total(const struct report *report, enum report_kind kind)
{
    int64_t total = kind == REPORT_BROKEN ? report->bad_records : 0;

    for (size_t i = 0; i < report->row_count; i++) {
        total += report->rows[i]->counts[kind];
    }
    return total;
}

/* --- examples ----------------------------------------------------------------------------------------------------- */

bool report_wants_example(const struct report *report, const char *reason)
{
    size_t same = 0;

    for (size_t i = 0; i < report->example_count; i++) {
        same += strcmp(report->examples[i].reason, reason) == 0;
    }
    return same < REPORT_EXAMPLES_A_REASON && report->example_count < REPORT_MOST_EXAMPLES;
}

void report_add_example(struct report *report, const char *place, const char *flow, enum channel channel,
                        const char *reason, const char *detail)
{
    report->examples[report->example_count++] = (struct report_example){
        .place = xstrdup(place),
        .flow = xstrdup(flow),
        .reason = xstrdup(reason),
        .detail = xstrdup(detail),
        .channel = channel,
    };
}
