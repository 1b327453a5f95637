/*
 * process: a worker for both channels over the fakes, as worker.c puts it together. Included by the tests of this folder
 * (static functions: archives are linked in the order of the layers).
 */
#ifndef TEST_RUN_PROCESS_H
#define TEST_RUN_PROCESS_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fakes.h"
#include "run/careful.h"
#include "run/channel_worker.h"
#include "run/pauses.h"
#include "run/recovery.h"

struct process {
    struct worker_settings settings;
    struct topics topics;
    struct kafka_settings kafka;
    struct loop *loop;
    struct metrics *metrics;
    struct templates *templates;
    struct kafka_producer *producer;
    struct claims *claims;
    struct recovery *recovery;
    struct careful *careful;
    struct pauses *pauses; /* nothing is paused but by pauses_take() */
    struct channel_worker *channels[CHANNEL_COUNT];
};

static inline void process_on_fatal(void *arg, const char *reason)
{
    (void)arg, (void)reason;
    abort();
}

static inline void process_set(struct process *process)
{
    *process = (struct process){.settings = {.kafka_group = "perkline", .brevo_url = "http://127.0.0.1:1",
                                             .brevo_api_key = "key", .email_rate = 50, .sms_rate = 50,
                                             .environment = "test", .request_timeout_ms = 10000, .lease_ms = 15000,
                                             .connections = 8, .window = 16, .topics = {"loyalty.events"}}};
}

/* With the settings that it has. */
static inline void process_open(struct process *process)
{
    const struct redis_settings redis = {"redis://fake", 500, 2000, 50};
    const struct claims_settings claims = {.environment = "test", .lease_ms = 15000, .most_skew_ms = 60000};
    struct diag_list diags;
    struct err err = {0};

    topics_init(&process->topics, "loyalty", &err);
    process->loop = loop_create();
    process->metrics = metrics_create();
    diag_list_init(&diags);
    process->templates = templates_open(fake_templates_dir(), "en", process->metrics, &diags, &err);
    diag_list_finish(&diags);
    process->producer = kafka_producer_open(process->loop, &process->kafka, &err);
    process->claims = claims_open(process->loop, &redis, &claims, process->metrics, &err);
    process->recovery =
        recovery_create(process->loop, process->claims, &process->kafka, &process->topics, process->metrics);
    process->pauses = pauses_create(process->loop, process->metrics);
    pauses_take(process->pauses, SLICE(""), &err);
    process->careful = careful_create(process->loop, claims_redis(process->claims), "test", process->metrics);
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        process->channels[channel] = channel_worker_open(
            &(struct channel_worker_parts){
                .settings = &process->settings,
                .provider = fake_providers[channel],
                .loop = process->loop,
                .claims = process->claims,
                .producer = process->producer,
                .templates = process->templates,
                .pauses = process->pauses,
                .careful = process->careful,
                .topics = &process->topics,
                .metrics = process->metrics,
                .on_fatal = process_on_fatal,
            },
            &err);
        assert(process->channels[channel]);
    }
}

static inline void process_start(struct process *process)
{
    process_set(process);
    process_open(process);
}

/* The value of a metric without labels; -1: there is none. */
static inline double process_metric_of(struct process *process, const char *name)
{
    struct buf text;
    const char *at;
    double value = -1;

    buf_init(&text, 0);
    metrics_format(process->metrics, &text);
    for (at = strstr(buf_text(&text), name); at; at = strstr(at + 1, name)) {
        if (at > buf_text(&text) && at[-1] == '\n' && at[strlen(name)] == ' ') {
            value = strtod(at + strlen(name), NULL);
        }
    }
    buf_finish(&text);
    return value;
}

/* The sum of the samples of a channel. */
static inline double process_metric(struct process *process, const char *name, enum channel channel)
{
    char beginning[128];
    struct buf text;
    double sum = 0;

    snprintf(beginning, sizeof(beginning), "%s{channel=\"%s\"", name, channel_name(channel));
    buf_init(&text, 0);
    metrics_format(process->metrics, &text);
    for (const char *line = buf_text(&text); line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        if (strncmp(line, beginning, strlen(beginning)) == 0) {
            sum += strtod(strchr(line, ' '), NULL);
        }
    }
    buf_finish(&text);
    return sum;
}

/* Whatever happened to it: each delivery that was asked for has ended in a named way, or is still there. */
static inline void process_check_books(struct process *process)
{
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        enum channel channel = (enum channel)i;

        channel_worker_update_metrics(process->channels[i]);
        assert(process_metric(process, "perkline_deliveries_consumed_total", channel) ==
               process_metric(process, "perkline_deliveries_terminal_total", channel) +
                   process_metric(process, "perkline_deliveries_open", channel));
    }
}

/* In the order of worker.c. */
static inline void process_stop(struct process *process)
{
    if (!fakes_is_dead()) {
        process_check_books(process);
    }
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        channel_worker_close_io(process->channels[channel]);
    }
    kafka_producer_close(process->producer, 0);
    recovery_destroy(process->recovery);
    claims_close(process->claims);
    careful_destroy(process->careful);
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        channel_worker_destroy(process->channels[channel]);
    }
    pauses_destroy(process->pauses);
    templates_close(process->templates);
    loop_destroy(process->loop);
    metrics_destroy(process->metrics);
}

static inline void process_add_topics(void)
{
    static const char *const names[] = {"loyalty.events",   "loyalty.outcomes",  "loyalty.dlq",     "loyalty.held",
                                        "loyalty.retry.1m", "loyalty.retry.10m", "loyalty.retry.1h", "loyalty.retry.6h"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        fake_kafka_add_topic(names[i], 2);
    }
}

#endif
