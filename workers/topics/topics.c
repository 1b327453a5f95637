/*
 * perkline topics: the topics that the program needs: are they there, are they as they should be; makes those that are
 * missing, and changes those that are wrong when it is told to.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/args.h"
#include "base/log.h"
#include "base/settings.h"
#include "run/setting_rows.h"
#include "workers/commands.h"
#include "workers/topics/survey.h"

enum { MOST_PARTITIONS = 10000, MOST_REPLICAS = 100 };

static const struct args_usage usage = {
    .command = "perkline topics",
    .positional = "",
    .summary =
        "Checks the topics that the program needs against the brokers: are they there, are their settings right; says\n"
        "what differs and how to mend it. --create makes those that are missing and touches no other. --alter also\n"
        "changes settings that are wrong. Status 1 when anything grave is left.",
};

struct options {
    const char *kafka_brokers, *kafka_topics, *kafka_topic_prefix, *kafka_config, *templates_dir, *default_locale;
    int64_t partitions, replicas;
    bool must_create, must_alter, is_json;
};

static const struct setting settings_table[] = {
    SETTING_ROW_KAFKA_BROKERS(struct options, kafka_brokers),
    SETTING_ROW_KAFKA_TOPICS(struct options, kafka_topics),
    SETTING_ROW_KAFKA_TOPIC_PREFIX(struct options, kafka_topic_prefix),
    SETTING_ROW_KAFKA_CONFIG(struct options, kafka_config),
    {"TEMPLATES_DIR", SETTING_TEXT, offsetof(struct options, templates_dir), "templates",
     "Folder with the flows: outcomes are kept as long as their longest dedupe_for.", false, 0, 0},
    SETTING_ROW_DEFAULT_LOCALE(struct options, default_locale),
    {NULL, SETTING_TEXT, 0, NULL, NULL, false, 0, 0},
};

/* What became of one topic. */
enum result { RESULT_OK, RESULT_DIFFERS, RESULT_MISSING, RESULT_CREATED, RESULT_CHANGED, RESULT_FAILED };

static const char *const result_names[] = {"ok", "differs", "missing", "created", "changed", "failed"};

struct row {
    struct survey_topic topic;
    enum result result;
    struct err problem; /* of FAILED */
};

/* --- doing -------------------------------------------------------------------------------------------------------- */

static void create(struct survey *survey, struct row *row)
{
    const struct topic_wish *wish = row->topic.wish;
    struct topic_settings settings;
    enum kafka_admin_status status;

    topic_plan_settings(&survey->plan, wish, &settings);
    status = kafka_admin_create(survey->admin, wish->name, wish->partitions, survey->plan.replicas, settings.pairs,
                                &row->problem);
    row->result = status == KAFKA_ADMIN_OK ? RESULT_CREATED : RESULT_FAILED;
    if (status == KAFKA_ADMIN_UNSUPPORTED) {
        err_clear(&row->problem);
        err_set(&row->problem, "this broker cannot be asked to make topics (the embedded one makes them by itself)");
    }
}

/* What the findings say, as one change. */
static void alter(struct survey *survey, struct row *row)
{
    struct kafka_admin_pair pairs[TOPIC_FINDINGS_MOST + 1];
    struct survey_topic *topic = &row->topic;
    size_t count = 0;

    for (size_t i = 0; i < topic->finding_count; i++) {
        if (topic->findings[i].mend.name) {
            pairs[count++] = topic->findings[i].mend;
        }
    }
    pairs[count] = (struct kafka_admin_pair){NULL, NULL};
    if (count == 0) {
        return;
    }
    if (kafka_admin_alter(survey->admin, topic->wish->name, pairs, &row->problem) == KAFKA_ADMIN_OK) {
        row->result = RESULT_CHANGED;
    } else {
        row->result = RESULT_FAILED;
    }
}

static void handle(struct survey *survey, const struct options *options, const struct topic_wish *wish, struct row *row)
{
    memset(row, 0, sizeof(*row));
    survey_topic_open(survey, wish, &row->topic);
    if (!row->topic.topic) {
        row->result = RESULT_MISSING;
        if (options->must_create) {
            create(survey, row);
        }
        return;
    }
    row->result = row->topic.finding_count ? RESULT_DIFFERS : RESULT_OK;
    if (options->must_alter) {
        alter(survey, row);
    }
}

/* --- telling ------------------------------------------------------------------------------------------------------ */

static bool is_grave(const struct row *row)
{
    bool is_wrong = row->result == RESULT_MISSING || row->result == RESULT_FAILED;

    for (size_t i = 0; i < row->topic.finding_count && row->result == RESULT_DIFFERS; i++) {
        is_wrong |= row->topic.findings[i].is_grave;
    }
    /* What no --alter can mend stays wrong. */
    for (size_t i = 0; i < row->topic.finding_count && row->result == RESULT_CHANGED; i++) {
        is_wrong |= row->topic.findings[i].is_grave && !row->topic.findings[i].mend.name;
    }
    return is_wrong;
}

