/* What the sandbox shows of what it took: inbox, statistics, its page. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sandbox_child.h"

static void test_an_sms_is_counted_in_segments(void **state)
{
    struct sandbox *s = *state;
    struct answer answer;
    struct buf body;
    json_t *message;

    buf_init(&body, 0);
    buf_append_text(&body,
                    "{\"sender\":\"Example\",\"recipient\":\"36301234567\",\"unicodeEnabled\":true,\"tag\":\"" MID1
                    "\",\"content\":\"");
    for (int i = 0; i < 71; i++) {
        buf_append_text(&body, "ő");
    }
    buf_append_text(&body, "\"}");
    call(s, sms_path, buf_text(&body), &answer);
    assert_int_equal(answer.status, 201);
    assert_true(json_integer_value(json_object_get(answer.json, "messageId")) > 1000000000000000);
    message = get(s, "/api/messages/1");
    assert_int_equal(json_integer_value(json_object_get(message, "segments")), 2);
    assert_true(json_is_true(json_object_get(message, "unicode")));
    assert_string_equal(json_string_value(json_object_get(message, "mid")), MID1);
    json_decref(message);
    answer_finish(&answer);
    buf_finish(&body);
}

static void test_messages_can_be_filtered(void **state)
{
    static const struct {
        const char *query;
        size_t count;
    } cases[] = {
        {"", 3},
        {"channel=email", 2},
        {"channel=sms", 1},
        {"mid=" MID1, 1},
        {"tag=" MID2, 1},
        {"tag=tier_upgrade", 2},
        {"tag=tier", 0},
        {"to=ILONA", 2},
        {"to=3630", 1},
        {"since=2", 1},
        {"since=3", 0},
        {"limit=2", 2},
        {"limit=0", 0},
        {"since=2000-01-01T00:00:00Z", 3},
        {"since=2999-01-01T00:00:00Z", 0},
        {"accepted=false", 0},
    };
    struct sandbox *s = *state;
    struct answer answer;

    assert_int_equal(send_email(s, MID1, ""), 201);
    assert_int_equal(send_email(s, MID2, ""), 201);
    call(s, sms_path, "{\"sender\":\"Example\",\"recipient\":\"36301234567\",\"content\":\"x\"}", &answer);
    answer_finish(&answer);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t count = count_listed(s, cases[i].query);

        if (count != cases[i].count) {
            fail_msg("%s: %zu", cases[i].query, count);
        }
    }
}

static void test_wrong_questions_get_clear_answers(void **state)
{
    static const struct {
        const char *method;
        const char *path;
        long status;
    } cases[] = {
        {"GET", "/api/messages?limit=many", 400},
        {"GET", "/api/messages?since=yesterday", 400},
        {"GET", "/api/messages?accepted=perhaps", 400},
        {"GET", "/api/messages/0", 404},
        {"GET", "/api/messages/1", 404},
        {"GET", "/api/messages/-1", 404},
        {"GET", "/api/messages/99999999999999999999", 404},
        {"GET", "/api/messages/x/html", 404},
        {"PATCH", "/api/messages", 405},
        {"POST", "/api/stats", 405},
        {"GET", "/nothing", 404},
        {"GET", "/..%2f..%2fetc/passwd", 404},
        {"GET", "/v3/smtp/email", 405},
        {"POST", "/v3/contacts", 404},
    };
    struct sandbox *s = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer answer;

        ask_with(s, cases[i].method, cases[i].path, NULL, NULL, &answer);
        if (answer.status != cases[i].status || !json_is_object(answer.json)) {
            fail_msg("%s %s: %ld %s", cases[i].method, cases[i].path, answer.status, buf_text(&answer.body));
        }
        answer_finish(&answer);
    }
}

/* How many events of this tag the statistics tell of; -1: refused. */
static int count_events(struct sandbox *s, const char *channel_path, const char *tag)
{
    static const char *const headers[] = {"api-key: any", NULL};
    char *path = xasprintf("/v3/%s/statistics/events?days=30&limit=50&tags=%%5B%%22%s%%22%%5D", channel_path, tag);
    struct answer answer;
    int count = -1;

    ask_with(s, "GET", path, NULL, headers, &answer);
    if (answer.status == 200) {
        count = (int)json_array_size(json_object_get(answer.json, "events"));
    }
    answer_finish(&answer);
    free(path);
    return count;
}

