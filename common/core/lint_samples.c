/* The samples of a flow: which values there are, and in how many of them. */
#include "core/lint_inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "core/plan.h"

enum { MOST_DEPTH = 16, MOST_PATHS = 2000 };

/* --- presence ----------------------------------------------------------------------------------------------------- */

enum lint_presence lint_presence_join(enum lint_presence left, enum lint_presence right)
{
    if (left == LINT_UNSEEN || right == LINT_UNSEEN) {
        return left == LINT_UNSEEN ? right : left;
    }
    return left == right ? left : LINT_SOMETIMES;
}

static enum lint_presence presence_of_items(json_t *list, const char *rest)
{
    enum lint_presence presence = LINT_UNSEEN;
    json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        presence = lint_presence_join(presence, lint_presence_in(item, rest));
    }
    return presence;
}

/* What a loop over nothing would read, nobody reads. */
static enum lint_presence presence_of_nothing(const char *rest)
{
    return strstr(rest, "[]") ? LINT_UNSEEN : LINT_NEVER;
}

/* `.size`, `.first` and `.last` of what has no such key. */
static enum lint_presence presence_of_command(json_t *value, struct slice key, const char *rest)
{
    if (slice_is(key, "size")) {
        return json_is_array(value) || json_is_string(value) || json_is_object(value) ? LINT_ALWAYS : LINT_NEVER;
    }
    if (json_is_array(value) && (slice_is(key, "first") || slice_is(key, "last"))) {
        return presence_of_items(value, rest);
    }
    return presence_of_nothing(rest);
}

enum lint_presence lint_presence_in(json_t *value, const char *path)
{
    struct slice key;
    json_t *member;

    if (!value || json_is_null(value)) {
        return presence_of_nothing(path);
    }
    if (!*path) {
        return LINT_ALWAYS;
    }
    if (strncmp(path, "[]", 2) == 0) {
        /* Going over an object gives pairs: nothing is known of them. */
        return json_is_array(value) ? presence_of_items(value, path + 2) : LINT_UNSEEN;
    }
    path += *path == '.';
    key = slice_make(path, strcspn(path, ".["));
    member = json_object_getn(value, key.data, key.len);
    return member ? lint_presence_in(member, path + key.len) : presence_of_command(value, key, path + key.len);
}

static bool is_of_envelope(const char *path)
{
    size_t len = strcspn(path, ".[");

    return len == strlen("event") && strncmp(path, "event", len) == 0;
}

static bool applies_somewhere(const struct lint_flow *flow, enum channel channel)
{
    for (size_t i = 0; channel < CHANNEL_COUNT && i < flow->sample_count; i++) {
        if (flow->samples[i].applies[channel]) {
            return true;
        }
    }
    return false;
}

enum lint_presence lint_samples_presence(const struct lint_flow *flow, enum channel channel, const char *path,
                                         const struct lint_sample **lacking)
{
    bool is_limited = applies_somewhere(flow, channel);
    enum lint_presence presence = LINT_UNSEEN;

    *lacking = NULL;
    for (size_t i = 0; i < flow->sample_count; i++) {
        const struct lint_sample *sample = &flow->samples[i];
        json_t *root = is_of_envelope(path) ? event_envelope(&sample->event) : sample->event.data;
        enum lint_presence here;

        if (is_limited && !sample->applies[channel]) {
            continue;
        }
        here = lint_presence_in(root, path);
        if (!*lacking && (here == LINT_NEVER || here == LINT_SOMETIMES)) {
            *lacking = sample;
        }
        presence = lint_presence_join(presence, here);
    }
    return presence;
}

/* --- paths -------------------------------------------------------------------------------------------------------- */

