/*
 * survey: the topics that the settings ask for, beside those that the brokers have. For `perkline topics` and
 * `perkline doctor`.
 */
#ifndef WORKERS_TOPICS_SURVEY_H
#define WORKERS_TOPICS_SURVEY_H

#include "io/kafka_admin.h"
#include "run/topic_plan.h"
#include "run/worker_settings.h"

struct survey_settings {
    struct kafka_settings kafka;
    const char *event_topics; /* as in KAFKA_TOPICS */
    const char *topic_prefix;
    const char *templates_dir, *default_locale; /* how long outcomes are kept follows from the flows */
    int partitions; /* of events and outcomes, when they are made */
    int replicas;   /* 0: by the number of brokers */
};

struct survey {
    struct kafka_admin *admin;
    struct kafka_admin_view view;
    struct topics topics;
    struct topic_plan plan;
    struct catalog *catalog; /* NULL: the templates cannot be read, or are broken */
    char empty_pattern[TOPIC_NAME_SIZE]; /* of KAFKA_TOPICS, that no topic matches; "" when there is none */
};

/* Asks the brokers. False + err; survey_close() in any case. */
bool survey_open(struct survey *survey, const struct survey_settings *settings, struct err *err);
/* What the brokers have now. */
bool survey_look_again(struct survey *survey, struct err *err);
void survey_close(struct survey *survey);

/* How one topic is. */
struct survey_topic {
    const struct topic_wish *wish;
    const struct kafka_admin_topic *topic; /* NULL: there is none */
    enum kafka_admin_status told;          /* did the broker tell its settings? */
    struct err problem;                    /* why not */
    struct kafka_admin_config config;
    struct topic_finding findings[TOPIC_FINDINGS_MOST];
    size_t finding_count;
};

void survey_topic_open(struct survey *survey, const struct topic_wish *wish, struct survey_topic *topic);
void survey_topic_finish(struct survey_topic *topic);

#endif
