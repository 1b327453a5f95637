#include "workers/status/summary.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "core/channel.h"
#include "core/park.h"

enum { OWNED_KEY_SIZE = TOPIC_NAME_SIZE + 48 };

/* --- sums --------------------------------------------------------------------------------------------------------- */

static void add_int(json_t *object, const char *name, int64_t number)
{
    json_object_set_new(object, name, json_integer(pool_view_int(object, name) + number));
}

static void add_all_ints(json_t *to, const json_t *from)
{
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)from, name, value) {
        add_int(to, name, pool_view_number(value));
    }
}

static void add_all_reals(json_t *to, const json_t *from)
{
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)from, name, value) {
        json_object_set_new(to, name, json_real(json_number_value(json_object_get(to, name)) + json_number_value(value)));
    }
}

/* A member of the array whose `key` (and `key2`) have these values, or NULL. Borrowed. */
static json_t *find(const json_t *array, const char *key, const char *value, const char *key2, const char *value2)
{
    json_t *item;
    size_t i;

    json_array_foreach (array, i, item) {
        if (strcmp(pool_view_text(item, key), value) == 0 &&
            (!key2 || strcmp(pool_view_text(item, key2), value2) == 0)) {
            return item;
        }
    }
    return NULL;
}

/* Made when it is not there. */
static json_t *find_or_add(json_t *array, const char *key, const char *value, const char *key2, const char *value2)
{
    json_t *item = find(array, key, value, key2, value2);

    if (item) {
        return item;
    }
    item = json_object();
    json_object_set_new(item, key, json_string(value));
    if (key2) {
        json_object_set_new(item, key2, json_string(value2));
    }
    json_array_append_new(array, item);
    return item;
}

static json_t *part(json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);

    if (!value) {
        value = json_object();
        json_object_set_new(object, name, value);
    }
    return value;
}

/* --- channels and topics ------------------------------------------------------------------------------------------ */

static void add_channel(json_t *channels, const json_t *from)
{
    static const char *const sums[] = {"in_flight", "window", "on_wire", "connections"};
    json_t *channel = find_or_add(channels, "channel", pool_view_text(from, "name"), NULL, NULL);
    int64_t limit = pool_view_int(from, "rate_limit");

    add_int(channel, "workers", 1);
    for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
        add_int(channel, sums[i], pool_view_int(from, sums[i]));
    }
    /* One limit for all workers; the lowest, where a worker has not learned of it yet. */
    if (!json_object_get(channel, "rate_limit") || (limit > 0 && limit < pool_view_int(channel, "rate_limit"))) {
        json_object_set_new(channel, "rate_limit", json_integer(limit));
    }
    add_int(part(channel, "breakers"), pool_view_text(from, "breaker"), 1);
    if (pool_view_text(from, "trouble")[0]) {
        add_int(part(channel, "troubles"), pool_view_text(from, "trouble"), 1);
    }
    add_all_reals(part(channel, "rates"), json_object_get(from, "rates"));
    add_all_ints(part(channel, "totals"), json_object_get(from, "totals"));
}

/* A lag that is not known yet leaves the sum as it is. */
static void add_lag(json_t *object, const json_t *lag)
{
    if (json_is_integer(lag)) {
        add_int(object, "lag", pool_view_number(lag));
    } else if (!json_object_get(object, "lag")) {
        json_object_set_new(object, "lag", json_null());
    }
}

static void add_partition(json_t *topics, json_t *channel, const json_t *partition)
{
    const char *name = json_string_value(json_array_get(partition, 0));
    const json_t *lag = json_array_get(partition, 2);
    json_t *topic;

    if (!name) {
        return;
    }
    topic = find_or_add(topics, "topic", name, "channel", pool_view_text(channel, "channel"));
    add_int(topic, "partitions", 1);
    add_int(topic, "open", pool_view_number(json_array_get(partition, 3)));
    add_int(topic, "paused_partitions", json_is_true(json_array_get(partition, 4)));
    add_lag(topic, lag);
    if (json_is_integer(lag) && pool_view_number(lag) >= pool_view_int(topic, "largest_lag")) {
        json_object_set_new(topic, "largest_lag", json_integer(pool_view_number(lag)));
        json_object_set_new(topic, "largest_partition", json_integer(pool_view_number(json_array_get(partition, 1))));
    }
}

static bool is_retry(const struct topics *topics, const char *name)
{
    enum park_tier tier;

    return topics_find_tier(topics, name, &tier);
}

/* --- partitions that nobody has ------------------------------------------------------------------------------------ */

/* The name of a partition in the set of those that somebody has. */
static const char *owned_key(const char *channel, const char *topic, int64_t partition, char text[OWNED_KEY_SIZE])
{
    snprintf(text, OWNED_KEY_SIZE, "%s %s %" PRId64, channel, topic, partition);
    return text;
}

static void add_unowned(const struct summary_parts *parts, const char *name, const struct kafka_backlog_partition *item,
                        json_t *channel, json_t *topics)
{
    json_t *topic = find_or_add(topics, "topic", item->topic, "channel", name);
    json_t *unowned = json_object_get(topic, "unowned"), *lag = item->lag < 0 ? json_null() : json_integer(item->lag);

    if (!unowned) {
        unowned = json_array();
        json_object_set_new(topic, "unowned", unowned);
    }
    json_array_append_new(unowned, json_integer(item->partition));
    add_int(topic, "unowned_lag", item->lag < 0 ? 0 : item->lag);
    add_lag(topic, lag);
    if (channel && !is_retry(parts->topics, item->topic)) {
        add_lag(channel, lag);
    }
    json_decref(lag);
}

