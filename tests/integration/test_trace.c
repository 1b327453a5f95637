/*
 * Traces: from the event through the worker to the provider and to a collector. First the export alone against a collector
 * that misbehaves, then real workers.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "run/trace_export.h"
#include "tests/support/books.h"
#include "tests/support/events.h"
#include "tests/support/judge.h"
#include "tests/support/otlp_collector.h"
#include "tests/support/poll.h"

#define TRACE_A "0af7651916cd43dd8448eb211c80319c"
#define PARENT_A "b7ad6b7169203331"
#define TRACE_B "4bf92f3577b34da6a3ce929d0e0e4736"

static const uint8_t some_id[TRACE_ID_SIZE] = {1, 2, 3};

/* --- the export alone --------------------------------------------------------------------------------------------- */

struct export_fixture {
    struct otlp_collector *collector;
    struct loop *loop;
    struct metrics *metrics;
    struct trace_export *export;
};

static struct trace_export *open_export(struct export_fixture *f, const char *endpoint, const char *headers,
                                        struct err *err)
{
    const struct trace_export_settings settings = {endpoint, headers, NULL, "shop", "test", 1};

    return trace_export_open(f->loop, &settings, f->metrics, err);
}

static int set_up_export(void **state)
{
    struct export_fixture *f = xcalloc(1, sizeof(*f));
    struct err err = {0};

    log_set_level(LOG_ERROR);
    f->collector = otlp_collector_start();
    f->loop = loop_create();
    f->metrics = metrics_create();
    f->export = open_export(f, otlp_collector_url(f->collector), " x-token=a%20secret , x-other=2", &err);
    *state = f;
    return f->export ? 0 : -1;
}

static int tear_down_export(void **state)
{
    struct export_fixture *f = *state;

    trace_export_close(f->export);
    loop_destroy(f->loop);
    metrics_destroy(f->metrics);
    otlp_collector_stop(f->collector);
    free(f);
    return 0;
}

static void add_spans(struct export_fixture *f, int count)
{
    for (int i = 0; i < count; i++) {
        trace_export_add(f->export, &(struct otlp_span){.trace_id = some_id,
                                                        .span_id = some_id,
                                                        .name = "a span",
                                                        .kind = OTLP_INTERNAL,
                                                        .begin_us = 1,
                                                        .end_us = 2});
    }
}

static double spans_that(const struct export_fixture *f, const char *result)
{
    static const struct metric_family family = {"perkline_trace_spans_total", METRIC_COUNTER, "", {"result", NULL}};

    return metric_value(metrics_get(f->metrics, &family, (const char *const[]){result}));
}

/* Turns the loop until so many spans have come to this. */
static void turn_until(struct export_fixture *f, const char *result, double count)
{
    int64_t end_ms = clock_mono_ms() + POLL_DEADLINE_MS;

    while (spans_that(f, result) < count) {
        assert_true(clock_mono_ms() < end_ms);
        loop_turn(f->loop, true);
    }
}

static void spans_leave_in_one_request_with_the_headers(void **state)
{
    struct export_fixture *f = *state;
    json_t *taken, *request, *spans;

    add_spans(f, 3);
    turn_until(f, "exported", 3);
    taken = otlp_collector_taken(f->collector);
    spans = otlp_collector_spans(f->collector);
    request = json_array_get(taken, 0);
    assert_int_equal(json_array_size(taken), 1);
    assert_int_equal(json_array_size(spans), 3);
    assert_string_equal(json_string_value(json_object_get(request, "path")), "/v1/traces");
    assert_string_equal(json_string_value(json_object_get(request, "type")), "application/json");
    assert_string_equal(json_string_value(json_object_get(request, "token")), "a secret");
    assert_true(trace_export_is_drained(f->export));
    json_decref(taken);
    json_decref(spans);
}

static void what_a_busy_collector_refused_comes_again(void **state)
{
    struct export_fixture *f = *state;
    json_t *spans;

    otlp_collector_answer(f->collector, 503, 1);
    add_spans(f, 2);
    turn_until(f, "exported", 2);
    assert_int_equal(otlp_collector_requests(f->collector), 2);
    spans = otlp_collector_spans(f->collector);
    assert_int_equal(json_array_size(spans), 2);
    json_decref(spans);
}

