/*
 * --diff: what another set of templates makes of the same events. Nothing but templates is asked: what was sent already
 * does not matter, and neither does the age of the events.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/mem.h"
#include "workers/replay/diff_page.h"
#include "workers/replay/diff_templates.h"
#include "workers/replay/mid_set.h"
#include "workers/replay/replay.h"

struct diff_sink {
    struct replay_sink sink; /* first member */
    const struct replay_parts *parts;
    struct catalog *before, *after;
    const char *before_name, *after_name;
    struct diff_list *list;
    struct diff_page *page; /* NULL: none is wanted */
    struct mid_set seen;
    struct buf text;
    int64_t not_events;
};

/* --- life --------------------------------------------------------------------------------------------------------- */

static void close_sink(struct replay_sink *sink)
{
    struct diff_sink *diff = (struct diff_sink *)sink;

    catalog_unref(diff->before);
    catalog_unref(diff->after);
    diff_list_destroy(diff->list);
    diff_page_close(diff->page);
    mid_set_finish(&diff->seen);
    buf_finish(&diff->text);
    free(diff);
}

static bool open_parts(struct diff_sink *diff, struct err *err)
{
    const struct replay_parts *parts = diff->parts;
    const char *other = parts->options->diff, *own = parts->settings->templates_dir;
    bool is_past = diff_templates_is_past(other);

    diff->before_name = is_past ? other : own;
    diff->after_name = is_past ? own : other;
    diff->before = diff_templates_open(parts, diff->before_name, err);
    diff->after = diff->before ? diff_templates_open(parts, diff->after_name, err) : NULL;
    diff->list = diff->after ? diff_list_create(err) : NULL;
    if (diff->list && parts->options->out) {
        diff->page = diff_page_open(parts->options->out, err);
        return diff->page != NULL;
    }
    return diff->list != NULL;
}

static struct replay_sink *open_sink(const struct replay_parts *parts, struct err *err)
{
    struct diff_sink *diff = xcalloc(1, sizeof(*diff));

    diff->parts = parts;
    buf_init(&diff->text, 0);
    if (!open_parts(diff, err)) {
        close_sink(&diff->sink);
        return NULL;
    }
    return &diff->sink;
}

/* --- one event ---------------------------------------------------------------------------------------------------- */

/* What one set of templates plans for the event on a channel. */
struct side_plan {
    const struct catalog *catalog;
    struct plan plan;
    struct err problem;
    bool is_planned;
};

static void make_plan(struct side_plan *side, const struct catalog *catalog, const struct event *event,
                      enum channel channel)
{
    const char *reason;

    *side = (struct side_plan){.catalog = catalog};
    side->is_planned = plan_make(catalog, event, channel, &side->plan, &reason, &side->problem);
    if (!side->is_planned) {
        side->plan.count = 0;
    }
}

static const struct delivery *find_delivery(const struct side_plan *side, const char *flow)
{
    for (size_t i = 0; i < side->plan.count; i++) {
        if (strcmp(side->plan.deliveries[i].flow->name, flow) == 0) {
            return &side->plan.deliveries[i];
        }
    }
    return NULL;
}

static struct diff_way way_of(const struct side_plan *side, const char *flow)
{
    const struct delivery *delivery = find_delivery(side, flow);

    return (struct diff_way){side->catalog, delivery ? delivery->flow : NULL,
                             side->is_planned ? NULL : side->problem.text};
}

static bool keep(struct diff_sink *diff, const struct diff_change *change, const struct diff_facts *facts,
                 struct err *err)
{
    buf_clear(&diff->text);
    (diff->parts->options->is_json ? diff_print_json : diff_print_text)(change, facts, &diff->text);
    return diff_list_add(diff->list, facts->group, buf_slice(&diff->text), err) &&
           (!diff->page || diff_page_add(diff->page, change, facts, err));
}

