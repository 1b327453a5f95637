#include "io/kafka_config.h"

#include <errno.h>
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "io/kafka_handle.h"

enum { CHECK_CLOSE_MS = 1000 };

struct property {
    const char *name;
    const char *value;
};

/* Defaults: the properties file may say otherwise. */
static const struct property common_defaults[] = {
    {"socket.timeout.ms", "15000"},
    {"socket.keepalive.enable", "true"},
    {"socket.nagle.disable", "true"},
    {"reconnect.backoff.max.ms", "5000"},
    {"topic.metadata.refresh.interval.ms", "10000"},
    {"log.connection.close", "false"},
    {NULL, NULL},
};

static const struct property consumer_defaults[] = {
    {"check.crcs", "true"},
    /* A member learns with its next heartbeat that the group is being shared out anew, and all wait for the last one. */
    {"heartbeat.interval.ms", "1000"},
    {"max.poll.interval.ms", "300000"},
    /* The consumer bounds what waits. With this many at hand librdkafka 2.0.2 asks for nothing for a second, not even of
     * partitions that have nothing waiting. */
    {"queued.min.messages", "100000"},
    {"fetch.wait.max.ms", "100"},
    {"fetch.error.backoff.ms", "200"},
    {"coordinator.query.interval.ms", "60000"},
    {"isolation.level", "read_committed"},
    {"statistics.interval.ms", "5000"},
    {NULL, NULL},
};

static const struct property producer_defaults[] = {
    {"linger.ms", "5"},
    {"message.timeout.ms", "30000"},
    {"message.max.bytes", "1000000000"}, /* it is for the topic to say what is too large */
    {"partitioner", "murmur2_random"},
    {NULL, NULL},
};

/* Fixed: naming one of them in the properties file is an error, whatever the role, so that one file serves all. */
static const struct property common_fixed[] = {
    {"log.queue", "true"},
    {NULL, NULL},
};

static const struct property consumer_fixed[] = {
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "error"},
    {"partition.assignment.strategy", "range,roundrobin"},
    {"enable.partition.eof", "true"},
    {"allow.auto.create.topics", "false"},
    {NULL, NULL},
};

/* A reader looks at a log that goes on being trimmed: what was removed meanwhile is no longer there to be read. */
static const struct property reader_fixed[] = {
    {"enable.auto.commit", "false"},  {"enable.auto.offset.store", "false"}, {"auto.offset.reset", "earliest"},
    {"enable.partition.eof", "true"}, {"allow.auto.create.topics", "false"},
    /* Whoever reads a whole log must not wait a second each time that this many are at hand (librdkafka 2.0.2). */
    {"queued.min.messages", "100000"}, {NULL, NULL},
};

/* Idempotence is off: librdkafka 2.0.2 turns some broker errors into fatal ones with it, and what a retry writes
 * twice is recognised by its key. */
static const struct property producer_fixed[] = {
    {"acks", "all"},
    {"enable.idempotence", "false"},
    {NULL, NULL},
};

/* Set elsewhere, or aliases of what is fixed. */
static const char *const reserved[] = {"group.id", "request.required.acks", "enable.gapless.guarantee",
                                       "transactional.id", NULL};

static const struct property *const fixed_tables[] = {common_fixed, consumer_fixed, producer_fixed};

