#include "workers/render/preview.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/locale.h"
#include "core/plan.h"
#include "core/policy.h"
#include "run/template_pack.h"

/* A flow that was tried alone. */
struct single {
    struct catalog *catalog; /* NULL: it has errors */
    struct diag_list diags;
    bool is_tried;
};

struct preview {
    struct file_tree *tree;
    struct catalog_options options;
    char *default_locale;
    struct catalog *whole; /* NULL: something in the folder has an error */
    char **flows;
    struct single *singles; /* by flow */
    size_t flow_count;
    struct locale_set *locales;
};

/* --- the folder --------------------------------------------------------------------------------------------------- */

static bool is_in_folder(const char *path, const char *folder)
{
    size_t len = strlen(folder);

    return strncmp(path, folder, len) == 0 && path[len] == '/';
}

static void list_flows(struct preview *preview)
{
    const struct file_tree *tree = preview->tree;

    preview->flows = xcalloc(tree->count + 1, sizeof(*preview->flows));
    for (size_t i = 0; i < tree->count; i++) {
        const char *path = tree->entries[i].path;
        const char *last = preview->flow_count ? preview->flows[preview->flow_count - 1] : NULL;
        const char *slash = strchr(path, '/');

        if (slash && path[0] != '_' && !(last && is_in_folder(path, last))) {
            preview->flows[preview->flow_count++] = xmemdup(path, (size_t)(slash - path));
        }
    }
    preview->singles = xcalloc(preview->flow_count + 1, sizeof(*preview->singles));
}

struct preview *preview_open(const char *dir, const char *default_locale, struct err *err)
{
    struct file_tree *tree = template_pack_read(dir, err);
    struct preview *preview;
    struct diag_list diags;

    if (!tree) {
        return NULL;
    }
    preview = xcalloc(1, sizeof(*preview));
    preview->tree = tree;
    preview->default_locale = xstrdup(default_locale);
    preview->options.default_locale = preview->default_locale;
    preview->locales = locale_set_create();
    diag_list_init(&diags);
    preview->whole = catalog_build(tree, &preview->options, &diags);
    diag_list_finish(&diags);
    list_flows(preview);
    return preview;
}

void preview_close(struct preview *preview)
{
    if (!preview) {
        return;
    }
    for (size_t i = 0; i < preview->flow_count; i++) {
        catalog_unref(preview->singles[i].catalog);
        diag_list_finish(&preview->singles[i].diags);
        free(preview->flows[i]);
    }
    free(preview->flows);
    free(preview->singles);
    catalog_unref(preview->whole);
    locale_set_destroy(preview->locales);
    file_tree_destroy(preview->tree);
    free(preview->default_locale);
    free(preview);
}

const char *const *preview_flows(const struct preview *preview)
{
    return (const char *const *)preview->flows;
}

const struct file_entry *preview_find_file(const struct preview *preview, const char *path)
{
    return file_tree_find(preview->tree, path);
}

const struct file_entry **preview_samples(const struct preview *preview, const char *flow, size_t *count)
{
    const struct file_tree *tree = preview->tree;
    const struct file_entry **samples = xcalloc(tree->count + 1, sizeof(*samples));
    char *folder = xasprintf("%s/samples", flow);

    *count = 0;
    for (size_t i = 0; i < tree->count; i++) {
        const char *path = tree->entries[i].path;

        if (is_in_folder(path, folder) && slice_ends_with(slice_of(path), ".json")) {
            samples[(*count)++] = &tree->entries[i];
        }
    }
    free(folder);
    return samples;
}

/* --- catalogs ----------------------------------------------------------------------------------------------------- */

static struct single *find_single(struct preview *preview, const char *flow)
{
    for (size_t i = 0; i < preview->flow_count; i++) {
        if (strcmp(preview->flows[i], flow) == 0) {
            return &preview->singles[i];
        }
    }
    return NULL;
}

/* Builds the flow with what it shares with the others. */
static void try_single(struct preview *preview, const char *flow, struct single *single)
{
    struct file_tree *tree;

    if (single->is_tried) {
        return;
    }
    tree = file_tree_create();
    for (size_t i = 0; i < preview->tree->count; i++) {
        const struct file_entry *entry = &preview->tree->entries[i];

        if (entry->path[0] == '_' || is_in_folder(entry->path, flow)) {
            file_tree_add(tree, entry->path, slice_make(entry->data, entry->len));
        }
    }
    single->is_tried = true;
    single->catalog = catalog_build(tree, &preview->options, &single->diags);
    diag_list_sort(&single->diags);
    file_tree_destroy(tree);
}