static void print_row(const struct row *row)
{
    const struct survey_topic *topic = &row->topic;

    printf("%-28s %-9s %-8s", topic->wish->name, topic_role_name(topic->wish->role), result_names[row->result]);
    if (topic->topic) {
        printf(" %d partition%s, %d cop%s\n", topic->topic->partitions, topic->topic->partitions == 1 ? "" : "s",
               topic->topic->replicas, topic->topic->replicas == 1 ? "y" : "ies");
    } else if (row->result == RESULT_MISSING) {
        puts(" perkline topics --create makes it");
    } else {
        printf(" %d partitions\n", topic->wish->partitions);
    }
    for (size_t i = 0; i < topic->finding_count; i++) {
        const struct topic_finding *finding = &topic->findings[i];
        const char *way = finding->mend.name && row->result == RESULT_DIFFERS ? "; --alter sets it to " : "";

        printf("    %s%s%s\n", finding->text, way, way[0] ? finding->mend.value : "");
    }
    if (err_is_set(&row->problem)) {
        printf("    %s\n", row->problem.text);
    } else if (topic->topic && topic->told != KAFKA_ADMIN_OK) {
        printf("    its settings are not known: %s\n",
               topic->told == KAFKA_ADMIN_UNSUPPORTED ? "this broker does not tell them" : topic->problem.text);
    }
}

static json_t *to_json(const struct row *row)
{
    const struct survey_topic *topic = &row->topic;
    json_t *findings = json_array();
    json_t *json = json_pack("{s:s, s:s, s:s, s:b, s:o}", "topic", topic->wish->name, "role",
                             topic_role_name(topic->wish->role), "result", result_names[row->result], "is_grave",
                             is_grave(row), "findings", findings);

    if (topic->topic) {
        json_object_set_new(json, "partitions", json_integer(topic->topic->partitions));
        json_object_set_new(json, "copies", json_integer(topic->topic->replicas));
        json_object_set_new(json, "settings_known", json_boolean(topic->told == KAFKA_ADMIN_OK));
    }
    if (err_is_set(&row->problem)) {
        json_object_set_new(json, "problem", json_string(row->problem.text));
    }
    for (size_t i = 0; i < topic->finding_count; i++) {
        const struct topic_finding *finding = &topic->findings[i];
        json_t *one = json_pack("{s:b, s:s}", "is_grave", finding->is_grave, "text", finding->text);

        if (finding->mend.name) {
            json_object_set_new(one, "setting", json_string(finding->mend.name));
            json_object_set_new(one, "value", json_string(finding->mend.value));
        }
        json_array_append_new(findings, one);
    }
    return json;
}

/* --- the command -------------------------------------------------------------------------------------------------- */

/* True when nothing grave is left. */
static bool handle_all(struct survey *survey, const struct options *options)
{
    json_t *all = json_array();
    size_t grave = 0;

    for (size_t i = 0; i < survey->plan.count; i++) {
        struct row row;

        handle(survey, options, &survey->plan.items[i], &row);
        grave += is_grave(&row);
        if (options->is_json) {
            json_array_append_new(all, to_json(&row));
        } else {
            print_row(&row);
        }
        survey_topic_finish(&row.topic);
    }
    if (survey->empty_pattern[0]) {
        grave++;
        fprintf(stderr, "perkline topics: no topic matches %s\n", survey->empty_pattern);
    }
    if (options->is_json) {
        json_dumpf(all, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    json_decref(all);
    return grave == 0;
}

static bool run(const struct options *options, bool *is_fine, struct err *err)
{
    const struct survey_settings settings = {
        .kafka = {.brokers = options->kafka_brokers,
                  .properties_file = options->kafka_config,
                  .client_id = "perkline-topics"},
        .event_topics = options->kafka_topics,
        .topic_prefix = options->kafka_topic_prefix,
        .templates_dir = options->templates_dir,
        .default_locale = options->default_locale,
        .partitions = (int)options->partitions,
        .replicas = (int)options->replicas,
    };
    struct survey survey;
    bool is_done = survey_open(&survey, &settings, err);

    if (is_done) {
        if (!survey.catalog) {
            fprintf(stderr, "perkline topics: %s holds no flows that can be read; outcomes are taken to be kept for "
                            "400d\n", options->templates_dir);
        }
        *is_fine = handle_all(&survey, options);
    }
    survey_close(&survey);
    return is_done;
}

int topics_command(int argc, char **argv)
{
    struct options options = {.partitions = 12};
    int64_t partitions = 12, replicas = 0;
    bool must_create = false, must_alter = false, is_json = false, is_fine = false;
    const struct arg table[] = {
        {"create", ARG_FLAG, &must_create, NULL, "Make the topics that are missing."},
        {"alter", ARG_FLAG, &must_alter, NULL, "Change wrong settings of topics that are there."},
        {"partitions", ARG_INT, &partitions, "N", "Of the topics for events and outcomes that are made (12)."},
        {"replicas", ARG_INT, &replicas, "N", "Copies of each partition (as many as brokers, 3 at most)."},
        {"json", ARG_FLAG, &is_json, NULL, "Print one JSON array."},
        {NULL, ARG_FLAG, NULL, NULL, NULL},
    };
    struct err err = {0};
    int positional = 0;
    int status = args_read(table, &usage, settings_table, argc, argv, &positional);

    if (status != ARGS_GO_ON) {
        return status;
    }
    if (partitions < 1 || partitions > MOST_PARTITIONS || replicas < 0 || replicas > MOST_REPLICAS) {
        fprintf(stderr, "perkline topics: --partitions takes 1 to %d, --replicas 1 to %d\n", MOST_PARTITIONS,
                MOST_REPLICAS);
        return 2;
    }
    log_set_level(LOG_ERROR); /* the client's own warnings are in the one line that ends it */
    if (settings_load(settings_table, &options, &err)) {
        options.partitions = partitions;
        options.replicas = replicas;
        options.must_create = must_create;
        options.must_alter = must_alter;
        options.is_json = is_json;
        if (!run(&options, &is_fine, &err)) {
            is_fine = false;
        }
        settings_finish(settings_table, &options);
    }
    if (err_is_set(&err)) {
        fprintf(stderr, "perkline topics: %s\n", err.text);
    }
    return is_fine ? 0 : 1;
}
