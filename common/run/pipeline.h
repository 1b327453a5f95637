/*
 * pipeline: the way of a task through the stages, for one channel.
 *
 * pipeline.c holds the table of stages and transitions: the only place where their order stands. It owns every parcel
 * from pipeline_submit() until its last task is done, and then tells the owner.
 */
#ifndef RUN_PIPELINE_H
#define RUN_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/metrics.h"
#include "core/channel.h"
#include "core/provider.h"
#include "io/http.h"
#include "io/kafka_producer.h"
#include "io/loop.h"
#include "run/claims.h"
#include "run/limiter.h"
#include "run/parcel.h"
#include "run/pauses.h"
#include "run/templates.h"
#include "run/topics.h"

struct pipeline;
struct trace_export;

/* What the stages work with; all borrowed, except that texts of `account` must outlive the pipeline.
 *
 * A rehearsal goes no further than to render: it needs neither provider nor http, and with claims only looks up whether it
 * is done already (claims NULL: nothing is known to be). Without a producer nothing leaves by a topic: outcomes, dead
 * letters, what is held or parked end with on_done. */
struct pipeline_parts {
    bool is_rehearsal;
    bool keeps_texts;         /* messages stay whole until on_done, as those of a rehearsal do */
    bool is_as_of_event;      /* max_age is judged at the time of the event, not at ours */
    int64_t most_ttl_ms;      /* of a delivery's record in Redis, whatever its flow says; 0: as the flow says */
    enum channel channel;
    const struct provider *provider;
    struct provider_account account;
    struct loop *loop;
    struct claims *claims;
    struct http_client *http;
    struct kafka_producer *producer;
    struct templates *templates;
    struct pauses *pauses;
    struct careful *careful;  /* NULL: events are trusted not to kill us */
    const struct topics *topics;
    struct metrics *metrics;
    struct trace_export *traces; /* NULL: nobody looks at traces */
    const char *environment;
    int64_t rate_per_s;
    int64_t connections;
    int64_t request_timeout_ms;
    /* what the provider's table says, or the settings */
    int64_t key_ttl_ms, visibility_lag_ms, questions_per_hour;
};

/* `on_done` is told when the last task of a parcel has left: `is_complete` is false when one was dropped, so that the
 * offset must not count as done. The parcel is destroyed when it returns. */
typedef void (*pipeline_done_fn)(void *arg, struct parcel *parcel, bool is_complete);

struct pipeline *pipeline_create(const struct pipeline_parts *parts, pipeline_done_fn on_done, void *arg);
/* Parcels in flight are forgotten: what they did stands in Redis. */
void pipeline_destroy(struct pipeline *pipeline);

/* Takes over a parcel with at least one task. In a rehearsal without claims it is done when this returns. */
void pipeline_submit(struct pipeline *pipeline, struct parcel *parcel);
/* Its parcels stay in flight as nobody's. They drop out before they take a claim when they are read again by who has the
 * partition now; when its log is gone they are finished. */
void pipeline_forget_partition(struct pipeline *pipeline, const struct partition *partition, bool is_log_gone);
size_t pipeline_parcel_count(const struct pipeline *pipeline);
/* From now on tasks without a claim are dropped; those with one are finished. */
void pipeline_drain(struct pipeline *pipeline);
bool pipeline_is_draining(const struct pipeline *pipeline);
/* What is only known by looking. Together with the counters it is one moment's state. */
void pipeline_update_metrics(struct pipeline *pipeline);

/* For people to look at. */
struct pipeline_facts {
    const char *gate;    /* provider and channel: "brevo-email" */
    const char *breaker; /* "closed", "open", "half_open" */
    const char *trouble; /* why the provider takes nothing, as gate_trouble() */
    int64_t on_wire;     /* requests */
    int64_t rate_per_s;  /* that all workers together may make; 0: no limit */
    uint64_t outcomes[OUTCOME_STATE_COUNT], parked; /* deliveries since the start */
};

struct pipeline_facts pipeline_look(const struct pipeline *pipeline);

#endif
