/*
 * perkline render: what a message looks like, before anybody gets it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/args.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "core/locale_tag.h"
#include "workers/commands.h"
#include "workers/render/gallery.h"
#include "workers/render/input.h"
#include "workers/render/preview.h"
#include "workers/render/print.h"
#include "workers/render/raw.h"

static const struct args_usage usage = {
    .command = "perkline render",
    .positional = "[FLOW]",
    .summary =
        "Shows a message as it would be sent, from the templates in a folder and a sample event. Sends nothing.\n"
        "  perkline render signup --channel sms --locale hu     one message\n"
        "  perkline render --out gallery                        all of them, as pages for a browser\n"
        "  perkline render --raw card.liquid --data card.json   any plain Liquid file, without message rules",
    .most_positional = 1,
};

struct options {
    const char *templates, *default_locale;
    const char *channel_name, *locale, *event, *part_name, *out, *raw, *data, *partials;
    bool is_json, is_strict;

    const char *flow;
    enum channel channel;
    enum print_part part;
};

/* --- one message -------------------------------------------------------------------------------------------------- */

static bool __attribute__((format(printf, 2, 3))) complain(const struct options *options, const char *format, ...)
{
    char text[768];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (options->is_json) {
        print_error_json(text, stdout);
    } else {
        fprintf(stderr, "perkline render: %s\n", text);
    }
    return false;
}

static bool refuse_flow(const struct options *options, const struct preview *preview)
{
    const char *const *flows = preview_flows(preview);
    const char *nearest = nearest_find(options->flow, flows);
    struct buf names;

    buf_init(&names, 600);
    for (size_t i = 0; flows[i]; i++) {
        buf_appendf(&names, "%s%s", i ? ", " : "", flows[i]);
    }
    if (nearest) {
        complain(options, "there is no flow \"%s\"; did you mean \"%s\"?", options->flow, nearest);
    } else {
        complain(options, "there is no flow \"%s\" in %s (%s)", options->flow, options->templates, buf_text(&names));
    }
    buf_finish(&names);
    return false;
}

/* The flow's first sample; when a locale is asked for, the first whose member speaks it, if there is one. */
static const struct file_entry *choose_sample(const struct options *options, const struct preview *preview)
{
    size_t count;
    const struct file_entry **samples = preview_samples(preview, options->flow, &count);
    const struct file_entry *chosen = count ? samples[0] : NULL;

    for (size_t i = 0; options->locale && i < count; i++) {
        struct event event;
        bool is_wanted = preview_read_event(slice_make(samples[i]->data, samples[i]->len), &event, NULL) &&
                         preview_is_of_language(&event, options->locale);

        event_finish(&event);
        if (is_wanted) {
            chosen = samples[i];
            break;
        }
    }
    free(samples);
    return chosen;
}

/* --event: a file; or a sample of the templates, by its path in there or by its name alone. */
static const struct file_entry *find_sample(const struct options *options, const struct preview *preview)
{
    const struct file_entry *found = preview_find_file(preview, options->event);
    static const char *const endings[] = {"", ".json"};

    for (size_t i = 0; !found && i < 2; i++) {
        char *path = xasprintf("%s/samples/%s%s", options->flow, options->event, endings[i]);

        found = preview_find_file(preview, path);
        free(path);
    }
    return found;
}

struct source {
    char *name; /* owned */
    struct event event;
};

static bool read_source(const struct options *options, const struct preview *preview, struct source *source)
{
    const struct file_entry *sample = options->event ? find_sample(options, preview) : choose_sample(options, preview);
    struct err err = {0};
    char *own = NULL;
    size_t len = 0;
    bool is_fine;

    if (!sample && !options->event) {
        return complain(options, "the flow %s has no samples; name an event with --event FILE", options->flow);
    }
    if (!sample && !(own = input_read(options->event, &len, &err))) {
        return complain(options, "%s", err.text);
    }
    source->name = xstrdup(sample ? sample->path : input_name(options->event));
    is_fine =
        preview_read_event(sample ? slice_make(sample->data, sample->len) : slice_make(own, len), &source->event, &err);
    free(own);
    return is_fine || complain(options, "%s: %s", source->name, err.text);
}

/* What a person should know beside the message itself. */
static void print_notes(const struct options *options, const struct preview_message *result)
{
    if (options->locale && result->is_rendered && !result->has_template) {
        fprintf(stderr, "note: there is no %s template for '%s'; members get '%s'\n", channel_name(options->channel),
                options->locale, result->message.locale);
    }
    if (result->not_sent[0]) {
        fprintf(stderr, "note: it would not be sent: %s\n", result->not_sent);
    }
}

static bool show(const struct options *options, struct preview *preview, const struct catalog *catalog,
                 const struct source *source)
{
    const struct flow *flow = catalog_find_flow(catalog, options->flow);
    struct preview_message result;
    struct print_facts facts = {flow, options->channel, source->name, "", preview_is_whole(preview)};
    bool is_shown = true;

    preview_render(catalog, flow, options->channel, &source->event, options->locale, &result);
    facts.direction = preview_direction(preview, result.message.locale);
    if (options->is_json) {
        print_json(&result, &facts, stdout);
        is_shown = result.is_rendered;
    } else if (!result.is_rendered) {
        fprintf(stderr, "%s\n", result.error.text);
        is_shown = false;
    } else if (options->part != PRINT_ALL) {
        is_shown = print_one_part(&result, options->part, stdout) ||
                   complain(options, "this message has no %s", options->part_name);
    } else {
        print_whole(&result, &facts, stdout);
    }
    if (!options->is_json) {
        print_notes(options, &result);
    }
    preview_message_finish(&result);
    return is_shown;
}

