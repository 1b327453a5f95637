/* The part of catalog_build() that reads the folders of flows. */
#include "core/catalog_inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"

/* --- templates -------------------------------------------------------------------------------------------------- */

static void add_template(struct catalog_templates *templates, struct message_template *template)
{
    size_t at = templates->count;

    templates->items = xreallocarray(templates->items, templates->count + 1, sizeof(*templates->items));
    for (; at > 0 && strcmp(templates->items[at - 1]->tag, template->tag) > 0; at--) {
        templates->items[at] = templates->items[at - 1];
    }
    templates->items[at] = template;
    templates->count++;
}

static void load_template(struct catalog_build *build, struct catalog_flow *entry, const char *path,
                          enum channel channel, const char *tag)
{
    struct catalog_templates *templates = &entry->channels[channel];
    struct message_template *template;

    for (size_t i = 0; i < templates->count; i++) {
        if (strcmp(templates->items[i]->tag, tag) == 0) {
            diag_add(build->diags, DIAG_ERROR, path, 0, 0, NULL, "a second file for the locale '%s', beside %s", tag,
                     templates->items[i]->path);
            return;
        }
    }
    template = message_template_create(build->tree, &build->catalog->layouts, path, channel, tag, build->diags);
    if (template) {
        if (!catalog_has_broken_strings(build->catalog, tag)) {
            message_template_check_strings(template, catalog_find_strings(build->catalog, tag), build->diags);
        }
        add_template(templates, template);
    }
}

struct template_name {
    struct slice channel, locale;
    bool is_text; /* <channel>.<locale>.text.liquid */
};

static bool split_name(struct slice file, struct template_name *name)
{
    const char *dot = memchr(file.data, '.', file.len);

    if (!slice_ends_with(file, ".liquid") || !dot) {
        return false;
    }
    file.len -= strlen(".liquid");
    name->is_text = slice_ends_with(file, ".text");
    file.len -= name->is_text ? strlen(".text") : 0;
    name->channel = slice_make(file.data, (size_t)(dot - file.data));
    if (name->channel.len >= file.len) {
        return false;
    }
    name->locale = slice_make(dot + 1, file.len - name->channel.len - 1);
    return name->locale.len > 0 && !memchr(name->locale.data, '.', name->locale.len);
}

static void complain_channel(struct catalog_build *build, const char *path, struct slice channel)
{
    const char *names[CHANNEL_COUNT + 1] = {NULL};
    char *copy = xmemdup(channel.data, channel.len);
    const char *meant;
    char *hint;

    for (int i = 0; i < CHANNEL_COUNT; i++) {
        names[i] = channel_name((enum channel)i);
    }
    meant = nearest_find(copy, names);
    hint = meant ? xasprintf("did you mean '%s'?", meant) : NULL;
    diag_add(build->diags, DIAG_ERROR, path, 0, 0, hint, "there is no channel '%s'", copy);
    free(hint);
    free(copy);
}

/* The HTML file that a text part belongs to must be there. */
static void check_text_part(struct catalog_build *build, const char *path, enum channel channel)
{
    char *html = xasprintf("%.*s.liquid", (int)(strlen(path) - strlen(".text.liquid")), path);

    if (channel != CHANNEL_EMAIL) {
        diag_add(build->diags, DIAG_ERROR, path, 0, 0, NULL, "only e-mail has a text part");
    } else if (!file_tree_find(build->tree, html)) {
        diag_add(build->diags, DIAG_ERROR, path, 0, 0, NULL, "the text part belongs to %s, which is not there", html);
    }
    free(html);
}

/* `file` is the path behind "<flow>/". */
static void load_file(struct catalog_build *build, struct catalog_flow *entry, const char *path, struct slice file)
{
    struct template_name name;
    enum channel channel;
    char tag[LOCALE_TAG_SIZE];

    if (!split_name(file, &name)) {
        diag_add(build->diags, DIAG_ERROR, path, 0, 0, "name it like email.hu.liquid, sms.hu.liquid or samples/x.json",
                 "the file's name is not understood");
    } else if (!channel_parse(name.channel, &channel)) {
        complain_channel(build, path, name.channel);
    } else if (!locale_tag_parse(name.locale, tag) || !locale_is_known_language(tag)) {
        diag_add(build->diags, DIAG_ERROR, path, 0, 0, "a locale is written like hu or pt-BR", "'%.*s' is no locale",
                 (int)name.locale.len, name.locale.data);
    } else if (name.is_text) {
        check_text_part(build, path, channel);
    } else if (!entry->flow->channels[channel].is_on) {
        diag_add(build->diags, DIAG_WARNING, path, 0, 0, "name the channel in flow.yaml",
                 "the flow does not send on the channel %s, so the file is not used", channel_name(channel));
    } else {
        load_template(build, entry, path, channel, tag);
    }
}

/* --- flows ------------------------------------------------------------------------------------------------------ */

static void check_sample_brand(struct catalog_build *build, const struct event *event, const char *path)
{
    const char *name = catalog_find_brand_name(event);
    struct catalog_brand *brand = NULL;

    if (name) {
        HASH_FIND_STR(build->catalog->brands, name, brand);
    }
    if (name && !brand) {
        diag_add(build->diags, DIAG_ERROR, path, 0, 0, NULL, "the sample names the brand '%s', which is not in _brands",
                 name);
    }
}

