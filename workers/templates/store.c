#include "workers/templates/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "run/pool.h"
#include "run/redis_ask.h"
#include "workers/pool_view.h"

enum { LEAST_DIGITS = 4 };

struct store {
    struct redis_ask *redis;
    struct pool_keys keys;
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
    pool_keys_init(&store->keys, environment);
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
    return pool_view_text(worker->state, name);
}

/* "email,sms" */
static json_t *list_channels(const struct pool_worker *worker)
{
    const json_t *channel;
    struct buf text;
    json_t *list;
    size_t i;

    buf_init(&text, 0);
    json_array_foreach (pool_view_channels(worker), i, channel) {
        buf_appendf(&text, "%s%s", i ? "," : "", pool_view_text(channel, "name"));
    }
    list = json_string(buf_text(&text));
    buf_finish(&text);
    return list;
}

static bool look_at_workers(struct store *store, struct store_view *view, struct err *err)
{
    struct pool_view pool;

    if (!pool_view_look(store->redis, &store->keys, &pool, err)) {
        return false;
    }
    view->workers = xcalloc(pool.worker_count + 1, sizeof(*view->workers));
    for (size_t i = 0; i < pool.worker_count; i++) {
        const struct pool_worker *worker = &pool.workers[i];
        json_t *state = json_deep_copy(json_object_get(worker->state, "templates"));

        if (state) {
            json_object_set_new(state, "channels", list_channels(worker));
            view->workers[view->worker_count++] = (struct store_worker){xstrdup(worker->name), state, worker->silent_ms};
        }
    }
    pool_view_finish(&pool);
    return true;
}

static bool look_at_history(struct store *store, struct store_view *view, struct err *err)
{
    json_t *all = redis_ask_call(store->redis,
                                 (const struct slice[]){SLICE("ZREVRANGE"), slice_of(store->keys.history), SLICE("0"),
                                                        SLICE("-1"), SLICE("WITHSCORES")},
                                 5, err);

    for (size_t i = 0; i + 1 < json_array_size(all) && view->history_count < VERSIONS_MOST; i += 2) {
        const char *version = json_string_value(json_array_get(all, i));
        const char *score = json_string_value(json_array_get(all, i + 1));
        int64_t live_at;

        if (version && score && template_version_is_valid(slice_of(version))) {
            struct store_version *row = &view->history[view->history_count++];

            memcpy(row->version, version, sizeof(row->version));
            row->live_at = number_parse(slice_of(score), &live_at) && live_at > 0 ? live_at : 0;
        }
    }
    json_decref(all);
    return all != NULL;
}

static bool look_at_pin(struct store *store, struct store_view *view, struct err *err)
{
    json_t *pin =
        redis_ask_call(store->redis, (const struct slice[]){SLICE("GET"), slice_of(store->keys.pin)}, 2, err);
    bool is_fine = pin != NULL;

    if (json_is_string(pin) && !template_pin_parse(slice_of(json_string_value(pin)), &view->pin)) {
        is_fine = err_set(err, "what stands at %s in Redis is no choice of a version", store->keys.pin);
    }
    json_decref(pin);
    return is_fine;
}

bool store_look(struct store *store, struct store_view *view, struct err *err)
{
    *view = (struct store_view){.worker_count = 0};
    if (look_at_pin(store, view, err) && look_at_workers(store, view, err) && look_at_history(store, view, err)) {
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
        store->redis, &pool_choose_script,
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
    char key[POOL_KEY_SIZE];
    json_t *answer =
        redis_ask_call(store->redis,
                       (const struct slice[]){SLICE("EXISTS"), pool_key(store->keys.files_prefix, version, key)}, 2, err);

    *has = json_integer_value(answer) == 1;
    json_decref(answer);
    return answer != NULL;
}

bool store_read_files(struct store *store, const char *version, struct buf *pack, struct err *err)
{
    char key[POOL_KEY_SIZE];
    json_t *answer =
        redis_ask_call(store->redis,
                       (const struct slice[]){SLICE("GET"), pool_key(store->keys.files_prefix, version, key)}, 2, err);
    bool is_there = json_is_string(answer);

    if (is_there) {
        buf_append(pack, json_string_value(answer), json_string_length(answer));
    } else if (answer) {
        err_set(err, "the files of version %s are not in Redis any more", version);
    }
    json_decref(answer);
    return is_there;
}

const char *store_find_version(const struct store_view *view, const char *digits, struct err *err)
{
    const char *found = NULL;

    if (strlen(digits) < LEAST_DIGITS) {
        err_set(err, "give at least %d digits of the version", LEAST_DIGITS);
        return NULL;
    }
    for (size_t i = 0; i < view->history_count; i++) {
        if (strncmp(view->history[i].version, digits, strlen(digits)) == 0) {
            if (found) {
                err_set(err, "more than one version begins with %s", digits);
                return NULL;
            }
            found = view->history[i].version;
        }
    }
    if (!found) {
        err_set(err, "there is no version %.20s (perkline templates lists them)", digits);
    }
    return found;
}
