#include "run/worker_inside.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crashpoint.h"
#include "base/log.h"
#include "core/json_memory.h"
#include "io/loop.h"
#include "run/file_budget.h"
#include "run/worker_trial.h"
#include "run/worker_urls.h"

enum { DEPTH_MS = 30000, DRAIN_MS = 20000, DRAIN_LOOK_MS = 20, PRODUCER_CLOSE_MS = 2000, POOL_WAIT_MS = 1000,
       RETENTION_WAIT_MS = 2000, HEARTBEAT_MS = 1000, MOST_MISSED_BEATS = 60, EXIT_RESTART = 3 };

/* --- end of work -------------------------------------------------------------------------------------------------- */

static void look_at_drain(void *arg)
{
    struct worker *worker = arg;
    bool is_drained = kafka_producer_open_count(worker->producer) == 0;

    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        is_drained &= !worker->channels[channel] || channel_worker_is_drained(worker->channels[channel]);
    }
    is_drained = is_drained && (!worker->traces || trace_export_is_drained(worker->traces));
    if (is_drained || clock_mono_ms() >= worker->drain_until) {
        CRASHPOINT("drain_done");
        log_event(LOG_INFO, "drained", "complete", is_drained ? "yes" : "no", NULL);
        loop_stop(worker->loop);
        return;
    }
    loop_timer_start(worker->drain_timer, DRAIN_LOOK_MS);
}

static void on_stop_signal(void *arg)
{
    struct worker *worker = arg;

    if (worker->is_draining) {
        return;
    }
    worker->is_draining = true;
    worker->drain_until = clock_mono_ms() + DRAIN_MS;
    log_event(LOG_INFO, "draining", NULL);
    CRASHPOINT("drain_begun");
    if (worker->pool) {
        pool_leave(worker->pool);
    }
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        if (worker->channels[channel]) {
            channel_worker_drain(worker->channels[channel]);
        }
    }
    loop_timer_start(worker->drain_timer, 0);
}

/* What is in use until now stays in use where the new is unfit. */
static void renew_secrets(struct worker *worker)
{
    struct err err = {0};
    bool is_done = worker_settings_renew(worker->settings, worker->providers, &err) &&
                   redis_set_credentials(claims_redis(worker->claims), worker->settings->redis_url, &err) &&
                   kafka_producer_renew(worker->producer, &worker->kafka, &err);

    for (int channel = 0; channel < CHANNEL_COUNT && is_done; channel++) {
        is_done = !worker->channels[channel] || channel_worker_renew(worker->channels[channel], &err);
    }
    log_event(is_done ? LOG_INFO : LOG_ERROR, is_done ? "secrets_read" : "secrets_refused", "reason", err.text, NULL);
}

static void on_reload_signal(void *arg)
{
    struct worker *worker = arg;

    templates_begin_reload(worker->templates);
    renew_secrets(worker);
}

static void on_fatal(void *arg, const char *reason)
{
    struct worker *worker = arg;

    log_event(LOG_ERROR, "must_restart", "reason", reason, NULL);
    worker->exit_status = EXIT_RESTART;
    on_stop_signal(worker);
}

/* On a thread of its own, while the loop hangs in some call: nothing can be drained. */
static void on_stall(void *arg)
{
    (void)arg;
    log_event(LOG_ERROR, "must_restart", "reason", "the loop has not turned for a minute", NULL);
    _exit(EXIT_RESTART);
}

/* --- start -------------------------------------------------------------------------------------------------------- */

static bool open_templates(struct worker *worker, struct err *err)
{
    struct diag_list diags;
    struct buf text;

    diag_list_init(&diags);
    worker->templates = templates_open(worker->settings->templates_dir, worker->settings->default_locale, worker->metrics,
                                       &diags, err);
    buf_init(&text, 0);
    for (size_t i = 0; !worker->templates && i < diags.count; i++) {
        buf_clear(&text);
        diag_format(&diags.items[i], &text);
        fprintf(stderr, "%s\n", buf_text(&text));
    }
    buf_finish(&text);
    if (!worker->templates) {
        err_prefix(err, "TEMPLATES_DIR");
    }
    diag_list_finish(&diags);
    return worker->templates != NULL;
}