static void add_path(struct lint_flow *flow, const char *path)
{
    if (flow->path_count == MOST_PATHS) {
        return;
    }
    for (size_t i = 0; i < flow->path_count; i++) {
        if (strcmp(flow->paths[i], path) == 0) {
            return;
        }
    }
    flow->paths = xreallocarray(flow->paths, flow->path_count + 2, sizeof(*flow->paths));
    flow->paths[flow->path_count++] = xstrdup(path);
    flow->paths[flow->path_count] = NULL;
}

static void add_paths(struct lint_flow *flow, const char *prefix, json_t *value, int depth)
{
    const char *name;
    json_t *member;
    size_t i;

    if (*prefix) {
        add_path(flow, prefix);
    }
    if (depth == MOST_DEPTH) {
        return;
    }
    json_object_foreach(value, name, member)
    {
        char *path = *prefix ? xasprintf("%s.%s", prefix, name) : xstrdup(name);

        add_paths(flow, path, member, depth + 1);
        free(path);
    }
    json_array_foreach(value, i, member)
    {
        char *path = xasprintf("%s[]", prefix);

        add_paths(flow, path, member, depth + 1);
        free(path);
    }
}

const char *lint_samples_nearest(const struct lint_flow *flow, const char *path)
{
    static const char *const common[] = {
        "member.id",     "member.first_name", "member.last_name", "member.email", "member.tier",
        "member.locale", "event.id",          "event.source",     "event.type",   "event.time",
        "event.subject", "locale.tag",        "locale.language",  "locale.dir",   "subject",
        "preheader",     "content",           "unsubscribe_url",  NULL,
    };
    const char *found = flow->paths ? nearest_find(path, (const char *const *)flow->paths) : NULL;

    return found ? found : nearest_find(path, common);
}

/* --- loading ------------------------------------------------------------------------------------------------------ */

static void fill_tag(const struct lint *lint, struct lint_sample *sample)
{
    json_t *locale = json_object_get(json_object_get(sample->event.data, "member"), "locale");
    struct slice text = slice_make(json_string_value(locale), json_string_length(locale));

    if (!text.data || !locale_tag_parse(text, sample->tag)) {
        memcpy(sample->tag, lint->catalog->default_locale, sizeof(sample->tag));
    }
}

static void load_sample(struct lint *lint, struct lint_flow *flow, const struct file_entry *entry)
{
    struct record record = {.topic = "", .timestamp_ms = -1, .value = catalog_text_of(entry)};
    struct lint_sample *sample;
    const char *reason = NULL;
    struct err err = {0};
    struct event event = {0};

    /* What is no event, or one of another type, has been reported. */
    if (!event_decode(&record, &event, &reason, &err) || strcmp(event.type, flow->flow->on) != 0) {
        event_finish(&event);
        return;
    }
    flow->samples = xreallocarray(flow->samples, flow->sample_count + 1, sizeof(*flow->samples));
    sample = &flow->samples[flow->sample_count++];
    *sample = (struct lint_sample){.path = entry->path, .event = event};
    fill_tag(lint, sample);
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        const struct flow_channel *channel = &flow->flow->channels[i];

        sample->applies[i] =
            channel->is_on && plan_holds(flow->flow->when, &sample->event) && plan_holds(channel->when, &sample->event);
    }
    add_paths(flow, "", sample->event.data, 0);
}

void lint_samples_load(struct lint *lint, struct lint_flow *flow)
{
    char *folder = xasprintf("%s/samples/", flow->flow->name);

    for (size_t i = 0; i < lint->tree->count; i++) {
        struct slice path = slice_of(lint->tree->entries[i].path);

        if (slice_starts_with(path, folder) && slice_ends_with(path, ".json")) {
            load_sample(lint, flow, &lint->tree->entries[i]);
        }
    }
    free(folder);
}

void lint_samples_finish(struct lint_flow *flow)
{
    for (size_t i = 0; i < flow->sample_count; i++) {
        event_finish(&flow->samples[i].event);
    }
    free(flow->samples);
    for (size_t i = 0; i < flow->path_count; i++) {
        free(flow->paths[i]);
    }
    free(flow->paths);
}
