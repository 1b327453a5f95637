#include "io/kafka_admin_inside.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "io/kafka_config.h"
#include "io/kafka_handle.h"

enum { POLL_MS = 50, CLOSE_MS = 3000, CONTROLLER_MS = 1000, PROBLEM_SIZE = 256 };

/* --- open, ask ---------------------------------------------------------------------------------------------------- */

struct kafka_admin *kafka_admin_open(const struct kafka_settings *settings, int64_t wait_ms, struct err *err)
{
    rd_kafka_conf_t *conf = kafka_config_create(KAFKA_ROLE_READER, settings, NULL, err);
    struct kafka_admin *admin;
    rd_kafka_t *rk;

    rk = conf ? kafka_handle_open(KAFKA_ROLE_READER, conf, err) : NULL;
    if (!rk) {
        return NULL;
    }
    admin = xcalloc(1, sizeof(*admin));
    admin->rk = rk;
    admin->queue = rd_kafka_queue_new(rk);
    admin->wait_ms = wait_ms;
    admin->controller = KAFKA_ADMIN_NOT_ASKED;
    return admin;
}

void kafka_admin_close(struct kafka_admin *admin)
{
    if (admin) {
        rd_kafka_queue_destroy(admin->queue);
        kafka_handle_close(admin->rk, false, CLOSE_MS);
        free(admin);
    }
}

/* -1 when there is none: the embedded broker names a number that is no broker's. */
static int find_controller(struct kafka_admin *admin)
{
    int controller = rd_kafka_controllerid(admin->rk, CONTROLLER_MS);
    const struct rd_kafka_metadata *metadata;
    bool is_broker = false;

    if (controller < 0 || rd_kafka_metadata(admin->rk, 0, NULL, &metadata, (int)admin->wait_ms) != 0) {
        return -1;
    }
    for (int i = 0; i < metadata->broker_cnt; i++) {
        is_broker |= metadata->brokers[i].id == controller;
    }
    rd_kafka_metadata_destroy(metadata);
    return is_broker ? controller : -1;
}

enum kafka_admin_status kafka_admin_need_controller(struct kafka_admin *admin, struct err *err)
{
    if (admin->controller == KAFKA_ADMIN_NOT_ASKED) {
        admin->controller = find_controller(admin);
    }
    if (admin->controller < 0) {
        err_set(err, "the brokers name no controller: this is the embedded broker, or one is being elected");
        return KAFKA_ADMIN_UNSUPPORTED;
    }
    return KAFKA_ADMIN_OK;
}

rd_kafka_AdminOptions_t *kafka_admin_options(struct kafka_admin *admin, rd_kafka_admin_op_t op)
{
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(admin->rk, op);
    char problem[PROBLEM_SIZE];

    rd_kafka_AdminOptions_set_request_timeout(options, (int)admin->wait_ms, problem, sizeof(problem));
    return options;
}

rd_kafka_event_t *kafka_admin_wait(struct kafka_admin *admin, int type)
{
    int64_t until_ms = clock_mono_ms() + admin->wait_ms + 1000; /* the client's own time-out comes first */

    while (clock_mono_ms() < until_ms) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(admin->queue, POLL_MS);

        rd_kafka_poll(admin->rk, 0);
        if (event && rd_kafka_event_type(event) == type) {
            return event;
        }
        if (event) {
            rd_kafka_event_destroy(event); /* late, of an earlier question */
        }
    }
    return NULL;
}

enum kafka_admin_status kafka_admin_judge(rd_kafka_resp_err_t code, const char *text, const char *what, struct err *err)
{
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        return KAFKA_ADMIN_OK;
    }
    err_set(err, "%s: %s", what, text && *text ? text : rd_kafka_err2str(code));
    switch (code) {
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
        return KAFKA_ADMIN_UNSUPPORTED;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
        return KAFKA_ADMIN_REFUSED;
    default:
        return KAFKA_ADMIN_FAILED;
    }
}

