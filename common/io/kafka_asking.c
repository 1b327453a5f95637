#include "io/kafka_asking.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "io/kafka_wake.h"

enum { CLOSE_MS = 3000 };

struct kafka_asking {
    rd_kafka_t *rk;
    unsigned questions;
    char **topics;
    size_t topic_count;
    int64_t every_ms;
    struct kafka_wake *wake;
    struct loop_timer *timer;
    struct kafka_lookup *lookup; /* NULL: no question is open */
    struct kafka_lookup *answer; /* the last good one, or NULL */
    struct err problem;          /* of the last question */
};

/* Every partition that there could be; the lookup finds out which there are. */
static void ask(void *arg)
{
    struct kafka_asking *asking = arg;
    struct kafka_lookup_item *items = xcalloc(asking->topic_count * KAFKA_ASKING_MOST_PARTITIONS + 1, sizeof(*items));
    size_t n = 0;

    rd_kafka_poll(asking->rk, 0);
    for (size_t i = 0; i < asking->topic_count; i++) {
        for (int32_t partition = 0; partition < KAFKA_ASKING_MOST_PARTITIONS; partition++) {
            items[n++] = (struct kafka_lookup_item){.topic = asking->topics[i], .partition = partition};
        }
    }
    asking->lookup =
        kafka_lookup_begin(asking->rk, asking->questions | KAFKA_LOOKUP_EXISTS, items, n, kafka_wake_fd(asking->wake));
    free(items);
}

static void on_wake(void *arg)
{
    struct kafka_asking *asking = arg;
    const struct kafka_lookup_item *items;
    struct kafka_lookup *old = asking->lookup;
    struct err problem = {0};
    size_t count;

    if (!asking->lookup || !kafka_lookup_is_done(asking->lookup)) {
        return;
    }
    if (kafka_lookup_answer(asking->lookup, &items, &count, &problem)) {
        old = asking->answer;
        asking->answer = asking->lookup;
    } else {
        log_event(LOG_DEBUG, "topics_not_known", "reason", problem.text, NULL);
    }
    asking->problem = problem;
    asking->lookup = NULL;
    kafka_lookup_destroy(old, CLOSE_MS);
    loop_timer_start(asking->timer, asking->every_ms);
}

struct kafka_asking *kafka_asking_begin(struct loop *loop, struct rd_kafka_s *rk, unsigned questions,
                                        const char *const topics[], int64_t every_ms, struct err *err)
{
    struct kafka_asking *asking = xcalloc(1, sizeof(*asking));

    asking->rk = rk;
    asking->questions = questions;
    asking->every_ms = every_ms;
    err_set(&asking->problem, "no answer yet");
    asking->wake = kafka_wake_create(loop, on_wake, asking, err);
    if (!asking->wake) {
        free(asking);
        return NULL;
    }
    while (topics[asking->topic_count]) {
        asking->topic_count++;
    }
    asking->topics = xcalloc(asking->topic_count + 1, sizeof(*asking->topics));
    for (size_t i = 0; i < asking->topic_count; i++) {
        asking->topics[i] = xstrdup(topics[i]);
    }
    asking->timer = loop_timer_create(loop, ask, asking);
    loop_timer_start(asking->timer, 0);
    return asking;
}

bool kafka_asking_end(struct kafka_asking *asking)
{
    bool is_ended = true;

    if (!asking) {
        return true;
    }
    loop_timer_destroy(asking->timer);
    if (kafka_lookup_destroy(asking->lookup, CLOSE_MS)) {
        kafka_wake_destroy(asking->wake);
    } else {
        log_event(LOG_ERROR, "kafka_lookup_stuck", NULL);
        kafka_wake_abandon(asking->wake);
        is_ended = false;
    }
    kafka_lookup_destroy(asking->answer, CLOSE_MS);
    for (size_t i = 0; i < asking->topic_count; i++) {
        free(asking->topics[i]);
    }
    free(asking->topics);
    free(asking);
    return is_ended;
}

const char *kafka_asking_problem(const struct kafka_asking *asking)
{
    return asking->problem.text;
}

const struct kafka_lookup_item *kafka_asking_items(const struct kafka_asking *asking, size_t *count)
{
    const struct kafka_lookup_item *items = NULL;
    struct err ignored = {0};

    *count = 0;
    if (asking->answer) {
        kafka_lookup_answer(asking->answer, &items, count, &ignored);
    }
    return items;
}