static void what_a_collector_does_not_understand_is_dropped_and_counted(void **state)
{
    struct export_fixture *f = *state;

    otlp_collector_answer(f->collector, 400, 1);
    add_spans(f, 2);
    turn_until(f, "dropped_failed", 2);
    add_spans(f, 1);
    turn_until(f, "exported", 1);
    assert_int_equal(otlp_collector_requests(f->collector), 2);
}

static void while_it_hangs_no_more_than_the_buffer_is_kept(void **state)
{
    enum { SPANS = 100000 };
    struct export_fixture *f = *state;

    otlp_collector_answer(f->collector, 0, 1);
    add_spans(f, 1);
    while (otlp_collector_requests(f->collector) == 0) {
        loop_turn(f->loop, true);
    }
    add_spans(f, SPANS);
    assert_true(spans_that(f, "dropped_full") > SPANS / 2);
    assert_true(spans_that(f, "exported") == 0);
    /* Drained: what hangs is given up when its time is over, the rest tried once. */
    assert_false(trace_export_is_drained(f->export));
    while (!trace_export_is_drained(f->export)) {
        loop_turn(f->loop, true);
    }
    assert_true(spans_that(f, "dropped_failed") == 1);
    assert_true(spans_that(f, "exported") + spans_that(f, "dropped_full") == SPANS);
}

