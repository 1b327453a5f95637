#include "tests/support/kafka_tool.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/die.h"
#include "base/mem.h"
#include "io/kafka_reader.h"

enum { ANSWER_MS = 30000, GROUPS_MOST = 16 };

/* A client for each group that was asked about. */
struct group_client {
    char *group;
    rd_kafka_t *rk;
};

struct kafka_tool {
    char *brokers;
    rd_kafka_t *producer;
    size_t unacknowledged;
    struct group_client groups[GROUPS_MOST];
    size_t group_count;
};

static void on_delivered(rd_kafka_t *rk, const rd_kafka_message_t *message, void *arg)
{
    struct kafka_tool *tool = arg;

    (void)rk;
    if (message->err) {
        die("a record was not published: %s", rd_kafka_err2str(message->err));
    }
    tool->unacknowledged--;
}

/* Brokers that are killed on purpose are nothing to shout about. */
static void ignore_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk;
    (void)level;
    (void)facility;
    (void)text;
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char problem[256];

    if (rd_kafka_conf_set(conf, name, value, problem, sizeof(problem)) != RD_KAFKA_CONF_OK) {
        die("%s: %s", name, problem);
    }
}

static rd_kafka_t *open_client(struct kafka_tool *tool, const char *group)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char problem[256];
    rd_kafka_t *rk;

    set(conf, "bootstrap.servers", tool->brokers);
    rd_kafka_conf_set_log_cb(conf, ignore_log);
    if (group) {
        set(conf, "group.id", group);
    } else {
        set(conf, "acks", "all");
        set(conf, "partitioner", "murmur2_random");
        set(conf, "message.max.bytes", "4000000");
        set(conf, "enable.idempotence", "true"); /* in order and once, so that what the test publishes is known */
        rd_kafka_conf_set_opaque(conf, tool);
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivered);
    }
    rk = rd_kafka_new(group ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER, conf, problem, sizeof(problem));
    if (!rk) {
        die("no Kafka client: %s", problem);
    }
    return rk;
}

struct kafka_tool *kafka_tool_create(const char *brokers)
{
    struct kafka_tool *tool = xcalloc(1, sizeof(*tool));

    tool->brokers = xstrdup(brokers);
    tool->producer = open_client(tool, NULL);
    return tool;
}

void kafka_tool_destroy(struct kafka_tool *tool)
{
    if (!tool) {
        return;
    }
    rd_kafka_destroy(tool->producer);
    for (size_t i = 0; i < tool->group_count; i++) {
        free(tool->groups[i].group);
        rd_kafka_destroy(tool->groups[i].rk);
    }
    free(tool->brokers);
    free(tool);
}

/* --- topics ------------------------------------------------------------------------------------------------------- */

/* False: no answer. One that came too late made them the time before. */
static bool are_topics_made(rd_kafka_event_t *event)
{
    size_t count = 0;
    const rd_kafka_topic_result_t **results;

    if (!event || rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__TIMED_OUT) {
        return false;
    }
    if (rd_kafka_event_error(event)) {
        die("topics were not made: %s", rd_kafka_event_error_string(event));
    }
    results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t error = rd_kafka_topic_result_error(results[i]);

        if (error == RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT) {
            return false;
        }
        if (error && error != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
            die("topic %s was not made: %s", rd_kafka_topic_result_name(results[i]),
                rd_kafka_topic_result_error_string(results[i]));
        }
    }
    return true;
}

static bool try_to_make(struct kafka_tool *tool, rd_kafka_NewTopic_t **topics, size_t count)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(tool->producer);
    rd_kafka_event_t *event;
    bool is_made;

    rd_kafka_CreateTopics(tool->producer, topics, count, NULL, queue);
    event = rd_kafka_queue_poll(queue, ANSWER_MS);
    is_made = are_topics_made(event);
    if (event) {
        rd_kafka_event_destroy(event);
    }
    rd_kafka_queue_destroy(queue);
    return is_made;
}

