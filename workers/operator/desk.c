#include "workers/operator/desk.h"

#include <stdio.h>
#include <string.h>

#include "base/args.h"
#include "base/clock.h"
#include "base/nearest.h"
#include "workers/operator/desk_print.h"

struct options {
    const char *mid, *flow, *reason, *channel, *since;
    bool is_all, is_yes, has_event, has_closed, is_json;
    struct mid parsed_mid;
    struct entry_filter filter;
};

/* --- looking ------------------------------------------------------------------------------------------------------ */

static void print_json(json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(json);
}

static bool list(struct operator *operator, const struct desk *desk, const struct options *options, struct err *err)
{
    struct entries entries;
    json_t *array;

    if (!entries_read(operator, desk->state, &options->filter, &entries, err)) {
        return false;
    }
    if (options->is_json) {
        array = json_array();
        for (size_t i = 0; i < entries.count; i++) {
            if (entries.items[i].is_open || options->has_closed) {
                json_array_append_new(array, desk_entry_json(&entries.items[i], options->has_event));
            }
        }
        print_json(array);
    } else {
        desk_print_list(&entries, options->has_closed);
    }
    entries_finish(&entries);
    return true;
}

/* The only entry, of the mid that was given. */
static bool read_one(struct operator *operator, const struct desk *desk, const struct options *options,
                     struct entries *entries, struct err *err)
{
    if (!entries_read(operator, desk->state, &options->filter, entries, err)) {
        return false;
    }
    if (entries->count == 0) {
        entries_finish(entries);
        return err_set(err, "no record of %s lies there", options->mid);
    }
    return true;
}

static bool show(struct operator *operator, const struct desk *desk, const struct options *options, struct err *err)
{
    struct entries entries;
    bool has_epoch = false;
    bool is_fine;

    if (!read_one(operator, desk, options, &entries, err)) {
        return false;
    }
    is_fine = operator_has_epoch(operator, options->filter.mid, &has_epoch, err);
    if (is_fine && options->is_json) {
        print_json(desk_entry_json(&entries.items[0], options->has_event));
    } else if (is_fine) {
        desk_print_entry(&entries.items[0], has_epoch, options->has_event);
    }
    entries_finish(&entries);
    return is_fine;
}

/* --- doing -------------------------------------------------------------------------------------------------------- */

struct tally {
    size_t done, left_alone;
    json_t *report; /* NULL: plain lines */
};

static bool do_one(struct operator *operator, enum action action, const struct entry *entry, struct tally *tally,
                   struct err *err)
{
    char mid[MID_TEXT_SIZE];
    bool is_done;

    mid_format(&entry->note.mid, mid);
    if (!action_do(operator, action, entry, &is_done, err)) {
        return err_prefix(err, "%s", mid);
    }
    tally->done += is_done;
    tally->left_alone += !is_done;
    if (tally->report) {
        json_array_append_new(tally->report, json_pack("{s:s, s:b}", "mid", mid, "is_done", is_done));
    } else {
        printf("%s %s\n", mid, is_done ? action_past(action) : "left alone: it is not open any more");
    }
    return true;
}

static void report(const struct options *options, enum action action, struct tally *tally, bool is_dry, size_t would)
{
    if (options->is_json) {
        print_json(json_pack("{s:s, s:b, s:I, s:I, s:o}", "action", action_name(action), "is_dry", is_dry, "done",
                             (json_int_t)(is_dry ? would : tally->done), "left_alone", (json_int_t)tally->left_alone,
                             "deliveries", tally->report));
        return;
    }
    if (is_dry) {
        printf("%zu would be %s; nothing was done%s\n", would, action_past(action), would ? " (--yes does it)" : "");
    } else {
        printf("%zu %s, %zu left alone\n", tally->done, action_past(action), tally->left_alone);
    }
}

static bool do_all(struct operator *operator, const struct options *options, enum action action,
                   const struct entries *entries, struct err *err)
{
    bool is_dry = !options->mid && !options->is_yes;
    struct tally tally = {.report = options->is_json ? json_array() : NULL};
    bool is_fine = true;
    size_t would = 0;

    for (size_t i = 0; i < entries->count && is_fine; i++) {
        if (!entries->items[i].is_open && !options->mid) {
            continue;
        }
        would++;
        is_fine = is_dry || do_one(operator, action, &entries->items[i], &tally, err);
    }
    report(options, action, &tally, is_dry, would);
    return is_fine;
}

static bool act(struct operator *operator, const struct desk *desk, const struct options *options, enum action action,
                struct err *err)
{
    struct entries entries;
    bool is_fine = options->mid ? read_one(operator, desk, options, &entries, err)
                                : entries_read(operator, desk->state, &options->filter, &entries, err);

    if (is_fine) {
        is_fine = do_all(operator, options, action, &entries, err);
        entries_finish(&entries);
    }
    return is_fine;
}

/* --- options ------------------------------------------------------------------------------------------------------ */

enum { VERB_LIST, VERB_SHOW, VERB_FIRST_ACTION };

