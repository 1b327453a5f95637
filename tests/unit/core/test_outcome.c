#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <jansson.h>

#include "core/outcome.h"

static const struct mid some_mid = {{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc,
                                     0xdd, 0xee, 0xff}};

static const struct event some_event = {
    .id = "e-1", .source = "/loyalty", .type = "loyalty.signup", .time = "2026-11-21T10:00:00Z", .member_id = "42"};

static struct outcome make(void)
{
    return (struct outcome){
        .mid = &some_mid,
        .state = OUTCOME_SENT,
        .reason = "accepted",
        .flow = "signup",
        .channel = CHANNEL_EMAIL,
        .locale = "hu",
        .template_version = "0123456789abcdef",
        .variant = "b",
        .provider = "brevo",
        .provider_id = "<1@x>",
        .attempts = 2,
        .fence = 7,
        .dedupe_for_ms = 30LL * 86400000,
        .event = &some_event,
        .topic = "loyalty.events",
        .partition = 3,
        .offset = 1017,
        .wall_ms = 1795255200123,
        .trace_id = "0af7651916cd43dd8448eb211c80319c",
        .queue_ms = 0,
        .render_ms = 1,
        .admit_ms = 2,
        .deliver_ms = 3,
        .total_ms = 6,
    };
}

static void assert_formatted(const struct outcome *outcome, const char *expected)
{
    struct buf text;
    json_t *value;

    buf_init(&text, 0);
    outcome_format(outcome, &text);
    assert_string_equal(buf_text(&text), expected);
    value = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(value);
    json_decref(value);
    buf_finish(&text);
}

static void a_whole_outcome_has_every_field(void **state)
{
    struct outcome outcome = make();

    (void)state;
    assert_formatted(
        &outcome,
        "{\"v\":1,\"mid\":\"00112233445566778899aabbccddeeff\",\"state\":\"sent\",\"reason\":\"accepted\",\"flow\":\"signup\","
        "\"channel\":\"email\",\"locale\":\"hu\",\"template_version\":\"0123456789abcdef\",\"variant\":\"b\","
        "\"provider\":\"brevo\",\"provider_id\":\"<1@x>\",\"attempts\":2,\"fence\":7,\"dedupe_for_s\":2592000,"
        "\"event\":{\"id\":\"e-1\",\"source\":\"/loyalty\",\"type\":\"loyalty.signup\","
        "\"time\":\"2026-11-21T10:00:00Z\"},"
        "\"member_id\":\"42\",\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\","
        "\"from\":{\"topic\":\"loyalty.events\",\"partition\":3,\"offset\":1017},"
        "\"time\":\"2026-11-21T10:00:00.123Z\","
        "\"timings_ms\":{\"queue\":0,\"render\":1,\"admit\":2,\"deliver\":3,\"total\":6}}");
}

static void what_is_not_known_is_left_out(void **state)
{
    struct outcome outcome = {
        .mid = &some_mid, .state = OUTCOME_DEAD, .channel = CHANNEL_SMS, .reason = "", .queue_ms = -1,
        .render_ms = -1,  .admit_ms = -1,        .deliver_ms = -1,       .total_ms = 5};

    (void)state;
    assert_formatted(&outcome, "{\"v\":1,\"mid\":\"00112233445566778899aabbccddeeff\",\"state\":\"dead\",\"channel\":\"sms\","
                               "\"attempts\":0,\"fence\":0,\"time\":\"1970-01-01T00:00:00.000Z\","
                               "\"timings_ms\":{\"total\":5}}");
}

static void hostile_text_of_an_event_stays_inside_its_string(void **state)
{
    struct event event = some_event;
    struct outcome outcome = make();
    struct buf text;
    json_t *value;

    (void)state;
    event.id = "\",\"state\":\"held\n\xff";
    outcome.event = &event;
    buf_init(&text, 0);
    outcome_format(&outcome, &text);
    assert_null(strchr(text.data, '\n'));
    value = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(value);
    assert_string_equal(json_string_value(json_object_get(value, "state")), "sent");
    assert_string_equal(json_string_value(json_object_get(json_object_get(value, "event"), "id")),
                        "\",\"state\":\"held\n\xef\xbf\xbd");
    json_decref(value);
    buf_finish(&text);
}

static void every_state_reads_back_with_what_a_rebuild_needs(void **state)
{
    (void)state;
    for (int i = OUTCOME_SENT; i <= OUTCOME_HELD; i++) {
        struct outcome outcome = make();
        struct outcome_summary summary;
        enum outcome_state parsed;
        struct err err = {0};
        struct buf text;

        outcome.state = (enum outcome_state)i;
        outcome.fence = INT64_MAX;
        buf_init(&text, 0);
        outcome_format(&outcome, &text);
        memset(&summary, 0xaa, sizeof(summary));
        assert_true(outcome_parse(buf_slice(&text), &summary, &err));
        assert_memory_equal(&summary.mid, &some_mid, sizeof(some_mid));
        assert_int_equal(summary.state, i);
        assert_true(summary.fence == INT64_MAX);
        assert_string_equal(summary.provider_id, "<1@x>");
        assert_string_equal(summary.reason, "accepted");
        assert_int_equal(summary.dedupe_for_ms, outcome.dedupe_for_ms);
        assert_false(summary.is_newer);
        assert_int_equal(summary.wall_ms, outcome.wall_ms);
        assert_true(outcome_state_parse(slice_of(outcome_state_name(outcome.state)), &parsed));
        assert_int_equal(parsed, i);
        buf_finish(&text);
    }
    assert_false(outcome_state_parse(SLICE("duplicate"), &(enum outcome_state){0}));
}

