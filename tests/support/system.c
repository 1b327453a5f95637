#include "tests/support/system.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "tests/support/http_call.h"
#include "tests/support/kafka_mock.h"
#include "tests/support/poll.h"
#include "tests/support/system_templates.h"
#include "tests/support/temp_dir.h"

enum { ENV_MOST = 64, ARGS_MOST = 32, IDLE_DEADLINE_MS = 240000 };

static const char *const topic_words[] = {"events",   "outcomes", "retry.1m", "retry.10m", "retry.1h",
                                          "retry.6h", "dlq",      "held",     NULL};
static const char *const consumed_words[] = {"events", "retry.1m", "retry.10m", "retry.1h", "retry.6h", NULL};

/* --- parts -------------------------------------------------------------------------------------------------------- */

const char *system_binary(void)
{
    const char *path = getenv("PERKLINE");

    if (!path || access(path, X_OK) != 0) {
        die("PERKLINE must name the program under test (make integration sets it)");
    }
    return path;
}

char *system_free_address(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        die("no free port");
    }
    close(fd);
    return xasprintf("127.0.0.1:%d", ntohs(address.sin_port));
}

const char *system_topic(const struct system *system, const char *word)
{
    static char names[4][128];
    static int next;
    char *name = names[next++ % 4];

    snprintf(name, sizeof(names[0]), "%s.%s", system->prefix, word);
    return name;
}

static struct process *start_part(struct system *system, const char *const argv[], const char *const env[],
                                  const char *log_name)
{
    char *log_path = temp_dir_path(system->dir, log_name);
    struct process *process = process_start(argv, env, log_path);

    free(log_path);
    return process;
}

static int count_partitions(const struct system *system)
{
    return system->options.partitions ? system->options.partitions : SYSTEM_PARTITIONS;
}

static void start_broker(struct system *system)
{
    char *prefix = xasprintf("KAFKA_TOPIC_PREFIX=%s", system->prefix);
    char partitions[16];
    const char *const argv[] = {system_binary(), "broker", "--partitions", partitions, NULL};
    const char *const env[] = {prefix, NULL};

    snprintf(partitions, sizeof(partitions), "%d", count_partitions(system));
    system->broker = start_part(system, argv, env, "broker.log");
    if (!process_wait_for_output(system->broker, "topic ")) {
        die("the embedded broker does not start");
    }
    system->bootstrap = process_find_output(system->broker, "bootstrap.servers=", "\n");
    system->kafka = kafka_tool_create(system->bootstrap);
    free(prefix);
}

static int count_replicas(void)
{
    const char *replicas = getenv("KAFKA_REPLICAS");

    return replicas ? (int)strtol(replicas, NULL, 10) : 1;
}

static void use_kafka(struct system *system, const char *bootstrap)
{
    const char *names[sizeof(topic_words) / sizeof(topic_words[0])] = {NULL};

    system->bootstrap = xstrdup(bootstrap);
    system->kafka = kafka_tool_create(bootstrap);
    for (size_t i = 0; topic_words[i]; i++) {
        names[i] = xasprintf("%s.%s", system->prefix, topic_words[i]);
    }
    kafka_tool_make_topics(system->kafka, names, count_partitions(system), count_replicas());
    for (size_t i = 0; names[i]; i++) {
        free((char *)names[i]);
    }
}

static void use_mock(struct system *system)
{
    system->bootstrap = xstrdup(kafka_mock_bootstrap(system->options.mock));
    system->kafka = kafka_tool_create(system->bootstrap);
    for (size_t i = 0; topic_words[i]; i++) {
        kafka_mock_make_topic(system->options.mock, system_topic(system, topic_words[i]), count_partitions(system));
    }
}

void system_make_topic(struct system *system, const char *word)
{
    if (!system->broker) {
        kafka_tool_make_topics(system->kafka, (const char *const[]){system_topic(system, word), NULL},
                               count_partitions(system), count_replicas());
    }
}

void system_start_sandbox(struct system *system)
{
    const char *argv[ARGS_MOST] = {system_binary(), "sandbox", "--listen", system->sandbox_listen};
    size_t count = 4;

    for (const char *const *arg = system->options.sandbox_args; arg && *arg && count < ARGS_MOST - 1; arg++) {
        argv[count++] = *arg;
    }
    process_destroy(system->sandbox);
    system->sandbox = start_part(system, argv, NULL, "sandbox.log");
    if (!process_wait_for_output(system->sandbox, "listening on ")) {
        die("the sandbox does not start");
    }
}

struct system *system_create(const struct system_options *options)
{
    static int number;
    const char *bootstrap = getenv("KAFKA_BOOTSTRAP");
    struct system *system = xcalloc(1, sizeof(*system));

