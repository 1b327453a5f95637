/*
 * What a worker tells Prometheus, and what is made of it: alert rules, dashboard, runbook. promtool (package prometheus)
 * is the judge of form; without it its part is skipped.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/settings.h"
#include "core/yaml.h"
#include "tests/support/events.h"
#include "tests/support/poll.h"
#include "tests/support/temp_dir.h"

enum { MEMBERS = 20, MOST_FILE = 1 << 20 };

/* Sends, holds, refuses, skips: one run for all tests. */
static int set_up(void **state)
{
    const struct system_options options = {.has_repository_templates = true};
    struct system *system = system_create(&options);

    *state = system;
    system_set_faults(system, "{\"faults\":[{\"kind\":\"hang_after_accept\",\"channel\":\"sms\",\"probability\":1,\"times\":1}]}");
    system_start_ready_worker(system, 0, NULL);
    for (int round = 0; round < 2; round++) {
        for (int member = 1; member <= MEMBERS; member++) {
            char *text = events_loyalty("loyalty.signup", "en-GB", member);
            char key[16];

            snprintf(key, sizeof(key), "m%d", member);
            events_publish(system, key, text);
            free(text);
        }
    }
    events_publish(system, "k", "{\"no\":\"event\"}");
    kafka_tool_flush(system->kafka);
    return system_wait_idle(system) ? 0 : -1;
}

static char *read_metrics(const struct system *system)
{
    char *text;

    assert_int_equal(system_ask_worker(system, 0, "/metrics", &text), 200);
    return text;
}

static char *read_file(const char *path)
{
    struct err err = {0};
    char *text = settings_read_file(path, MOST_FILE, NULL, &err);

    if (!text) {
        fail_msg("%s", err.text);
    }
    return text;
}

/* Fails the test when promtool ends with anything else than 0, or says anything at all where `is_silent`. False: there is no
 * promtool. */
static bool run_promtool(const struct system *system, const char *words, bool is_silent)
{
    char *command = xasprintf("command -v promtool >/dev/null || exit 77; exec promtool %s", words);
    const char *const argv[] = {"sh", "-c", command, NULL};
    const char *const env[] = {NULL};
    static int number;
    char *log = xasprintf("%s/promtool%d.log", system->dir, ++number);
    struct process *process = process_start(argv, env, log);
    int status = process_wait(process);
    char *output = process_output(process);

    process_destroy(process);
    free(log);
    free(command);
    if (status != 77 && (status != 0 || (is_silent && output[0]))) {
        fail_msg("promtool %s: status %d: %s", words, status, output);
    }
    free(output);
    return status != 77;
}

/* The last step of a test. */
static void skip_without_promtool(bool has_promtool)
{
    if (!has_promtool) {
        print_message("skipped: no promtool (package prometheus)\n");
        skip();
    }
}

/* --- what the worker exports -------------------------------------------------------------------------------------- */

static void promtool_finds_no_fault_in_the_metrics(void **state)
{
    struct system *system = *state;
    char *text = read_metrics(system);
    char *words = xasprintf("check metrics <%s/metrics.txt", system->dir);
    bool has_promtool;

    temp_dir_write(system->dir, "metrics.txt", text);
    has_promtool = run_promtool(system, words, true);
    free(words);
    free(text);
    skip_without_promtool(has_promtool);
}

static void every_side_of_the_work_is_measured(void **state)
{
    static const struct {
        const char *name, *label;
        double least;
    } rows[] = {
        {"perkline_build_info", "version=", 1},
        {"perkline_ready", "", 1},
        {"perkline_start_time_seconds", "", 1},
        {"perkline_template_version_info", "version=", 1},
        {"perkline_flow_expected_every_seconds", "flow=\"signup\"", 24 * 3600},
        {"perkline_flow_last_event_timestamp_seconds", "flow=\"signup\"", 1},
        {"perkline_window_records", "sms", 1},
        {"perkline_connections", "brevo-sms", 1},
        {"perkline_stage_seconds_count", "channel=\"email\",stage=\"look_up\"", 2 * MEMBERS},
        {"perkline_stage_seconds_count", "channel=\"email\",stage=\"render\"", MEMBERS},
        {"perkline_stage_seconds_count", "channel=\"sms\",stage=\"deliver\"", MEMBERS},
        {"perkline_stage_seconds_count", "channel=\"sms\",stage=\"hold\"", 1},
        {"perkline_delivery_seconds_count", "channel=\"email\",flow=\"signup\"", MEMBERS},
        {"perkline_event_to_sent_seconds_count", "channel=\"sms\",flow=\"signup\"", MEMBERS - 1},
        {"perkline_outcomes_total", "channel=\"email\",flow=\"signup\",state=\"sent\",reason=\"\"", MEMBERS},
        {"perkline_outcomes_total", "channel=\"sms\",flow=\"signup\",state=\"held\",reason=\"timeout\"", 1},
        {"perkline_provider_requests_total", "channel=\"email\",verdict=\"sent\",reason=\"accepted\",status=\"201\"",
         MEMBERS},
        {"perkline_provider_requests_total", "verdict=\"ambiguous\",reason=\"timeout\",status=\"none\"", 1},
        {"perkline_duplicates_prevented_total", "email", MEMBERS},
        {"perkline_records_total", "channel=\"email\",result=\"rejected\"", 1},
        {"perkline_deliveries_terminal_total", "channel=\"sms\",end=\"duplicate\"", MEMBERS},
        {"perkline_redis_commands_total", "", 4 * MEMBERS},
        {"perkline_redis_command_seconds_count", "", 4 * MEMBERS},
        {"perkline_redis_state", "state=\"ready\"", 1},
        {"perkline_commits_total", "result=\"ok\"", 2},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        double value = system_metric(*state, 0, rows[i].name, rows[i].label);

        if (value < rows[i].least) {
            fail_msg("%s{%s} is %g", rows[i].name, rows[i].label, value);
        }
    }
}