enum kafka_admin_status kafka_admin_judge_event(rd_kafka_event_t *event, const char *what, struct err *err)
{
    if (!event) {
        return kafka_admin_judge(RD_KAFKA_RESP_ERR__TIMED_OUT, "no answer in time", what, err);
    }
    return kafka_admin_judge(rd_kafka_event_error(event), rd_kafka_event_error_string(event), what, err);
}

void kafka_admin_property(const struct kafka_admin *admin, const char *name, char *value, size_t size)
{
    size_t len = size;

    value[0] = '\0';
    if (rd_kafka_conf_get(rd_kafka_conf(admin->rk), name, value, &len) != RD_KAFKA_CONF_OK) {
        value[0] = '\0';
    }
}

/* --- what is there ------------------------------------------------------------------------------------------------ */

static struct kafka_admin_topic read_topic(const struct rd_kafka_metadata_topic *from)
{
    struct kafka_admin_topic topic = {.name = xstrdup(from->topic), .partitions = from->partition_cnt};

    for (int i = 0; i < from->partition_cnt; i++) {
        const struct rd_kafka_metadata_partition *partition = &from->partitions[i];

        topic.replicas = i && topic.replicas < partition->replica_cnt ? topic.replicas : partition->replica_cnt;
        topic.in_sync = i && topic.in_sync < partition->isr_cnt ? topic.in_sync : partition->isr_cnt;
        topic.leaderless += partition->leader < 0;
    }
    return topic;
}

static int compare_topics(const void *left, const void *right)
{
    const struct kafka_admin_topic *a = left, *b = right;

    return strcmp(a->name, b->name);
}

/* All topics are asked for, never one by name: a broker may create a topic that it is asked about. */
bool kafka_admin_look(struct kafka_admin *admin, struct kafka_admin_view *view, struct err *err)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t code = rd_kafka_metadata(admin->rk, 1, NULL, &metadata, (int)admin->wait_ms);

    *view = (struct kafka_admin_view){.broker_count = 0};
    rd_kafka_poll(admin->rk, 0);
    if (code) {
        return kafka_config_no_answer(admin->rk, code, err);
    }
    view->broker_count = metadata->broker_cnt;
    view->topics = xcalloc((size_t)metadata->topic_cnt + 1, sizeof(*view->topics));
    for (int i = 0; i < metadata->topic_cnt; i++) {
        if (metadata->topics[i].err != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
            view->topics[view->topic_count++] = read_topic(&metadata->topics[i]);
        }
    }
    qsort(view->topics, view->topic_count, sizeof(*view->topics), compare_topics);
    rd_kafka_metadata_destroy(metadata);
    return true;
}

void kafka_admin_view_finish(struct kafka_admin_view *view)
{
    for (size_t i = 0; i < view->topic_count; i++) {
        free(view->topics[i].name);
    }
    free(view->topics);
    *view = (struct kafka_admin_view){.broker_count = 0};
}

const struct kafka_admin_topic *kafka_admin_find(const struct kafka_admin_view *view, const char *name)
{
    for (size_t i = 0; i < view->topic_count; i++) {
        if (strcmp(view->topics[i].name, name) == 0) {
            return &view->topics[i];
        }
    }
    return NULL;
}

bool kafka_admin_match(const struct kafka_admin_view *view, const char *pattern, const char *names[], size_t most,
                       size_t *count, struct err *err)
{
    regex_t regex;

    *count = 0;
    if (pattern[0] != '^') {
        const struct kafka_admin_topic *topic = kafka_admin_find(view, pattern);

        if (topic && most > 0) {
            names[(*count)++] = topic->name;
        }
        return true;
    }
    if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0) {
        return err_set(err, "\"%.64s\" is no regular expression", pattern);
    }
    for (size_t i = 0; i < view->topic_count && *count < most; i++) {
        if (regexec(&regex, view->topics[i].name, 0, NULL, 0) == 0) {
            names[(*count)++] = view->topics[i].name;
        }
    }
    regfree(&regex);
    return true;
}

