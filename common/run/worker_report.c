#include "run/worker_inside.h"

#include "base/clock.h"
#include "base/log.h"

static const struct metric_family build_family = {"perkline_build_info", METRIC_GAUGE, "1, with the version.",
                                                  {"version", NULL}};
static const struct metric_family depth_family = {
    "perkline_topic_records", METRIC_GAUGE,
    "Records that the DLQ and the held topic keep, dealt with or not; each worker asks Kafka for it every 30 s.",
    {"topic", NULL}};
static const struct metric_family started_family = {"perkline_start_time_seconds", METRIC_GAUGE,
                                                    "When this process began, in seconds since 1970.", {0}};
static const struct metric_family dropped_family = {"perkline_log_lines_dropped_total", METRIC_COUNTER,
                                                    "Log lines that nobody took.", {0}};
static const struct metric_family ready_family = {"perkline_ready", METRIC_GAUGE, "1 when it can work.", {0}};
static const struct metric_family redis_commands_family = {"perkline_redis_commands_total", METRIC_COUNTER,
                                                           "Commands sent to Redis.", {0}};
static const struct metric_family redis_errors_family = {"perkline_redis_errors_total", METRIC_COUNTER,
                                                         "Commands that Redis refused.", {0}};
static const struct metric_family redis_timeouts_family = {"perkline_redis_timeouts_total", METRIC_COUNTER,
                                                           "Commands without an answer in time.", {0}};
static const struct metric_family redis_reconnects_family = {"perkline_redis_reconnects_total", METRIC_COUNTER,
                                                             "Connections to Redis made anew.", {0}};

/* For counts that are kept elsewhere. */
static void show(const struct worker *worker, const struct metric_family *family, double value)
{
    metric_set(metrics_get(worker->metrics, family, NULL), value);
}

void worker_report_begin(struct worker *worker)
{
    metrics_declare(worker->metrics, &depth_family);
    metric_set(metrics_get(worker->metrics, &build_family, (const char *const[]){PERKLINE_VERSION}), 1);
    show(worker, &started_family, (double)clock_wall_ms() / 1000);
}

void worker_report_problems(void *arg, struct buf *out)
{
    struct worker *worker = arg;

    if (worker->is_draining) {
        buf_append_text(out, "draining\n");
    }
    if (!claims_is_ready(worker->claims)) {
        buf_appendf(out, "%s\n", claims_state_reason(worker->claims));
    }
    if (worker->pool && !pool_is_known(worker->pool)) {
        buf_appendf(out, "not known yet what people paused and chose: %s\n",
                    pool_refusal(worker->pool)[0] ? pool_refusal(worker->pool) : "Redis has not answered");
    }
    if (templates_missing(worker->templates)[0]) {
        buf_appendf(out, "templates: version %s was chosen and is not here\n", templates_missing(worker->templates));
    }
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        const char *problem = worker->channels[channel] ? channel_worker_problem(worker->channels[channel]) : "";

        if (problem[0]) {
            buf_appendf(out, "%s: %s\n", channel_name((enum channel)channel), problem);
        }
    }
}

void worker_report_beat(void *arg, struct json_text *j)
{
    struct worker *worker = arg;
    struct buf problems;

    buf_init(&problems, 1 << 16);
    worker_report_problems(worker, &problems);
    json_text_member_if(j, "problems", buf_text(&problems));
    buf_finish(&problems);
    json_text_key(j, "channels");
    json_text_open(j, '[');
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        if (worker->channels[channel]) {
            struct channel_worker_facts facts = channel_worker_look(worker->channels[channel]);

            channel_report_write(&worker->reports[channel], &facts, loop_now_ms(worker->loop), j);
        }
    }
    json_text_close(j, ']');
}

static void show_depth(const struct worker *worker, const char *topic)
{
    int64_t records = kafka_depth_records(worker->depth, topic);

    if (records >= 0) {
        metric_set(metrics_get(worker->metrics, &depth_family, (const char *const[]){topic}), (double)records);
    }
}

void worker_report_metrics(void *arg)
{
    struct worker *worker = arg;
    struct redis_stats stats = redis_stats(claims_redis(worker->claims));
    struct buf problems;

    buf_init(&problems, 1 << 16);
    worker_report_problems(worker, &problems);
    show(worker, &ready_family, problems.len == 0);
    buf_finish(&problems);
    show(worker, &redis_commands_family, (double)stats.commands);
    show(worker, &redis_errors_family, (double)stats.errors);
    show(worker, &redis_timeouts_family, (double)stats.timeouts);
    show(worker, &redis_reconnects_family, (double)stats.reconnects);
    show(worker, &dropped_family, (double)log_dropped_count());
    show_depth(worker, worker->topics.dlq);
    show_depth(worker, worker->topics.held);
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        if (worker->channels[channel]) {
            channel_worker_update_metrics(worker->channels[channel]);
        }
    }
}
