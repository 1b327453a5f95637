/*
 * What stands in Redis, said for people.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "workers/operator/words.h"

enum { NOW = 100000000 };

static const struct {
    const char *record; /* as it stands in Redis; "" nothing */
    bool has_epoch;
    const char *words;
} cases[] = {
    {"", true, "nothing: never begun, or so long ago that it is forgotten"},
    {"", false, "nothing, and Redis has no epoch: it is new or was emptied, and not yet rebuilt"},
    {"W|5|100010000|1|99990000|a.1|v:h", true, "a worker has it, and may have sent it; first tried 10 s ago"},
    {"W|5|99999000|1|92800000|a.1|v:h", true,
     "a worker has it, and may have sent it; first tried 2 h ago; its worker does not answer any more, and the next to read "
     "it goes on"},
    {"U|5|100060000|1|99700000||v:h", true,
     "nobody knows whether it was sent; that is being found out; first tried 5 min ago"},
    {"P|5|100300000|1|99990000||v:h", true, "not sent, that is proved; it waits for another 5 min"},
    {"P|5|99999000|1|99990000||v:h", true, "not sent, that is proved; it waits for a worker"},
    {"S|5|3.1017 1511882900000003", true, "sent, provider id 1511882900000003"},
    {"S|5|3.1017 ", true, "sent; the provider's id is not known"},
    {"S|5|- operator_sent", true, "sent, says an operator"},
    {"X|5|3.1017 no_consent", true, "not to be sent: no_consent"},
    {"D|5|3.1017 http_400", true, "dead: http_400; it lies in the DLQ"},
    {"H|5|3.1017 unknown", true, "held: unknown; a person must decide (perkline held)"},
    {"S|what is this", true, "a broken record, which nobody can read"},
    {"W2|5|what is to come", true, "a record of a later version, which this program cannot read"},
};

static void each_record_has_its_sentence(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct claim_record record = {.state = 0};
        struct buf words;

        if (cases[i].record[0] && !claim_record_parse(slice_of(cases[i].record), &record)) {
            record = (struct claim_record){.state = '!'}; /* as operator_look() gives it */
        }
        buf_init(&words, 0);
        words_about_claim(&record, cases[i].has_epoch, NOW, &words);
        assert_string_equal(buf_text(&words), cases[i].words);
        buf_finish(&words);
    }
}

static void a_reason_that_does_not_say_what_it_means_is_explained(void **state)
{
    static const struct {
        const char *reason, *words;
    } reasons[] = {{"empty", "empty (the connection was closed without an answer)"},
                   {"timeout", "timeout (no answer in time)"},
                   {"http_503", "http_503"},
                   {"", ""}};

    (void)state;
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        struct buf words;

        buf_init(&words, 0);
        words_append_reason(reasons[i].reason, &words);
        assert_string_equal(buf_text(&words), reasons[i].words);
        buf_finish(&words);
    }
}

static void times_are_short(void **state)
{
    char text[WORDS_TIME_SIZE];

    (void)state;
    words_format_time(1795255200123, text);
    assert_string_equal(text, "2026-11-21 10:00:00Z");
    words_format_time(-1, text);
    assert_string_equal(text, "-");
}

static void outcomes_and_records_reach_no_terminal_with_controls(void **state)
{
    static const char hostile[] = "{\"state\":\"a\\u001b[2Jb\",\"event\":{\"id\":\"x\\ny\"},\"n\":1,\"ok\":\"\\u00e9\"}";
    struct claim_record record;
    json_t *outcome = words_load_outcome(slice_of(hostile));
    struct buf words;

    (void)state;
    assert_string_equal(json_string_value(json_object_get(outcome, "state")), "a [2Jb");
    assert_string_equal(json_string_value(json_object_get(json_object_get(outcome, "event"), "id")), "x y");
    assert_string_equal(json_string_value(json_object_get(outcome, "ok")), "\xc3\xa9");
    assert_int_equal(json_integer_value(json_object_get(outcome, "n")), 1);
    json_decref(outcome);
    assert_null(words_load_outcome(SLICE("[1]")));
    assert_null(words_load_outcome(SLICE("{\"a\":1,\"a\":2}")));
    assert_null(words_load_outcome(slice_make(NULL, 0)));
    assert_true(claim_record_parse(SLICE("D|5|3.1017 \x1b[2J"), &record));
    buf_init(&words, 0);
    words_about_claim(&record, true, NOW, &words);
    assert_string_equal(buf_text(&words), "dead:  [2J; it lies in the DLQ");
    buf_finish(&words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_record_has_its_sentence),
        cmocka_unit_test(a_reason_that_does_not_say_what_it_means_is_explained),
        cmocka_unit_test(outcomes_and_records_reach_no_terminal_with_controls),
        cmocka_unit_test(times_are_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