static bool is_fixed(const char *name)
{
    for (size_t i = 0; i < sizeof(fixed_tables) / sizeof(fixed_tables[0]); i++) {
        for (const struct property *p = fixed_tables[i]; p->name; p++) {
            if (strcmp(p->name, name) == 0) {
                return true;
            }
        }
    }
    for (const char *const *r = reserved; *r; r++) {
        if (strcmp(*r, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool set(rd_kafka_conf_t *conf, const char *name, const char *value, struct err *err)
{
    char reason[256];

    if (rd_kafka_conf_set(conf, name, value, reason, sizeof(reason)) != RD_KAFKA_CONF_OK) {
        return err_set(err, "Kafka setting %s: %s", name, reason);
    }
    return true;
}

static bool set_number(rd_kafka_conf_t *conf, const char *name, int64_t value, struct err *err)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRId64, value);
    return set(conf, name, text, err);
}

static bool set_all(rd_kafka_conf_t *conf, const struct property *table, struct err *err)
{
    for (const struct property *p = table; p->name; p++) {
        if (!set(conf, p->name, p->value, err)) {
            return false;
        }
    }
    return true;
}

/* --- the properties file ------------------------------------------------------------------------------------------ */

static char *trim(char *text)
{
    size_t len;

    text += strspn(text, " \t\r\n");
    len = strlen(text);
    while (len > 0 && strchr(" \t\r\n", text[len - 1])) {
        text[--len] = '\0';
    }
    return text;
}

/* One line; empty ones and comments are fine. Values are not repeated in errors: they may be secrets. */
static bool apply_line(rd_kafka_conf_t *conf, char *line, const struct kafka_settings *settings, struct err *err)
{
    char *name = trim(line);
    char *equals = strchr(name, '=');
    char *value;
    char reason[256];

    if (*name == '\0' || *name == '#' || *name == '!') {
        return true;
    }
    if (!equals) {
        return err_set(err, "expected key=value");
    }
    *equals = '\0';
    name = trim(name);
    value = trim(equals + 1);
    if (strcmp(name, "bootstrap.servers") == 0 || strcmp(name, "metadata.broker.list") == 0) {
        if (settings->brokers && *settings->brokers && strcmp(value, settings->brokers) != 0) {
            return err_set(err, "%s contradicts the brokers that the settings name", name);
        }
    } else if (is_fixed(name)) {
        return err_set(err, "%s cannot be changed: sending exactly once depends on it", name);
    }
    switch (rd_kafka_conf_set(conf, name, value, reason, sizeof(reason))) {
    case RD_KAFKA_CONF_OK:
        return true;
    case RD_KAFKA_CONF_UNKNOWN:
        return err_set(err, "librdkafka has no property \"%.64s\"", name);
    default:
        return err_set(err, "the value of %s is not valid", name);
    }
}

static bool apply_file(rd_kafka_conf_t *conf, const struct kafka_settings *settings, struct err *err)
{
    const char *path = settings->properties_file;
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    bool is_ok = true;

    if (!file) {
        return err_set(err, "%s: %s", path, strerror(errno));
    }
    errno = 0;
    for (int number = 1; is_ok && (len = getline(&line, &size, file)) >= 0; number++) {
        if (memchr(line, '\0', (size_t)len)) {
            is_ok = err_set(err, "not a text file");
        } else {
            is_ok = apply_line(conf, line, settings, err);
        }
        if (!is_ok) {
            err_prefix(err, "%s:%d", path, number);
        }
    }
    if (is_ok && ferror(file)) {
        is_ok = err_set(err, "%s: %s", path, strerror(errno));
    }
    if (line) {
        explicit_bzero(line, size); /* it may have held a password */
    }
    free(line);
    fclose(file);
    return is_ok;
}

/* --- roles -------------------------------------------------------------------------------------------------------- */

/* librdkafka warns about producer properties given to a consumer and the other way round, which is intended since one
 * file serves both, and about brokers (such as the embedded one) that cannot be told not to create topics. */
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    bool is_expected = strcmp(facility, "CONFWARN") == 0 || strcmp(facility, "AUTOCREATE") == 0;

    log_event(level <= 4 && !is_expected ? LOG_WARN : LOG_DEBUG, "kafka", "client", rd_kafka_name(rk), "facility",
              facility, "text", text, NULL);
}

static bool apply_consumer(rd_kafka_conf_t *conf, const struct kafka_settings *settings, struct err *err)
{
    return set_all(conf, consumer_defaults, err) &&
           set_number(conf, "queued.max.messages.kbytes", settings->queue_kib ? settings->queue_kib : 16384, err) &&
           set_number(conf, "session.timeout.ms", settings->session_timeout_ms ? settings->session_timeout_ms : 30000,
                      err) &&
           /* 2.0.2 waits a fixed second when its queue is full; newer ones can be told not to. */
           (rd_kafka_version() < 0x02020000 || set(conf, "fetch.queue.backoff.ms", "50", err));
}

static bool apply_role(rd_kafka_conf_t *conf, enum kafka_role role, const struct kafka_settings *settings,
                       struct err *err)
{
    if (role == KAFKA_ROLE_PRODUCER) {
        return set_all(conf, producer_defaults, err);
    }
    return apply_consumer(conf, settings, err) &&
           /* What a partition with a lag brings at once: others wait behind it, and what is read too far is read again. */
           (role != KAFKA_ROLE_CONSUMER || set(conf, "max.partition.fetch.bytes", "65536", err));
}

static bool apply_fixed(rd_kafka_conf_t *conf, enum kafka_role role, const struct kafka_settings *settings,
                        const char *group, struct err *err)
{
    static const struct property *const tables[] = {
        [KAFKA_ROLE_CONSUMER] = consumer_fixed,
        [KAFKA_ROLE_PRODUCER] = producer_fixed,
        [KAFKA_ROLE_READER] = reader_fixed,
    };

    if (!set_all(conf, common_fixed, err) || !set_all(conf, tables[role], err)) {
        return false;
    }
    if (role != KAFKA_ROLE_CONSUMER) {
        return true;
    }
    return set(conf, "group.id", group, err) && (!settings->group_instance_id || !*settings->group_instance_id ||
                                                 set(conf, "group.instance.id", settings->group_instance_id, err));
}

struct rd_kafka_conf_s *kafka_config_create(enum kafka_role role, const struct kafka_settings *settings,
                                            const char *group, struct err *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool is_ok = set_all(conf, common_defaults, err) && apply_role(conf, role, settings, err);

    if (is_ok && settings->client_id && *settings->client_id) {
        is_ok = set(conf, "client.id", settings->client_id, err);
    }
    if (is_ok && settings->properties_file && *settings->properties_file) {
        is_ok = apply_file(conf, settings, err);
    }
    if (is_ok && settings->brokers && *settings->brokers) {
        is_ok = set(conf, "bootstrap.servers", settings->brokers, err);
    }
    is_ok = is_ok && apply_fixed(conf, role, settings, group, err);
    if (!is_ok) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    rd_kafka_conf_set_log_cb(conf, on_log);
    return conf;
}

static bool renew_from(rd_kafka_t *rk, const rd_kafka_conf_t *conf, struct err *err)
{
    char user[512], password[512];
    size_t user_size = sizeof(user), password_size = sizeof(password);
    rd_kafka_error_t *problem = NULL;

    if (rd_kafka_conf_get(conf, "sasl.username", user, &user_size) == RD_KAFKA_CONF_OK &&
        rd_kafka_conf_get(conf, "sasl.password", password, &password_size) == RD_KAFKA_CONF_OK && user[0]) {
        problem = rd_kafka_sasl_set_credentials(rk, user, password);
    }
    explicit_bzero(password, sizeof(password));
    if (problem) {
        err_set(err, "%s", rd_kafka_error_string(problem));
        rd_kafka_error_destroy(problem);
    }
    return !problem;
}

bool kafka_config_renew(struct rd_kafka_s *rk, const struct kafka_settings *settings, struct err *err)
{
    rd_kafka_conf_t *conf;
    bool is_done;

    if (!settings->properties_file || !*settings->properties_file) {
        return true;
    }
    conf = kafka_config_create(KAFKA_ROLE_READER, settings, NULL, err);
    is_done = conf && renew_from(rk, conf, err);
    if (conf) {
        rd_kafka_conf_destroy(conf);
    }
    return is_done;
}

/* Some contradictions are found only when the client is made. */
bool kafka_settings_check(const struct kafka_settings *settings, struct err *err)
{
    static const enum kafka_role roles[] = {KAFKA_ROLE_CONSUMER, KAFKA_ROLE_PRODUCER, KAFKA_ROLE_READER};
    struct kafka_settings alone = *settings;

    alone.brokers = NULL; /* so that it connects to nobody */
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        rd_kafka_conf_t *conf = kafka_config_create(roles[i], &alone, "check", err);
        rd_kafka_t *rk = conf ? kafka_handle_open(roles[i], conf, err) : NULL;

        if (!rk) {
            return false;
        }
        kafka_handle_close(rk, false, CHECK_CLOSE_MS);
    }
    return true;
}

bool kafka_config_no_answer(rd_kafka_t *rk, int code, struct err *err)
{
    char brokers[160];
    size_t size = sizeof(brokers); /* a list that does not fit is left out */
    bool has_brokers = rd_kafka_conf_get(rd_kafka_conf(rk), "bootstrap.servers", brokers, &size) == RD_KAFKA_CONF_OK &&
                       size <= sizeof(brokers);
    bool is_all_said = code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__TIMED_OUT ||
                       code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;

    return err_set(err, "no broker answers%s%s%s%s", has_brokers ? " at " : "", has_brokers ? brokers : "",
                   is_all_said ? "" : ": ", is_all_said ? "" : rd_kafka_err2str((rd_kafka_resp_err_t)code));
}
