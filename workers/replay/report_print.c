/*
 * The report for people, and for programs.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "workers/replay/report.h"

static const char *const kind_names[REPORT_KIND_COUNT] = {
    [REPORT_SEND] = "send",       [REPORT_DONE] = "already",  [REPORT_SUPPRESSED] = "suppressed",
    [REPORT_EXPIRED] = "expired", [REPORT_BROKEN] = "broken", [REPORT_HELD] = "held",
    [REPORT_LATER] = "later",
};

static int compare_rows(const void *a, const void *b)
{
    const struct report_row *x = *(struct report_row *const *)a;
    const struct report_row *y = *(struct report_row *const *)b;
    int order = strcmp(x->flow, y->flow);

    order = order ? order : (int)x->channel - (int)y->channel;
    return order ? order : strcmp(x->locale, y->locale);
}

static int compare_reasons(const void *a, const void *b)
{
    const struct report_reason *x = *(struct report_reason *const *)a;
    const struct report_reason *y = *(struct report_reason *const *)b;

    if (x->kind != y->kind) {
        return (int)x->kind - (int)y->kind;
    }
    return x->count != y->count ? (x->count < y->count ? 1 : -1) : strcmp(x->reason, y->reason);
}

static void sort(struct report *report)
{
    if (report->row_count) {
        qsort(report->rows, report->row_count, sizeof(struct report_row *), compare_rows);
    }
    if (report->reason_count) {
        qsort(report->reasons, report->reason_count, sizeof(struct report_reason *), compare_reasons);
    }
}

static struct report_row sum_rows(const struct report *report)
{
    struct report_row sum = {0};

    for (size_t i = 0; i < report->row_count; i++) {
        for (int kind = 0; kind < REPORT_KIND_COUNT; kind++) {
            sum.counts[kind] += report->rows[i]->counts[kind];
        }
        sum.segments += report->rows[i]->segments;
        sum.cost_micro += report->rows[i]->cost_micro;
    }
    return sum;
}

/* --- text --------------------------------------------------------------------------------------------------------- */

/* Those of the sandbox stand there only when there is something in them. */
static bool has_column(const struct report_row *sum, int kind)
{
    return kind < REPORT_HELD || sum->counts[kind] > 0;
}

static void print_row(const struct report *report, const struct report_row *row, const struct report_row *sum, FILE *to)
{
    char cost[SMS_COST_TEXT_SIZE];

    for (int kind = 0; kind < REPORT_KIND_COUNT; kind++) {
        if (has_column(sum, kind)) {
            fprintf(to, " %10" PRId64, row->counts[kind]);
        }
    }
    if (sum->segments) {
        fprintf(to, " %8" PRId64, row->segments);
    }
    if (sum->segments && report->costs) {
        sms_cost_format(report->costs, row->cost_micro, cost);
        fprintf(to, " %14s", cost);
    }
    fputc('\n', to);
}

static void print_table(const struct report *report, const struct report_facts *facts, FILE *to)
{
    struct report_row sum = sum_rows(report);

    fprintf(to, "\n%-20s %-7s %-6s", "flow", "channel", "locale");
    for (int kind = 0; kind < REPORT_KIND_COUNT; kind++) {
        if (has_column(&sum, kind)) {
            fprintf(to, " %10s", kind == REPORT_SEND ? facts->send_name : kind_names[kind]);
        }
    }
    fprintf(to, "%s%s\n", sum.segments ? " segments" : "", sum.segments && report->costs ? "           cost" : "");
    for (size_t i = 0; i < report->row_count; i++) {
        const struct report_row *row = report->rows[i];

        fprintf(to, "%-20s %-7s %-6s", row->flow, channel_name(row->channel), row->locale[0] ? row->locale : "-");
        print_row(report, row, &sum, to);
    }
    fprintf(to, "%-20s %-7s %-6s", "total", "", "");
    print_row(report, &sum, &sum, to);
}

static void print_reasons(const struct report *report, FILE *to)
{
    int last = -1;

    for (size_t i = 0; i < report->reason_count; i++) {
        const struct report_reason *reason = report->reasons[i];

        if ((int)reason->kind != last) {
            fprintf(to, "%s%-10s ", last < 0 ? "\n" : "\n", kind_names[reason->kind]);
        } else {
            fputs(", ", to);
        }
        last = (int)reason->kind;
        fprintf(to, "%s %" PRId64, reason->reason, reason->count);
    }
    if (report->reason_count) {
        fputc('\n', to);
    }
}

static void print_examples(const struct report *report, FILE *to)
{
    if (report->example_count) {
        fputs("\nbroken, the first of each reason:\n", to);
    }
    for (size_t i = 0; i < report->example_count; i++) {
        const struct report_example *example = &report->examples[i];

        fprintf(to, "  %s  %s%s%s%s%s: %s\n", example->place, example->flow, example->flow[0] ? " " : "",
                example->flow[0] ? channel_name(example->channel) : "", example->flow[0] ? ", " : "", example->reason,
                example->detail);
    }
}

