#include "workers/pause/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "run/template_pack.h"
#include "run/template_pin.h"
#include "workers/channels.h"

enum { MOST_VERSIONS = 8 };

/* Names, as nearest_find() wants them. */
struct names {
    char **items; /* owned; NULL-terminated once there is one */
    size_t count;
};

static void add_name(struct names *names, const char *name, size_t len)
{
    names->items = xreallocarray(names->items, names->count + 2, sizeof(*names->items));
    names->items[names->count++] = xmemdup(name, len);
    names->items[names->count] = NULL;
}

static void finish_names(struct names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i]);
    }
    free(names->items);
}

static bool has_name(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool refuse(const struct pause *target, const struct names *names, const char *what, struct err *err)
{
    const char *nearest = names->count ? nearest_find(target->name, (const char *const *)names->items) : NULL;

    return err_set(err, "%s %s \"%s\"%s%s%s", what, pause_scope_name(target->scope), target->name,
                   nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

const char *target_format(const struct pause *target, char text[TARGET_TEXT_SIZE])
{
    if (target->scope == PAUSE_ALL) {
        snprintf(text, TARGET_TEXT_SIZE, "everything");
    } else {
        snprintf(text, TARGET_TEXT_SIZE, "%s %s", pause_scope_name(target->scope), target->name);
    }
    return text;
}

/* --- the words ---------------------------------------------------------------------------------------------------- */

bool target_parse(int count, char **words, struct pause *target, struct err *err)
{
    static const char *const scopes[] = {"all", "channel", "flow", "provider", NULL};
    const char *nearest;

    *target = (struct pause){.scope = PAUSE_ALL};
    if (!pause_scope_parse(slice_of(words[0]), &target->scope)) {
        nearest = nearest_find(words[0], scopes);
        return nearest ? err_set(err, "there is no \"%.40s\"; did you mean \"%s\"?", words[0], nearest)
                       : err_set(err, "there is no \"%.40s\" (all, channel, flow, provider)", words[0]);
    }
    if (target->scope == PAUSE_ALL) {
        return count == 1 || err_set(err, "\"all\" takes no name");
    }
    if (count != 2) {
        return err_set(err, "which %s?", words[0]);
    }
    if (!words[1][0] || !pause_text_is_fit(slice_of(words[1]), sizeof(target->name))) {
        return err_set(err, "\"%.40s\" is no name of a %s", words[1], words[0]);
    }
    snprintf(target->name, sizeof(target->name), "%s", words[1]);
    return true;
}

/* --- what there is ------------------------------------------------------------------------------------------------ */

static void list_channels(struct names *names)
{
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        add_name(names, channel_name((enum channel)i), strlen(channel_name((enum channel)i)));
    }
}

static void list_providers(struct names *names)
{
    for (size_t i = 0; channels_providers[i]; i++) {
        if (!has_name(names, channels_providers[i]->name)) {
            add_name(names, channels_providers[i]->name, strlen(channels_providers[i]->name));
        }
    }
}

/* The versions that workers use; when there is no worker, the one that was put live last. */
static void list_versions(struct redis_ask *redis, const struct pool_keys *keys, const struct pool_view *view,
                          struct names *versions)
{
    for (size_t i = 0; i < view->worker_count && versions->count < MOST_VERSIONS; i++) {
        const char *version = pool_view_text(json_object_get(view->workers[i].state, "templates"), "version");

        if (template_version_is_valid(slice_of(version)) && !has_name(versions, version)) {
            add_name(versions, version, strlen(version));
        }
    }
    if (view->worker_count == 0) {
        json_t *last = redis_ask_call(
            redis, (const struct slice[]){SLICE("ZREVRANGE"), slice_of(keys->history), SLICE("0"), SLICE("0")}, 4, NULL);
        const char *version = json_string_value(json_array_get(last, 0));

        if (version && template_version_is_valid(slice_of(version))) {
            add_name(versions, version, strlen(version));
        }
        json_decref(last);
    }
}

/* The folders of a packed version that hold a flow. */
static void list_flows_of(struct slice pack, struct names *names)
{
    static const char file[] = "/flow.yaml";
    struct file_tree *tree = template_pack_parse(pack, NULL);

    for (size_t i = 0; tree && i < tree->count; i++) {
        const char *path = tree->entries[i].path;

        if (slice_ends_with(slice_of(path), file)) {
            add_name(names, path, strlen(path) - (sizeof(file) - 1));
        }
    }
    file_tree_destroy(tree);
}

static void list_flows(struct redis_ask *redis, const struct pool_keys *keys, const struct pool_view *view,
                       struct names *names)
{
    struct names versions = {.count = 0};
    char key[POOL_KEY_SIZE];

    list_versions(redis, keys, view, &versions);
    for (size_t i = 0; i < versions.count; i++) {
        json_t *pack = redis_ask_call(
            redis, (const struct slice[]){SLICE("GET"), pool_key(keys->files_prefix, versions.items[i], key)}, 2, NULL);

        if (json_is_string(pack)) {
            list_flows_of(slice_make(json_string_value(pack), json_string_length(pack)), names);
        }
        json_decref(pack);
    }
    finish_names(&versions);
}

bool target_check(const struct pause *target, struct redis_ask *redis, const struct pool_keys *keys,
                  const struct pool_view *view, bool *is_checked, struct err *err)
{
    struct names names = {.count = 0};
    bool is_fine;

    switch (target->scope) {
    case PAUSE_CHANNEL:
        list_channels(&names);
        break;
    case PAUSE_PROVIDER:
        list_providers(&names);
        break;
    case PAUSE_FLOW:
        list_flows(redis, keys, view, &names);
        break;
    default:
        break;
    }
    *is_checked = target->scope == PAUSE_ALL || names.count > 0;
    is_fine = !*is_checked || target->scope == PAUSE_ALL || has_name(&names, target->name) ||
              refuse(target, &names, "there is no", err);
    finish_names(&names);
    return is_fine;
}

bool target_check_paused(const struct pause *target, const struct pause_list *list, struct err *err)
{
    struct names names = {.count = 0};
    bool is_fine;

    if (pause_list_find(list, target->scope, target->name)) {
        return true;
    }
    if (target->scope == PAUSE_ALL) {
        return err_set(err, "\"all\" is not paused%s", list->count ? "; resume what is, one by one" : "");
    }
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].scope == target->scope) {
            add_name(&names, list->items[i].name, strlen(list->items[i].name));
        }
    }
    is_fine = refuse(target, &names, "not paused:", err);
    finish_names(&names);
    return is_fine;
}
