#include "workers/pool_view.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/number.h"
#include "run/pool.h"
#include "run/redis_info.h"

const char *pool_view_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

/* So that sums and differences of what many say stay numbers. */
static const int64_t most_number = 100000000000000;

int64_t pool_view_number(const json_t *value)
{
    int64_t number = json_integer_value(value);

    return number >= 0 && number <= most_number ? number : 0;
}

int64_t pool_view_int(const json_t *object, const char *name)
{
    return pool_view_number(json_object_get(object, name));
}

const json_t *pool_view_channels(const struct pool_worker *worker)
{
    return json_object_get(worker->state, "channels");
}

json_t *pool_view_pauses(const struct pool_view *view)
{
    json_t *array = json_array();

    for (size_t i = 0; i < view->pauses.count; i++) {
        const struct pause *pause = &view->pauses.items[i];
        char since[CLOCK_ISO_SIZE];

        clock_format_iso(pause->since_ms, since);
        json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:s, s:s}", "scope", pause_scope_name(pause->scope),
                                               "name", pause->name, "since", since, "by", pause->by, "reason",
                                               pause->reason));
    }
    return array;
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

static int compare_workers(const void *left, const void *right)
{
    const struct pool_worker *a = left, *b = right;

    return strcmp(a->name, b->name);
}

/* `value`: "<ms> <JSON>", or NULL when it is gone. */
static void add_worker(struct pool_view *view, const char *value)
{
    const char *end = value ? strchr(value, ' ') : NULL;
    int64_t seen_at = 0;
    bool has_time = end && number_parse(slice_make(value, (size_t)(end - value)), &seen_at) && seen_at >= 0;
    json_t *state = has_time ? json_loads(end, 0, NULL) : NULL;

    if (!json_is_object(state) || view->now_ms - seen_at > POOL_SILENT_MS) {
        json_decref(state);
        return;
    }
    view->workers = xreallocarray(view->workers, view->worker_count + 1, sizeof(*view->workers));
    view->workers[view->worker_count++] = (struct pool_worker){
        .name = xasprintf("%s:%lld", pool_view_text(state, "host"), (long long)pool_view_int(state, "pid")),
        .state = state,
        .silent_ms = view->now_ms - seen_at,
        .heard = pool_view_int(state, "pauses"),
    };
}

static bool look_at_time(struct redis_ask *redis, struct pool_view *view, struct err *err)
{
    json_t *time = redis_ask_call(redis, (const struct slice[]){SLICE("TIME")}, 1, err);
    const char *seconds = json_string_value(json_array_get(time, 0));
    const char *us = json_string_value(json_array_get(time, 1));

    bool is_fine = seconds && us && redis_time_of(slice_of(seconds), slice_of(us), &view->now_ms);

    if (time && !is_fine) {
        err_set(err, "unexpected answer to TIME");
    }
    json_decref(time);
    return is_fine;
}

static bool look_at_pauses(struct redis_ask *redis, const struct pool_keys *keys, struct pool_view *view,
                           struct err *err)
{
    json_t *text = redis_ask_call(redis, (const struct slice[]){SLICE("GET"), slice_of(keys->pauses)}, 2, err);
    bool is_fine = text && (!json_is_string(text) ||
                            pause_list_parse(slice_make(json_string_value(text), json_string_length(text)),
                                             &view->pauses, err));

    if (text && !is_fine) {
        err_prefix(err, "what stands at %s in Redis", keys->pauses);
    }
    json_decref(text);
    return is_fine;
}

static bool look_at_worker(struct redis_ask *redis, const struct pool_keys *keys, const char *name,
                           struct pool_view *view, struct err *err)
{
    char key[POOL_KEY_SIZE];
    json_t *value;

    if (strlen(keys->worker_prefix) + strlen(name) >= sizeof(key)) {
        return true; /* none of ours */
    }
    value =
        redis_ask_call(redis, (const struct slice[]){SLICE("GET"), pool_key(keys->worker_prefix, name, key)}, 2, err);
    add_worker(view, json_string_value(value));
    json_decref(value);
    return value != NULL;
}

static bool look_at_workers(struct redis_ask *redis, const struct pool_keys *keys, struct pool_view *view,
                            struct err *err)
{
    json_t *names = redis_ask_call(
        redis, (const struct slice[]){SLICE("ZRANGE"), slice_of(keys->workers), SLICE("0"), SLICE("-1")}, 4, err);
    bool is_fine = names != NULL;

    for (size_t i = 0; is_fine && i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));

        is_fine = !name || look_at_worker(redis, keys, name, view, err);
    }
    if (view->worker_count > 1) {
        qsort(view->workers, view->worker_count, sizeof(*view->workers), compare_workers);
    }
    json_decref(names);
    return is_fine;
}

bool pool_view_look(struct redis_ask *redis, const struct pool_keys *keys, struct pool_view *view, struct err *err)
{
    *view = (struct pool_view){.now_ms = 0};
    if (look_at_time(redis, view, err) && look_at_pauses(redis, keys, view, err) &&
        look_at_workers(redis, keys, view, err)) {
        return true;
    }
    pool_view_finish(view);
    return false;
}

void pool_view_finish(struct pool_view *view)
{
    for (size_t i = 0; i < view->worker_count; i++) {
        free(view->workers[i].name);
        json_decref(view->workers[i].state);
    }
    free(view->workers);
    *view = (struct pool_view){.now_ms = 0};
}