static void print_notes(const struct report *report, const struct replay_tally *tally, const struct report_facts *facts,
                        FILE *to)
{
    fputc('\n', to);
    if (tally->note[0]) {
        fprintf(to, "note: %s\n", tally->note);
    }
    if (tally->is_limited) {
        fprintf(to, "note: --limit was reached after %" PRId64 " records\n", tally->taken);
    }
    if (tally->unreadable) {
        fprintf(to, "note: %" PRId64 " records are no events: --type and --member left them out\n", tally->unreadable);
    }
    if (report->unpriced) {
        fprintf(to, "note: %" PRId64 " segments go to numbers that SMS_COSTS has no price for\n", report->unpriced);
    }
    for (const char *const *note = facts->notes; *note; note++) {
        fprintf(to, "note: %s\n", *note);
    }
}

void report_print_text(struct report *report, const struct replay_tally *tally, const struct report_facts *facts,
                       FILE *to)
{
    sort(report);
    fprintf(to, "%s (templates %s)\n", facts->title, facts->version);
    fprintf(to, "%s: %" PRId64 " records read", facts->source, tally->records);
    if (tally->left_out) {
        fprintf(to, ", %" PRId64 " left out", tally->left_out);
    }
    fprintf(to, ", %" PRId64 " of types that no flow names, %" PRId64 " that no flow asks for, %" PRId64 " no events\n",
            report->unknown_type, report->unplanned, report->bad_records);
    print_table(report, facts, to);
    print_reasons(report, to);
    print_examples(report, to);
    print_notes(report, tally, facts, to);
}

/* --- JSON --------------------------------------------------------------------------------------------------------- */

static void set_int(json_t *json, const char *name, int64_t number)
{
    json_object_set_new(json, name, json_integer(number));
}

static void set_counts(const struct report *report, json_t *json, const struct report_row *row)
{
    char cost[SMS_COST_TEXT_SIZE];

    for (int kind = 0; kind < REPORT_KIND_COUNT; kind++) {
        set_int(json, kind_names[kind], row->counts[kind]);
    }
    set_int(json, "segments", row->segments);
    if (report->costs) {
        sms_cost_format(report->costs, row->cost_micro, cost);
        json_object_set_new(json, "cost", json_string(cost));
    }
}

static json_t *list_rows(const struct report *report)
{
    json_t *list = json_array();

    for (size_t i = 0; i < report->row_count; i++) {
        const struct report_row *row = report->rows[i];
        json_t *json = json_pack("{s:s, s:s, s:s}", "flow", row->flow, "channel", channel_name(row->channel), "locale",
                                 row->locale);

        set_counts(report, json, row);
        json_array_append_new(list, json);
    }
    return list;
}

static json_t *list_reasons(const struct report *report)
{
    json_t *list = json_array();

    for (size_t i = 0; i < report->reason_count; i++) {
        const struct report_reason *reason = report->reasons[i];

        json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "what", kind_names[reason->kind], "reason",
                                              reason->reason, "count", (json_int_t)reason->count));
    }
    return list;
}

static json_t *list_examples(const struct report *report)
{
    json_t *list = json_array();

    for (size_t i = 0; i < report->example_count; i++) {
        const struct report_example *example = &report->examples[i];
        json_t *json =
            json_pack("{s:s, s:s, s:s}", "place", example->place, "reason", example->reason, "detail", example->detail);

        if (example->flow[0]) {
            json_object_set_new(json, "flow", json_string(example->flow));
            json_object_set_new(json, "channel", json_string(channel_name(example->channel)));
        }
        json_array_append_new(list, json);
    }
    return list;
}

static json_t *list_notes(const struct replay_tally *tally, const struct report_facts *facts)
{
    json_t *list = json_array();

    if (tally->note[0]) {
        json_array_append_new(list, json_string(tally->note));
    }
    for (const char *const *note = facts->notes; *note; note++) {
        json_array_append_new(list, json_string(*note));
    }
    return list;
}

void report_print_json(struct report *report, const struct replay_tally *tally, const struct report_facts *facts,
                       FILE *to)
{
    struct report_row sum = sum_rows(report);
    json_t *root, *totals = json_object();

    sort(report);
    set_counts(report, totals, &sum);
    set_int(totals, kind_names[REPORT_BROKEN], report_total(report, REPORT_BROKEN));
    root = json_pack("{s:s, s:s, s:s}", "mode", facts->mode, "source", facts->source, "templates", facts->version);
    for (const char *const(*more)[2] = facts->more; more && (*more)[0]; more++) {
        json_object_set_new(root, (*more)[0], json_string((*more)[1]));
    }
    set_int(root, "records", tally->records);
    set_int(root, "left_out", tally->left_out + tally->unreadable);
    set_int(root, "no_events", report->bad_records);
    set_int(root, "unknown_type", report->unknown_type);
    set_int(root, "nothing_planned", report->unplanned);
    set_int(root, "unpriced_segments", report->unpriced);
    set_int(root, "spent_ms", tally->spent_ms);
    json_object_set_new(root, "interrupted", json_boolean(tally->is_interrupted));
    json_object_set_new(root, "limited", json_boolean(tally->is_limited));
    json_object_set_new(root, "totals", totals);
    json_object_set_new(root, "deliveries", list_rows(report));
    json_object_set_new(root, "reasons", list_reasons(report));
    json_object_set_new(root, "examples", list_examples(report));
    json_object_set_new(root, "notes", list_notes(tally, facts));
    json_dumpf(root, to, JSON_COMPACT);
    fputc('\n', to);
    json_decref(root);
}
