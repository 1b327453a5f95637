#include "workers/demo/demo_events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/event.h"

static struct demo_event *add(struct demo_events *events)
{
    events->items = xreallocarray(events->items, events->count + 1, sizeof(*events->items));
    events->items[events->count] = (struct demo_event){0};
    return &events->items[events->count++];
}

/* The value of an id member gets "-copy" behind it, so that every copy is a message of its own. */
static void tag_id(json_t *object, int copy)
{
    const json_t *id = json_object_get(object, "id");
    char text[160];

    if (json_is_string(id)) {
        snprintf(text, sizeof(text), "%s-%d", json_string_value(id), copy);
    } else if (json_is_integer(id)) {
        snprintf(text, sizeof(text), "%lld-%d", (long long)json_integer_value(id), copy);
    } else {
        return;
    }
    json_object_set_new(object, "id", json_string(text));
}

/* The sample as it would come now, for the copy-th member. */
static void make_copy(struct demo_events *events, const json_t *sample, const char *path, int copy)
{
    json_t *event = json_deep_copy(sample);
    json_t *data = json_object_get(event, "data");
    char id[256], now[CLOCK_ISO_SIZE];
    struct demo_event *item = add(events);
    const char *key;
    void *it;

    snprintf(id, sizeof(id), "demo/%s/%d", path, copy);
    clock_format_iso(clock_wall_ms(), now);
    json_object_set_new(event, "id", json_string(id));
    json_object_set_new(event, "time", json_string(now));
    for (it = json_object_iter(data); it; it = json_object_iter_next(data, it)) {
        tag_id(json_object_iter_value(it), copy);
    }
    key = json_string_value(json_object_get(json_object_get(data, "member"), "id"));
    item->key = xstrdup(key ? key : "");
    item->value = json_dumps(event, JSON_COMPACT | JSON_ENSURE_ASCII);
    item->len = strlen(item->value);
    json_decref(event);
}

static bool is_sample(const char *path)
{
    const char *folder = strstr(path, "/samples/");
    size_t len = strlen(path);

    return folder && len > 5 && strcmp(path + len - 5, ".json") == 0;
}

static void add_broken(struct demo_events *events, const char *reason, const char *value, size_t len)
{
    struct demo_event *item = add(events);

    item->broken = reason;
    item->value = xmemdup(value, len);
    item->len = len;
}

static void add_all_broken(struct demo_events *events)
{
    static const char no_json[] = "points=120;member=42";
    static const char twice[] = "{\"specversion\":\"1.0\",\"id\":\"x\",\"id\":\"y\",\"source\":\"/demo\",\"type\":\"loyalty.signup\","
                                "\"data\":{}}";
    static const char no_type[] = "{\"specversion\":\"1.0\",\"id\":\"x\",\"source\":\"/demo\",\"data\":{}}";
    static const char not_utf8[] = "{\"specversion\":\"1.0\",\"id\":\"x\xff\",\"source\":\"/demo\",\"type\":\"t\",\"data\":{}}";
    char deep[2 * EVENT_MOST_DEPTH + 64];

    memset(deep, '[', sizeof(deep));
    add_broken(events, "not_json", no_json, sizeof(no_json) - 1);
    add_broken(events, "duplicate_key", twice, sizeof(twice) - 1);
    add_broken(events, "missing_attribute", no_type, sizeof(no_type) - 1);
    add_broken(events, "not_utf8", not_utf8, sizeof(not_utf8) - 1);
    add_broken(events, "too_deep", deep, sizeof(deep));
    add_broken(events, "empty", "", 0);
}

bool demo_events_make(struct demo_events *events, const struct file_tree *tree, int copies, struct err *err)
{
    *events = (struct demo_events){0};
    for (int copy = 1; copy <= copies; copy++) {
        for (size_t i = 0; i < tree->count; i++) {
            const struct file_entry *entry = &tree->entries[i];
            json_error_t problem;
            json_t *sample;

            if (!is_sample(entry->path)) {
                continue;
            }
            sample = json_loadb(entry->data, entry->len, JSON_REJECT_DUPLICATES, &problem);
            if (!json_is_object(sample)) {
                json_decref(sample);
                demo_events_finish(events);
                return err_set(err, "%s is no sample event: %s", entry->path, problem.text);
            }
            make_copy(events, sample, entry->path, copy);
            json_decref(sample);
        }
    }
    if (events->count == 0) {
        return err_set(err, "there are no sample events in the templates");
    }
    add_all_broken(events);
    return true;
}

void demo_events_finish(struct demo_events *events)
{
    for (size_t i = 0; i < events->count; i++) {
        free(events->items[i].key);
        free(events->items[i].value);
    }
    free(events->items);
    *events = (struct demo_events){0};
}
