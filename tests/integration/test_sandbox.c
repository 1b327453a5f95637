/* The real binary, started as `perkline sandbox`, asked by an ordinary HTTP client. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sandbox_child.h"

static void test_an_email_is_answered_as_brevo_does_and_shows_in_the_inbox(void **state)
{
    struct sandbox *s = *state;
    char *body = email_body(MID1, KEY1);
    struct answer answer;
    const char *id;
    json_t *message;

    call(s, email_path, body, &answer);
    assert_int_equal(answer.status, 201);
    id = answer_text(&answer, "messageId");
    assert_true(id[0] == '<' && id[strlen(id) - 1] == '>');
    assert_non_null(strstr(buf_text(&answer.head), "x-sib-ratelimit-limit: "));
    assert_non_null(strstr(buf_text(&answer.head), "x-sib-ratelimit-remaining: "));
    assert_non_null(strstr(buf_text(&answer.head), "x-sib-ratelimit-reset: 1\r\n"));

    message = get(s, "/api/messages/1");
    assert_string_equal(json_string_value(json_object_get(message, "mid")), MID1);
    assert_string_equal(json_string_value(json_object_get(message, "to")), "ilona@example.com");
    assert_string_equal(json_string_value(json_object_get(message, "subject")), "Hello");
    assert_string_equal(json_string_value(json_object_get(message, "html")), "<p>Hello</p>");
    assert_string_equal(json_string_value(json_object_get(message, "text")), "Hello");
    assert_memory_equal(json_string_value(json_object_get(message, "message_id")), id + 1, strlen(id) - 2);
    assert_string_equal(json_string_value(json_object_get(json_object_get(message, "request"), "body")), body);
    assert_null(strstr(json_string_value(json_object_get(json_object_get(message, "request"), "head")), "any"));
    json_decref(message);
    answer_finish(&answer);
    free(body);
}

static void test_a_repeated_key_is_refused_and_nothing_is_sent_again(void **state)
{
    struct sandbox *s = *state;
    char *body = email_body(MID1, KEY1);
    struct answer answer;

    assert_int_equal(send_email(s, MID1, KEY1), 201);
    call(s, email_path, body, &answer);
    assert_int_equal(answer.status, 400);
    assert_string_equal(answer_text(&answer, "code"), "duplicate_parameter");
    assert_int_equal(stat_of(s, "requests"), 2);
    assert_int_equal(stat_of(s, "accepted"), 1);
    assert_int_equal(stat_of(s, "duplicates"), 0);
    assert_int_equal(count_listed(s, ""), 1);
    assert_int_equal(count_listed(s, "accepted=all"), 2);
    answer_finish(&answer);
    free(body);
}

static void test_a_key_at_the_wrong_place_is_ignored_without_a_word(void **state)
{
    static const struct {
        const char *what;
        const char *header_members;
        const char *http_header;
        const char *before; /* first member of the body */
    } cases[] = {
        {"another spelling", "\"Idempotency-Key\":\"00112233-4455-8677-8899-aabbccddeeff\"", NULL, ""},
        {"another case", "\"idempotencykey\":\"00112233-4455-8677-8899-aabbccddeeff\"", NULL, ""},
        {"no UUID", "\"idempotencyKey\":\"00112233445586778899aabbccddeeff\"", NULL, ""},
        {"HTTP header", "", "idempotencyKey: 00112233-4455-8677-8899-aabbccddeeff", ""},
        {"HTTP header as others have it", "", "Idempotency-Key: 00112233-4455-8677-8899-aabbccddeeff", ""},
        {"beside the headers", "", NULL, KEY1 ","},
    };
    struct sandbox *s = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *headers[] = {"api-key: any", cases[i].http_header, NULL};
        char *mid = xasprintf("%032zu", i);
        char *plain = email_body(mid, cases[i].header_members);
        char *body = xasprintf("{%s%s", cases[i].before, plain + 1);

        for (int round = 0; round < 2; round++) {
            struct answer answer;

            ask_with(s, "POST", email_path, body, headers, &answer);
            if (answer.status != 201) {
                fail_msg("%s: %ld %s", cases[i].what, answer.status, buf_text(&answer.body));
            }
            answer_finish(&answer);
        }
        assert_int_equal(stat_of(s, "duplicates"), i + 1);
        free(body);
        free(plain);
        free(mid);
    }
}

