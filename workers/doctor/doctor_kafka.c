#include "workers/doctor/doctor.h"

#include <stdio.h>
#include <string.h>

#include "base/duration.h"
#include "base/number.h"
#include "core/retention.h"

enum { PARTITIONS = 12 };

/* --- brokers ------------------------------------------------------------------------------------------------------ */

void doctor_check_brokers(struct doctor *doctor)
{
    const struct worker_settings *s = &doctor->settings;
    const struct survey_settings settings = {
        .kafka = worker_kafka_settings(s, "perkline-doctor"),
        .event_topics = s->kafka_topics,
        .topic_prefix = s->kafka_topic_prefix,
        .templates_dir = s->templates_dir,
        .default_locale = s->default_locale,
        .partitions = PARTITIONS,
    };
    struct err err = {0};
    char protocol[32];

    if (!s->kafka_brokers || !s->kafka_topics || !s->kafka_topic_prefix || !s->templates_dir || !s->default_locale) {
        doctor_tell(doctor, DOCTOR_SKIP, NULL, "not checked: the settings are wrong");
        return;
    }
    doctor->has_kafka = survey_open(&doctor->survey, &settings, &err);
    if (!doctor->has_kafka) {
        doctor_tell(doctor, DOCTOR_FAIL, "look at KAFKA_BROKERS, KAFKA_CONFIG and the firewall", "%s", err.text);
        return;
    }
    kafka_admin_property(doctor->survey.admin, "security.protocol", protocol, sizeof(protocol));
    if (strstr(protocol, "ssl") == NULL) {
        doctor_tell(doctor, DOCTOR_WARN, "set security.protocol=sasl_ssl in KAFKA_CONFIG where others share the network",
                    "%d answer, in plain text (%s)", doctor->survey.view.broker_count, protocol);
    } else {
        doctor_tell(doctor, DOCTOR_OK, NULL, "%d answer (%s)", doctor->survey.view.broker_count, protocol);
    }
}

/* --- topics ------------------------------------------------------------------------------------------------------- */

/* Returns how much was told about it. */
static size_t tell_topic(struct doctor *doctor, const struct survey_topic *topic, size_t *unknown)
{
    if (!topic->topic) {
        doctor_tell(doctor, DOCTOR_FAIL, "perkline topics --create makes it", "%s is not there, or we may not see it",
                    topic->wish->name);
        return 1;
    }
    for (size_t i = 0; i < topic->finding_count; i++) {
        const struct topic_finding *finding = &topic->findings[i];

        doctor_tell(doctor, finding->is_grave ? DOCTOR_FAIL : DOCTOR_WARN,
                    finding->mend.name ? "perkline topics --alter mends it" : NULL, "%s: %s", topic->wish->name,
                    finding->text);
    }
    *unknown += topic->told != KAFKA_ADMIN_OK;
    return topic->finding_count;
}

void doctor_check_topics(struct doctor *doctor)
{
    struct survey *survey = &doctor->survey;
    size_t told = 0, unknown = 0;

    if (survey->empty_pattern[0]) {
        doctor_tell(doctor, DOCTOR_FAIL, "look at KAFKA_TOPICS", "no topic matches %s", survey->empty_pattern);
        told++;
    }
    for (size_t i = 0; i < survey->plan.count; i++) {
        struct survey_topic topic;

        survey_topic_open(survey, &survey->plan.items[i], &topic);
        told += tell_topic(doctor, &topic, &unknown);
        survey_topic_finish(&topic);
    }
    if (unknown > 0) {
        doctor_tell(doctor, DOCTOR_WARN, "let us DescribeConfigs on them (the embedded broker has no settings)",
                    "the settings of %zu topics are not told", unknown);
    } else if (told == 0) {
        doctor_tell(doctor, DOCTOR_OK, NULL, "all %zu are there, with the settings that they need", survey->plan.count);
    }
}

/* --- rights ------------------------------------------------------------------------------------------------------- */

static bool must_read(enum topic_role role)
{
    return role == TOPIC_EVENTS || role == TOPIC_RETRY || role == TOPIC_OUTCOMES;
}

static bool must_write(enum topic_role role)
{
    return role != TOPIC_EVENTS;
}

/* Returns how many rights it lacks; counts those that nobody can tell. */
static size_t check_topic_rights(struct doctor *doctor, const struct topic_wish *wish, size_t *unknown)
{
    struct kafka_admin_rights rights;
    size_t lacking = 0;

    kafka_admin_ask_rights(doctor->survey.admin, wish->name, &rights);
    if (must_read(wish->role) && rights.may_read == KAFKA_ADMIN_NO) {
        doctor_tell(doctor, DOCTOR_FAIL, "kafka-acls.sh --add --allow-principal User:... --operation Read --topic ...",
                    "we may not read %s", wish->name);
        lacking++;
    }
    if (must_write(wish->role) && rights.may_write == KAFKA_ADMIN_NO) {
        doctor_tell(doctor, DOCTOR_FAIL, "kafka-acls.sh --add --allow-principal User:... --operation Write --topic ...",
                    "we may not write to %s", wish->name);
        lacking++;
    }
    *unknown += (must_read(wish->role) && rights.may_read == KAFKA_ADMIN_UNKNOWN) ||
                (must_write(wish->role) && rights.may_write == KAFKA_ADMIN_UNKNOWN);
    return lacking;
}

