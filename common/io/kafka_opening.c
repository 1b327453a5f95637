#include "io/kafka_opening.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "io/background.h"

struct kafka_opening {
    struct loop *loop;
    struct kafka_settings settings;
    struct kafka_reader_range *ranges; /* their topics are ours */
    size_t count;
    kafka_opened_fn fn;
    void *arg;
    atomic_bool is_given_up;
    struct kafka_reader *reader; /* the thread's, until it is done */
    struct err problem;
};

static void open_in_background(void *arg)
{
    struct kafka_opening *opening = arg;

    opening->reader = kafka_reader_open_ranges(&opening->settings, opening->ranges, opening->count,
                                               &opening->is_given_up, &opening->problem);
}

static void on_opened(void *arg)
{
    struct kafka_opening *opening = arg;

    if (!atomic_load(&opening->is_given_up)) {
        opening->fn(opening->arg, opening->reader, opening->problem.text);
    } else {
        kafka_opening_close(opening->loop, opening->reader);
    }
    for (size_t i = 0; i < opening->count; i++) {
        free((char *)opening->ranges[i].topic);
    }
    free(opening->ranges);
    free(opening);
}

struct kafka_opening *kafka_opening_begin(struct loop *loop, const struct kafka_settings *settings,
                                          const struct kafka_reader_range ranges[], size_t count, kafka_opened_fn fn,
                                          void *arg)
{
    struct kafka_opening *opening = xcalloc(1, sizeof(*opening));

    opening->loop = loop;
    opening->settings = *settings;
    opening->ranges = xcalloc(count, sizeof(*ranges));
    opening->count = count;
    for (size_t i = 0; i < count; i++) {
        opening->ranges[i] = ranges[i];
        opening->ranges[i].topic = xstrdup(ranges[i].topic);
    }
    opening->fn = fn;
    opening->arg = arg;
    atomic_init(&opening->is_given_up, false);
    background_begin(loop, open_in_background, on_opened, opening);
    return opening;
}

void kafka_opening_give_up(struct kafka_opening *opening)
{
    if (opening) {
        atomic_store(&opening->is_given_up, true);
    }
}

static void close_in_background(void *arg)
{
    kafka_reader_close(arg);
}

static void forget(void *arg)
{
    (void)arg;
}

void kafka_opening_close(struct loop *loop, struct kafka_reader *reader)
{
    if (reader) {
        background_begin(loop, close_in_background, forget, reader);
    }
}