static void wrong_settings_are_refused_without_telling_secrets(void **state)
{
    static const struct {
        const char *endpoint, *headers, *error;
    } rows[] = {
        {"collector:4318", NULL, "OTEL_EXPORTER_OTLP_ENDPOINT: "},
        {"ftp://collector", NULL, "OTEL_EXPORTER_OTLP_ENDPOINT: "},
        {"http://127.0.0.1:1", "s3cret", "OTEL_EXPORTER_OTLP_HEADERS: must be name=value"},
        {"http://127.0.0.1:1", "a=1,na me=s3cret", "OTEL_EXPORTER_OTLP_HEADERS: header 2 is malformed"},
        {"http://127.0.0.1:1", "a=%zzs3cret", "OTEL_EXPORTER_OTLP_HEADERS: header 1 is malformed"},
        {"http://127.0.0.1:1", "=s3cret", "OTEL_EXPORTER_OTLP_HEADERS: header 1 is malformed"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = {0};

        assert_null(open_export(*state, rows[i].endpoint, rows[i].headers, &err));
        if (strncmp(err.text, rows[i].error, strlen(rows[i].error)) != 0 || strstr(err.text, "s3cret")) {
            fail_msg("row %zu: %s", i, err.text);
        }
    }
}

/* --- workers ------------------------------------------------------------------------------------------------------ */

/* A note whose event says `traceparent` itself, or in a header; either may be NULL. */
static void publish(struct system *system, int member, const char *attribute, const char *header)
{
    char *note = events_note(member, 1);
    char *text = attribute ? xasprintf("{\"traceparent\":\"%s\",%s", attribute, note + 1) : xstrdup(note);
    char key[16];
    const struct kafka_header headers[] = {{"traceparent", slice_of(header)}};
    struct kafka_tool_message message = {.partition = -1, .value = slice_of(text), .headers = headers};

    snprintf(key, sizeof(key), "m%d", member);
    message.key = slice_of(key);
    message.header_count = header != NULL;
    kafka_tool_publish(system->kafka, system_topic(system, "events"), &message);
    free(text);
    free(note);
}

static void publish_all(struct system *system)
{
    publish(system, 1, NULL, "00-" TRACE_A "-" PARENT_A "-01");
    publish(system, 2, "00-" TRACE_B "-" PARENT_A "-01", "00-" TRACE_A "-" PARENT_A "-01");
    publish(system, 3, NULL, NULL);
    publish(system, 4, NULL, "00-" TRACE_A "-00f067aa0ba902b7-00"); /* not sampled by who began it */
    kafka_tool_flush(system->kafka);
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static const char *attribute_of(const json_t *span, const char *key)
{
    size_t index;
    json_t *attribute;

    json_array_foreach (json_object_get(span, "attributes"), index, attribute) {
        if (strcmp(text_of(attribute, "key"), key) == 0) {
            return text_of(json_object_get(attribute, "value"), "stringValue");
        }
    }
    return "";
}

static json_t *find_root(const json_t *spans, const char *mid)
{
    size_t index;
    json_t *span;

    json_array_foreach (spans, index, span) {
        if (strcmp(attribute_of(span, "perkline.mid"), mid) == 0) {
            return span;
        }
    }
    return NULL;
}

static json_t *find_child(const json_t *spans, const json_t *parent, const char *name)
{
    size_t index;
    json_t *span;

    json_array_foreach (spans, index, span) {
        if (strcmp(text_of(span, "parentSpanId"), text_of(parent, "spanId")) == 0 && strcmp(text_of(span, "name"), name) == 0) {
            return span;
        }
    }
    return NULL;
}

/* The traceparent of the request that the sandbox took for a delivery; "" when there was none. */
static char *sent_traceparent(const struct system *system, const struct book_entry *entry)
{
    char *path = xasprintf("messages/%lld", entry->first_id);
    json_t *message = system_ask_sandbox(system, path);
    const char *head = text_of(json_object_get(message, "request"), "head");
    const char *line = strcasestr(head, "\ntraceparent: ");
    char *value = line ? xmemdup(line + 14, strcspn(line + 14, "\r\n")) : xstrdup("");

    json_decref(message);
    free(path);
    return value;
}

static int member_of(const struct book_entry *entry)
{
    return (int)strtol(text_of(entry->outcome, "member_id") + 1, NULL, 10);
}

static void check_spans(const struct system *system, const json_t *spans, const struct book_entry *entry)
{
    static const char *const stages[] = {"look_up", "render", "admit", "begin", "deliver", "settle", "publish"};
    const json_t *root = find_root(spans, entry->mid);
    char *sent = sent_traceparent(system, entry);
    struct trace_context context;

    assert_non_null(root);
    assert_string_equal(text_of(root, "name"), "deliver note");
    assert_int_equal(json_integer_value(json_object_get(root, "kind")), OTLP_CONSUMER);
    assert_string_equal(text_of(root, "traceId"), text_of(entry->outcome, "trace_id"));
    assert_string_equal(attribute_of(root, "perkline.end"), "sent");
    assert_string_equal(attribute_of(root, "perkline.channel"), channel_name(entry->channel));
    for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
        const json_t *child = find_child(spans, root, stages[i]);

        if (!child) {
            fail_msg("no span for %s", stages[i]);
        }
        assert_string_equal(text_of(child, "traceId"), text_of(root, "traceId"));
        assert_true(strtoll(text_of(child, "startTimeUnixNano"), NULL, 10) >=
                    strtoll(text_of(root, "startTimeUnixNano"), NULL, 10));
        assert_true(strtoll(text_of(child, "endTimeUnixNano"), NULL, 10) <=
                    strtoll(text_of(root, "endTimeUnixNano"), NULL, 10));
    }
    /* The provider's side goes on from the very request. */
    assert_true(trace_parse(slice_of(sent), &context) && context.is_sampled);
    assert_memory_equal(sent + 3, text_of(root, "traceId"), 32);
    assert_memory_equal(sent + 36, text_of(find_child(spans, root, "deliver"), "spanId"), 16);
    free(sent);
}

struct awaited {
    struct otlp_collector *collector;
    size_t roots;
};

static bool has_roots(void *arg)
{
    const struct awaited *awaited = arg;
    json_t *spans = otlp_collector_spans(awaited->collector);
    size_t index, roots = 0;
    json_t *span;

    json_array_foreach (spans, index, span) {
        roots += attribute_of(span, "perkline.mid")[0] != '\0';
    }
    json_decref(spans);
    return roots >= awaited->roots;
}

static void a_delivery_is_seen_from_the_event_to_the_provider(void **state)
{
    struct system *system = *state;
    struct awaited awaited = {otlp_collector_start(), 3 * CHANNEL_COUNT};
    char *endpoint = xasprintf("OTEL_EXPORTER_OTLP_ENDPOINT=%s/", otlp_collector_url(awaited.collector));
    const char *const env[] = {endpoint, "OTEL_SERVICE_NAME=shop", NULL};
    struct books *books;
    json_t *spans;
    char *all;

    system_start_ready_worker(system, 0, env);
    publish_all(system);
    judge_all_sent(system, 4, 4, 0);
    assert_true(poll_until(has_roots, &awaited));
    assert_int_equal(system_stop_worker(system, 0), 0);
    spans = otlp_collector_spans(awaited.collector);
    books = books_read(system);
    assert_int_equal(books->count, 8);
    for (size_t i = 0; i < books->count; i++) {
        const struct book_entry *entry = &books->entries[i];
        const json_t *root = find_root(spans, entry->mid);
        int member = member_of(entry);

        if (member == 4) {
            char *sent = sent_traceparent(system, entry);

            assert_null(root);
            assert_string_equal(text_of(entry->outcome, "trace_id"), TRACE_A);
            assert_string_equal(sent, "00-" TRACE_A "-00f067aa0ba902b7-00");
            free(sent);
            continue;
        }
        check_spans(system, spans, entry);
        assert_string_equal(text_of(root, "parentSpanId"), member == 3 ? "" : PARENT_A);
        if (member < 3) {
            assert_string_equal(text_of(root, "traceId"), member == 1 ? TRACE_A : TRACE_B);
        }
    }
    all = json_dumps(spans, 0);
    assert_null(strchr(all, '@'));
    assert_null(strstr(all, "+36"));
    assert_null(strstr(all, "\"m1\""));
    free(all);
    books_destroy(books);
    json_decref(spans);
    otlp_collector_stop(awaited.collector);
    free(endpoint);
}

static void without_a_collector_a_trace_is_passed_on_as_it_came(void **state)
{
    struct system *system = *state;
    struct books *books;

    system_start_ready_worker(system, 0, NULL);
    publish_all(system);
    judge_all_sent(system, 4, 4, 0);
    books = books_read(system);
    for (size_t i = 0; i < books->count; i++) {
        static const char *const expected[] = {"00-" TRACE_A "-" PARENT_A "-01", "00-" TRACE_B "-" PARENT_A "-01", "",
                                               "00-" TRACE_A "-00f067aa0ba902b7-00"};
        int member = member_of(&books->entries[i]);
        char *sent = sent_traceparent(system, &books->entries[i]);

        assert_string_equal(sent, expected[member - 1]);
        assert_memory_equal(text_of(books->entries[i].outcome, "trace_id"), sent[0] ? sent + 3 : "", sent[0] ? 32 : 1);
        free(sent);
    }
    books_destroy(books);
}

static void a_collector_that_is_away_changes_nothing_but_a_count(void **state)
{
    enum { MEMBERS = 50, ROUNDS = 10 };
    static const char *const env[] = {"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", NULL};
    struct system *system = *state;

    system_start_ready_worker(system, 0, env);
    events_publish_notes(system, MEMBERS, 1, ROUNDS);
    judge_all_sent(system, MEMBERS * ROUNDS, MEMBERS * ROUNDS, 0);
    assert_true(system_metric(system, 0, "perkline_trace_spans_total", "exported") == 0);
    assert_int_equal(system_stop_worker(system, 0), 0);
    assert_true(process_has_printed(system->workers[0], "\"event\":\"traces_not_exported\""));
    assert_true(process_has_printed(system->workers[0], "\"event\":\"drained\",\"complete\":\"yes\""));
}

#define export_test(name) cmocka_unit_test_setup_teardown(name, set_up_export, tear_down_export)
#define system_test(name) cmocka_unit_test_setup_teardown(name, system_set_up, system_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        export_test(spans_leave_in_one_request_with_the_headers),
        export_test(what_a_busy_collector_refused_comes_again),
        export_test(what_a_collector_does_not_understand_is_dropped_and_counted),
        export_test(while_it_hangs_no_more_than_the_buffer_is_kept),
        export_test(wrong_settings_are_refused_without_telling_secrets),
        system_test(a_delivery_is_seen_from_the_event_to_the_provider),
        system_test(without_a_collector_a_trace_is_passed_on_as_it_came),
        system_test(a_collector_that_is_away_changes_nothing_but_a_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