/* A group that has committed nothing, of a channel without a worker, is that of an installation without this channel. */
static void add_all_unowned(const struct summary_parts *parts, const json_t *owned, const json_t *channels, json_t *topics)
{
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        const struct summary_backlog *backlog = &parts->backlogs[i];
        const char *name = channel_name((enum channel)i);
        json_t *channel = find(channels, "channel", name, NULL, NULL);
        char key[OWNED_KEY_SIZE];

        for (size_t k = 0; k < backlog->count; k++) {
            const struct kafka_backlog_partition *item = &backlog->items[k];

            if (!json_object_get(owned, owned_key(name, item->topic, item->partition, key)) &&
                (channel || item->lag >= 0)) {
                add_unowned(parts, name, item, channel, topics);
            }
        }
    }
}

static void add_worker(const struct summary_parts *parts, const struct pool_worker *worker, json_t *channels,
                       json_t *topics, json_t *owned)
{
    const json_t *from, *partition;
    size_t i, k;

    json_array_foreach (pool_view_channels(worker), i, from) {
        json_t *channel;

        add_channel(channels, from);
        channel = find_or_add(channels, "channel", pool_view_text(from, "name"), NULL, NULL);
        json_array_foreach (json_object_get(from, "partitions"), k, partition) {
            const char *name = json_string_value(json_array_get(partition, 0));
            char key[OWNED_KEY_SIZE];

            add_partition(topics, channel, partition);
            if (name) {
                json_object_set_new(owned,
                                    owned_key(pool_view_text(from, "name"), name,
                                              json_integer_value(json_array_get(partition, 1)), key),
                                    json_true());
            }
            if (name && !is_retry(parts->topics, name)) {
                add_lag(channel, json_array_get(partition, 2));
            }
        }
    }
}

/* --- what waits --------------------------------------------------------------------------------------------------- */

static json_t *number_or_null(int64_t number)
{
    return number < 0 ? json_null() : json_integer(number);
}

/* Every channel reads a retry topic whole and keeps what is its own: what was read and is not done, of all; and what
 * nobody has read, of the one that is furthest behind. -1: nobody reads it. */
static int64_t count_waiting(const json_t *topics, const char *name)
{
    int64_t open = 0, lag = 0;
    bool is_known = false;
    const json_t *topic;
    size_t i;

    json_array_foreach (topics, i, topic) {
        if (strcmp(pool_view_text(topic, "topic"), name) == 0 && json_is_integer(json_object_get(topic, "lag"))) {
            int64_t own = pool_view_int(topic, "lag");

            open += pool_view_int(topic, "open");
            lag = own > lag ? own : lag;
            is_known = true;
        }
    }
    return is_known ? open + lag : -1;
}

static json_t *make_waiting(const struct summary_parts *parts, const json_t *topics)
{
    json_t *waiting = json_object();

    for (int tier = 0; tier < PARK_TIER_COUNT; tier++) {
        char name[32];

        snprintf(name, sizeof(name), "retry.%s", park_tier_name((enum park_tier)tier));
        json_object_set_new(waiting, name, number_or_null(count_waiting(topics, parts->topics->retry[tier])));
    }
    json_object_set_new(waiting, "held", number_or_null(parts->held));
    json_object_set_new(waiting, "dlq", number_or_null(parts->dlq));
    return waiting;
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static json_t *make_problem(const char *problem)
{
    return json_pack("{s:b, s:s}", "is_ok", problem[0] == '\0', "problem", problem);
}

static json_t *copy_worker(const struct pool_view *view, const struct pool_worker *worker)
{
    json_t *copy = json_pack("{s:s, s:I, s:b}", "worker", worker->name, "silent_ms", (json_int_t)worker->silent_ms,
                             "has_heard", worker->heard >= view->pauses.serial);

    json_object_update_missing(copy, worker->state);
    return copy;
}

json_t *summary_make(const struct summary_parts *parts)
{
    json_t *channels = json_array(), *topics = json_array(), *workers = json_array(), *owned = json_object();
    json_t *waiting, *paused = parts->view ? pool_view_pauses(parts->view) : json_null();
    int64_t now_ms = parts->view ? parts->view->now_ms : parts->now_ms;
    char at[CLOCK_ISO_SIZE];

    clock_format_iso(now_ms, at);
    for (size_t i = 0; parts->view && i < parts->view->worker_count; i++) {
        add_worker(parts, &parts->view->workers[i], channels, topics, owned);
        json_array_append_new(workers, copy_worker(parts->view, &parts->view->workers[i]));
    }
    if (parts->view) {
        add_all_unowned(parts, owned, channels, topics);
    }
    json_decref(owned);
    waiting = make_waiting(parts, topics);
    if (!parts->view) {
        json_decref(workers);
        workers = json_null();
    }
    return json_pack("{s:s, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "at", at, "now_ms",
                     (json_int_t)now_ms, "environment", parts->environment,
                     "redis", make_problem(parts->redis_problem), "kafka", make_problem(parts->kafka_problem), "paused",
                     paused, "channels", channels, "topics", topics, "waiting", waiting, "workers",
                     workers);
}
