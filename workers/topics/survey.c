#include "workers/topics/survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file_tree.h"
#include "base/mem.h"
#include "core/catalog.h"
#include "core/retention.h"

enum { WAIT_MS = 5000 };

/* Where the templates cannot be read: the longest dedupe_for that is usual. */
static const int64_t usual_outcomes_ms = 400LL * 86400000;

static struct catalog *read_catalog(const struct survey_settings *settings)
{
    const struct catalog_options options = {.default_locale = settings->default_locale};
    struct file_tree *tree = file_tree_read(settings->templates_dir, NULL);
    struct catalog *catalog = NULL;
    struct diag_list diags;

    if (tree) {
        diag_list_init(&diags);
        catalog = catalog_build(tree, &options, &diags);
        diag_list_finish(&diags);
        file_tree_destroy(tree);
    }
    return catalog;
}

static bool add_matches(struct survey *survey, const char *pattern, const char *names[], size_t *count,
                        struct err *err)
{
    size_t found;

    if (!kafka_admin_match(&survey->view, pattern, names + *count, MOST_TOPICS - *count, &found, err)) {
        return err_prefix(err, "KAFKA_TOPICS");
    }
    *count += found;
    if (found == 0) {
        snprintf(survey->empty_pattern, sizeof(survey->empty_pattern), "%s", pattern);
    }
    return true;
}

static bool make_plan(struct survey *survey, const struct survey_settings *settings, const char *const wanted[],
                      struct err *err)
{
    const struct topic_plan_options options = {
        .outcomes_ms = survey->catalog ? retention_of_outcomes(survey->catalog) : usual_outcomes_ms,
        .partitions = settings->partitions,
        .replicas = settings->replicas,
        .broker_count = survey->view.broker_count,
    };
    const char *names[MOST_TOPICS + 1] = {NULL};
    size_t count = 0;

    for (size_t i = 0; wanted[i]; i++) {
        if (wanted[i][0] != '^') {
            names[count++] = wanted[i];
        } else if (!add_matches(survey, wanted[i], names, &count, err)) {
            return false;
        }
    }
    names[count] = NULL;
    topic_plan_init(&survey->plan, &survey->topics, names, &options);
    return true;
}

bool survey_open(struct survey *survey, const struct survey_settings *settings, struct err *err)
{
    const char *wanted[MOST_TOPICS + 1];
    char *store = NULL;
    bool is_done;

    memset(survey, 0, sizeof(*survey));
    survey->catalog = read_catalog(settings);
    is_done = topics_init(&survey->topics, settings->topic_prefix, err) &&
              worker_settings_split_topics(settings->event_topics, &store, wanted, err);
    if (is_done) {
        survey->admin = kafka_admin_open(&settings->kafka, WAIT_MS, err);
        is_done = survey->admin && kafka_admin_look(survey->admin, &survey->view, err) &&
                  make_plan(survey, settings, wanted, err);
    }
    free(store);
    return is_done;
}

bool survey_look_again(struct survey *survey, struct err *err)
{
    kafka_admin_view_finish(&survey->view);
    return kafka_admin_look(survey->admin, &survey->view, err);
}

void survey_close(struct survey *survey)
{
    kafka_admin_view_finish(&survey->view);
    kafka_admin_close(survey->admin);
    catalog_unref(survey->catalog);
}

void survey_topic_open(struct survey *survey, const struct topic_wish *wish, struct survey_topic *topic)
{
    memset(topic, 0, sizeof(*topic));
    topic->wish = wish;
    topic->topic = kafka_admin_find(&survey->view, wish->name);
    if (topic->topic) {
        topic->told = kafka_admin_describe(survey->admin, wish->name, &topic->config, &topic->problem);
        topic->finding_count =
            topic_plan_check(&survey->plan, wish, topic->topic,
                             topic->told == KAFKA_ADMIN_OK ? &topic->config : NULL, topic->findings);
    }
}

void survey_topic_finish(struct survey_topic *topic)
{
    kafka_admin_config_finish(&topic->config);
}
