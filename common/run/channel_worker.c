#include "run/channel_worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "io/http.h"
#include "io/kafka_consumer.h"
#include "run/careful.h"
#include "run/intake.h"
#include "run/partitions.h"
#include "run/pipeline.h"

static const struct metric_family missing_family = {
    "perkline_records_missing_total", METRIC_COUNTER,
    "Records that Kafka had removed before they were read.", {"channel", "topic", NULL}};

struct channel_worker {
    struct channel_worker_parts parts;
    enum channel channel;
    char group[128], client_id[128];
    struct http_client *http;
    struct pipeline *pipeline;
    struct partitions *partitions;
    struct intake *intake;
    struct kafka_consumer *consumer;
    bool is_kafka_up, is_draining, is_commit_begun, is_committed;
    char kafka_problem[256]; /* told while Kafka is away or no partition is ours */
};

/* --- what the consumer tells -------------------------------------------------------------------------------------- */

/* Parcels of the partition stay in flight as nobody's. */
static void forget(struct channel_worker *worker, const struct partition *partition, bool is_log_gone)
{
    if (partition) {
        pipeline_forget_partition(worker->pipeline, partition, is_log_gone);
        intake_forget_partition(worker->intake, partition, is_log_gone);
    }
}

static void on_record(void *arg, const struct kafka_record *record)
{
    struct channel_worker *worker = arg;

    intake_take(worker->intake, record);
}

static int64_t on_assign(void *arg, const struct kafka_partition *partition, int64_t committed, const char *metadata)
{
    struct channel_worker *worker = arg;
    enum park_tier tier;
    bool is_retry = topics_find_tier(worker->parts.topics, partition->topic, &tier);
    int64_t start = !is_retry && worker->parts.settings->starts_at_latest ? KAFKA_START_LATEST : KAFKA_START_EARLIEST;

    careful_take(worker->parts.careful, worker->channel, partition->topic, partition->partition, committed);
    return partitions_assign(worker->partitions, partition, committed, metadata, start);
}

static bool on_revoke(void *arg, const struct kafka_partition *which, bool can_commit, struct kafka_position *position)
{
    struct channel_worker *worker = arg;
    bool must_commit;

    forget(worker, partitions_revoke(worker->partitions, which, can_commit, position, &must_commit), false);
    careful_leave(worker->parts.careful, worker->channel, which->topic, which->partition);
    return must_commit;
}

static void on_end(void *arg, const struct kafka_partition *partition, int64_t next_offset)
{
    struct channel_worker *worker = arg;

    partitions_reach_end(worker->partitions, partition, next_offset);
}

static void on_out_of_range(void *arg, const struct kafka_partition *partition, int64_t wanted, int64_t low, int64_t high,
                            int64_t missing)
{
    struct channel_worker *worker = arg;
    const char *const labels[] = {channel_name(worker->channel), partition->topic};

    log_event(LOG_ERROR, "records_missing", "topic", partition->topic, "partition", log_int(partition->partition),
              "wanted", log_int(wanted), "low", log_int(low), "high", log_int(high), "missing", log_int(missing), "reason",
              wanted > high ? "the topic ends before what we had read: it was made anew, or lost its end"
                            : "Kafka removed them before they were read",
              NULL);
    metric_add(metrics_get(worker->parts.metrics, &missing_family, labels), (double)missing);
    forget(worker, partitions_restart(worker->partitions, partition, wanted, low), true);
}

static void on_state(void *arg, bool is_up, const char *reason)
{
    struct channel_worker *worker = arg;

    if (is_up) {
        snprintf(worker->kafka_problem, sizeof(worker->kafka_problem), "no partition is assigned: %s",
                 strcmp(reason, "connected") == 0
                     ? "the group is forming; a dead member is waited for until KAFKA_SESSION_TIMEOUT"
                     : reason);
    } else {
        snprintf(worker->kafka_problem, sizeof(worker->kafka_problem), "Kafka: %s", reason);
    }
    if (is_up != worker->is_kafka_up) {
        log_event(is_up ? LOG_INFO : LOG_WARN, is_up ? "kafka_up" : "kafka_down", "channel",
                  channel_name(worker->channel), "reason", reason, NULL);
    }
    worker->is_kafka_up = is_up;
}

