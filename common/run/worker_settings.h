/*
 * worker_settings: what the environment says to a worker, checked as a whole.
 */
#ifndef RUN_WORKER_SETTINGS_H
#define RUN_WORKER_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/log.h"
#include "base/settings.h"
#include "core/channel.h"
#include "core/provider.h"
#include "io/http.h"
#include "io/kafka_settings.h"

enum { MOST_TOPICS = 32 };

struct worker_settings {
    /* as read; owned */
    const char *kafka_brokers, *kafka_topics, *kafka_topic_prefix, *kafka_group, *kafka_config, *kafka_assign;
    const char *kafka_start, *kafka_instance_id;
    int64_t kafka_session_timeout_ms, kafka_queue_kib;
    const char *redis_url;
    const char *templates_dir, *default_locale, *channels;
    const char *email_provider, *email_from, *email_reply_to, *sms_provider, *sms_from;
    int64_t email_rate, sms_rate;
    const char *brevo_api_key, *brevo_url, *sms_costs;
    int64_t brevo_key_ttl_ms, brevo_visibility_lag_ms, brevo_questions_per_hour;
    bool is_plain_provider_allowed;
    const char *ca_file;
    int64_t request_timeout_ms, lease_ms, connections, window;
    bool is_confined;
    const char *http_listen, *log_level, *environment;
    const char *otlp_endpoint, *otlp_headers, *otlp_ca_file, *otlp_service, *trace_part_text;

    /* made of them */
    char *topic_store;
    const char *topics[MOST_TOPICS + 1]; /* NULL-terminated */
    bool has_channel[CHANNEL_COUNT];
    char *from_name, *from_address; /* of EMAIL_FROM */
    enum log_level least_level;
    bool starts_at_latest;
    double trace_part;
};

extern const struct setting worker_settings_table[];

/* `providers`: NULL-terminated; every provider of every channel. NULL for a tool that sends nothing: then nothing about
 * providers is required or checked. */
bool worker_settings_load(struct worker_settings *settings, const struct provider *const providers[], struct err *err);
/* Reads the secrets again that come from files; what is unfit is left as it is. Texts stay where they are, so that whoever
 * borrowed the API key has the new one. False + err names the setting. */
bool worker_settings_renew(struct worker_settings *settings, const struct provider *const providers[], struct err *err);
void worker_settings_finish(struct worker_settings *settings);

/* The names of a comma list; they lie in *store, which the caller frees. */
bool worker_settings_split_topics(const char *list, char **store, const char *topics[MOST_TOPICS + 1], struct err *err);

/* The consumer group of a channel, by the setting KAFKA_GROUP. */
void worker_format_group(const char *kafka_group, enum channel channel, char *text, size_t size);

/* Borrowed views. `client_id`: of the channel. */
struct kafka_settings worker_kafka_settings(const struct worker_settings *settings, const char *client_id);
struct http_settings worker_http_settings(const struct worker_settings *settings);
struct provider_account worker_account(const struct worker_settings *settings);
/* NULL when there is none of that name. */
const struct provider *worker_find_provider(const struct worker_settings *settings,
                                            const struct provider *const providers[], enum channel channel);
/* What the settings say of the provider, or else its own table. */
int64_t worker_key_ttl_ms(const struct worker_settings *settings, const struct provider *provider);
int64_t worker_visibility_lag_ms(const struct worker_settings *settings, const struct provider *provider);
int64_t worker_questions_per_hour(const struct worker_settings *settings, const struct provider *provider);
int64_t worker_rate(const struct worker_settings *settings, const struct provider *provider);

#endif