static bool compare(struct diff_sink *diff, const struct replay_item *item, enum channel channel, const char *flow,
                    const struct side_plan *before, const struct side_plan *after, struct err *err)
{
    struct diff_way old_way = way_of(before, flow), new_way = way_of(after, flow);
    const struct diff_way *way = new_way.flow ? &new_way : &old_way;
    struct diff_facts facts = {
        .before = diff->before_name, .after = diff->after_name, .member_id = item->event.member_id};
    char place[REPLAY_PLACE_SIZE];
    struct diff_change change;
    bool is_fine = true;

    diff_change_make(&change, &old_way, &new_way, channel, &item->event);
    if (change.is_message) {
        struct diff_group *group = diff_list_get_group(
            diff->list, flow, channel,
            change.after.is_sent    ? change.after.message.locale
            : change.before.is_sent ? change.before.message.locale
                                    : catalog_choose_locale(way->catalog, way->flow, channel, &item->event));

        group->messages++;
        group->counts[change.kind]++;
        replay_format_place(diff->parts, item->record, place);
        facts.group = group;
        facts.place = place;
        is_fine = change.kind == DIFF_SAME || keep(diff, &change, &facts, err);
    }
    diff_change_finish(&change);
    return is_fine;
}

static bool compare_channel(struct diff_sink *diff, const struct replay_item *item, enum channel channel,
                            struct err *err)
{
    struct side_plan before, after;

    make_plan(&before, diff->before, &item->event, channel);
    make_plan(&after, diff->after, &item->event, channel);
    for (size_t i = 0; i < before.plan.count; i++) {
        const struct delivery *delivery = &before.plan.deliveries[i];

        if (mid_set_add(&diff->seen, &delivery->mid) &&
            !compare(diff, item, channel, delivery->flow->name, &before, &after, err)) {
            return false;
        }
    }
    for (size_t i = 0; i < after.plan.count; i++) {
        const struct delivery *delivery = &after.plan.deliveries[i];

        if (!find_delivery(&before, delivery->flow->name) && mid_set_add(&diff->seen, &delivery->mid) &&
            !compare(diff, item, channel, delivery->flow->name, &before, &after, err)) {
            return false;
        }
    }
    return true;
}

static bool take(struct replay_sink *sink, const struct replay_item *item, struct err *err)
{
    struct diff_sink *diff = (struct diff_sink *)sink;

    if (!item->is_event) {
        diff->not_events++;
        return true;
    }
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        if (diff->parts->settings->has_channel[channel] && !compare_channel(diff, item, (enum channel)channel, err)) {
            return false;
        }
    }
    return true;
}

static bool finish(struct replay_sink *sink, struct err *err)
{
    struct diff_sink *diff = (struct diff_sink *)sink;

    diff_list_sort(diff->list);
    return !diff->page || diff_page_finish(diff->page, diff->list, diff->before_name, diff->after_name, err);
}

/* --- report ------------------------------------------------------------------------------------------------------- */

/* Over all groups. */
static struct diff_group sum_groups(const struct diff_list *list)
{
    struct diff_group sum = {0};

    for (size_t i = 0; i < diff_list_group_count(list); i++) {
        const struct diff_group *group = diff_list_group(list, i);

        sum.messages += group->messages;
        for (int kind = 0; kind < DIFF_CHANGE_KIND_COUNT; kind++) {
            sum.counts[kind] += group->counts[kind];
        }
    }
    return sum;
}

/* "3,400" */
static const char *format_count(int64_t number, char text[32])
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%" PRId64, number), out = 0;

    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            text[out++] = ',';
        }
        text[out++] = digits[i];
    }
    text[out] = '\0';
    return text;
}

static void print_groups(struct diff_sink *diff, FILE *to)
{
    for (size_t i = 0; i < diff_list_group_count(diff->list); i++) {
        if (diff_group_changed(diff_list_group(diff->list, i))) {
            diff_list_print(diff->list, i, SIZE_MAX, "", to);
        }
    }
    fprintf(to, "\n%-20s %-7s %-6s %10s %10s\n", "flow", "channel", "locale", "messages", "change");
    for (size_t i = 0; i < diff_list_group_count(diff->list); i++) {
        const struct diff_group *group = diff_list_group(diff->list, i);

        if (diff_group_changed(group)) {
            fprintf(to, "%-20s %-7s %-6s %10" PRId64 " %10" PRId64 "\n", group->flow, channel_name(group->channel),
                    group->locale, group->messages, diff_group_changed(group));
        }
    }
}

