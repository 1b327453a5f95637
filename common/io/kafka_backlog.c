#include "io/kafka_backlog.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>

#include "base/mem.h"
#include "io/kafka_asking.h"
#include "io/kafka_config.h"
#include "io/kafka_handle.h"

enum { CLOSE_MS = 1000 };

struct kafka_backlog {
    rd_kafka_t *rk; /* knows the group's name, and subscribes to nothing */
    struct kafka_asking *asking;
};

struct kafka_backlog *kafka_backlog_open(struct loop *loop, const struct kafka_settings *settings, const char *group,
                                         const char *const topics[], int64_t every_ms, struct err *err)
{
    struct kafka_backlog *backlog = xcalloc(1, sizeof(*backlog));
    rd_kafka_conf_t *conf = kafka_config_create(KAFKA_ROLE_CONSUMER, settings, group, err);

    backlog->rk = conf ? kafka_handle_open(KAFKA_ROLE_CONSUMER, conf, err) : NULL;
    if (backlog->rk) {
        backlog->asking = kafka_asking_begin(loop, backlog->rk, KAFKA_LOOKUP_COMMITTED | KAFKA_LOOKUP_RANGE, topics,
                                             every_ms, err);
    }
    if (!backlog->asking) {
        kafka_backlog_close(backlog);
        return NULL;
    }
    return backlog;
}

void kafka_backlog_close(struct kafka_backlog *backlog)
{
    if (!backlog) {
        return;
    }
    if (kafka_asking_end(backlog->asking) && backlog->rk) {
        kafka_handle_close(backlog->rk, false, CLOSE_MS);
    }
    free(backlog);
}

const char *kafka_backlog_problem(const struct kafka_backlog *backlog)
{
    return kafka_asking_problem(backlog->asking);
}

static int64_t lag_of(const struct kafka_lookup_item *item)
{
    int64_t from = item->committed > item->low ? item->committed : item->low;

    return item->committed == KAFKA_LOOKUP_UNKNOWN ? -1 : item->high > from ? item->high - from : 0;
}

bool kafka_backlog_look(const struct kafka_backlog *backlog, size_t index, struct kafka_backlog_partition *partition)
{
    size_t count;
    const struct kafka_lookup_item *items = kafka_asking_items(backlog->asking, &count);

    for (size_t i = 0; i < count; i++) {
        if (items[i].exists && index-- == 0) {
            *partition = (struct kafka_backlog_partition){items[i].topic, items[i].partition, lag_of(&items[i])};
            return true;
        }
    }
    return false;
}
