#include "workers/templates/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "run/redis_ask.h"

struct store {
    struct redis_ask *redis;
    struct version_keys keys;
};

struct store *store_open(const char *redis_url, const char *environment, struct err *err)
{
    struct redis_ask *redis = redis_ask_open(redis_url, err);
    struct store *store;

    if (!redis) {
        return NULL;
    }
    store = xcalloc(1, sizeof(*store));
    store->redis = redis;
    version_keys_init(&store->keys, environment);
    return store;
}

void store_close(struct store *store)
{
    if (store) {
        redis_ask_close(store->redis);
        free(store);
    }
}

void store_sleep_ms(struct store *store, int64_t ms)
{
    redis_ask_sleep_ms(store->redis, ms);
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

const char *store_worker_text(const struct store_worker *worker, const char *name)
{
    const char *text = json_string_value(json_object_get(worker->state, name));

    return text ? text : "";
}

static int compare_workers(const void *left, const void *right)
{
    const struct store_worker *a = left, *b = right;

    return strcmp(a->name, b->name);
}

/* `value`: "<ms> <JSON>" */
static void add_worker(struct store_view *view, const char *name, const char *value, int64_t now_ms)
{
    char *end = NULL;
    int64_t seen_at = value ? strtoll(value, &end, 10) : 0;
    json_t *state = end ? json_loads(end, 0, NULL) : NULL;

    if (!name || !json_is_object(state) || now_ms - seen_at > VERSIONS_SILENT_MS) {
        json_decref(state);
        return;
    }
    view->workers = xreallocarray(view->workers, view->worker_count + 1, sizeof(*view->workers));
    view->workers[view->worker_count++] = (struct store_worker){xstrdup(name), state, now_ms - seen_at};
}

static bool look_at_workers(struct store *store, struct store_view *view, int64_t now_ms, struct err *err)
{
    json_t *all = redis_ask_call(store->redis, (const struct slice[]){SLICE("HGETALL"), slice_of(store->keys.workers)}, 2, err);

    for (size_t i = 0; i + 1 < json_array_size(all); i += 2) {
        add_worker(view, json_string_value(json_array_get(all, i)), json_string_value(json_array_get(all, i + 1)),
                   now_ms);
    }
    if (view->worker_count > 1) {
        qsort(view->workers, view->worker_count, sizeof(*view->workers), compare_workers);
    }
    json_decref(all);
    return all != NULL;
}

static bool look_at_history(struct store *store, struct store_view *view, struct err *err)
{
    json_t *all = redis_ask_call(store->redis,
                      (const struct slice[]){SLICE("ZREVRANGE"), slice_of(store->keys.history), SLICE("0"), SLICE("-1"),
                                             SLICE("WITHSCORES")},
                      5, err);

    for (size_t i = 0; i + 1 < json_array_size(all) && view->history_count < VERSIONS_MOST; i += 2) {
        const char *version = json_string_value(json_array_get(all, i));
        const char *score = json_string_value(json_array_get(all, i + 1));

        if (version && score && template_version_is_valid(slice_of(version))) {
            struct store_version *row = &view->history[view->history_count++];

            memcpy(row->version, version, sizeof(row->version));
            row->live_at = (int64_t)strtod(score, NULL);
        }
    }
    json_decref(all);
    return all != NULL;
}

static bool look_at_time(struct store *store, int64_t *now_ms, struct err *err)
{
    json_t *time = redis_ask_call(store->redis, (const struct slice[]){SLICE("TIME")}, 1, err);
    const char *seconds = json_string_value(json_array_get(time, 0));
    const char *us = json_string_value(json_array_get(time, 1));

    *now_ms = seconds && us ? strtoll(seconds, NULL, 10) * 1000 + strtoll(us, NULL, 10) / 1000 : 0;
    json_decref(time);
    return time != NULL;
}

static bool look_at_pin(struct store *store, struct store_view *view, struct err *err)
{
    json_t *pin = redis_ask_call(store->redis, (const struct slice[]){SLICE("GET"), slice_of(store->keys.pin)}, 2, err);
    bool is_fine = pin != NULL;

    if (json_is_string(pin) && !template_pin_parse(slice_of(json_string_value(pin)), &view->pin)) {
        is_fine = err_set(err, "what stands at %s in Redis is no choice of a version", store->keys.pin);
    }
    json_decref(pin);
    return is_fine;
}

bool store_look(struct store *store, struct store_view *view, struct err *err)
{
    int64_t now_ms;

    *view = (struct store_view){.worker_count = 0};
    if (look_at_time(store, &now_ms, err) && look_at_pin(store, view, err) &&
        look_at_workers(store, view, now_ms, err) && look_at_history(store, view, err)) {
        return true;
    }
    store_view_finish(view);
    return false;
}

void store_view_finish(struct store_view *view)
{
    for (size_t i = 0; i < view->worker_count; i++) {
        free(view->workers[i].name);
        json_decref(view->workers[i].state);
    }
    free(view->workers);
    *view = (struct store_view){.worker_count = 0};
}

/* --- choosing ----------------------------------------------------------------------------------------------------- */

bool store_pin(struct store *store, const struct template_pin *seen, const struct template_pin *pin, struct err *err)
{
    struct buf old_text, new_text;
    json_t *answer;
    bool is_taken;

    buf_init(&old_text, 0);
    buf_init(&new_text, 0);
    template_pin_format(seen, &old_text);
    template_pin_format(pin, &new_text);
    answer = redis_ask_eval(
        store->redis, &versions_pin_script,
        (const struct slice[]){slice_of(store->keys.pin), buf_slice(&old_text), buf_slice(&new_text)}, 3, err);
    is_taken = json_integer_value(answer) == 1;
    if (answer && !is_taken) {
        err_set(err, "somebody else has just chosen a version; look again");
    }
    json_decref(answer);
    buf_finish(&old_text);
    buf_finish(&new_text);
    return is_taken;
}

bool store_has_files(struct store *store, const char *version, bool *has, struct err *err)
{
    char key[VERSIONS_KEY_SIZE + VERSION_TEXT_SIZE];
    json_t *answer;

    snprintf(key, sizeof(key), "%s%s", store->keys.files_prefix, version);
    answer = redis_ask_call(store->redis, (const struct slice[]){SLICE("EXISTS"), slice_of(key)}, 2, err);
    *has = json_integer_value(answer) == 1;
    json_decref(answer);
    return answer != NULL;
}

bool store_read_files(struct store *store, const char *version, struct buf *pack, struct err *err)
{
    char key[VERSIONS_KEY_SIZE + VERSION_TEXT_SIZE];
    json_t *answer;
    bool is_there;

    snprintf(key, sizeof(key), "%s%s", store->keys.files_prefix, version);
    answer = redis_ask_call(store->redis, (const struct slice[]){SLICE("GET"), slice_of(key)}, 2, err);
    is_there = json_is_string(answer);
    if (is_there) {
        buf_append(pack, json_string_value(answer), json_string_length(answer));
    } else if (answer) {
        err_set(err, "the files of version %s are not in Redis any more", version);
    }
    json_decref(answer);
    return is_there;
}