/* --- settings of a topic ------------------------------------------------------------------------------------------ */

static void read_config(const rd_kafka_ConfigResource_t *resource, struct kafka_admin_config *config)
{
    size_t count;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &count);

    config->items = xcalloc(count + 1, sizeof(*config->items));
    for (size_t i = 0; i < count; i++) {
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);

        config->items[config->count++] = (struct kafka_admin_setting){
            .name = xstrdup(rd_kafka_ConfigEntry_name(entries[i])),
            .value = xstrdup(value ? value : ""),
            .is_of_topic =
                rd_kafka_ConfigEntry_source(entries[i]) == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG,
        };
    }
}

enum kafka_admin_status kafka_admin_describe(struct kafka_admin *admin, const char *topic,
                                             struct kafka_admin_config *config, struct err *err)
{
    enum kafka_admin_status status = kafka_admin_need_controller(admin, err);
    rd_kafka_AdminOptions_t *options;
    rd_kafka_ConfigResource_t *question;
    rd_kafka_event_t *event;

    *config = (struct kafka_admin_config){.count = 0};
    if (status != KAFKA_ADMIN_OK) {
        return status;
    }
    options = kafka_admin_options(admin, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    question = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    rd_kafka_DescribeConfigs(admin->rk, &question, 1, options, admin->queue);
    event = kafka_admin_wait(admin, RD_KAFKA_EVENT_DESCRIBECONFIGS_RESULT);
    status = kafka_admin_judge_event(event, topic, err);
    if (status == KAFKA_ADMIN_OK) {
        size_t count;
        const rd_kafka_ConfigResource_t **answers =
            rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &count);

        status = count == 1 ? kafka_admin_judge(rd_kafka_ConfigResource_error(answers[0]),
                                                rd_kafka_ConfigResource_error_string(answers[0]), topic, err)
                            : kafka_admin_judge(RD_KAFKA_RESP_ERR_UNKNOWN, NULL, topic, err);
        if (status == KAFKA_ADMIN_OK) {
            read_config(answers[0], config);
        }
    }
    if (event) {
        rd_kafka_event_destroy(event);
    }
    rd_kafka_ConfigResource_destroy(question);
    rd_kafka_AdminOptions_destroy(options);
    return status;
}

void kafka_admin_config_finish(struct kafka_admin_config *config)
{
    for (size_t i = 0; i < config->count; i++) {
        free(config->items[i].name);
        free(config->items[i].value);
    }
    free(config->items);
    *config = (struct kafka_admin_config){.count = 0};
}

const char *kafka_admin_config_find(const struct kafka_admin_config *config, const char *name)
{
    for (size_t i = 0; i < config->count; i++) {
        if (strcmp(config->items[i].name, name) == 0) {
            return config->items[i].value;
        }
    }
    return NULL;
}

/* --- making and changing ------------------------------------------------------------------------------------------ */

static enum kafka_admin_status judge_creation(rd_kafka_event_t *event, const char *topic, struct err *err)
{
    enum kafka_admin_status status = kafka_admin_judge_event(event, topic, err);
    const rd_kafka_topic_result_t **results;
    rd_kafka_resp_err_t code;
    size_t count;

    if (status != KAFKA_ADMIN_OK) {
        return status;
    }
    results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    code = count == 1 ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR_UNKNOWN;
    if (code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
        return KAFKA_ADMIN_OK;
    }
    return kafka_admin_judge(code, count == 1 ? rd_kafka_topic_result_error_string(results[0]) : NULL, topic, err);
}

