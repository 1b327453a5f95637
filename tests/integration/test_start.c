/* What a worker does at its start: refuses what is wrong in one line, waits for what is not there yet. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/listener.h"
#include "tests/support/events.h"
#include "tests/support/judge.h"
#include "tests/support/poll.h"
#include "tests/support/temp_dir.h"

/* --- refused ------------------------------------------------------------------------------------------------------ */

static bool has_ended(void *arg)
{
    return process_status(arg) != PROCESS_RUNS;
}

/* What the worker printed; to be freed. */
static char *run_refused(struct system *system, const char *setting)
{
    const char *const env[] = {setting, NULL};
    struct process *worker = system_start_worker(system, 0, env);

    if (!poll_until_within(has_ended, worker, 20000)) {
        print_error("%s is not refused\n", setting);
        return xstrdup("");
    }
    assert_int_equal(process_status(worker), 1);
    return process_output(worker);
}

static const struct {
    const char *setting; /* wrong */
    const char *named;   /* in the one line */
} wrong_settings[] = {
    {"KAFKA_BROKERS", "KAFKA_BROKERS"}, /* unset */
    {"KAFKA_TOPICS=a,,b", "KAFKA_TOPICS"},
    {"KAFKA_TOPICS=a,^.*", "KAFKA_TOPICS"},
    {"KAFKA_TOPIC_PREFIX=no blanks please", "KAFKA_TOPIC_PREFIX"},
    {"KAFKA_ASSIGN=3-", "KAFKA_ASSIGN"},
    {"KAFKA_START=yesterday", "KAFKA_START"},
    {"KAFKA_SESSION_TIMEOUT=1ms", "KAFKA_SESSION_TIMEOUT"},
    {"KAFKA_CONFIG=/nowhere/at/all", "KAFKA_CONFIG"},
    {"REDIS_URL=http://localhost", "REDIS_URL"},
    {"CHANNELS=email,pigeon", "CHANNELS"},
    {"CHANNELS=email,,sms", "CHANNELS"},
    {"EMAIL_PROVIDER=nobody", "EMAIL_PROVIDER"},
    {"EMAIL_FROM=no address", "EMAIL_FROM"},
    {"EMAIL_FROM", "EMAIL_FROM"},
    {"EMAIL_RATE=fast", "EMAIL_RATE"},
    {"SMS_FROM=much too long a name", "SMS_FROM"},
    {"BREVO_API_KEY", "BREVO_API_KEY"},
    {"BREVO_URL=ftp://example.com", "BREVO_URL"},
    {"BREVO_URL=http://example.com", "BREVO_URL"}, /* plain text to the world */
    {"REQUEST_TIMEOUT=0", "REQUEST_TIMEOUT"},
    {"CLAIM_LEASE=2s", "CLAIM_LEASE"},
    {"HTTP_CONNECTIONS=0", "HTTP_CONNECTIONS"},
    {"WINDOW=many", "WINDOW"},
    {"HTTP_LISTEN=nowhere", "HTTP_LISTEN"},
    {"HTTP_LISTEN=192.0.2.1:0", "HTTP_LISTEN"}, /* not of this machine */
    {"LOG_LEVEL=loud", "LOG_LEVEL"},
    {"ENVIRONMENT=No Such Thing", "ENVIRONMENT"},
    {"TEMPLATES_DIR=/nowhere/at/all", "TEMPLATES_DIR"},
    {"DEFAULT_LOCALE=??", "DEFAULT_LOCALE"},
    {"PROVIDER_CA_FILE=/nowhere/at/all", "PROVIDER_CA_FILE"},
};

static size_t count_lines(const char *text)
{
    size_t count = 0;

    for (; *text; text++) {
        count += *text == '\n';
    }
    return count;
}