static void test_a_key_is_forgotten_after_its_time(void **state)
{
    static const char *const options[] = {"--key-ttl-s", "0", NULL};
    struct sandbox *s = *state;

    restart(s, options);
    assert_int_equal(send_email(s, MID1, KEY1), 201);
    assert_int_equal(send_email(s, MID1, KEY1), 201);
    assert_int_equal(stat_of(s, "duplicates"), 1);
    assert_int_equal(stat_of(s, "surplus"), 1);
}

static void test_a_refused_request_does_not_use_up_its_key(void **state)
{
    struct sandbox *s = *state;

    put_faults(s, "{\"faults\":[{\"kind\":\"http_500\",\"times\":1}]}", 200);
    assert_int_equal(send_email(s, MID1, KEY1), 500);
    assert_int_equal(count_listed(s, "accepted=false&to=ilona&mid=" MID1), 1);
    assert_int_equal(send_email(s, MID1, KEY1), 201);
    assert_int_equal(send_email(s, MID1, KEY1), 400);
}

static void test_what_is_wrong_is_refused_with_brevos_code(void **state)
{
    static const struct {
        const char *path;
        const char *body;
        const char *code;
    } cases[] = {
        {email_path, "", "bad_request"},
        {email_path, "{", "bad_request"},
        {email_path, "[]", "bad_request"},
        {email_path, "{}", "missing_parameter"},
        {email_path, "{\"sender\":{\"email\":\"a@b.example\"}}", "missing_parameter"},
        {email_path, "{\"sender\":{\"email\":\"nobody\"}}", "invalid_parameter"},
        {email_path, "{\"sender\":[1]}", "invalid_parameter"},
        {email_path, "{\"sender\":{\"id\":1},\"to\":[]}", "invalid_parameter"},
        {email_path, "{\"sender\":{\"id\":1},\"to\":[{\"email\":\"x\"}]}", "invalid_parameter"},
        {email_path, "{\"sender\":{\"id\":1},\"to\":[{\"email\":\"a@b.example\"}]}", "missing_parameter"},
        {email_path, "{\"sender\":{\"id\":1},\"to\":[{\"email\":\"a@b.example\"}],\"subject\":\"s\"}",
         "missing_parameter"},
        {email_path, "{\"sender\":{\"id\":1},\"to\":[{\"email\":\"a@b.example\"}],\"subject\":7,\"htmlContent\":\"h\"}",
         "invalid_parameter"},
        {email_path,
         "{\"sender\":{\"id\":1},\"to\":[{\"email\":\"a@b.example\"}],\"subject\":\"s\",\"htmlContent\":\"h\","
         "\"tags\":\"t\"}",
         "invalid_parameter"},
        {email_path,
         "{\"sender\":{\"id\":1},\"to\":[{\"email\":\"a@b.example\"}],\"subject\":\"s\",\"htmlContent\":\"h\","
         "\"headers\":{\"x\":1}}",
         "invalid_parameter"},
        {sms_path, "{}", "missing_parameter"},
        {sms_path, "{\"sender\":\"Example\",\"recipient\":\"36301234567\"}", "missing_parameter"},
        {sms_path, "{\"sender\":\"Example Club\",\"recipient\":\"36301234567\",\"content\":\"x\"}",
         "invalid_parameter"},
        {sms_path, "{\"sender\":\"Example\",\"recipient\":\"+36301234567\",\"content\":\"x\"}", "invalid_parameter"},
        {sms_path, "{\"sender\":\"Example\",\"recipient\":\"36301234567\",\"content\":\"x\",\"type\":\"other\"}",
         "invalid_parameter"},
        {sms_path, "{\"sender\":\"Example\",\"recipient\":\"36301234567\",\"content\":\"x\",\"templateId\":1}",
         "invalid_parameter"},
    };
    struct sandbox *s = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answer answer;

        call(s, cases[i].path, cases[i].body, &answer);
        if (answer.status != 400 || strcmp(answer_text(&answer, "code"), cases[i].code) != 0) {
            fail_msg("%s: %ld %s", cases[i].body, answer.status, buf_text(&answer.body));
        }
        answer_finish(&answer);
    }
    assert_int_equal(stat_of(s, "accepted"), 0);
}

static void test_a_deep_body_is_refused(void **state)
{
    struct sandbox *s = *state;
    struct answer answer;
    struct buf body;

    buf_init(&body, 0);
    for (int i = 0; i < 500000; i++) {
        buf_append_char(&body, '[');
    }
    call(s, email_path, buf_text(&body), &answer);
    assert_int_equal(answer.status, 400);
    answer_finish(&answer);
    buf_finish(&body);
}