static bool refuse_templates(const struct options *options, const struct diag_list *diags)
{
    if (options->is_json) {
        print_diags_json(diags, stdout);
    } else {
        print_diags(diags, stderr);
    }
    return false;
}

static bool has_flow(const struct preview *preview, const char *flow)
{
    const char *const *name = preview_flows(preview);

    while (*name && strcmp(*name, flow) != 0) {
        name++;
    }
    return *name != NULL;
}

static bool render_message(const struct options *options, struct preview *preview)
{
    const struct catalog *catalog;
    struct source source = {0};
    bool is_shown;

    if (!has_flow(preview, options->flow)) {
        return refuse_flow(options, preview);
    }
    catalog = preview_find_catalog(preview, options->flow);
    if (!catalog) {
        return refuse_templates(options, preview_diags(preview, options->flow));
    }
    is_shown = read_source(options, preview, &source) && show(options, preview, catalog, &source);
    event_finish(&source.event);
    free(source.name);
    return is_shown;
}

/* --- the command -------------------------------------------------------------------------------------------------- */

static int run(const struct options *options)
{
    struct err err = {0};
    struct preview *preview = preview_open(options->templates, options->default_locale, &err);
    bool is_done = false;

    if (!preview) {
        complain(options, "%s", err.text);
    } else if (options->out) {
        is_done = gallery_write(preview, options->out, &err) || complain(options, "%s", err.text);
    } else {
        is_done = render_message(options, preview);
    }
    preview_close(preview);
    if (is_done && fflush(stdout) != 0) {
        perror("perkline render: standard output");
        is_done = false;
    }
    return is_done ? 0 : 1;
}

static bool check(struct options *options, struct err *err)
{
    char tag[LOCALE_TAG_SIZE];

    options->part = PRINT_ALL;
    if (options->raw) {
        return options->flow || options->out || options->is_json
                   ? err_set(err, "--raw goes with --data and --partials only")
                   : true;
    }
    if (options->data || options->partials || options->is_strict) {
        return err_set(err, "--data, --partials and --strict go with --raw");
    }
    if (options->out && (options->flow || options->event || options->part_name || options->is_json)) {
        return err_set(err, "--out writes all messages; it goes with --templates only");
    }
    if (!options->out && !options->flow) {
        return err_set(err, "which flow? (perkline render --help)");
    }
    if (!channel_parse(slice_of(options->channel_name), &options->channel)) {
        return err_set(err, "--channel: \"%.40s\" is no channel (email, sms)", options->channel_name);
    }
    if (options->locale && !locale_tag_parse(slice_of(options->locale), tag)) {
        return err_set(err, "--locale: \"%.40s\" is no locale; write it like hu or pt-BR", options->locale);
    }
    if (options->part_name && !print_part_parse(options->part_name, &options->part)) {
        return err_set(err, "--part: \"%.40s\" is none of subject, preheader, html, text", options->part_name);
    }
    return true;
}

static const char *setting(const char *name, const char *otherwise)
{
    const char *value = getenv(name);

    return value && *value ? value : otherwise;
}

int render_command(int argc, char **argv)
{
    struct options options = {
        .templates = setting("TEMPLATES_DIR", "templates"),
        .default_locale = setting("DEFAULT_LOCALE", "en"),
        .channel_name = "email",
    };
    const struct arg table[] = {
        {"channel", ARG_TEXT, &options.channel_name, "C", "email (default) or sms."},
        {"locale", ARG_TEXT, &options.locale, "L", "Language, as hu or pt-BR, instead of the member's."},
        {"event", ARG_TEXT, &options.event, "FILE", "Event: a file, - for stdin, or the name of a sample (the first)."},
        {"part", ARG_TEXT, &options.part_name, "PART", "Print one part alone: subject, preheader, html or text."},
        {"json", ARG_FLAG, &options.is_json, NULL, "Print one JSON object."},
        {"out", ARG_TEXT, &options.out, "DIR", "Write pages with all messages of all flows; open DIR/index.html."},
        {"templates", ARG_TEXT, &options.templates, "DIR", "Folder with the flows (TEMPLATES_DIR, templates)."},
        {"raw", ARG_TEXT, &options.raw, "FILE", "A plain Liquid file, - for stdin."},
        {"data", ARG_TEXT, &options.data, "FILE", "Its variables: a JSON object, - for stdin."},
        {"partials", ARG_TEXT, &options.partials, "DIR", "Its partials: DIR/name.liquid."},
        {"strict", ARG_FLAG, &options.is_strict, NULL, "With --raw: printing an undefined variable is an error."},
        {NULL, ARG_FLAG, NULL, NULL, NULL},
    };
    struct err err = {0};
    int positional = 0;
    int status = args_read(table, &usage, NULL, argc, argv, &positional);

    if (status != ARGS_GO_ON) {
        return status;
    }
    options.flow = positional > 0 ? argv[1] : NULL;
    if (!check(&options, &err)) {
        fprintf(stderr, "perkline render: %s\n", err.text);
        return 2;
    }
    return options.raw ? raw_render(options.raw, options.data, options.partials, options.is_strict) : run(&options);
}