static void prepare_topics(struct worker *worker)
{
    kafka_producer_prepare(worker->producer, worker->topics.outcomes);
    kafka_producer_prepare(worker->producer, worker->topics.dlq);
    kafka_producer_prepare(worker->producer, worker->topics.held);
    for (int tier = 0; tier < PARK_TIER_COUNT; tier++) {
        kafka_producer_prepare(worker->producer, worker->topics.retry[tier]);
    }
}

static bool open_claims(struct worker *worker, struct err *err)
{
    const struct redis_settings redis = {
        .url = worker->settings->redis_url,
        .command_timeout_ms = 2000,
        .connect_timeout_ms = 2000,
        .reconnect_delay_ms = 50,
    };
    const struct claims_settings claims = {
        .environment = worker->settings->environment,
        .lease_ms = worker->settings->lease_ms,
        .most_skew_ms = 60000,
    };

    worker->claims = claims_open(worker->loop, &redis, &claims, worker->metrics, err);
    if (!worker->claims) {
        return err_prefix(err, "REDIS_URL");
    }
    worker->recovery = recovery_create(worker->loop, worker->claims, &worker->kafka, &worker->topics, worker->metrics);
    worker->careful =
        careful_create(worker->loop, claims_redis(worker->claims), worker->settings->environment, worker->metrics);
    return true;
}

static bool open_channels(struct worker *worker, const struct provider *const providers[], struct err *err)
{
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        struct channel_worker_parts parts = {
            .settings = worker->settings,
            .loop = worker->loop,
            .claims = worker->claims,
            .producer = worker->producer,
            .templates = worker->templates,
            .pauses = pool_pauses(worker->pool),
            .careful = worker->careful,
            .topics = &worker->topics,
            .metrics = worker->metrics,
            .traces = worker->traces,
            .on_fatal = on_fatal,
            .arg = worker,
        };

        if (!worker->settings->has_channel[channel]) {
            continue;
        }
        parts.provider = worker_find_provider(worker->settings, providers, (enum channel)channel);
        worker->channels[channel] = channel_worker_open(&parts, err);
        if (!worker->channels[channel]) {
            return false;
        }
    }
    return true;
}

static bool open_depth(struct worker *worker, struct err *err)
{
    const char *const topics[] = {worker->topics.dlq, worker->topics.held, NULL};

    worker->depth = kafka_depth_open(worker->loop, worker->producer, topics, DEPTH_MS, err);
    return worker->depth != NULL;
}

static bool open_traces(struct worker *worker, struct err *err)
{
    const struct worker_settings *settings = worker->settings;

    trace_export_declare(worker->metrics);
    if (!settings->otlp_endpoint) {
        return true;
    }
    worker->traces = trace_export_open(worker->loop,
                                       &(struct trace_export_settings){
                                           .endpoint = settings->otlp_endpoint,
                                           .headers = settings->otlp_headers,
                                           .ca_file = settings->otlp_ca_file,
                                           .service = settings->otlp_service,
                                           .environment = settings->environment,
                                           .part = settings->trace_part,
                                       },
                                       worker->metrics, err);
    return worker->traces != NULL;
}

static bool open_health(struct worker *worker, struct err *err)
{
    worker->health = health_open(
        &(struct health_parts){worker->loop, worker->settings->http_listen, worker->metrics,
                               worker_report_problems, worker_report_metrics, worker},
        err);
    return worker->health != NULL;
}

/* Nothing may be sent that would be sent again when the topic is read again. */
static bool check_retention(struct worker *worker, struct err *err)
{
    worker->retention = retention_check_create(&(struct retention_check_parts){
        .loop = worker->loop,
        .kafka = worker->kafka,
        .topics = worker->settings->topics,
        .templates = worker->templates,
        .metrics = worker->metrics,
    });
    return retention_check_wait(worker->retention, RETENTION_WAIT_MS, err);
}