static void on_fatal(void *arg, const char *reason)
{
    struct channel_worker *worker = arg;

    worker->parts.on_fatal(worker->parts.arg, reason);
}

static void on_parcel_done(void *arg, struct parcel *parcel, bool is_complete)
{
    struct channel_worker *worker = arg;

    intake_parcel_done(worker->intake, parcel, is_complete);
}

static void on_pauses(void *arg)
{
    struct channel_worker *worker = arg;

    intake_look_at_pauses(worker->intake);
}

/* --- open --------------------------------------------------------------------------------------------------------- */

static bool open_http(struct channel_worker *worker, struct err *err)
{
    const struct worker_settings *settings = worker->parts.settings;
    const struct http_settings http = worker_http_settings(settings);

    if (settings->is_plain_provider_allowed) {
        log_event(LOG_WARN, "plain_provider_allowed", "setting", "PROVIDER_ALLOW_PLAIN", NULL);
    }
    worker->http = http_open(worker->parts.loop, &http, err);
    return worker->http != NULL;
}

static void create_stages(struct channel_worker *worker)
{
    const struct channel_worker_parts *parts = &worker->parts;

    metrics_declare(parts->metrics, &missing_family);
    worker->partitions = partitions_create(parts->loop, worker->channel, parts->metrics);
    worker->pipeline = pipeline_create(
        &(struct pipeline_parts){
            .channel = worker->channel,
            .provider = parts->provider,
            .account = worker_account(parts->settings),
            .loop = parts->loop,
            .claims = parts->claims,
            .http = worker->http,
            .producer = parts->producer,
            .templates = parts->templates,
            .pauses = parts->pauses,
            .careful = parts->careful,
            .topics = parts->topics,
            .metrics = parts->metrics,
            .traces = parts->traces,
            .environment = parts->settings->environment,
            .rate_per_s = worker_rate(parts->settings, parts->provider),
            .connections = parts->settings->connections,
            .request_timeout_ms = parts->settings->request_timeout_ms,
            .key_ttl_ms = worker_key_ttl_ms(parts->settings, parts->provider),
            .visibility_lag_ms = worker_visibility_lag_ms(parts->settings, parts->provider),
            .questions_per_hour = worker_questions_per_hour(parts->settings, parts->provider),
        },
        on_parcel_done, worker);
    worker->intake = intake_create(&(struct intake_parts){
        .channel = worker->channel,
        .loop = parts->loop,
        .partitions = worker->partitions,
        .pipeline = worker->pipeline,
        .templates = parts->templates,
        .pauses = parts->pauses,
        .careful = parts->careful,
        .topics = parts->topics,
        .metrics = parts->metrics,
        .window = parts->settings->window,
    });
    pauses_add_listener(parts->pauses, on_pauses, worker);
}

static bool open_consumer(struct channel_worker *worker, struct err *err)
{
    const struct channel_worker_parts *parts = &worker->parts;
    const struct kafka_settings kafka = worker_kafka_settings(parts->settings, worker->client_id);
    const struct kafka_consumer_events events = {
        .on_record = on_record,
        .on_assign = on_assign,
        .on_revoke = on_revoke,
        .on_end = on_end,
        .on_out_of_range = on_out_of_range,
        .on_state = on_state,
        .on_fatal = on_fatal,
        .arg = worker,
    };
    const char *topics[MOST_TOPICS + PARK_TIER_COUNT + 1];
    size_t count = 0;

    while (parts->settings->topics[count]) {
        topics[count] = parts->settings->topics[count];
        count++;
    }
    for (int tier = 0; tier < PARK_TIER_COUNT; tier++) {
        topics[count++] = parts->topics->retry[tier];
    }
    topics[count] = NULL;
    worker->consumer = kafka_consumer_open(parts->loop, &kafka, worker->group, topics, parts->settings->kafka_assign,
                                           &events, err);
    partitions_set_consumer(worker->partitions, worker->consumer);
    intake_set_consumer(worker->intake, worker->consumer);
    return worker->consumer || err_prefix(err, "%s", parts->settings->kafka_assign ? "KAFKA_ASSIGN" : "KAFKA_TOPICS");
}

