/*
 * setting_rows: the settings that more than one command reads, each written down once: the row of a table of settings,
 * for a field of the command's own struct. So they have one default and one text everywhere.
 *
 *     static const struct setting settings_table[] = {
 *         SETTING_ROW_REDIS_URL(struct options, redis_url),
 *         {NULL, SETTING_TEXT, 0, NULL, NULL, false, 0, 0},
 *     };
 */
#ifndef RUN_SETTING_ROWS_H
#define RUN_SETTING_ROWS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/settings.h"

#define SETTING_ROW_KAFKA_BROKERS(type, field)                                                                         \
    {"KAFKA_BROKERS", SETTING_TEXT, offsetof(type, field), NULL, "Bootstrap brokers, host:port,host:port.", true, 0, 0}

#define SETTING_ROW_KAFKA_TOPICS(type, field)                                                                          \
    {"KAFKA_TOPICS", SETTING_TEXT, offsetof(type, field), "loyalty.events",                                            \
     "Topics with events: names or ^regex, separated by commas.", false, 0, 0}

#define SETTING_ROW_KAFKA_TOPIC_PREFIX(type, field)                                                                    \
    {"KAFKA_TOPIC_PREFIX", SETTING_TEXT, offsetof(type, field), "loyalty",                                             \
     "Prefix of the topics for outcomes, retry, dlq and held.", false, 0, 0}

#define SETTING_ROW_KAFKA_GROUP(type, field)                                                                           \
    {"KAFKA_GROUP", SETTING_TEXT, offsetof(type, field), "perkline",                                                   \
     "Consumer group; the channel is appended (perkline-email).", false, 0, 0}

#define SETTING_ROW_KAFKA_CONFIG(type, field)                                                                          \
    {"KAFKA_CONFIG", SETTING_TEXT, offsetof(type, field), NULL, "File of librdkafka properties (key=value).", false,   \
     0, 0}

#define SETTING_ROW_REDIS_URL(type, field)                                                                             \
    {"REDIS_URL", SETTING_SECRET, offsetof(type, field), "redis://127.0.0.1:6379",                                     \
     "redis://[user:password@]host:port, rediss://... (TLS; SSL_CERT_FILE: own authorities), or unix:///path.", false, \
     0, 0}

#define SETTING_ROW_ENVIRONMENT(type, field)                                                                           \
    {"ENVIRONMENT", SETTING_TEXT, offsetof(type, field), "dev",                                                        \
     "Name of the installation: separates what Redis remembers (a-z, 0-9, - and _).", false, 0, 0}

#define SETTING_ROW_DEFAULT_LOCALE(type, field)                                                                        \
    {"DEFAULT_LOCALE", SETTING_TEXT, offsetof(type, field), "en", "Language for members whose own has no template.",   \
     false, 0, 0}

/* Keys in Redis and names of groups are made of it: what a worker refuses, no command takes for another installation. */
bool setting_rows_check_environment(const char *environment, struct err *err);

#endif