static bool start(struct worker *worker, const struct provider *const providers[], struct err *err)
{
    if (!worker_urls_check(worker->settings, err) ||
        !topics_init(&worker->topics, worker->settings->kafka_topic_prefix, err) ||
        !topics_check_input(&worker->topics, worker->settings->topics, err) ||
        !file_budget_fit(worker->settings, err) || !open_templates(worker, err)) {
        return false;
    }
    worker->kafka = worker_kafka_settings(worker->settings, "perkline");
    worker->producer = kafka_producer_open(worker->loop, &worker->kafka, err);
    if (!worker->producer) {
        return err_prefix(err, "%s", worker->settings->kafka_config ? "KAFKA_CONFIG" : "KAFKA_BROKERS");
    }
    prepare_topics(worker);
    if (!open_traces(worker, err) || !open_claims(worker, err) || !open_depth(worker, err) || !open_health(worker, err)) {
        return false;
    }
    worker->pool = pool_create(&(struct pool_parts){worker->loop, worker->claims, worker->templates, worker->metrics,
                                                    worker->settings->environment, worker_report_beat, worker});
    /* So that nothing is rendered from a text that was taken back. */
    pool_wait(worker->pool, POOL_WAIT_MS);
    if (!check_retention(worker, err)) {
        return false;
    }
    if (!open_channels(worker, providers, err)) {
        return false;
    }
    templates_watch(worker->templates, worker->loop);
    worker->heartbeat = heartbeat_create(worker->loop, HEARTBEAT_MS, MOST_MISSED_BEATS, on_stall, NULL);
    worker->on_term = loop_signal_create(worker->loop, SIGTERM, on_stop_signal, worker);
    worker->on_int = loop_signal_create(worker->loop, SIGINT, on_stop_signal, worker);
    worker->on_hup = loop_signal_create(worker->loop, SIGHUP, on_reload_signal, worker);
    return true;
}

/* The list of start() backwards. Answers that arrive while something is closed may only reach what is still open. */
static void finish(struct worker *worker)
{
    heartbeat_destroy(worker->heartbeat);
    loop_signal_destroy(worker->on_hup);
    loop_signal_destroy(worker->on_int);
    loop_signal_destroy(worker->on_term);
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        if (worker->channels[channel]) {
            channel_worker_close_io(worker->channels[channel]);
        }
    }
    health_close(worker->health);
    kafka_depth_close(worker->depth);
    if (worker->producer) {
        kafka_producer_close(worker->producer, PRODUCER_CLOSE_MS);
    }
    recovery_destroy(worker->recovery);
    claims_close(worker->claims);
    careful_destroy(worker->careful);
    retention_check_destroy(worker->retention);
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        channel_worker_destroy(worker->channels[channel]);
    }
    pool_destroy(worker->pool);
    trace_export_close(worker->traces);
    templates_close(worker->templates);
    loop_timer_destroy(worker->drain_timer);
    loop_destroy(worker->loop);
    metrics_destroy(worker->metrics);
}

int worker_run(struct worker_settings *settings, const struct provider *const providers[])
{
    struct worker worker = {.settings = settings, .providers = providers};
    struct err err = {0};

    log_set_level(settings->least_level);
    json_memory_keep();
    signal(SIGPIPE, SIG_IGN);
    worker.metrics = metrics_create();
    worker.loop = loop_create();
    worker.drain_timer = loop_timer_create(worker.loop, look_at_drain, &worker);
    worker_report_begin(&worker);
    if (!start(&worker, providers, &err)) {
        fprintf(stderr, "perkline worker: %s\n", err.text);
        worker.exit_status = 1;
    } else {
        log_event(LOG_INFO, "started", "version", PERKLINE_VERSION, "environment", settings->environment, "channels",
                  settings->channels, "templates", catalog_version(templates_current(worker.templates)), "http",
                  health_address(worker.health), NULL);
        loop_run(worker.loop);
    }
    finish(&worker);
    return worker.exit_status;
}

int worker_check(struct worker_settings *settings)
{
    struct worker worker = {.settings = settings, .metrics = metrics_create()};
    struct err err = {0};
    bool is_fine = worker_urls_check(settings, &err) &&
                   topics_init(&worker.topics, settings->kafka_topic_prefix, &err) &&
                   topics_check_input(&worker.topics, settings->topics, &err) && worker_trial(settings, &err) &&
                   open_templates(&worker, &err);

    if (is_fine) {
        printf("ok: settings, and %zu flows of template set %s\n",
               catalog_flow_count(templates_current(worker.templates)),
               catalog_version(templates_current(worker.templates)));
    } else {
        fprintf(stderr, "perkline worker: %s\n", err.text);
    }
    templates_close(worker.templates);
    metrics_destroy(worker.metrics);
    return is_fine ? 0 : 1;
}