static void check_sample(struct catalog_build *build, const struct flow *flow, const struct file_entry *entry)
{
    struct record record = {.topic = "", .timestamp_ms = -1, .value = catalog_text_of(entry)};
    const char *reason = NULL;
    struct err err = {0};
    struct event event = {0};

    if (!slice_ends_with(slice_of(entry->path), ".json")) {
        diag_add(build->diags, DIAG_WARNING, entry->path, 0, 0, "samples end in .json", "the file is not used");
        return;
    }
    if (!event_decode(&record, &event, &reason, &err)) {
        diag_add(build->diags, DIAG_ERROR, entry->path, 0, 0, NULL, "the sample is no event: %s (%s)", err.text,
                 reason);
        return;
    }
    if (strcmp(event.type, flow->on) != 0) {
        diag_add(build->diags, DIAG_WARNING, entry->path, 0, 0, NULL, "the sample is of type %s, the flow is on %s",
                 event.type, flow->on);
    }
    check_sample_brand(build, &event, entry->path);
    event_finish(&event);
}

/* Every channel that is on must have something to say, to members of unknown locale too. */
static void check_channels(struct catalog_build *build, const struct catalog_flow *entry, const char *yaml_path)
{
    const char *default_locale = build->catalog->default_locale;

    for (int i = 0; i < CHANNEL_COUNT; i++) {
        const struct catalog_templates *templates = &entry->channels[i];
        const char *channel = channel_name((enum channel)i);
        char *hint = xasprintf("add %s/%s.%s.liquid", entry->flow->name, channel, default_locale);

        if (entry->flow->channels[i].is_on && templates->count == 0) {
            diag_add(build->diags, DIAG_ERROR, yaml_path, 0, 0, hint, "the channel %s is on and has no template",
                     channel);
        } else if (entry->flow->channels[i].is_on && !catalog_templates_find(templates, default_locale)) {
            diag_add(build->diags, DIAG_ERROR, yaml_path, 0, 0, hint,
                     "the channel %s has no template for the default locale '%s'", channel, default_locale);
        }
        free(hint);
    }
}

static void fill_locales(struct catalog_templates *templates)
{
    templates->locales = xcalloc(templates->count + 1, sizeof(*templates->locales));
    for (size_t i = 0; i < templates->count; i++) {
        templates->locales[i] = templates->items[i]->tag;
    }
}

static void add_type(struct catalog *catalog, const struct flow *flow)
{
    struct catalog_type *type;

    HASH_FIND_STR(catalog->types, flow->on, type);
    if (!type) {
        type = xcalloc(1, sizeof(*type));
        type->type = flow->on;
        HASH_ADD_KEYPTR(hh, catalog->types, type->type, strlen(type->type), type);
    }
    type->flows = xreallocarray(type->flows, type->count + 1, sizeof(*type->flows));
    type->flows[type->count++] = flow;
}

static void add_flow(struct catalog *catalog, struct catalog_flow *entry)
{
    size_t at = catalog->flow_count;

    catalog->flows = xreallocarray(catalog->flows, catalog->flow_count + 1, sizeof(*catalog->flows));
    for (; at > 0 && strcmp(catalog->flows[at - 1]->flow->name, entry->flow->name) > 0; at--) {
        catalog->flows[at] = catalog->flows[at - 1];
    }
    catalog->flows[at] = entry;
    catalog->flow_count++;
    HASH_ADD_KEYPTR(hh, catalog->flows_by_name, entry->flow->name, strlen(entry->flow->name), entry);
    HASH_ADD(hh_flow, catalog->flows_by_address, flow, sizeof(entry->flow), entry);
    add_type(catalog, entry->flow);
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        fill_locales(&entry->channels[channel]);
    }
}

/* Files first to last of the tree are those of one folder; it is the flow `name`. */
static void load_flow(struct catalog_build *build, const char *name, size_t first, size_t last)
{
    char *yaml_path = xasprintf("%s/flow.yaml", name);
    const struct file_entry *yaml = file_tree_find(build->tree, yaml_path);
    struct flow *flow = yaml ? flow_parse(name, yaml_path, catalog_text_of(yaml), build->diags) : NULL;
    size_t errors_before = build->diags->error_count;
    struct catalog_flow *entry;

    if (!yaml) {
        diag_add(build->diags, DIAG_ERROR, name, 0, 0, "every folder is a flow; add flow.yaml with the key 'on'",
                 "the flow has no flow.yaml");
    }
    if (!flow) {
        free(yaml_path);
        return;
    }
    entry = xcalloc(1, sizeof(*entry));
    entry->flow = flow;
    for (size_t i = first; i <= last; i++) {
        const char *path = build->tree->entries[i].path;
        struct slice file = slice_of(path + strlen(name) + 1);

        if (slice_starts_with(file, "samples/")) {
            check_sample(build, flow, &build->tree->entries[i]);
        } else if (!slice_is(file, "flow.yaml") && !catalog_is_note(path)) {
            load_file(build, entry, path, file);
        }
    }
    if (build->diags->error_count == errors_before) {
        check_channels(build, entry, yaml_path);
    }
    add_flow(build->catalog, entry);
    free(yaml_path);
}

void catalog_build_flows(struct catalog_build *build)
{
    const struct file_tree *tree = build->tree;
    size_t last;

    for (size_t first = 0; first < tree->count; first = last + 1) {
        const char *path = tree->entries[first].path;
        struct slice folder = catalog_first_folder(path);
        char *name;

        last = first;
        if (!path[folder.len] || path[0] == '_' || path[0] == '.') {
            continue;
        }
        while (last + 1 < tree->count && slice_equal(catalog_first_folder(tree->entries[last + 1].path), folder)) {
            last++;
        }
        name = xmemdup(folder.data, folder.len);
        load_flow(build, name, first, last);
        free(name);
    }
}