/* Brokers that have just begun, on a machine with other things to do, may take longer than one answer. */
void kafka_tool_make_topics(struct kafka_tool *tool, const char *const names[], int partitions, int replicas)
{
    enum { TRIES = 4 };
    rd_kafka_NewTopic_t *topics[32];
    char problem[256];
    size_t count = 0;
    bool is_made = false;

    for (; names[count] && count < sizeof(topics) / sizeof(topics[0]); count++) {
        topics[count] = rd_kafka_NewTopic_new(names[count], partitions, replicas, problem, sizeof(problem));
        if (replicas > 1) {
            rd_kafka_NewTopic_set_config(topics[count], "min.insync.replicas", "2");
        }
    }
    for (int i = 0; i < TRIES && !is_made; i++) {
        is_made = try_to_make(tool, topics, count);
    }
    if (!is_made) {
        die("topics were not made: no answer");
    }
    rd_kafka_NewTopic_destroy_array(topics, count);
}

/* --- publish ------------------------------------------------------------------------------------------------------ */

void kafka_tool_publish(struct kafka_tool *tool, const char *topic, const struct kafka_tool_message *message)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(message->header_count);
    rd_kafka_resp_err_t problem;

    for (size_t i = 0; i < message->header_count; i++) {
        rd_kafka_header_add(headers, message->headers[i].name, -1, message->headers[i].value.data,
                            (ssize_t)message->headers[i].value.len);
    }
    while ((problem = rd_kafka_producev(
                tool->producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(message->partition),
                RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(message->key.data, message->key.len),
                RD_KAFKA_V_VALUE((void *)message->value.data, message->value.len), RD_KAFKA_V_HEADERS(headers),
                RD_KAFKA_V_TIMESTAMP(message->timestamp_ms), RD_KAFKA_V_END)) == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        rd_kafka_poll(tool->producer, 20);
    }
    if (problem) {
        die("a record cannot be published: %s", rd_kafka_err2str(problem));
    }
    tool->unacknowledged++;
    rd_kafka_poll(tool->producer, 0);
}

void kafka_tool_flush(struct kafka_tool *tool)
{
    if (rd_kafka_flush(tool->producer, 2 * ANSWER_MS) || tool->unacknowledged) {
        die("Kafka did not take %zu records", tool->unacknowledged);
    }
}

/* --- read --------------------------------------------------------------------------------------------------------- */

int64_t kafka_tool_read(struct kafka_tool *tool, const char *topic, kafka_tool_record_fn fn, void *arg)
{
    const struct kafka_settings settings = {.brokers = tool->brokers, .client_id = "test", .queue_kib = 16384};
    int64_t end_ms = clock_mono_ms() + ANSWER_MS;
    struct err err = {0};
    struct kafka_reader *reader = kafka_reader_open(&settings, topic, &err);
    bool is_end = false;
    int64_t count = 0;

    while (reader && !is_end && clock_mono_ms() < end_ms) {
        const struct kafka_record *record = NULL;

        if (!kafka_reader_next(reader, 200, &record, &is_end, &err)) {
            break;
        }
        if (record) {
            count++;
            end_ms = clock_mono_ms() + ANSWER_MS;
            if (fn) {
                fn(arg, record);
            }
        }
    }
    if (!is_end) {
        die("%s cannot be read: %s", topic, err.text);
    }
    kafka_reader_close(reader);
    return count;
}

int64_t kafka_tool_count(struct kafka_tool *tool, const char *topic)
{
    return kafka_tool_read(tool, topic, NULL, NULL);
}

/* --- lag ---------------------------------------------------------------------------------------------------------- */

static rd_kafka_t *client_of(struct kafka_tool *tool, const char *group)
{
    struct group_client *client = tool->groups;

    for (size_t i = 0; i < tool->group_count; i++, client++) {
        if (strcmp(client->group, group) == 0) {
            return client->rk;
        }
    }
    if (tool->group_count == GROUPS_MOST) {
        die("too many groups in one test");
    }
    tool->group_count++;
    client->group = xstrdup(group);
    client->rk = open_client(tool, group);
    return client->rk;
}

