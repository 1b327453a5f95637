#include "run/pauses.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

static const struct metric_family paused_family = {"perkline_paused", METRIC_GAUGE,
                                                   "1 while people have paused it (perkline pause).",
                                                   {"scope", "name", NULL}};

struct pauses {
    struct loop *loop;
    struct metrics *metrics;
    struct pause_list list;
    int64_t heard_at[PAUSE_MOST]; /* monotonic ms, of each item of the list */
    bool is_known;
    struct {
        loop_fn fn;
        void *arg;
    } listeners[PAUSES_MOST_LISTENERS];
    size_t listener_count;
};

struct pauses *pauses_create(struct loop *loop, struct metrics *metrics)
{
    struct pauses *pauses = xcalloc(1, sizeof(*pauses));

    pauses->loop = loop;
    pauses->metrics = metrics;
    metrics_get(metrics, &paused_family, (const char *const[]){"all", ""}); /* 0, so that alerts see the metric */
    return pauses;
}

void pauses_destroy(struct pauses *pauses)
{
    free(pauses);
}

void pauses_add_listener(struct pauses *pauses, loop_fn fn, void *arg)
{
    assert(pauses->listener_count < PAUSES_MOST_LISTENERS);
    pauses->listeners[pauses->listener_count].fn = fn;
    pauses->listeners[pauses->listener_count++].arg = arg;
}

static void set_gauge(const struct pauses *pauses, const struct pause *pause, bool is_paused)
{
    metric_set(metrics_get(pauses->metrics, &paused_family,
                           (const char *const[]){pause_scope_name(pause->scope), pause->name}),
               is_paused);
}

static void tell(const struct pause *pause, bool is_paused)
{
    log_event(LOG_WARN, is_paused ? "paused" : "resumed", "scope", pause_scope_name(pause->scope), "name", pause->name,
              NULL);
}

static void replace(struct pauses *pauses, const struct pause_list *list)
{
    int64_t heard_at[PAUSE_MOST];

    for (size_t i = 0; i < list->count; i++) {
        const struct pause *before = pause_list_find(&pauses->list, list->items[i].scope, list->items[i].name);

        heard_at[i] = before ? pauses->heard_at[before - pauses->list.items] : loop_now_ms(pauses->loop);
        set_gauge(pauses, &list->items[i], true);
        if (!before) {
            tell(&list->items[i], true);
        }
    }
    for (size_t i = 0; i < pauses->list.count; i++) {
        const struct pause *before = &pauses->list.items[i];

        if (!pause_list_find(list, before->scope, before->name)) {
            set_gauge(pauses, before, false);
            tell(before, false);
        }
    }
    pauses->list = *list;
    memcpy(pauses->heard_at, heard_at, list->count * sizeof(heard_at[0]));
}

bool pauses_take(struct pauses *pauses, struct slice text, struct err *err)
{
    struct pause_list list;
    bool was_known = pauses->is_known;

    if (!pause_list_parse(text, &list, err)) {
        return false;
    }
    pauses->is_known = true;
    if (was_known && list.serial <= pauses->list.serial) {
        return true;
    }
    replace(pauses, &list);
    for (size_t i = 0; i < pauses->listener_count; i++) {
        pauses->listeners[i].fn(pauses->listeners[i].arg);
    }
    return true;
}

bool pauses_is_known(const struct pauses *pauses)
{
    return pauses->is_known;
}

const struct pause_list *pauses_list(const struct pauses *pauses)
{
    return &pauses->list;
}

bool pauses_stop(const struct pauses *pauses, enum channel channel, const char *provider)
{
    const struct pause_list *list = &pauses->list;

    return !pauses->is_known ||
           (list->count > 0 &&
            (pause_list_find(list, PAUSE_ALL, "") || pause_list_find(list, PAUSE_CHANNEL, channel_name(channel)) ||
             pause_list_find(list, PAUSE_PROVIDER, provider)));
}

/* The clocks of Redis and ours may differ: the longer of what both say, so that a worker that starts in the middle of a
 * pause does not take it for a new one. */
int64_t pauses_flow_age_ms(const struct pauses *pauses, const char *flow)
{
    const struct pause *pause = pauses->list.count ? pause_list_find(&pauses->list, PAUSE_FLOW, flow) : NULL;
    int64_t by_us, by_redis;

    if (!pause) {
        return -1;
    }
    by_us = loop_now_ms(pauses->loop) - pauses->heard_at[pause - pauses->list.items];
    by_redis = clock_wall_ms() - pause->since_ms;
    return by_redis > by_us ? by_redis : by_us;
}