static bool find_verb(const struct desk *desk, const char *word, int *verb, struct err *err)
{
    const char *nearest;

    for (*verb = 0; desk->verbs[*verb]; (*verb)++) {
        if (strcmp(desk->verbs[*verb], word) == 0) {
            return true;
        }
    }
    nearest = nearest_find(word, desk->verbs);
    return nearest ? err_set(err, "there is no \"%.40s\"; did you mean \"%s\"?", word, nearest)
                   : err_set(err, "there is no \"%.40s\" (--help lists what there is)", word);
}

static bool check_target(const struct desk *desk, const struct options *options, int verb, struct err *err)
{
    bool has_filter = options->flow || options->reason || options->channel || options->since;

    if (verb == VERB_LIST) {
        return true;
    }
    if (verb == VERB_SHOW) {
        return options->mid || err_set(err, "show needs a mid (%s list shows them)", desk->command);
    }
    if (options->mid && (has_filter || options->is_all)) {
        return err_set(err, "give a mid or a filter, not both");
    }
    return options->mid || has_filter || options->is_all ||
           err_set(err, "%s needs a mid, a filter (--flow, --reason, --channel, --since) or --all", desk->verbs[verb]);
}

static bool make_filter(struct options *options, struct err *err)
{
    enum channel channel;

    options->filter = (struct entry_filter){
        .flow = options->flow,
        .reason = options->reason,
        .channel = options->channel,
        .since = {.kind = RECORD_PLACE_BEGINNING},
    };
    if (options->channel && !channel_parse(slice_of(options->channel), &channel)) {
        return err_set(err, "--channel: \"%.40s\" is no channel (email, sms)", options->channel);
    }
    if (options->mid) {
        if (!mid_parse(slice_of(options->mid), &options->parsed_mid)) {
            return err_set(err, "\"%.40s\" is no mid (32 hex digits)", options->mid);
        }
        options->filter.mid = &options->parsed_mid;
    }
    if (!options->since) {
        return true;
    }
    return (record_place_parse(options->since, clock_wall_ms(), &options->filter.since, err) &&
            (options->filter.since.kind != RECORD_PLACE_OFFSET || err_set(err, "an offset is no time"))) ||
           err_prefix(err, "--since");
}

static bool read_words(const struct desk *desk, int positional, char **argv, struct options *options, int *verb,
                       struct err *err)
{
    *verb = VERB_LIST;
    if (positional > 0 && !find_verb(desk, argv[1], verb, err)) {
        return false;
    }
    if (positional > 1) {
        if (options->mid || *verb == VERB_LIST) {
            return err_set(err, "\"%.40s\" is too much", argv[2]);
        }
        options->mid = argv[2];
    }
    return check_target(desk, options, *verb, err) && make_filter(options, err);
}

static bool run(const struct desk *desk, const struct options *options, int verb, struct err *err)
{
    struct operator operator;
    bool is_fine;

    if (!operator_open(&operator, err)) {
        return false;
    }
    if (verb == VERB_LIST) {
        is_fine = list(&operator, desk, options, err);
    } else if (verb == VERB_SHOW) {
        is_fine = show(&operator, desk, options, err);
    } else {
        is_fine = act(&operator, desk, options, desk->actions[verb - VERB_FIRST_ACTION], err);
    }
    operator_close(&operator);
    return is_fine;
}

int desk_run(const struct desk *desk, int argc, char **argv)
{
    struct options o = {.mid = NULL};
    const struct arg table[] = {
        {"mid", ARG_TEXT, &o.mid, "MID", "Only this delivery (the same as MID behind the verb)."},
        {"flow", ARG_TEXT, &o.flow, "FLOW", "Only of this flow."},
        {"reason", ARG_TEXT, &o.reason, "WORD", "Only with this reason."},
        {"channel", ARG_TEXT, &o.channel, "CHANNEL", "Only of this channel."},
        {"since", ARG_TEXT, &o.since, "TIME", "Only what was put there since: -7d, 2026-11-01T00:00Z."},
        {"all", ARG_FLAG, &o.is_all, NULL, "Everything that is open."},
        {"yes", ARG_FLAG, &o.is_yes, NULL, "Do it. Without, more than one are only counted."},
        {"event", ARG_FLAG, &o.has_event, NULL, "With the original event, which holds a member's data."},
        {"closed", ARG_FLAG, &o.has_closed, NULL, "list: also what was dealt with."},
        {"json", ARG_FLAG, &o.is_json, NULL, "Print JSON."},
        {NULL, ARG_FLAG, NULL, NULL, NULL},
    };
    const struct args_usage usage = {desk->command, "[VERB [MID]]", desk->summary, 2};
    struct err err = {0};
    int positional = 0, verb;
    int status = args_read(table, &usage, operator_settings_table, argc, argv, &positional);

    if (status != ARGS_GO_ON) {
        return status;
    }
    status = 0;
    if (!read_words(desk, positional, argv, &o, &verb, &err)) {
        status = 2;
    } else if (!run(desk, &o, verb, &err)) {
        status = 1;
    }
    if (status) {
        fprintf(stderr, "%s: %s\n", desk->command, err.text);
    }
    return status;
}
