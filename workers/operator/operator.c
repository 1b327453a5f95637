#include "workers/operator/operator.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/log.h"
#include "base/number.h"
#include "run/redis_ask.h"
#include "run/setting_rows.h"

enum { FLUSH_MS = 5000, WAIT_MS = 500 };

const struct setting operator_settings_table[] = {
    SETTING_ROW_KAFKA_BROKERS(struct operator_settings, kafka_brokers),
    SETTING_ROW_KAFKA_CONFIG(struct operator_settings, kafka_config),
    SETTING_ROW_KAFKA_TOPICS(struct operator_settings, kafka_topics),
    SETTING_ROW_KAFKA_TOPIC_PREFIX(struct operator_settings, kafka_topic_prefix),
    SETTING_ROW_REDIS_URL(struct operator_settings, redis_url),
    SETTING_ROW_ENVIRONMENT(struct operator_settings, environment),
    {NULL, SETTING_TEXT, 0, NULL, NULL, false, 0, 0},
};

/* --- open, close -------------------------------------------------------------------------------------------------- */

bool operator_open(struct operator *operator, struct err *err)
{
    *operator = (struct operator){.redis = NULL};
    log_set_level(LOG_ERROR); /* the clients' own warnings are no news to a person */
    if (!settings_load(operator_settings_table, &operator->settings, err)) {
        return false;
    }
    operator->kafka = (struct kafka_settings){
        .brokers = operator->settings.kafka_brokers,
        .properties_file = operator->settings.kafka_config,
        .client_id = "perkline-operator",
        .session_timeout_ms = 30000,
        .queue_kib = 16384,
    };
    if (!setting_rows_check_environment(operator->settings.environment, err) ||
        !topics_init(&operator->topics, operator->settings.kafka_topic_prefix, err) ||
        !(operator->redis = redis_ask_open(operator->settings.redis_url, err))) {
        settings_finish(operator_settings_table, &operator->settings);
        return false;
    }
    return true;
}

void operator_close(struct operator *operator)
{
    if (operator->producer) {
        kafka_producer_close(operator->producer, FLUSH_MS);
    }
    loop_destroy(operator->loop);
    redis_ask_close(operator->redis);
    settings_finish(operator_settings_table, &operator->settings);
}

/* --- Redis -------------------------------------------------------------------------------------------------------- */

static struct slice text_of(const json_t *value)
{
    return slice_make(json_string_value(value), json_string_length(value));
}

bool operator_look(struct operator *operator, const struct mid *mid, struct claim_record *record, struct err *err)
{
    char key[CLAIM_KEY_SIZE];
    json_t *answer = redis_ask_call(
        operator->redis,
        (const struct slice[]){SLICE("GET"), claim_record_key(operator->settings.environment, mid, key)}, 2, err);
    bool is_fine = answer != NULL;

    *record = (struct claim_record){.state = 0};
    if (json_is_string(answer) && !claim_record_parse(text_of(answer), record)) {
        *record = (struct claim_record){.state = '!'};
    }
    json_decref(answer);
    return is_fine;
}

/* New reference; JSON null when there is none. */
static json_t *ask_epoch(struct operator *operator, const struct mid *mid, struct err *err)
{
    char guard[CLAIM_KEY_SIZE];

    return redis_ask_call(operator->redis,
                          (const struct slice[]){SLICE("HGET"),
                                                 claim_guard_key(operator->settings.environment, mid->bytes[0], guard),
                                                 SLICE("e")},
                          3, err);
}

bool operator_has_epoch(struct operator *operator, const struct mid *mid, bool *has_epoch, struct err *err)
{
    json_t *epoch = ask_epoch(operator, mid, err);
    bool is_fine = epoch != NULL;

    *has_epoch = json_is_string(epoch);
    json_decref(epoch);
    return is_fine;
}

static bool read_resolved(const json_t *answer, uint64_t *fence, enum operator_resolved *resolved, struct err *err)
{
    struct slice word = text_of(json_array_get(answer, 0));

    if (slice_is(word, "OK")) {
        *fence = (uint64_t)json_integer_value(json_array_get(answer, 1));
        *resolved = OPERATOR_RESOLVED;
        return true;
    }
    *resolved = OPERATOR_CHANGED;
    return slice_is(word, "CHANGED") || err_set(err, "Redis has just forgotten what it knew; try again");
}

bool operator_resolve(struct operator *operator, const struct mid *mid, uint64_t *fence, char state, const char *info,
                      int64_t ttl_ms, enum operator_resolved *resolved, struct err *err)
{
    char record[CLAIM_KEY_SIZE], guard[CLAIM_KEY_SIZE], fence_text[NUMBER_TEXT_SIZE], ttl[NUMBER_TEXT_SIZE];
    json_t *epoch = ask_epoch(operator, mid, err);
    json_t *answer = NULL;
    bool is_fine = false;

    if (json_is_string(epoch)) {
        const struct slice args[] = {
            claim_record_key(operator->settings.environment, mid, record),
            claim_guard_key(operator->settings.environment, mid->bytes[0], guard),
            text_of(epoch),
            number_format((int64_t)*fence, fence_text),
            slice_make(&state, 1),
            slice_of(info),
            number_format(ttl_ms, ttl),
        };

        answer = redis_ask_eval(operator->redis, &claims_resolve_script, args, sizeof(args) / sizeof(args[0]), err);
        is_fine = answer && read_resolved(answer, fence, resolved, err);
    } else if (epoch) {
        err_set(err, "Redis remembers nothing of environment \"%s\": a worker must rebuild it first, or ENVIRONMENT is another "
                     "than that of the workers", operator->settings.environment);
    }
    json_decref(epoch);
    json_decref(answer);
    return is_fine;
}

/* --- Kafka -------------------------------------------------------------------------------------------------------- */

struct delivery_report {
    bool is_answered, is_done;
    char problem[128];
};

static void on_produced(void *arg, bool is_done, const char *problem)
{
    struct delivery_report *report = arg;

    report->is_answered = true;
    report->is_done = is_done;
    snprintf(report->problem, sizeof(report->problem), "%s", problem ? problem : "");
}

bool operator_produce(struct operator *operator, const struct kafka_message *message, struct err *err)
{
    struct delivery_report report = {.is_done = false};

    if (!operator->producer) {
        operator->loop = operator->loop ? operator->loop : loop_create();
        operator->producer = kafka_producer_open(operator->loop, &operator->kafka, err);
        if (!operator->producer) {
            return false;
        }
    }
    kafka_produce(operator->producer, message, on_produced, &report);
    while (!report.is_answered) {
        loop_turn(operator->loop, true);
    }
    return report.is_done || err_set(err, "Kafka did not take the record for %s: %s", message->topic, report.problem);
}

bool operator_read_topic(struct operator *operator, const char *topic, struct record_place from,
                         operator_record_fn take, void *arg, struct err *err)
{
    const struct record_range range = {
        .topic = topic, .partition = -1, .from = from, .to = {.kind = RECORD_PLACE_END}};
    struct record_source *source = record_source_open_topic(&operator->kafka, &range, err);
    bool is_end = false;

    while (source && !is_end) {
        const struct record *record = NULL;

        if (!record_source_next(source, WAIT_MS, &record, &is_end, err)) {
            record_source_close(source);
            return false;
        }
        if (record) {
            take(arg, record);
        }
    }
    record_source_close(source);
    return source != NULL;
}