static void print_text(struct diff_sink *diff, const struct replay_tally *tally, FILE *to)
{
    struct diff_group sum = sum_groups(diff->list);
    char changed[32], messages[32];
    const char *between = " (";

    if (diff_group_changed(&sum)) {
        print_groups(diff, to);
    }
    fprintf(to, "\n%s → %s: %s of %s messages change", diff->before_name, diff->after_name,
            format_count(diff_group_changed(&sum), changed), format_count(sum.messages, messages));
    for (int kind = DIFF_SAME + 1; kind < DIFF_CHANGE_KIND_COUNT; kind++) {
        if (sum.counts[kind]) {
            fprintf(to, "%s%" PRId64 " %s", between, sum.counts[kind],
                    diff_change_kind_name((enum diff_change_kind)kind));
            between = ", ";
        }
    }
    fprintf(to, "%s\n%" PRId64 " records read", between[0] == ',' ? ")" : "", tally->records);
    if (diff->not_events) {
        fprintf(to, ", %" PRId64 " of them no events", diff->not_events);
    }
    fprintf(to, "%s%s\n", tally->note[0] ? "; " : "", tally->note);
    if (diff->page) {
        fprintf(to, "side by side: %s/index.html\n", diff->parts->options->out);
    }
}

static void print_group_json(struct diff_sink *diff, size_t index, FILE *to)
{
    const struct diff_group *group = diff_list_group(diff->list, index);
    struct json_text j;

    buf_clear(&diff->text);
    json_text_init(&j, &diff->text);
    json_text_open(&j, '{');
    json_text_member(&j, "flow", group->flow);
    json_text_member(&j, "channel", channel_name(group->channel));
    json_text_member(&j, "locale", group->locale);
    json_text_member_int(&j, "messages", group->messages);
    json_text_member_int(&j, "changed", diff_group_changed(group));
    json_text_key(&j, "changes");
    fprintf(to, "%s[", buf_text(&diff->text));
    diff_list_print(diff->list, index, SIZE_MAX, ",\n", to);
    fputs("]}", to);
}

static void print_json(struct diff_sink *diff, const struct replay_tally *tally, FILE *to)
{
    struct diff_group sum = sum_groups(diff->list);
    struct json_text j;

    buf_clear(&diff->text);
    json_text_init(&j, &diff->text);
    json_text_open(&j, '{');
    json_text_member(&j, "mode", "diff");
    json_text_member(&j, "before", diff->before_name);
    json_text_member(&j, "after", diff->after_name);
    json_text_member_int(&j, "records", tally->records);
    json_text_member_int(&j, "not_events", diff->not_events);
    json_text_key(&j, "interrupted");
    json_text_bool(&j, tally->is_interrupted);
    json_text_member_int(&j, "messages", sum.messages);
    json_text_member_int(&j, "changed", diff_group_changed(&sum));
    json_text_key(&j, "groups");
    fprintf(to, "%s[", buf_text(&diff->text));
    for (size_t i = 0, printed = 0; i < diff_list_group_count(diff->list); i++) {
        if (diff_group_changed(diff_list_group(diff->list, i))) {
            fputs(printed++ ? ",\n" : "", to);
            print_group_json(diff, i, to);
        }
    }
    fputs("]}\n", to);
}

static bool report(struct replay_sink *sink, const struct replay_tally *tally, FILE *to)
{
    struct diff_sink *diff = (struct diff_sink *)sink;

    diff_list_sort(diff->list);
    (diff->parts->options->is_json ? print_json : print_text)(diff, tally, to);
    return true;
}

const struct replay_sink_type replay_diff = {
    .open = open_sink,
    .close = close_sink,
    .take = take,
    .finish = finish,
    .report = report,
    .needs_events = true,
};
