#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "process.h"
#include "run/channel_report.h"

enum { EVENTS = 20 };

static json_t *write(struct channel_report *report, const struct process *process, int64_t now_ms)
{
    struct channel_worker_facts facts = channel_worker_look(process->channels[CHANNEL_EMAIL]);
    struct json_text j;
    struct buf text;
    json_t *json;

    buf_init(&text, 0);
    json_text_init(&j, &text);
    channel_report_write(report, &facts, now_ms, &j);
    json = json_loads(buf_text(&text), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    buf_finish(&text);
    return json;
}

static void append(int n)
{
    char text[256];

    snprintf(text, sizeof(text),
             "{\"specversion\":\"1.0\",\"id\":\"%d\",\"source\":\"/t\",\"type\":\"test.mail\",\"data\":{\"n\":\"%d\","
             "\"member\":{\"id\":\"m%d\",\"email\":\"m%d@example.com\"}}}",
             n, n, n, n);
    fake_kafka_append("loyalty.events", n % 2, SLICE("k"), slice_of(text), NULL, 0);
}

static void a_report_says_what_the_channel_did_and_holds(void **state)
{
    struct channel_report report = {0};
    struct process process;
    json_t *json;
    const char *name, *gate, *breaker, *topic;
    int in_flight, window, sent, number, lag;
    double per_s;

    (void)state;
    fakes_begin();
    process_add_topics();
    process_start(&process);
    fakes_run_ms(process.loop, 200);
    json_decref(write(&report, &process, 0));
    for (int i = 0; i < EVENTS; i++) {
        append(i);
    }
    fakes_run_ms(process.loop, 5000);
    json = write(&report, &process, 5000);
    assert_int_equal(json_unpack(json, "{s:s, s:s, s:s, s:i, s:i, s:{s:i}, s:{s:F}, s:[[s, i, i]]}", "name", &name, "gate",
                                 &gate, "breaker", &breaker, "in_flight", &in_flight, "window", &window, "totals", "sent",
                                 &sent, "rates", "sent", &per_s, "partitions", &topic, &number, &lag),
                     0);
    assert_string_equal(name, "email");
    assert_string_equal(gate, "fake-email");
    assert_string_equal(breaker, "closed");
    assert_int_equal(in_flight, 0);
    assert_int_equal(window, 16);
    assert_int_equal(sent, EVENTS);
    assert_float_equal(per_s, EVENTS / 5.0, 0.01);
    assert_int_equal(json_array_size(json_object_get(json, "partitions")), 2 * 5); /* events and four retry topics */
    assert_null(json_object_get(json_object_get(json, "totals"), "dead"));
    json_decref(json);
    process_stop(&process);
    fakes_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_says_what_the_channel_did_and_holds),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