static void test_the_statistics_find_what_was_taken_by_its_tag(void **state)
{
    struct sandbox *s = *state;

    assert_int_equal(count_events(s, "smtp", MID1), 0);
    send_email(s, MID1, KEY1);
    send_email(s, MID1, KEY1); /* refused: a duplicate */
    send_email(s, MID2, "");
    assert_int_equal(count_events(s, "smtp", MID1), 1);
    assert_int_equal(count_events(s, "smtp", "tier_upgrade"), 2);
    assert_int_equal(count_events(s, "smtp", "tier"), 0);
    assert_int_equal(count_events(s, "transactionalSMS", MID1), 0);
    assert_int_equal(count_events(s, "smtp", "%22%2C%22x"), -1); /* two tags */
}

static void test_a_message_becomes_visible_later(void **state)
{
    struct sandbox *s = *state;

    restart(s, (const char *const[]){"--visibility-lag-ms", "600000", NULL});
    send_email(s, MID1, KEY1);
    assert_int_equal(count_events(s, "smtp", MID1), 0);
}

static void test_a_provider_may_have_neither_keys_nor_statistics(void **state)
{
    struct sandbox *s = *state;

    restart(s, (const char *const[]){"--no-keys", "--no-query", NULL});
    assert_int_equal(send_email(s, MID1, KEY1), 201);
    assert_int_equal(send_email(s, MID1, KEY1), 201);
    assert_int_equal(stat_of(s, "duplicates"), 1);
    assert_int_equal(count_events(s, "smtp", MID1), -1);
}

static void test_the_inbox_keeps_only_so_many_but_counts_all_mids(void **state)
{
    static const char *const options[] = {"--max-messages", "2", NULL};
    struct sandbox *s = *state;

    restart(s, options);
    assert_int_equal(send_email(s, MID1, ""), 201);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(send_email(s, MID2, ""), 201);
    }
    assert_int_equal(count_listed(s, ""), 2);
    assert_int_equal(count_listed(s, "mid=" MID1), 0);
    assert_int_equal(send_email(s, MID1, ""), 201);
    assert_int_equal(stat_of(s, "distinct_mids"), 2);
    assert_int_equal(stat_of(s, "duplicates"), 2);
    assert_int_equal(stat_of(s, "surplus"), 4);
}

static void test_the_fast_mode_counts_without_an_inbox(void **state)
{
    static const char *const options[] = {"--fast", NULL};
    struct sandbox *s = *state;
    struct answer answer;

    restart(s, options);
    assert_int_equal(send_email(s, MID1, KEY1), 201);
    assert_int_equal(send_email(s, MID1, KEY1), 400);
    assert_int_equal(send_email(s, MID2, ""), 201);
    assert_int_equal(send_email(s, MID2, ""), 201);
    call(s, sms_path, "{\"sender\":\"Example\",\"recipient\":\"36301234567\",\"content\":\"x\",\"tag\":\"" MID1 "\"}",
         &answer);
    assert_int_equal(answer.status, 201);
    answer_finish(&answer);
    assert_int_equal(stat_of(s, "accepted"), 4);
    assert_int_equal(stat_of(s, "distinct_mids"), 3);
    assert_int_equal(stat_of(s, "duplicates"), 1);
    assert_int_equal(count_listed(s, "accepted=all"), 0);
}

static void test_without_bodies_only_who_and_how_is_kept(void **state)
{
    static const char *const options[] = {"--no-bodies", NULL};
    struct sandbox *s = *state;
    json_t *message;

    restart(s, options);
    assert_int_equal(send_email(s, MID1, ""), 201);
    message = get(s, "/api/messages/1");
    assert_string_equal(json_string_value(json_object_get(message, "mid")), MID1);
    assert_null(json_object_get(message, "html"));
    assert_int_equal(json_object_size(json_object_get(message, "request")), 0);
    json_decref(message);
}

