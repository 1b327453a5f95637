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

/* The value of a field gets "-copy" behind it, so that every copy is a message of its own. */
static void tag(json_t *object, const char *name, int copy)
{
    const json_t *value = json_object_get(object, name);
    char text[160];

    if (json_is_string(value)) {
        snprintf(text, sizeof(text), "%s-%d", json_string_value(value), copy);
    } else if (json_is_integer(value)) {
        snprintf(text, sizeof(text), "%lld-%d", (long long)json_integer_value(value), copy);
    } else {
        return;
    }
    json_object_set_new(object, name, json_string(text));
}

/* The sample as it would come at that time, for the copy-th member, who is also its subject. */
static void make_copy(struct demo_events *events, const json_t *sample, const char *path, int copy, int64_t at_ms)
{
    json_t *event = json_deep_copy(sample);
    json_t *data = json_object_get(event, "data");
    char id[256], time[CLOCK_ISO_SIZE];
    struct demo_event *item = add(events);
    const char *key;
    void *it;

    snprintf(id, sizeof(id), "demo/%s/%d", path, copy);
    clock_format_iso(at_ms, time);
    json_object_set_new(event, "id", json_string(id));
    json_object_set_new(event, "time", json_string(time));
    tag(event, "subject", copy);
    for (it = json_object_iter(data); it; it = json_object_iter_next(data, it)) {
        tag(json_object_iter_value(it), "id", copy);
    }
    key = json_string_value(json_object_get(json_object_get(data, "member"), "id"));
    item->key = xstrdup(key ? key : "");
    item->at_ms = at_ms;
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

static size_t count_samples(const struct file_tree *tree)
{
    size_t count = 0;

    for (size_t i = 0; i < tree->count; i++) {
        count += is_sample(tree->entries[i].path);
    }
    return count;
}

static void add_broken(struct demo_events *events, int64_t now_ms, const char *reason, const char *value, size_t len)
{
    struct demo_event *item = add(events);

    item->broken = reason;
    item->value = xmemdup(value, len);
    item->len = len;
    item->at_ms = now_ms;
}

static void add_all_broken(struct demo_events *events, int64_t now_ms)
{
    static const char no_json[] = "points=120;member=42";
    static const char twice[] = "{\"specversion\":\"1.0\",\"id\":\"x\",\"id\":\"y\",\"source\":\"/demo\",\"type\":\"loyalty.signup\","
                                "\"data\":{}}";
    static const char no_type[] = "{\"specversion\":\"1.0\",\"id\":\"x\",\"source\":\"/demo\",\"data\":{}}";
    static const char not_utf8[] = "{\"specversion\":\"1.0\",\"id\":\"x\xff\",\"source\":\"/demo\",\"type\":\"t\",\"data\":{}}";
    char deep[2 * EVENT_MOST_DEPTH + 64];

    memset(deep, '[', sizeof(deep));
    add_broken(events, now_ms, "not_json", no_json, sizeof(no_json) - 1);
    add_broken(events, now_ms, "duplicate_key", twice, sizeof(twice) - 1);
    add_broken(events, now_ms, "missing_attribute", no_type, sizeof(no_type) - 1);
    add_broken(events, now_ms, "not_utf8", not_utf8, sizeof(not_utf8) - 1);
    add_broken(events, now_ms, "too_deep", deep, sizeof(deep));
    add_broken(events, now_ms, "empty", "", 0);
}

bool demo_events_make(struct demo_events *events, const struct file_tree *tree, int copies, struct demo_time time,
                      struct err *err)
{
    int64_t all = (int64_t)count_samples(tree) * copies;

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
            make_copy(events, sample, entry->path, copy,
                      time.now_ms - time.span_ms + time.span_ms * (int64_t)events->count / all);
            json_decref(sample);
        }
    }
    if (events->count == 0) {
        return err_set(err, "there are no sample events in the templates");
    }
    add_all_broken(events, time.now_ms);
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