void doctor_check_rights(struct doctor *doctor)
{
    struct survey *survey = &doctor->survey;
    struct err err = {0};
    enum kafka_admin_status status = kafka_admin_ask_authorizer(survey->admin, &err);
    size_t lacking = 0, unknown = 0;

    if (status == KAFKA_ADMIN_OK) {
        doctor_tell(doctor, DOCTOR_WARN, "give it an authorizer and ACLs where others reach it",
                    "no rule says who may read and write topics: everybody may");
        return;
    }
    if (status == KAFKA_ADMIN_UNSUPPORTED) {
        doctor_tell(doctor, DOCTOR_OK, NULL, "not told: %s", err.text);
        return;
    }
    for (size_t i = 0; i < survey->plan.count; i++) {
        if (kafka_admin_find(&survey->view, survey->plan.items[i].name)) {
            lacking += check_topic_rights(doctor, &survey->plan.items[i], &unknown);
        }
    }
    if (unknown > 0) {
        doctor_tell(doctor, DOCTOR_WARN, "kafka-acls.sh --list shows them (SECURITY.md says which are needed)",
                    "rights on %zu topics cannot be asked with this client or broker", unknown);
    } else if (lacking == 0) {
        doctor_tell(doctor, DOCTOR_OK, NULL, "we may read and write what we must");
    }
}

void doctor_check_groups(struct doctor *doctor)
{
    const struct worker_settings *s = &doctor->settings;
    size_t refused = 0;

    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        char group[160];
        struct err err = {0};

        worker_format_group(s->kafka_group ? s->kafka_group : "perkline", (enum channel)channel, group, sizeof(group));
        if ((s->has_channel[channel] || !doctor->is_settings_whole) &&
            kafka_admin_ask_group(doctor->survey.admin, group, doctor->survey.plan.items[0].name, &err) !=
                KAFKA_ADMIN_OK) {
            doctor_tell(doctor, DOCTOR_FAIL, "kafka-acls.sh --add --allow-principal User:... --operation Read --group ...",
                        "the group's offsets cannot be read: %s", err.text);
            refused++;
        }
    }
    if (refused == 0) {
        doctor_tell(doctor, DOCTOR_OK, NULL, "the coordinators answer, and let us see our groups");
    }
}

/* --- retention ---------------------------------------------------------------------------------------------------- */

/* Returns what was told: 0 nothing, 1 a fault, 2 that it cannot be known. */
static int check_covered(struct doctor *doctor, const struct topic_wish *wish)
{
    struct survey *survey = &doctor->survey;
    struct kafka_admin_config config;
    const char *text;
    int64_t retention_ms;
    int told = 0;

    if (kafka_admin_describe(survey->admin, wish->name, &config, NULL) != KAFKA_ADMIN_OK) {
        return 2;
    }
    text = kafka_admin_config_find(&config, "retention.ms");
    for (size_t i = 0; text && number_parse(slice_of(text), &retention_ms) && i < catalog_flow_count(survey->catalog);
         i++) {
        struct err why = {0};

        if (!retention_is_covered(catalog_flow(survey->catalog, i), wish->name, retention_ms, &why)) {
            doctor_tell(doctor, DOCTOR_FAIL, NULL, "%s", why.text);
            told = 1;
        }
    }
    kafka_admin_config_finish(&config);
    return told;
}

void doctor_check_retention(struct doctor *doctor)
{
    struct survey *survey = &doctor->survey;
    bool is_wrong = false, is_unknown = false;

    if (!survey->catalog) {
        doctor_tell(doctor, DOCTOR_SKIP, NULL, "not checked: the templates cannot be used");
        return;
    }
    for (size_t i = 0; i < survey->plan.count; i++) {
        const struct topic_wish *wish = &survey->plan.items[i];
        int told = wish->role == TOPIC_EVENTS && kafka_admin_find(&survey->view, wish->name)
                       ? check_covered(doctor, wish)
                       : 0;

        is_wrong |= told == 1;
        is_unknown |= told == 2;
    }
    if (is_unknown) {
        doctor_tell(doctor, DOCTOR_WARN,
                    "see to it that dedupe_for of every flow is longer than retention.ms of its topics and 8d",
                    "how long events are kept is not told");
    } else if (!is_wrong) {
        doctor_tell(doctor, DOCTOR_OK, NULL, "deliveries are remembered for longer than their events can be read again");
    }
}
