#include "workers/replay/produce_guard.h"

#include <stdlib.h>
#include <string.h>

#include "workers/pool_view.h"

static bool check_settings(const struct replay_parts *parts, const char *topic, struct err *err)
{
    const struct topics *topics = parts->topics;
    enum park_tier tier;

    for (const char *const *wanted = parts->settings->topics; *wanted; wanted++) {
        if (topics_means(*wanted, topic)) {
            return err_set(err, "workers of the environment \"%s\" consume %s (KAFKA_TOPICS)",
                           parts->settings->environment, topic);
        }
    }
    if (topics_find_tier(topics, topic, &tier) || strcmp(topic, topics->outcomes) == 0 ||
        strcmp(topic, topics->dlq) == 0 || strcmp(topic, topics->held) == 0) {
        return err_set(err, "%s is a topic that workers keep their own records in", topic);
    }
    return true;
}

/* Workers name their partitions: [["topic", 0, ...], ...] of each channel. */
static bool is_consumed_by(const struct pool_worker *worker, const char *topic)
{
    const json_t *channels = pool_view_channels(worker);

    for (size_t i = 0; i < json_array_size(channels); i++) {
        const json_t *partitions = json_object_get(json_array_get(channels, i), "partitions");

        for (size_t k = 0; k < json_array_size(partitions); k++) {
            const char *name = json_string_value(json_array_get(json_array_get(partitions, k), 0));

            if (name && strcmp(name, topic) == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool check_view(const struct replay_parts *parts, const struct pool_view *view, const char *topic,
                       struct err *err)
{
    for (size_t i = 0; i < view->worker_count; i++) {
        if (is_consumed_by(&view->workers[i], topic)) {
            return err_set(err, "worker %s of the environment \"%s\" consumes %s", view->workers[i].name,
                           parts->settings->environment, topic);
        }
    }
    return true;
}

static bool check_workers(const struct replay_parts *parts, const char *topic, struct err *err)
{
    struct err unreachable = {0};
    struct redis_ask *redis = redis_ask_open(parts->settings->redis_url, &unreachable);
    struct pool_view view = {0};
    struct pool_keys keys;
    bool is_fine = true;

    pool_keys_init(&keys, parts->settings->environment);
    if (redis && pool_view_look(redis, &keys, &view, &unreachable)) {
        is_fine = check_view(parts, &view, topic, err);
    }
    pool_view_finish(&view);
    redis_ask_close(redis);
    return is_fine;
}

bool produce_guard_check(const struct replay_parts *parts, const char *topic, struct err *err)
{
    return check_settings(parts, topic, err) && (parts->options->is_offline || check_workers(parts, topic, err));
}