static void test_the_page_needs_nothing_from_elsewhere(void **state)
{
    static const struct {
        const char *path;
        const char *type;
    } files[] = {{"/", "text/html"}, {"/inbox.css", "text/css"}, {"/inbox.js", "text/javascript"}};
    struct sandbox *s = *state;

    for (size_t i = 0; i < 3; i++) {
        struct answer answer;

        ask_with(s, "GET", files[i].path, NULL, NULL, &answer);
        assert_int_equal(answer.status, 200);
        assert_non_null(strcasestr(buf_text(&answer.head), files[i].type));
        assert_non_null(strstr(buf_text(&answer.head), "content-security-policy: default-src 'none'; "));
        assert_true(answer.body.len > 1000);
        assert_null(strstr(buf_text(&answer.body), "http://"));
        assert_null(strstr(buf_text(&answer.body), "https://"));
        assert_null(strstr(buf_text(&answer.body), "innerHTML"));
        answer_finish(&answer);
    }
}

static void test_the_html_of_a_message_may_do_nothing(void **state)
{
    static const char hostile[] =
        "{\"sender\":{\"email\":\"a@b.example\"},\"to\":[{\"email\":\"c@d.example\"}],\"subject\":\"<b>x</b>\","
        "\"htmlContent\":\"<script>alert(1)</script>\",\"tags\":[\"<i>\"]}";
    struct sandbox *s = *state;
    struct answer answer;

    call(s, email_path, hostile, &answer);
    assert_int_equal(answer.status, 201);
    answer_finish(&answer);
    ask_with(s, "GET", "/api/messages/1/html", NULL, NULL, &answer);
    assert_string_equal(buf_text(&answer.body), "<script>alert(1)</script>");
    assert_non_null(strstr(buf_text(&answer.head), "content-security-policy: sandbox; default-src 'none'; "));
    assert_non_null(strstr(buf_text(&answer.head), "x-content-type-options: nosniff"));
    answer_finish(&answer);
    ask_with(s, "GET", "/api/messages/1", NULL, NULL, &answer);
    assert_non_null(strcasestr(buf_text(&answer.head), "content-type: application/json"));
    answer_finish(&answer);
}

static void test_clearing_starts_again(void **state)
{
    struct sandbox *s = *state;
    struct answer answer;

    assert_int_equal(send_email(s, MID1, KEY1), 201);
    ask_with(s, "DELETE", "/api/messages", NULL, NULL, &answer);
    assert_int_equal(answer.status, 204);
    answer_finish(&answer);
    assert_int_equal(stat_of(s, "requests"), 0);
    assert_int_equal(count_listed(s, "accepted=all"), 0);
    assert_int_equal(send_email(s, MID1, KEY1), 201);
    assert_int_equal(stat_of(s, "duplicates"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        sandbox_test(test_an_sms_is_counted_in_segments),
        sandbox_test(test_messages_can_be_filtered),
        sandbox_test(test_wrong_questions_get_clear_answers),
        sandbox_test(test_the_statistics_find_what_was_taken_by_its_tag),
        sandbox_test(test_a_message_becomes_visible_later),
        sandbox_test(test_a_provider_may_have_neither_keys_nor_statistics),
        sandbox_test(test_the_inbox_keeps_only_so_many_but_counts_all_mids),
        sandbox_test(test_the_fast_mode_counts_without_an_inbox),
        sandbox_test(test_without_bodies_only_who_and_how_is_kept),
        sandbox_test(test_the_page_needs_nothing_from_elsewhere),
        sandbox_test(test_the_html_of_a_message_may_do_nothing),
        sandbox_test(test_clearing_starts_again),
    };
    int status;

    curl_global_init(CURL_GLOBAL_ALL);
    status = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return status;
}