/* The first begins with the worker, the second with the events that came since. */
static void a_flow_that_is_expected_tells_when_it_was_asked_for(void **state)
{
    double started = system_metric(*state, 0, "perkline_start_time_seconds", "");

    assert_true(system_metric(*state, 0, "perkline_flow_last_event_timestamp_seconds", "signup") > started);
    assert_true(system_metric(*state, 0, "perkline_flow_expected_every_seconds", "birthday") == 0);
}

static void the_books_balance(void **state)
{
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        char label[32], outcomes[48];
        double consumed, terminal;

        snprintf(label, sizeof(label), "channel=\"%s\"", channel_name((enum channel)channel));
        snprintf(outcomes, sizeof(outcomes), "channel=\"%s\",end=\"outcome\"", channel_name((enum channel)channel));
        consumed = system_metric(*state, 0, "perkline_deliveries_consumed_total", label);
        terminal = system_metric(*state, 0, "perkline_deliveries_terminal_total", label);
        assert_true(consumed == 2 * MEMBERS + 1);
        assert_true(terminal == consumed);
        assert_true(system_metric(*state, 0, "perkline_deliveries_open", label) == 0);
        assert_true(system_metric(*state, 0, "perkline_oldest_open_record_age_seconds", label) == 0);
        assert_true(system_metric(*state, 0, "perkline_deliveries_terminal_total", outcomes) == MEMBERS);
        assert_true(system_metric(*state, 0, "perkline_outcomes_total", label) == MEMBERS);
    }
}

static void no_member_is_named(void **state)
{
    char *text = read_metrics(*state);

    assert_null(strchr(text, '@'));
    assert_null(strstr(text, "+36"));
    assert_null(strstr(text, "m1\""));
    free(text);
}

static bool has_depth(void *arg)
{
    const struct system *system = arg;

    return system_metric(system, 1, "perkline_topic_records", ".dlq") == 1 &&
           system_metric(system, 1, "perkline_topic_records", ".held") == 1;
}

/* A worker asks at its start, and then seldom: one that starts now knows. */
static void depth_of_the_dlq_and_the_held_topic_is_known(void **state)
{
    struct system *system = *state;

    system_start_worker(system, 1, NULL);
    assert_true(poll_until(has_depth, system));
    system_stop_worker(system, 1);
}

/* --- rules, dashboard, runbook ------------------------------------------------------------------------------------ */

/* Names of the families of a worker, and of their series where they are histograms. */
static json_t *exported_names(const struct system *system)
{
    json_t *names = json_object();
    char *text = read_metrics(system);
    char *rest;

    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        static const char *const endings[] = {"", "_bucket", "_sum", "_count"};
        char name[128], type[32];

        if (sscanf(line, "# TYPE %127s %31s", name, type) != 2) {
            continue;
        }
        for (size_t i = 0; i < (strcmp(type, "histogram") == 0 ? 4 : 1); i++) {
            char *series = xasprintf("%s%s", name, endings[i]);

            json_object_set_new(names, series, json_true());
            free(series);
        }
    }
    free(text);
    return names;
}

static void check_names(const json_t *names, const char *expression)
{
    for (const char *at = strstr(expression, "perkline_"); at; at = strstr(at, "perkline_")) {
        size_t len = 0;
        char *name;

        while (islower((unsigned char)at[len]) || isdigit((unsigned char)at[len]) || at[len] == '_') {
            len++;
        }
        name = xmemdup(at, len);
        if (!json_object_get(names, name)) {
            fail_msg("no worker exports %s, named in: %s", name, expression);
        }
        free(name);
        at += len;
    }
}

struct expressions {
    const json_t *names;
    FILE *rules; /* each as a recording rule, or NULL */
    size_t count;
};

/* Grafana's variables replaced by something that is in their place later. */
static char *fill_in(const char *expression)
{
    static const struct {
        const char *variable, *value;
    } rows[] = {{"$__rate_interval", "1m"}, {"$channel", ".*"}};
    char *text = xstrdup(expression);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *at;

        while ((at = strstr(text, rows[i].variable))) {
            char *filled = xasprintf("%.*s%s%s", (int)(at - text), text, rows[i].value, at + strlen(rows[i].variable));

            free(text);
            text = filled;
        }
    }
    return text;
}

