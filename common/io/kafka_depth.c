#include "io/kafka_depth.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "io/kafka_lookup.h"
#include "io/kafka_wake.h"

enum { CLOSE_MS = 3000 };

struct kafka_depth {
    struct kafka_producer *producer;
    struct kafka_wake *wake;
    struct loop_timer *timer;
    struct kafka_lookup *lookup; /* NULL: no question is open */
    int64_t every_ms;
    struct err problem; /* of the last question */
    struct {
        char *name;
        int64_t records;
    } topics[KAFKA_DEPTH_MOST_TOPICS];
    size_t count;
};

/* Every partition that there could be; the lookup finds out which there are. */
static void ask(void *arg)
{
    struct kafka_depth *depth = arg;
    struct kafka_lookup_item *items = xcalloc(depth->count * KAFKA_DEPTH_MOST_PARTITIONS, sizeof(*items));
    size_t n = 0;

    for (size_t i = 0; i < depth->count; i++) {
        for (int32_t partition = 0; partition < KAFKA_DEPTH_MOST_PARTITIONS; partition++) {
            items[n++] = (struct kafka_lookup_item){.topic = depth->topics[i].name, .partition = partition};
        }
    }
    depth->lookup = kafka_lookup_begin(kafka_producer_client(depth->producer), KAFKA_LOOKUP_EXISTS | KAFKA_LOOKUP_RANGE,
                                       items, n, kafka_wake_fd(depth->wake));
    free(items);
}

static void take(struct kafka_depth *depth, const struct kafka_lookup_item items[], size_t count)
{
    for (size_t i = 0; i < depth->count; i++) {
        int64_t records = -1;

        for (size_t k = 0; k < count; k++) {
            if (items[k].exists && strcmp(items[k].topic, depth->topics[i].name) == 0) {
                records = (records < 0 ? 0 : records) + items[k].high - items[k].low;
            }
        }
        depth->topics[i].records = records;
    }
}

static void on_wake(void *arg)
{
    struct kafka_depth *depth = arg;
    const struct kafka_lookup_item *items;
    struct err problem = {0};
    size_t count;

    if (!depth->lookup || !kafka_lookup_is_done(depth->lookup)) {
        return;
    }
    if (kafka_lookup_answer(depth->lookup, &items, &count, &problem)) {
        take(depth, items, count);
    } else {
        log_event(LOG_DEBUG, "topic_depth_unknown", "reason", problem.text, NULL);
    }
    depth->problem = problem;
    kafka_lookup_destroy(depth->lookup, CLOSE_MS);
    depth->lookup = NULL;
    loop_timer_start(depth->timer, depth->every_ms);
}

struct kafka_depth *kafka_depth_open(struct loop *loop, struct kafka_producer *producer, const char *const topics[],
                                     int64_t every_ms, struct err *err)
{
    struct kafka_depth *depth = xcalloc(1, sizeof(*depth));

    depth->producer = producer;
    depth->every_ms = every_ms;
    err_set(&depth->problem, "no answer yet");
    depth->wake = kafka_wake_create(loop, on_wake, depth, err);
    if (!depth->wake) {
        free(depth);
        return NULL;
    }
    for (; topics[depth->count]; depth->count++) {
        assert(depth->count < KAFKA_DEPTH_MOST_TOPICS);
        depth->topics[depth->count].name = xstrdup(topics[depth->count]);
        depth->topics[depth->count].records = -1;
    }
    depth->timer = loop_timer_create(loop, ask, depth);
    loop_timer_start(depth->timer, 0);
    return depth;
}

void kafka_depth_close(struct kafka_depth *depth)
{
    if (!depth) {
        return;
    }
    loop_timer_destroy(depth->timer);
    if (kafka_lookup_destroy(depth->lookup, CLOSE_MS)) {
        kafka_wake_destroy(depth->wake);
    } else {
        log_event(LOG_ERROR, "kafka_lookup_stuck", NULL);
        kafka_wake_abandon(depth->wake);
    }
    for (size_t i = 0; i < depth->count; i++) {
        free(depth->topics[i].name);
    }
    free(depth);
}

const char *kafka_depth_problem(const struct kafka_depth *depth)
{
    return depth->problem.text;
}

int64_t kafka_depth_records(const struct kafka_depth *depth, const char *topic)
{
    for (size_t i = 0; i < depth->count; i++) {
        if (strcmp(depth->topics[i].name, topic) == 0) {
            return depth->topics[i].records;
        }
    }
    return -1;
}