    system->options = *options;
    system->dir = temp_dir_create();
    system->prefix = xasprintf("t%d-%d", (int)getpid(), ++number);
    system->sandbox_listen = system_free_address();
    system->sandbox_url = xasprintf("http://%s", system->sandbox_listen);
    if (options->has_repository_templates) {
        system->templates_dir = xstrdup("templates");
    } else {
        system->templates_dir = temp_dir_path(system->dir, "templates");
        system_templates_write(system->templates_dir);
    }
    if (options->mock) {
        use_mock(system);
    } else if (bootstrap && *bootstrap) {
        use_kafka(system, bootstrap);
    } else {
        start_broker(system);
    }
    system->redis = options->redis_options ? redis_server_start(options->redis_options) : redis_server_start_guarded();
    system_start_sandbox(system);
    return system;
}

void system_destroy(struct system *system)
{
    if (!system) {
        return;
    }
    for (int i = 0; i < SYSTEM_MOST_WORKERS; i++) {
        process_destroy(system->workers[i]);
    }
    kafka_tool_destroy(system->kafka);
    process_destroy(system->sandbox);
    process_destroy(system->broker);
    redis_server_destroy(system->redis);
    if (getenv("KEEP_LOGS")) {
        fprintf(stderr, "logs are kept in %s\n", system->dir);
        free(system->dir);
    } else {
        temp_dir_destroy(system->dir);
    }
    free(system->templates_dir);
    free(system->prefix);
    free(system->bootstrap);
    free(system->sandbox_url);
    free(system->sandbox_listen);
    free(system);
}

int system_set_up(void **state)
{
    *state = system_create(&(struct system_options){0});
    return 0;
}

int system_tear_down(void **state)
{
    system_destroy(*state);
    return 0;
}

/* --- workers ------------------------------------------------------------------------------------------------------ */

static void add_all(const char *to[ENV_MOST], size_t *count, const char *const from[])
{
    for (; from && *from && *count < ENV_MOST - 1; from++) {
        to[(*count)++] = *from;
    }
    to[*count] = NULL;
}

static struct process *start_with_settings(struct system *system, const char *const argv[], const char *const env[],
                                           const char *log_name)
{
    char *const own[] = {
        xasprintf("KAFKA_BROKERS=%s", system->bootstrap), xasprintf("KAFKA_TOPIC_PREFIX=%s", system->prefix),
        xasprintf("KAFKA_TOPICS=%s.events", system->prefix), xasprintf("KAFKA_GROUP=%s", system->prefix),
        xasprintf("REDIS_URL=%s", redis_server_url(system->redis)), xasprintf("BREVO_URL=%s", system->sandbox_url),
        xasprintf("TEMPLATES_DIR=%s", system->templates_dir), NULL};
    static const char *const fixed[] = {"KAFKA_SESSION_TIMEOUT=6s", "BREVO_API_KEY=key-of-a-test",
                                        "EMAIL_FROM=Shop <shop@example.com>", "SMS_FROM=Shop", "EMAIL_RATE=0",
                                        "SMS_RATE=0", "REQUEST_TIMEOUT=1s", "CLAIM_LEASE=3s",
                                        "HTTP_LISTEN=127.0.0.1:0", "ENVIRONMENT=test", "LOG_LEVEL=info", NULL};
    const char *all[ENV_MOST];
    char assign[32], channels[48];
    const char *const assigned[] = {assign, channels, NULL};
    struct process *process;
    size_t count = 0;

    snprintf(assign, sizeof(assign), system->options.is_group ? "KAFKA_ASSIGN" : "KAFKA_ASSIGN=0-%d",
             count_partitions(system) - 1);
    snprintf(channels, sizeof(channels), "CHANNELS=%s", system->options.channels ? system->options.channels : "email,sms");
    add_all(all, &count, (const char *const *)own);
    add_all(all, &count, fixed);
    add_all(all, &count, assigned);
    add_all(all, &count, system->options.worker_env);
    add_all(all, &count, env);
    process = start_part(system, argv, all, log_name);
    for (size_t i = 0; own[i]; i++) {
        free(own[i]);
    }
    return process;
}

struct process *system_start_worker(struct system *system, int index, const char *const env[])
{
    const char *const argv[] = {system->worker_binary ? system->worker_binary : system_binary(), "worker", NULL};
    char log_name[32];

    snprintf(log_name, sizeof(log_name), "worker%d.log", index);
    process_destroy(system->workers[index]);
    system->workers[index] = start_with_settings(system, argv, env, log_name);
    return system->workers[index];
}