/* Every text under a key "expr" or "query", wherever it is. */
static void visit(struct expressions *found, const char *key, json_t *value)
{
    const char *inner;
    size_t index;
    json_t *item;

    if (json_is_string(value) && (strcmp(key, "expr") == 0 || strcmp(key, "query") == 0)) {
        char *text = fill_in(json_string_value(value));

        check_names(found->names, text);
        if (found->rules && strcmp(key, "expr") == 0) {
            json_t *filled = json_string(text);
            char *quoted = json_dumps(filled, JSON_ENCODE_ANY);

            fprintf(found->rules, "      - { record: 'panel:%zu', expr: %s }\n", found->count, quoted);
            free(quoted);
            json_decref(filled);
        }
        found->count++;
        free(text);
    }
    json_object_foreach (value, inner, item) {
        visit(found, inner, item);
    }
    json_array_foreach (value, index, item) {
        visit(found, "", item);
    }
}

static void the_dashboard_asks_only_for_what_there_is(void **state)
{
    struct system *system = *state;
    char *path = xasprintf("%s/dashboard-rules.yml", system->dir);
    char *words = xasprintf("check rules %s", path);
    char *text = read_file("deploy/grafana/perkline.json");
    json_t *dashboard = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    struct expressions found = {exported_names(system), fopen(path, "w"), 0};
    bool has_promtool;

    assert_non_null(dashboard);
    assert_non_null(found.rules);
    fprintf(found.rules, "groups:\n  - name: dashboard\n    rules:\n");
    visit(&found, "", dashboard);
    fclose(found.rules);
    assert_true(found.count > 50);
    json_decref((json_t *)found.names);
    json_decref(dashboard);
    has_promtool = run_promtool(system, words, false);
    free(text);
    free(words);
    free(path);
    skip_without_promtool(has_promtool);
}

static json_t *read_alerts(void)
{
    char *text = read_file("deploy/alerts.yml");
    struct diag_list diags;
    struct yaml *yaml;
    json_t *root;

    diag_list_init(&diags);
    yaml = yaml_parse("deploy/alerts.yml", slice_of(text), 1, &diags);
    assert_non_null(yaml);
    root = json_deep_copy(yaml_root(yaml));
    yaml_destroy(yaml);
    diag_list_finish(&diags);
    free(text);
    return root;
}

static void alerts_ask_only_for_what_there_is(void **state)
{
    json_t *alerts = read_alerts();
    struct expressions found = {exported_names(*state), NULL, 0};

    visit(&found, "", alerts);
    assert_true(found.count >= 12);
    json_decref((json_t *)found.names);
    json_decref(alerts);
}

static void each_alert_leads_to_its_section_of_the_runbook(void **state)
{
    char *runbook = read_file("deploy/RUNBOOK.md");
    json_t *alerts = read_alerts();
    json_t *rules = json_object_get(json_array_get(json_object_get(alerts, "groups"), 0), "rules");
    size_t index;
    json_t *rule;

    (void)state;
    json_array_foreach (rules, index, rule) {
        static const char *const parts[] = {"**Means.**", "**Look.**", "**Do.**", "**Don't**"};
        const char *name = json_string_value(json_object_get(rule, "alert"));
        const char *link = json_string_value(json_object_get(json_object_get(rule, "annotations"), "runbook_url"));
        char *heading = xasprintf("\n## %s\n", name);
        char *target = xasprintf("RUNBOOK.md#%s", name);
        char *section = strstr(runbook, heading);
        char *next = section ? strstr(section + 4, "\n## ") : NULL;

        assert_non_null(section);
        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
            const char *part = strstr(section, parts[i]);

            if (!part || (next && part > next)) {
                fail_msg("the section %s has no %s", name, parts[i]);
            }
        }
        assert_non_null(link);
        assert_int_equal(strcasecmp(link, target), 0);
        free(heading);
        free(target);
    }
    json_decref(alerts);
    free(runbook);
}

static void promtool_finds_no_fault_in_rules_and_settings(void **state)
{
    skip_without_promtool(run_promtool(*state, "check rules deploy/alerts.yml", false) &&
                          run_promtool(*state, "check config deploy/prometheus.yml", false));
}

static void each_alert_speaks_when_it_should(void **state)
{
    skip_without_promtool(run_promtool(*state, "test rules deploy/alerts_test.yml", false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(promtool_finds_no_fault_in_the_metrics),
        cmocka_unit_test(every_side_of_the_work_is_measured),
        cmocka_unit_test(a_flow_that_is_expected_tells_when_it_was_asked_for),
        cmocka_unit_test(the_books_balance),
        cmocka_unit_test(no_member_is_named),
        cmocka_unit_test(depth_of_the_dlq_and_the_held_topic_is_known),
        cmocka_unit_test(the_dashboard_asks_only_for_what_there_is),
        cmocka_unit_test(alerts_ask_only_for_what_there_is),
        cmocka_unit_test(each_alert_leads_to_its_section_of_the_runbook),
        cmocka_unit_test(promtool_finds_no_fault_in_rules_and_settings),
        cmocka_unit_test(each_alert_speaks_when_it_should),
    };

    return cmocka_run_group_tests(tests, set_up, system_tear_down);
}