/* Lines of the log may stand before it; what the person reads is one line that is no JSON. */
static const char *find_plain_line(char *output, size_t *count)
{
    const char *found = NULL;
    char *rest;

    *count = 0;
    for (char *line = strtok_r(output, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (line[0] != '{') {
            found = line;
            ++*count;
        }
    }
    return found;
}

static void each_wrong_setting_is_named_in_one_line(void **state)
{
    struct system *system = *state;
    size_t wrong = 0;

    for (size_t i = 0; i < sizeof(wrong_settings) / sizeof(wrong_settings[0]); i++) {
        char *output = run_refused(system, wrong_settings[i].setting);
        size_t count;
        const char *line = find_plain_line(output, &count);

        if (count != 1 || !strstr(line, wrong_settings[i].named)) {
            print_error("%s: %zu lines: %s\n", wrong_settings[i].setting, count, line ? line : "");
            wrong++;
        }
        free(output);
    }
    assert_int_equal(wrong, 0);
}

static char *run_check(struct system *system, const char *setting, int *status)
{
    return system_run_command(system, (const char *const[]){"worker", "--check", NULL}, (const char *const[]){setting, NULL},
                              status);
}

static void a_check_finds_what_a_start_would_end_with(void **state)
{
    size_t wrong = 0;

    for (size_t i = 0; i < sizeof(wrong_settings) / sizeof(wrong_settings[0]); i++) {
        int status;
        char *output = run_check(*state, wrong_settings[i].setting, &status);
        size_t count;
        const char *line = find_plain_line(output, &count);

        if (status != 1 || count != 1 || !strstr(line, wrong_settings[i].named)) {
            print_error("%s: status %d, %zu lines: %s\n", wrong_settings[i].setting, status, count, line ? line : "");
            wrong++;
        }
        free(output);
    }
    assert_int_equal(wrong, 0);
}

static void a_check_tries_kafkas_properties_and_asks_nobody(void **state)
{
    static const struct {
        const char *text, *expected;
    } files[] = {
        {"ssl.ca.location=/nowhere/at/all\nsecurity.protocol=ssl\n", "KAFKA_CONFIG: "},
        {"no.such.property=1\n", "no.such.property"},
        {"fetch.max.bytes=many\n", "fetch.max.bytes"},
        {"acks=1\n", "acks"},
        {"bootstrap.servers=192.0.2.1:9092\nfetch.max.bytes=1000000\n", "ok: settings"},
    };
    struct system *system = *state;

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char setting[512];
        int status;
        char *output;

        temp_dir_write(system->dir, "kafka.properties", files[i].text);
        snprintf(setting, sizeof(setting), "KAFKA_CONFIG=%s/kafka.properties", system->dir);
        output = run_check(system, setting, &status);
        if (!strstr(output, files[i].expected)) {
            fail_msg("%s: status %d, %s", files[i].text, status, output);
        }
        free(output);
    }
}

/* A worker runs already. */
static void a_check_does_not_mind_a_port_that_is_taken(void **state)
{
    struct system *system = *state;
    char setting[128], address[LISTENER_ADDRESS_SIZE];
    struct err err = {0};
    int fd = listener_open("127.0.0.1:0", address, &err), status;
    char *output;

    assert_true(fd >= 0);
    snprintf(setting, sizeof(setting), "HTTP_LISTEN=%s", address);
    output = run_check(system, setting, &status);
    assert_int_equal(status, 0);
    free(output);
    close(fd);
}

static void a_secret_in_a_wrong_setting_is_not_repeated(void **state)
{
    char *output = run_refused(*state, "REDIS_URL=redis://:hunter2@localhost:port");

    assert_null(strstr(output, "hunter2"));
    free(output);
}

static void a_broken_flow_stops_the_start_and_is_named_by_line_and_column(void **state)
{
    struct system *system = *state;
    char *output;

    temp_dir_write(system->templates_dir, "note/email.en.liquid",
                   "---\nsubject: \"{{ note.seq }}\"\n---\n<p>\n{% if note.seq %}</p>\n");
    output = run_refused(system, "LOG_LEVEL=info");
    assert_non_null(strstr(output, "note/email.en.liquid:5:1"));
    assert_true(count_lines(output) <= 3);
    free(output);
}

/* --- waits -------------------------------------------------------------------------------------------------------- */

struct expected_answer {
    struct system *system;
    int status;
    const char *text;
};

static bool is_answered_so(void *arg)
{
    const struct expected_answer *expected = arg;
    char *answer;
    bool is_so = system_ask_worker(expected->system, 0, "/readyz", &answer) == expected->status &&
                 strstr(answer, expected->text);

    free(answer);
    return is_so;
}

static void assert_readyz(struct system *system, int status, const char *text)
{
    struct expected_answer expected = {system, status, text};

    if (!poll_until(is_answered_so, &expected)) {
        char *answer;
        int now = system_ask_worker(system, 0, "/readyz", &answer);

        fail_msg("/readyz says %d %s", now, answer);
    }
}

static int probe(const char *listen)
{
    const char *const argv[] = {system_binary(), "worker", "--probe", NULL};
    char *setting = xasprintf("HTTP_LISTEN=%s", listen);
    const char *const env[] = {setting, NULL};
    struct process *process = process_start(argv, env, "/dev/null");
    int status = process_wait(process);

    process_destroy(process);
    free(setting);
    return status;
}

static void a_probe_tells_a_worker_that_lives_from_one_that_does_not(void **state)
{
    struct system *system = *state;
    char *address;

    system_start_ready_worker(system, 0, NULL);
    address = process_find_output(system->workers[0], "\"http\":\"", "\"");
    assert_int_equal(probe(address), 0);
    assert_int_equal(system_stop_worker(system, 0), 0);
    assert_int_equal(probe(address), 1);
    assert_int_equal(probe("nonsense"), 1);
    free(address);
}