static void test_keys_of_the_account_are_checked(void **state)
{
    static const char *const options[] = {"--api-key", "right", NULL};
    static const struct {
        const char *header;
        long status;
    } cases[] = {{"x-other: 1", 401}, {"api-key: wrong", 401}, {"api-key: right", 201}};
    struct sandbox *s = *state;
    char *body = email_body(MID1, "");

    restart(s, options);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *headers[] = {cases[i].header, NULL};
        struct answer answer;

        ask_with(s, "POST", email_path, body, headers, &answer);
        assert_int_equal(answer.status, cases[i].status);
        assert_string_equal(answer_text(&answer, "code"), cases[i].status == 401 ? "unauthorized" : "");
        answer_finish(&answer);
    }
    assert_int_equal(stat_of(s, "accepted"), 1);
    free(body);
}

static void test_above_the_rate_calls_are_refused_with_429(void **state)
{
    static const char *const options[] = {"--rate", "1/s", NULL};
    struct sandbox *s = *state;
    char *body = email_body(MID1, "");
    struct answer answer;
    int refused = 0;

    restart(s, options);
    for (int i = 0; i < 200; i++) {
        call(s, email_path, body, &answer);
        assert_true(answer.status == 201 || answer.status == 429);
        assert_non_null(strstr(buf_text(&answer.head), "x-sib-ratelimit-limit: 1\r\n"));
        assert_non_null(strstr(buf_text(&answer.head), "x-sib-ratelimit-remaining: 0\r\n"));
        refused += answer.status == 429;
        answer_finish(&answer);
    }
    assert_true(refused > 0);
    assert_int_equal(stat_of(s, "accepted") + refused, 200);
    free(body);
}

static void test_an_email_for_the_drain_is_answered_but_not_sent(void **state)
{
    struct sandbox *s = *state;

    assert_int_equal(send_email(s, MID1, "\"X-Sib-Sandbox\":\"drop\""), 201);
    assert_int_equal(stat_of(s, "accepted"), 0);
    assert_int_equal(stat_of(s, "dropped"), 1);
    assert_int_equal(count_listed(s, "accepted=all"), 0);
}

static void test_wrong_options_are_refused_in_one_line(void **state)
{
    static const struct {
        const char *options[4];
        int status;
        const char *complaint;
    } cases[] = {
        {{"--fault", "none=1", NULL}, 2, "there is no fault \"none\""},
        {{"--fault", "http_500", NULL}, 2, "not of the form"},
        {{"--fault", "http_500=2", NULL}, 2, "between 0 and 1"},
        {{"--fault", "delay=1", NULL}, 2, "milliseconds are needed"},
        {{"--rate", "fast", NULL}, 2, "no rate"},
        {{"--latency-ms", "-1", NULL}, 2, "--latency-ms must be between"},
        {{"--listem", "x", NULL}, 2, "--listen"},
        {{"--listen", "nowhere", NULL}, 1, "no address to listen on"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[1024] = "";
        int fd;
        pid_t pid = spawn(cases[i].options, &fd);
        FILE *output = fdopen(fd, "r");
        size_t len = fread(text, 1, sizeof(text) - 1, output);
        int status = wait_for(pid);

        fclose(output);
        if (status != cases[i].status || !strstr(text, cases[i].complaint) || strchr(text, '\n') != text + len - 1) {
            fail_msg("%s %s: status %d: %s", cases[i].options[0], cases[i].options[1], status, text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        sandbox_test(test_an_email_is_answered_as_brevo_does_and_shows_in_the_inbox),
        sandbox_test(test_a_repeated_key_is_refused_and_nothing_is_sent_again),
        sandbox_test(test_a_key_at_the_wrong_place_is_ignored_without_a_word),
        sandbox_test(test_a_key_is_forgotten_after_its_time),
        sandbox_test(test_a_refused_request_does_not_use_up_its_key),
        sandbox_test(test_what_is_wrong_is_refused_with_brevos_code),
        sandbox_test(test_a_deep_body_is_refused),
        sandbox_test(test_keys_of_the_account_are_checked),
        sandbox_test(test_above_the_rate_calls_are_refused_with_429),
        sandbox_test(test_an_email_for_the_drain_is_answered_but_not_sent),
        cmocka_unit_test(test_wrong_options_are_refused_in_one_line),
    };
    int status;

    curl_global_init(CURL_GLOBAL_ALL);
    status = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return status;
}
