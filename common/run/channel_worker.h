/*
 * channel_worker: everything that serves one channel in this process: consumer, partitions, intake, pipeline, HTTP client.
 * Channels are independent: each has its own consumer group, window, breaker and rate limit, so that an outage of one
 * never delays the other.
 */
#ifndef RUN_CHANNEL_WORKER_H
#define RUN_CHANNEL_WORKER_H

#include <stdbool.h>

#include "base/err.h"
#include "base/metrics.h"
#include "core/provider.h"
#include "io/kafka_producer.h"
#include "run/claims.h"
#include "run/partitions.h"
#include "run/pauses.h"
#include "run/pipeline.h"
#include "run/templates.h"
#include "run/topics.h"
#include "run/worker_settings.h"

struct careful;
struct channel_worker;
struct trace_export;

struct channel_worker_parts {
    const struct worker_settings *settings;
    const struct provider *provider;
    struct loop *loop;
    struct claims *claims;
    struct kafka_producer *producer;
    struct templates *templates;
    struct pauses *pauses;
    struct careful *careful;
    const struct topics *topics;
    struct metrics *metrics;
    struct trace_export *traces; /* NULL: nobody looks at traces */
    /* The consumer cannot go on: the process must end with status 3. */
    void (*on_fatal)(void *arg, const char *reason);
    void *arg;
};

struct channel_worker *channel_worker_open(const struct channel_worker_parts *parts, struct err *err);
/* In two steps, since claims and producer are shared: first nothing of this channel is begun any more ... */
void channel_worker_close_io(struct channel_worker *worker);
/* ... and when claims and producer are closed, the rest is freed. */
void channel_worker_destroy(struct channel_worker *worker);

/* Passwords may have changed. False + err. */
bool channel_worker_renew(struct channel_worker *worker, struct err *err);
void channel_worker_drain(struct channel_worker *worker);
/* Nothing in flight, and what is done is committed (or Kafka did not answer). */
bool channel_worker_is_drained(struct channel_worker *worker);

/* "" when it can work; else why not. */
const char *channel_worker_problem(const struct channel_worker *worker);
void channel_worker_update_metrics(struct channel_worker *worker);
enum channel channel_worker_channel(const struct channel_worker *worker);

/* For people to look at; borrowed. */
struct channel_worker_facts {
    enum channel channel;
    const char *provider;
    int64_t in_flight, window;  /* parcels */
    int64_t connections;        /* most requests at once */
    struct pipeline_facts pipeline;
    const struct partitions *partitions;
};

struct channel_worker_facts channel_worker_look(const struct channel_worker *worker);

#endif
