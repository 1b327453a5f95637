#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "workers/replay/mid_set.h"
#include "workers/replay/report.h"

static const char *const no_notes[] = {NULL};

static struct report_facts make_facts(void)
{
    return (struct report_facts){.title = "dry run",
                                 .send_name = "would send",
                                 .mode = "dry_run",
                                 .source = "loyalty.events",
                                 .version = "v1",
                                 .notes = no_notes};
}

static void count(struct report *report, const char *flow, enum channel channel, const char *locale, enum report_kind kind,
                  const char *reason)
{
    report_count(report, &(struct report_delivery){.flow = flow, .channel = channel, .locale = locale, .kind = kind,
                                                   .reason = reason});
}

static void count_sms(struct report *report, const char *number, int segments)
{
    report_count(report, &(struct report_delivery){.flow = "signup", .channel = CHANNEL_SMS, .locale = "hu",
                                                   .kind = REPORT_SEND, .reason = "", .segments = segments,
                                                   .number = number});
}

static char *print(struct report *report, const struct replay_tally *tally, bool is_json)
{
    struct report_facts facts = make_facts();
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);

    (is_json ? report_print_json : report_print_text)(report, tally, &facts, to);
    fclose(to);
    return text;
}

static void the_table_is_sorted_and_adds_up(void **state)
{
    const struct replay_tally tally = {.records = 9, .taken = 9, .note = ""};
    struct report report;
    char *text;

    (void)state;
    report_init(&report, NULL);
    count(&report, "winback", CHANNEL_EMAIL, "en", REPORT_SEND, "");
    count(&report, "signup", CHANNEL_SMS, "hu", REPORT_SUPPRESSED, "no_address");
    count(&report, "signup", CHANNEL_EMAIL, "hu", REPORT_EXPIRED, "too_old");
    count(&report, "signup", CHANNEL_EMAIL, "en", REPORT_DONE, "sent");
    count(&report, "signup", CHANNEL_EMAIL, "en", REPORT_DONE, "sent");
    count(&report, "signup", CHANNEL_EMAIL, "en", REPORT_SUPPRESSED, "no_consent");
    count(&report, "signup", CHANNEL_EMAIL, "en", REPORT_SUPPRESSED, "no_consent");
    report_count_bad(&report, "not_json");
    report_add_example(&report, "loyalty.events/3@7", "", CHANNEL_EMAIL, "not_json", "no JSON, near byte 1");
    report.unknown_type = 1;
    text = print(&report, &tally, false);
    assert_string_equal(
        text,
        "dry run (templates v1)\n"
        "loyalty.events: 9 records read, 1 of types that no flow names, 0 that no flow asks for, 1 no events\n"
        "\n"
        "flow                 channel locale would send    already suppressed    expired     broken\n"
        "signup               email   en              0          2          2          0          0\n"
        "signup               email   hu              0          0          0          1          0\n"
        "signup               sms     hu              0          0          1          0          0\n"
        "winback              email   en              1          0          0          0          0\n"
        "total                                        1          2          3          1          0\n"
        "\n"
        "already    sent 2\n"
        "suppressed no_consent 2, no_address 1\n"
        "expired    too_old 1\n"
        "broken     not_json 1\n"
        "\n"
        "broken, the first of each reason:\n"
        "  loyalty.events/3@7  not_json: no JSON, near byte 1\n"
        "\n");
    assert_int_equal(report_total(&report, REPORT_BROKEN), 1);
    free(text);
    report_finish(&report);
}

static void segments_cost_what_the_table_says(void **state)
{
    const struct replay_tally tally = {.note = ""};
    struct sms_costs costs;
    struct report report;
    struct err err = {0};
    json_t *json, *totals;
    char *text;

    (void)state;
    assert_true(sms_costs_parse("+36=0.071 EUR", &costs, &err));
    report_init(&report, &costs);
    count_sms(&report, "+36301234567", 2);
    count_sms(&report, "+36301234568", 1);
    count_sms(&report, "+40712345678", 3);
    text = print(&report, &tally, true);
    json = json_loads(text, 0, NULL);
    totals = json_object_get(json, "totals");
    assert_int_equal(json_integer_value(json_object_get(totals, "send")), 3);
    assert_int_equal(json_integer_value(json_object_get(totals, "segments")), 6);
    assert_string_equal(json_string_value(json_object_get(totals, "cost")), "0.213 EUR");
    assert_int_equal(json_integer_value(json_object_get(json, "unpriced_segments")), 3);
    assert_false(json_is_true(json_object_get(json, "interrupted")));
    json_decref(json);
    free(text);
    text = print(&report, &tally, false);
    assert_non_null(strstr(text, "      0.213 EUR\n"));
    assert_non_null(strstr(text, "note: 3 segments go to numbers that SMS_COSTS has no price for\n"));
    free(text);
    report_finish(&report);
}

static void a_broken_record_counts_in_the_totals_of_programs(void **state)
{
    const struct replay_tally tally = {.records = 2, .is_interrupted = true, .note = "scanned"};
    struct report report;
    json_t *json;
    char *text;

    (void)state;
    report_init(&report, NULL);
    report_count_bad(&report, "empty");
    count(&report, "signup", CHANNEL_EMAIL, "en", REPORT_BROKEN, "template_error");
    text = print(&report, &tally, true);
    json = json_loads(text, 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(json, "totals"), "broken")), 2);
    assert_int_equal(json_integer_value(json_object_get(json, "no_events")), 1);
    assert_true(json_is_true(json_object_get(json, "interrupted")));
    assert_string_equal(json_string_value(json_array_get(json_object_get(json, "notes"), 0)), "scanned");
    assert_null(json_object_get(json_object_get(json, "totals"), "cost"));
    json_decref(json);
    free(text);
    report_finish(&report);
}

static void only_the_first_examples_of_a_reason_are_kept(void **state)
{
    struct report report;
    int added = 0;
    char reason[16];

    (void)state;
    report_init(&report, NULL);
    for (int i = 0; i < 5; i++) {
        if (report_wants_example(&report, "empty")) {
            report_add_example(&report, "t/0@1", "", CHANNEL_EMAIL, "empty", "no value");
            added++;
        }
    }
    assert_int_equal(added, REPORT_EXAMPLES_A_REASON);
    for (int i = 0; i < 100; i++) {
        snprintf(reason, sizeof(reason), "r%d", i);
        if (report_wants_example(&report, reason)) {
            report_add_example(&report, "t/0@1", "signup", CHANNEL_SMS, reason, "?");
            added++;
        }
    }
    assert_int_equal(added, REPORT_MOST_EXAMPLES);
    report_finish(&report);
}

/* --- mid_set ------------------------------------------------------------------------------------------------------ */

static void a_delivery_is_met_for_the_first_time_once(void **state)
{
    enum { COUNT = 100000 };
    struct mid_set set = {0};

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < COUNT; i++) {
            struct mid mid = {{0}};
            uint32_t spread = i * 2654435761u;

            memcpy(mid.bytes, &spread, sizeof(spread));
            assert_int_equal(mid_set_add(&set, &mid), round == 0);
        }
    }
    assert_int_equal(set.count, COUNT);
    assert_false(mid_set_is_full(&set));
    mid_set_finish(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_sorted_and_adds_up),
        cmocka_unit_test(segments_cost_what_the_table_says),
        cmocka_unit_test(a_broken_record_counts_in_the_totals_of_programs),
        cmocka_unit_test(only_the_first_examples_of_a_reason_are_kept),
        cmocka_unit_test(a_delivery_is_met_for_the_first_time_once),
    };

    cmocka_set_test_filter(getenv("TEST_FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
