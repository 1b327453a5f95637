#include "io/kafka_admin_inside.h"

#include <string.h>

#include "base/clock.h"

enum { PROBLEM_SIZE = 256 };

/* --- is there anybody who refuses? -------------------------------------------------------------------------------- */

enum kafka_admin_status kafka_admin_ask_authorizer(struct kafka_admin *admin, struct err *err)
{
    enum kafka_admin_status status = kafka_admin_need_controller(admin, err);
    char problem[PROBLEM_SIZE];
    rd_kafka_AclBindingFilter_t *all;
    rd_kafka_AdminOptions_t *options;
    rd_kafka_event_t *event;

    if (status != KAFKA_ADMIN_OK) {
        return status;
    }
    all = rd_kafka_AclBindingFilter_new(RD_KAFKA_RESOURCE_TOPIC, NULL, RD_KAFKA_RESOURCE_PATTERN_ANY, NULL, NULL,
                                        RD_KAFKA_ACL_OPERATION_ANY, RD_KAFKA_ACL_PERMISSION_TYPE_ANY, problem,
                                        sizeof(problem));
    options = kafka_admin_options(admin, RD_KAFKA_ADMIN_OP_DESCRIBEACLS);
    rd_kafka_DescribeAcls(admin->rk, all, options, admin->queue);
    event = kafka_admin_wait(admin, RD_KAFKA_EVENT_DESCRIBEACLS_RESULT);
    status = kafka_admin_judge_event(event, "access control", err);
    if (event && rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_SECURITY_DISABLED) {
        err_clear(err);
        status = KAFKA_ADMIN_OK;
    } else if (status == KAFKA_ADMIN_OK) {
        size_t count;

        /* librdkafka 2.0.2 hides that there is none behind an empty answer. */
        rd_kafka_DescribeAcls_result_acls(rd_kafka_event_DescribeAcls_result(event), &count);
        status = count > 0 ? KAFKA_ADMIN_REFUSED : KAFKA_ADMIN_OK;
    }
    if (event) {
        rd_kafka_event_destroy(event);
    }
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_AclBinding_destroy(all);
    return status;
}

/* --- topics ------------------------------------------------------------------------------------------------------- */

#if RD_KAFKA_VERSION >= 0x02030000

static enum kafka_admin_right find_right(const rd_kafka_AclOperation_t *operations, size_t count,
                                         rd_kafka_AclOperation_t wanted)
{
    for (size_t i = 0; i < count; i++) {
        if (operations[i] == wanted || operations[i] == RD_KAFKA_ACL_OPERATION_ALL) {
            return KAFKA_ADMIN_YES;
        }
    }
    return KAFKA_ADMIN_NO;
}

static void read_rights(const rd_kafka_TopicDescription_t *answer, struct kafka_admin_rights *rights)
{
    const rd_kafka_error_t *error = rd_kafka_TopicDescription_error(answer);
    const rd_kafka_AclOperation_t *operations;
    size_t count = 0;

    if (error && rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) {
        rights->may_read = rights->may_write = KAFKA_ADMIN_NO;
        return;
    }
    operations = rd_kafka_TopicDescription_authorized_operations(answer, &count);
    if (operations && count > 0) {
        rights->may_read = find_right(operations, count, RD_KAFKA_ACL_OPERATION_READ);
        rights->may_write = find_right(operations, count, RD_KAFKA_ACL_OPERATION_WRITE);
    }
}

static void ask_operations(struct kafka_admin *admin, const char *topic, struct kafka_admin_rights *rights)
{
    rd_kafka_TopicCollection_t *topics = rd_kafka_TopicCollection_of_topic_names(&topic, 1);
    rd_kafka_AdminOptions_t *options = kafka_admin_options(admin, RD_KAFKA_ADMIN_OP_DESCRIBETOPICS);
    rd_kafka_error_t *problem = rd_kafka_AdminOptions_set_include_authorized_operations(options, 1);
    rd_kafka_event_t *event;

    if (problem) {
        rd_kafka_error_destroy(problem);
    }
    rd_kafka_DescribeTopics(admin->rk, topics, options, admin->queue);
    event = kafka_admin_wait(admin, RD_KAFKA_EVENT_DESCRIBETOPICS_RESULT);
    if (event && !rd_kafka_event_error(event)) {
        size_t count;
        const rd_kafka_TopicDescription_t **answers =
            rd_kafka_DescribeTopics_result_topics(rd_kafka_event_DescribeTopics_result(event), &count);

        if (count == 1) {
            read_rights(answers[0], rights);
        }
    }
    if (event) {
        rd_kafka_event_destroy(event);
    }
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_TopicCollection_destroy(topics);
}