char *system_run_command(struct system *system, const char *const words[], const char *const env[], int *status)
{
    static int number;
    const char *argv[ENV_MOST] = {system_binary()};
    char log_name[32];
    struct process *process;
    size_t count = 1;
    char *output;

    add_all(argv, &count, words);
    snprintf(log_name, sizeof(log_name), "command%d.log", ++number);
    process = start_with_settings(system, argv, env, log_name);
    *status = process_wait(process);
    output = process_output(process);
    process_destroy(process);
    return output;
}

int system_ask_worker(const struct system *system, int index, const char *path, char **answer)
{
    char *address = process_find_output(system->workers[index], "\"http\":\"", "\"");
    char *url = xasprintf("http://%s%s", address ? address : "", path);
    struct buf text;
    int status;

    buf_init(&text, 0);
    status = address ? http_call("GET", url, NULL, &text) : 0;
    if (answer) {
        *answer = buf_take(&text);
    }
    buf_finish(&text);
    free(address);
    free(url);
    return status;
}

struct worker_place {
    struct system *system;
    int index;
};

static bool is_ready_or_ended(void *arg)
{
    const struct worker_place *place = arg;

    return system_ask_worker(place->system, place->index, "/readyz", NULL) == 200 ||
           process_status(place->system->workers[place->index]) != PROCESS_RUNS;
}

bool system_wait_ready(struct system *system, int index)
{
    struct worker_place place = {system, index};

    return poll_until(is_ready_or_ended, &place) && process_status(system->workers[index]) == PROCESS_RUNS;
}

struct process *system_start_ready_worker(struct system *system, int index, const char *const env[])
{
    struct process *worker = system_start_worker(system, index, env);

    if (!system_wait_ready(system, index)) {
        char *output = process_output(worker);

        die("worker %d does not become ready: %s", index, output);
    }
    return worker;
}

int system_stop_worker(struct system *system, int index)
{
    process_signal(system->workers[index], SIGTERM);
    return process_wait(system->workers[index]);
}

double system_metric(const struct system *system, int index, const char *name, const char *label)
{
    char *text;
    char *rest;
    double sum = 0;

    if (system_ask_worker(system, index, "/metrics", &text) != 200) {
        free(text);
        return -1;
    }
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *value = strrchr(line, ' ');

        if (line[0] != '#' && value && strncmp(line, name, strlen(name)) == 0 && strstr(line, label)) {
            sum += strtod(value, NULL);
        }
    }
    free(text);
    return sum;
}

/* --- idle --------------------------------------------------------------------------------------------------------- */

int64_t system_lag(struct system *system, const char *word)
{
    int64_t sum = 0;

    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        char group[160];
        int64_t lag;

        if (system->options.channels && !strstr(system->options.channels, channel_name((enum channel)channel))) {
            continue;
        }
        snprintf(group, sizeof(group), "%s-%s", system->prefix, channel_name((enum channel)channel));
        lag = kafka_tool_lag(system->kafka, group, system_topic(system, word), count_partitions(system));
        if (lag < 0) {
            return -1;
        }
        sum += lag;
    }
    return sum;
}

bool system_is_idle(struct system *system)
{
    for (size_t i = 0; consumed_words[i]; i++) {
        if (system_lag(system, consumed_words[i]) != 0) {
            return false;
        }
    }
    return true;
}

static bool is_idle(void *arg)
{
    return system_is_idle(arg);
}

bool system_wait_idle(struct system *system)
{
    if (poll_until_within(is_idle, system, IDLE_DEADLINE_MS)) {
        return true;
    }
    for (size_t i = 0; consumed_words[i]; i++) {
        fprintf(stderr, "%s: lag %lld\n", system_topic(system, consumed_words[i]),
                (long long)system_lag(system, consumed_words[i]));
    }
    return false;
}

/* --- sandbox ------------------------------------------------------------------------------------------------------ */

void system_set_faults(const struct system *system, const char *json)
{
    char *url = xasprintf("%s/api/faults", system->sandbox_url);
    struct buf answer;

    buf_init(&answer, 0);
    if (http_call("PUT", url, json, &answer) != 200) {
        die("the sandbox refuses %s: %s", json, buf_text(&answer));
    }
    buf_finish(&answer);
    free(url);
}

json_t *system_ask_sandbox(const struct system *system, const char *path)
{
    char *url = xasprintf("%s/api/%s", system->sandbox_url, path);
    json_t *json = http_call_json(url);

    if (!json) {
        die("the sandbox does not answer %s", url);
    }
    free(url);
    return json;
}

int64_t system_sandbox_count(const struct system *system, enum channel channel, const char *what)
{
    json_t *stats = system_ask_sandbox(system, "stats");
    json_t *counts = json_object_get(json_object_get(stats, "channels"), channel_name(channel));
    int64_t count = json_integer_value(json_object_get(counts, what));

    json_decref(stats);
    return count;
}
