#include "io/kafka_depth.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/kafka_asking.h"

struct kafka_depth {
    struct kafka_asking *asking;
};

struct kafka_depth *kafka_depth_open(struct loop *loop, struct kafka_producer *producer, const char *const topics[],
                                     int64_t every_ms, struct err *err)
{
    struct kafka_depth *depth = xcalloc(1, sizeof(*depth));

    depth->asking =
        kafka_asking_begin(loop, kafka_producer_client(producer), KAFKA_LOOKUP_RANGE, topics, every_ms, err);
    if (!depth->asking) {
        free(depth);
        return NULL;
    }
    return depth;
}

void kafka_depth_close(struct kafka_depth *depth)
{
    if (depth) {
        kafka_asking_end(depth->asking);
        free(depth);
    }
}

const char *kafka_depth_problem(const struct kafka_depth *depth)
{
    return kafka_asking_problem(depth->asking);
}

int64_t kafka_depth_records(const struct kafka_depth *depth, const char *topic)
{
    size_t count;
    const struct kafka_lookup_item *items = kafka_asking_items(depth->asking, &count);
    int64_t records = -1;

    for (size_t i = 0; i < count; i++) {
        if (items[i].exists && strcmp(items[i].topic, topic) == 0) {
            records = (records < 0 ? 0 : records) + items[i].high - items[i].low;
        }
    }
    return records;
}