#else

static void ask_operations(struct kafka_admin *admin, const char *topic, struct kafka_admin_rights *rights)
{
    (void)admin;
    (void)topic;
    (void)rights;
}

#endif

/* One fetch of the last record: it, the end of an empty log, or a refusal. */
static enum kafka_admin_right try_to_read(struct kafka_admin *admin, const char *topic)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(admin->rk, topic, NULL);
    int64_t until_ms = clock_mono_ms() + admin->wait_ms;
    enum kafka_admin_right right = KAFKA_ADMIN_UNKNOWN;

    if (!handle || rd_kafka_consume_start(handle, 0, RD_KAFKA_OFFSET_TAIL(1)) != 0) {
        return right;
    }
    while (right == KAFKA_ADMIN_UNKNOWN && clock_mono_ms() < until_ms) {
        rd_kafka_message_t *message = rd_kafka_consume(handle, 0, 100);

        if (message && (!message->err || message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)) {
            right = KAFKA_ADMIN_YES;
        } else if (message && message->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) {
            right = KAFKA_ADMIN_NO;
        }
        if (message) {
            rd_kafka_message_destroy(message);
        }
        rd_kafka_poll(admin->rk, 0);
    }
    rd_kafka_consume_stop(handle, 0);
    rd_kafka_topic_destroy(handle);
    return right;
}

void kafka_admin_ask_rights(struct kafka_admin *admin, const char *topic, struct kafka_admin_rights *rights)
{
    *rights = (struct kafka_admin_rights){KAFKA_ADMIN_UNKNOWN, KAFKA_ADMIN_UNKNOWN};
    if (kafka_admin_need_controller(admin, NULL) == KAFKA_ADMIN_OK) {
        ask_operations(admin, topic, rights);
    }
    if (rights->may_read == KAFKA_ADMIN_UNKNOWN) {
        rights->may_read = try_to_read(admin, topic);
    }
}

/* --- group -------------------------------------------------------------------------------------------------------- */

static enum kafka_admin_status judge_group(rd_kafka_event_t *event, const char *group, struct err *err)
{
    enum kafka_admin_status status = kafka_admin_judge_event(event, group, err);
    const rd_kafka_error_t *error;
    const rd_kafka_group_result_t **groups;
    size_t count;

    if (status != KAFKA_ADMIN_OK) {
        return status;
    }
    groups = rd_kafka_ListConsumerGroupOffsets_result_groups(rd_kafka_event_ListConsumerGroupOffsets_result(event),
                                                             &count);
    error = count == 1 ? rd_kafka_group_result_error(groups[0]) : NULL;
    return error ? kafka_admin_judge(rd_kafka_error_code(error), rd_kafka_error_string(error), group, err)
                 : KAFKA_ADMIN_OK;
}

enum kafka_admin_status kafka_admin_ask_group(struct kafka_admin *admin, const char *group, const char *topic,
                                              struct err *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_AdminOptions_t *options = kafka_admin_options(admin, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
    rd_kafka_ListConsumerGroupOffsets_t *question;
    enum kafka_admin_status status;
    rd_kafka_event_t *event;

    rd_kafka_topic_partition_list_add(list, topic, 0);
    question = rd_kafka_ListConsumerGroupOffsets_new(group, list);
    rd_kafka_ListConsumerGroupOffsets(admin->rk, &question, 1, options, admin->queue);
    event = kafka_admin_wait(admin, RD_KAFKA_EVENT_LISTCONSUMERGROUPOFFSETS_RESULT);
    status = judge_group(event, group, err);
    if (event) {
        rd_kafka_event_destroy(event);
    }
    rd_kafka_ListConsumerGroupOffsets_destroy(question);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}