static void without_redis_the_worker_waits_and_says_so(void **state)
{
    struct system *system = *state;

    redis_server_kill(system->redis);
    events_publish_notes(system, 5, 1, 1);
    system_start_worker(system, 0, NULL);
    assert_readyz(system, 503, "Redis ");
    assert_int_equal(system_ask_worker(system, 0, "/healthz", NULL), 200);
    redis_server_restart(system->redis);
    assert_readyz(system, 200, "ready");
    judge_all_sent(system, 5, 5, 0);
}

static void without_kafka_the_worker_waits_and_says_so(void **state)
{
    struct system *system = *state;
    char *address = system_free_address();
    char *brokers = xasprintf("KAFKA_BROKERS=%s", address);
    char *prefix = xasprintf("KAFKA_TOPIC_PREFIX=%s", system->prefix);
    char *log_path = temp_dir_path(system->dir, "late-broker.log");
    const char *const env[] = {brokers, NULL};
    const char *const broker_env[] = {prefix, NULL};
    const char *const argv[] = {system_binary(), "broker", "--listen", address, NULL};
    struct process *late;

    system_start_worker(system, 0, env);
    assert_readyz(system, 503, "Kafka: no broker answers at 127.0.0.1:");
    late = process_start(argv, broker_env, log_path);
    assert_readyz(system, 200, "ready");
    process_destroy(late);
    free(address);
    free(brokers);
    free(prefix);
    free(log_path);
}

static bool has_open_breaker(void *arg)
{
    return system_metric(arg, 0, "perkline_breaker_state", "") > 0;
}

static void without_the_provider_the_worker_waits_and_sends_when_it_comes(void **state)
{
    struct system *system = *state;

    process_kill(system->sandbox);
    events_publish_notes(system, 30, 1, 1);
    system_start_ready_worker(system, 0, NULL);
    assert_true(poll_until(has_open_breaker, system));
    assert_int_equal(kafka_tool_count(system->kafka, system_topic(system, "outcomes")), 0);
    system_start_sandbox(system);
    judge_all_sent(system, 30, 30, 0);
}

/* --- templates while running -------------------------------------------------------------------------------------- */

static const char note_start[] = "---\nsubject: \"{{ note.seq }}\"\n---\n";

static void write_body(const struct system *system, const char *body)
{
    char *text = xasprintf("%s%s\n", note_start, body);

    temp_dir_write(system->templates_dir, "note/email.en.liquid", text);
    free(text);
}

static bool has_refused(void *arg)
{
    return system_metric(arg, 0, "perkline_template_reloads_total", "refused") > 0;
}

static bool has_taken(void *arg)
{
    return system_metric(arg, 0, "perkline_template_reloads_total", "taken") > 0;
}

static char *read_newest_html(struct system *system)
{
    json_t *list = system_ask_sandbox(system, "messages?limit=1&channel=email");
    char path[64];
    json_t *message;
    const char *html;
    char *copy;

    snprintf(path, sizeof(path), "messages/%lld",
             (long long)json_integer_value(
                 json_object_get(json_array_get(json_object_get(list, "messages"), 0), "id")));
    message = system_ask_sandbox(system, path);
    html = json_string_value(json_object_get(message, "html"));
    copy = xstrdup(html ? html : "");
    json_decref(message);
    json_decref(list);
    return copy;
}

static void assert_next_message_says(struct system *system, int seq, const char *text)
{
    char *html;

    events_publish_notes(system, 1, seq, seq);
    assert_true(system_wait_idle(system));
    html = read_newest_html(system);
    assert_non_null(strstr(html, text));
    free(html);
}

static void a_broken_change_is_refused_and_a_mended_one_is_taken(void **state)
{
    struct system *system = *state;

    system_start_ready_worker(system, 0, NULL);
    assert_next_message_says(system, 1, "Note 1");
    write_body(system, "<p>{% if note.seq %}</p>");
    assert_true(poll_until_within(has_refused, system, 10000));
    assert_true(process_has_printed(system->workers[0], "note/email.en.liquid:4:4"));
    assert_next_message_says(system, 2, "Note 2");
    write_body(system, "<p>Mended {{ note.seq }}</p>");
    assert_true(poll_until_within(has_taken, system, 10000));
    assert_next_message_says(system, 3, "Mended 3");
    judge_all_sent(system, 3, 3, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, system_set_up, system_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(each_wrong_setting_is_named_in_one_line),
        TEST(a_secret_in_a_wrong_setting_is_not_repeated),
        TEST(a_check_finds_what_a_start_would_end_with),
        TEST(a_check_tries_kafkas_properties_and_asks_nobody),
        TEST(a_check_does_not_mind_a_port_that_is_taken),
        TEST(a_broken_flow_stops_the_start_and_is_named_by_line_and_column),
        TEST(a_probe_tells_a_worker_that_lives_from_one_that_does_not),
        TEST(without_redis_the_worker_waits_and_says_so),
        TEST(without_kafka_the_worker_waits_and_says_so),
        TEST(without_the_provider_the_worker_waits_and_sends_when_it_comes),
        TEST(a_broken_change_is_refused_and_a_mended_one_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