#define REST ",\"mid\":\"00112233445566778899aabbccddeeff\",\"state\":\"sent\",\"time\":\"2026-11-21T10:00:00Z\"}"

static void the_version_before_is_read_and_a_later_one_is_not(void **state)
{
    struct outcome_summary summary;
    struct err err = {0};

    (void)state;
    assert_true(outcome_parse(SLICE("{\"fence\":1" REST), &summary, &err)); /* had no version */
    assert_int_equal(summary.dedupe_for_ms, 0);
    assert_true(outcome_parse(SLICE("{\"v\":1" REST), &summary, &err));
    assert_false(outcome_parse(SLICE("{\"v\":2" REST), &summary, &err));
    assert_true(summary.is_newer);
    assert_non_null(strstr(err.text, "newer"));
    err.text[0] = '\0';
    assert_false(outcome_parse(SLICE("{\"v\":\"1\"" REST), &summary, &err));
    assert_false(summary.is_newer);
    assert_false(outcome_parse(SLICE("{\"dedupe_for_s\":-1" REST), &summary, &err));
}

#define MID "\"mid\":\"00112233445566778899aabbccddeeff\""
#define TIME "\"time\":\"2026-11-21T10:00:00Z\""

static void members_that_may_be_absent_are_empty(void **state)
{
    struct outcome_summary summary;
    struct err err = {0};

    (void)state;
    assert_true(outcome_parse(SLICE("{" MID ",\"state\":\"expired\"," TIME "}"), &summary, &err));
    assert_int_equal(summary.state, OUTCOME_EXPIRED);
    assert_int_equal(summary.fence, 0);
    assert_string_equal(summary.provider_id, "");
    assert_string_equal(summary.reason, "");
    assert_int_equal(summary.wall_ms, 1795255200000);
}

static void records_that_are_no_outcome_are_refused(void **state)
{
    static const struct {
        const char *json, *part;
    } rows[] = {
        {"", "no JSON object"},
        {"{", "no JSON object"},
        {"[]", "no JSON object"},
        {"null", "no JSON object"},
        {"{}", "mid is missing"},
        {"{" MID "," MID "}", "no JSON object"},
        {"{\"mid\":7}", "mid is missing"},
        {"{\"mid\":\"0011\"}", "mid is missing"},
        {"{\"mid\":\"0011223344556677889900aabbccddeex\"}", "mid is missing"},
        {"{" MID "," TIME "}", "state is missing"},
        {"{" MID ",\"state\":\"gone\"," TIME "}", "state is missing or not known"},
        {"{" MID ",\"state\":\"sent\"}", "time is missing"},
        {"{" MID ",\"state\":\"sent\",\"time\":5}", "time is missing"},
        {"{" MID ",\"state\":\"sent\",\"time\":\"today\"}", "time is missing or not a date"},
        {"{" MID ",\"state\":\"sent\"," TIME ",\"fence\":-1}", "fence"},
        {"{" MID ",\"state\":\"sent\"," TIME ",\"fence\":\"7\"}", "fence"},
        {"{" MID ",\"state\":\"sent\"," TIME ",\"reason\":5}", "reason is no text"},
        {"{" MID ",\"state\":\"sent\"," TIME ",\"reason\":"
         "\"0123456789012345678901234567890123456789012345678901234567890123\"}",
         "reason is longer than 63 bytes"},
        {"{" MID ",\"state\":\"sent\"," TIME ",\"provider_id\":null}", "provider_id is no text"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct outcome_summary summary;
        struct err err = {0};

        assert_false(outcome_parse(slice_of(rows[i].json), &summary, &err));
        if (!strstr(err.text, rows[i].part)) {
            fail_msg("%s: %s", rows[i].json, err.text);
        }
    }
    assert_false(outcome_parse(slice_make(NULL, 0), &(struct outcome_summary){0}, &(struct err){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_outcome_has_every_field),
        cmocka_unit_test(what_is_not_known_is_left_out),
        cmocka_unit_test(hostile_text_of_an_event_stays_inside_its_string),
        cmocka_unit_test(the_version_before_is_read_and_a_later_one_is_not),
        cmocka_unit_test(every_state_reads_back_with_what_a_rebuild_needs),
        cmocka_unit_test(members_that_may_be_absent_are_empty),
        cmocka_unit_test(records_that_are_no_outcome_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