enum kafka_admin_status kafka_admin_create(struct kafka_admin *admin, const char *topic, int partitions, int replicas,
                                           const struct kafka_admin_pair settings[], struct err *err)
{
    char problem[PROBLEM_SIZE];
    rd_kafka_NewTopic_t *wish = rd_kafka_NewTopic_new(topic, partitions, replicas, problem, sizeof(problem));
    enum kafka_admin_status status = wish ? kafka_admin_need_controller(admin, err)
                                          : kafka_admin_judge(RD_KAFKA_RESP_ERR__INVALID_ARG, problem, topic, err);
    rd_kafka_AdminOptions_t *options;
    rd_kafka_event_t *event;

    if (status != KAFKA_ADMIN_OK) {
        if (wish) {
            rd_kafka_NewTopic_destroy(wish);
        }
        return status;
    }
    for (const struct kafka_admin_pair *pair = settings; pair->name; pair++) {
        rd_kafka_NewTopic_set_config(wish, pair->name, pair->value);
    }
    options = kafka_admin_options(admin, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_AdminOptions_set_operation_timeout(options, (int)admin->wait_ms, problem, sizeof(problem));
    rd_kafka_CreateTopics(admin->rk, &wish, 1, options, admin->queue);
    event = kafka_admin_wait(admin, RD_KAFKA_EVENT_CREATETOPICS_RESULT);
    status = judge_creation(event, topic, err);
    if (event) {
        rd_kafka_event_destroy(event);
    }
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_NewTopic_destroy(wish);
    return status;
}

static bool is_among(const struct kafka_admin_pair settings[], const char *name)
{
    while (settings->name && strcmp(settings->name, name) != 0) {
        settings++;
    }
    return settings->name != NULL;
}

static enum kafka_admin_status judge_change(rd_kafka_event_t *event, const char *topic, struct err *err)
{
    enum kafka_admin_status status = kafka_admin_judge_event(event, topic, err);
    const rd_kafka_ConfigResource_t **answers;
    size_t count;

    if (status != KAFKA_ADMIN_OK) {
        return status;
    }
    answers = rd_kafka_AlterConfigs_result_resources(rd_kafka_event_AlterConfigs_result(event), &count);
    return count == 1 ? kafka_admin_judge(rd_kafka_ConfigResource_error(answers[0]),
                                          rd_kafka_ConfigResource_error_string(answers[0]), topic, err)
                      : kafka_admin_judge(RD_KAFKA_RESP_ERR_UNKNOWN, NULL, topic, err);
}

/* AlterConfigs replaces everything that is set for the topic (librdkafka can change single settings since 2.2), so what
 * stands there goes along. */
enum kafka_admin_status kafka_admin_alter(struct kafka_admin *admin, const char *topic,
                                          const struct kafka_admin_pair settings[], struct err *err)
{
    struct kafka_admin_config config;
    enum kafka_admin_status status = kafka_admin_describe(admin, topic, &config, err);
    rd_kafka_AdminOptions_t *options;
    rd_kafka_ConfigResource_t *wish;
    rd_kafka_event_t *event;

    if (status != KAFKA_ADMIN_OK) {
        return status;
    }
    wish = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    for (size_t i = 0; i < config.count; i++) {
        if (config.items[i].is_of_topic && !is_among(settings, config.items[i].name)) {
            rd_kafka_ConfigResource_set_config(wish, config.items[i].name, config.items[i].value);
        }
    }
    for (const struct kafka_admin_pair *pair = settings; pair->name; pair++) {
        rd_kafka_ConfigResource_set_config(wish, pair->name, pair->value);
    }
    options = kafka_admin_options(admin, RD_KAFKA_ADMIN_OP_ALTERCONFIGS);
    rd_kafka_AlterConfigs(admin->rk, &wish, 1, options, admin->queue);
    event = kafka_admin_wait(admin, RD_KAFKA_EVENT_ALTERCONFIGS_RESULT);
    status = judge_change(event, topic, err);
    if (event) {
        rd_kafka_event_destroy(event);
    }
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy(wish);
    kafka_admin_config_finish(&config);
    return status;
}