const struct catalog *preview_find_catalog(struct preview *preview, const char *flow)
{
    struct single *single = find_single(preview, flow);

    if (preview->whole || !single) {
        return preview->whole;
    }
    try_single(preview, flow, single);
    return single->catalog;
}

bool preview_is_whole(const struct preview *preview)
{
    return preview->whole != NULL;
}

const struct diag_list *preview_diags(struct preview *preview, const char *flow)
{
    static const struct diag_list none;
    struct single *single = find_single(preview, flow);

    if (!single) {
        return &none;
    }
    try_single(preview, flow, single);
    return &single->diags;
}

const char *preview_direction_in(struct locale_set *locales, const char *locale)
{
    char tag[LOCALE_TAG_SIZE];

    return locale_tag_parse(slice_of(locale), tag) && locale_is_rtl(locale_set_get(locales, tag)) ? "rtl" : "ltr";
}

const char *preview_direction(struct preview *preview, const char *locale)
{
    return preview_direction_in(preview->locales, locale);
}

/* --- messages ----------------------------------------------------------------------------------------------------- */

bool preview_read_event(struct slice text, struct event *event, struct err *err)
{
    const struct record record = {.topic = "", .timestamp_ms = -1, .value = text};
    const char *reason = "";

    *event = (struct event){0};
    return event_decode(&record, event, &reason, err) || err_prefix(err, "this is no event: %s", reason);
}

bool preview_is_of_language(const struct event *event, const char *locale)
{
    const char *own = json_string_value(event_find(event, "member.locale"));
    char wanted[LOCALE_TAG_SIZE], tag[LOCALE_TAG_SIZE];

    return own && locale_tag_parse(slice_of(own), tag) && locale_tag_parse(slice_of(locale), wanted) &&
           locale_tag_has_same_language(tag, wanted);
}

static bool is_in_plan(const struct plan *plan, const struct flow *flow)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->deliveries[i].flow == flow) {
            return true;
        }
    }
    return false;
}

/* What a worker would say to this event before it renders anything. */
static void find_why_not(const struct catalog *catalog, const struct flow *flow, enum channel channel,
                         const struct event *event, char *text, size_t size)
{
    const char *reason = NULL;
    struct err err = {0};
    struct plan plan;

    text[0] = '\0';
    if (!flow->channels[channel].is_on) {
        snprintf(text, size, "the flow does not send on the channel %s", channel_name(channel));
    } else if (strcmp(event->type, flow->on) != 0) {
        snprintf(text, size, "the event is of type %.60s, the flow is on %.60s", event->type, flow->on);
    } else if (!plan_make(catalog, event, channel, &plan, &reason, &err)) {
        snprintf(text, size, "%.150s", err.text);
    } else if (!is_in_plan(&plan, flow)) {
        snprintf(text, size, "the flow's condition does not hold for this event");
    } else if (policy_check(flow, channel, event, event->time_ms, &reason) != POLICY_ALLOW) {
        snprintf(text, size, "the member cannot be reached this way: %s", reason);
    }
}

static bool has_locale(const struct catalog *catalog, const struct flow *flow, enum channel channel, const char *locale)
{
    char tag[LOCALE_TAG_SIZE];

    if (!locale || !locale_tag_parse(slice_of(locale), tag)) {
        return false;
    }
    for (const char *const *known = catalog_locales(catalog, flow, channel); *known; known++) {
        if (strcmp(*known, tag) == 0 ||
            (locale_tag_has_same_language(*known, tag) && !(*known)[locale_tag_language_len(*known)])) {
            return true;
        }
    }
    return false;
}

void preview_render(const struct catalog *catalog, const struct flow *flow, enum channel channel,
                    const struct event *event, const char *locale, struct preview_message *result)
{
    const char *wanted = locale ? locale : json_string_value(event_find(event, "member.locale"));

    *result = (struct preview_message){.segments_max = flow->channels[channel].segments_max};
    find_why_not(catalog, flow, channel, event, result->not_sent, sizeof(result->not_sent));
    result->has_template = has_locale(catalog, flow, channel, wanted);
    result->is_rendered = catalog_render(catalog, flow, channel, event, locale, &result->message, &result->error);
    if (result->is_rendered && channel == CHANNEL_SMS) {
        result->size = sms_measure(slice_of(result->message.text));
    }
}

void preview_message_finish(struct preview_message *result)
{
    if (result->is_rendered) {
        message_finish(&result->message);
    }
    *result = (struct preview_message){0};
}