struct channel_worker *channel_worker_open(const struct channel_worker_parts *parts, struct err *err)
{
    struct channel_worker *worker = xcalloc(1, sizeof(*worker));

    worker->parts = *parts;
    worker->channel = parts->provider->channel;
    worker_format_group(parts->settings->kafka_group, worker->channel, worker->group, sizeof(worker->group));
    snprintf(worker->client_id, sizeof(worker->client_id), "perkline-%s", channel_name(worker->channel));
    snprintf(worker->kafka_problem, sizeof(worker->kafka_problem), "Kafka: connecting");
    if (!open_http(worker, err)) {
        free(worker);
        return NULL;
    }
    create_stages(worker);
    if (!open_consumer(worker, err)) {
        channel_worker_close_io(worker);
        channel_worker_destroy(worker);
        return NULL;
    }
    return worker;
}

/* --- end ---------------------------------------------------------------------------------------------------------- */

void channel_worker_close_io(struct channel_worker *worker)
{
    struct kafka_consumer *consumer = worker->consumer;

    worker->consumer = NULL;
    intake_set_consumer(worker->intake, NULL);
    partitions_set_consumer(worker->partitions, NULL);
    if (consumer) {
        kafka_consumer_close(consumer);
    }
    http_close(worker->http);
}

void channel_worker_destroy(struct channel_worker *worker)
{
    if (!worker) {
        return;
    }
    pipeline_destroy(worker->pipeline);
    intake_destroy(worker->intake);
    partitions_destroy(worker->partitions);
    free(worker);
}

bool channel_worker_renew(struct channel_worker *worker, struct err *err)
{
    const struct kafka_settings kafka = worker_kafka_settings(worker->parts.settings, worker->client_id);

    return kafka_consumer_renew(worker->consumer, &kafka, err);
}

void channel_worker_drain(struct channel_worker *worker)
{
    worker->is_draining = true;
    intake_stop(worker->intake);
    careful_leave(worker->parts.careful, worker->channel, NULL, 0);
    pipeline_drain(worker->pipeline);
}

static void on_committed(void *arg)
{
    struct channel_worker *worker = arg;

    worker->is_committed = true;
}

bool channel_worker_is_drained(struct channel_worker *worker)
{
    if (pipeline_parcel_count(worker->pipeline) > 0) {
        return false;
    }
    if (!worker->is_commit_begun) {
        worker->is_commit_begun = true;
        partitions_commit(worker->partitions, on_committed, worker);
    }
    return worker->is_committed;
}

/* --- state -------------------------------------------------------------------------------------------------------- */

const char *channel_worker_problem(const struct channel_worker *worker)
{
    return worker->is_kafka_up && partitions_count(worker->partitions) > 0 ? "" : worker->kafka_problem;
}

void channel_worker_update_metrics(struct channel_worker *worker)
{
    partitions_update_metrics(worker->partitions);
    pipeline_update_metrics(worker->pipeline);
    intake_update_metrics(worker->intake);
}

enum channel channel_worker_channel(const struct channel_worker *worker)
{
    return worker->channel;
}

struct channel_worker_facts channel_worker_look(const struct channel_worker *worker)
{
    return (struct channel_worker_facts){
        .channel = worker->channel,
        .provider = worker->parts.provider->name,
        .in_flight = (int64_t)pipeline_parcel_count(worker->pipeline),
        .window = worker->parts.settings->window,
        .connections = worker->parts.settings->connections,
        .pipeline = pipeline_look(worker->pipeline),
        .partitions = worker->partitions,
    };
}