bool kafka_tool_committed(struct kafka_tool *tool, const char *group, const char *topic, int partitions,
                          int64_t offsets[])
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    bool is_fine;

    rd_kafka_topic_partition_list_add_range(list, topic, 0, partitions - 1);
    is_fine = !rd_kafka_committed(client_of(tool, group), list, 5000);
    for (int i = 0; i < list->cnt && is_fine; i++) {
        is_fine = !list->elems[i].err;
        offsets[list->elems[i].partition] = list->elems[i].offset >= 0 ? list->elems[i].offset : -1;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return is_fine;
}

/* Sum of what the group has committed; -1 when Kafka gives no answer. */
static int64_t sum_committed(struct kafka_tool *tool, const char *group, const char *topic, int partitions)
{
    int64_t *offsets = xcalloc((size_t)partitions, sizeof(*offsets));
    int64_t sum = kafka_tool_committed(tool, group, topic, partitions, offsets) ? 0 : -1;

    for (int i = 0; i < partitions && sum >= 0; i++) {
        sum += offsets[i] > 0 ? offsets[i] : 0;
    }
    free(offsets);
    return sum;
}

/* Sum of the ends of the partitions; -1 when Kafka gives no answer. The reader asks anew when a leader has moved, which
 * rd_kafka_query_watermark_offsets() does not (librdkafka 2.0.2). */
static int64_t sum_ends(struct kafka_tool *tool, const char *topic)
{
    const struct kafka_settings settings = {.brokers = tool->brokers, .client_id = "test", .queue_kib = 1024};
    struct err err = {0};
    struct kafka_reader *reader = kafka_reader_open(&settings, topic, &err);
    int64_t sum = reader ? kafka_reader_total(reader) : -1;

    kafka_reader_close(reader);
    return sum;
}

int64_t kafka_tool_lag(struct kafka_tool *tool, const char *group, const char *topic, int partitions)
{
    int64_t committed = sum_committed(tool, group, topic, partitions);
    int64_t ends = committed < 0 ? -1 : sum_ends(tool, topic);

    return ends < 0 ? -1 : ends - committed;
}

int kafka_tool_coordinator(struct kafka_tool *tool, const char *group)
{
    const struct rd_kafka_group_list *list = NULL;
    int id = -1;

    if (rd_kafka_list_groups(tool->producer, group, &list, ANSWER_MS) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        id = list->group_cnt == 1 ? list->groups[0].broker.id : -1;
        rd_kafka_group_list_destroy(list);
    }
    return id;
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* As system_create() names its own. */
static bool is_of_another_test(const char *group, const char *prefix)
{
    return group[0] == 't' && isdigit((unsigned char)group[1]) && strncmp(group, prefix, strlen(prefix)) != 0;
}

char *kafka_tool_list_groups(struct kafka_tool *tool, const char *prefix)
{
    const struct rd_kafka_group_list *list = NULL;
    const char **sorted;
    struct buf names;
    size_t count = 0;

    buf_init(&names, 0);
    if (rd_kafka_list_groups(tool->producer, NULL, &list, ANSWER_MS) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return buf_take(&names);
    }
    sorted = xcalloc((size_t)list->group_cnt + 1, sizeof(*sorted));
    for (int i = 0; i < list->group_cnt; i++) {
        if (!is_of_another_test(list->groups[i].group, prefix)) {
            sorted[count++] = list->groups[i].group;
        }
    }
    qsort(sorted, count, sizeof(*sorted), compare_names);
    for (size_t i = 0; i < count; i++) {
        buf_appendf(&names, "%s\n", sorted[i]);
    }
    free(sorted);
    rd_kafka_group_list_destroy(list);
    return buf_take(&names);
}
