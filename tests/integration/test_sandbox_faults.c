/* The sandbox as a bad provider: faults on demand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include <curl/curl.h>
#include <jansson.h>

#include "base/mem.h"
#include "sandbox_child.h"

static void test_each_fault_does_what_its_name_says(void **state)
{
    static const struct {
        const char *kind;
        CURLcode result;
        long status;
        int accepted;
    } cases[] = {
        {"http_400", CURLE_OK, 400, 0},
        {"http_401", CURLE_OK, 401, 0},
        {"http_429", CURLE_OK, 429, 0},
        {"http_500", CURLE_OK, 500, 0},
        {"http_503", CURLE_OK, 503, 0},
        {"http_500_after", CURLE_OK, 500, 1},
        {"reset_before", CURLE_RECV_ERROR, 0, 0},
        {"reset_after", CURLE_RECV_ERROR, 0, 1},
        {"close_before", CURLE_GOT_NOTHING, 0, 0},
        {"close_after", CURLE_GOT_NOTHING, 0, 1},
        {"garbage", CURLE_UNSUPPORTED_PROTOCOL, 0, 1},
        {"empty_201", CURLE_OK, 201, 1},
    };
    struct sandbox *s = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *json = xasprintf("{\"faults\":[{\"kind\":\"%s\",\"probability\":1,\"times\":1}]}", cases[i].kind);
        char *body = email_body(MID1, "");
        struct answer answer;
        json_t *stats;

        ask_with(s, "DELETE", "/api/messages", NULL, NULL, &answer);
        assert_int_equal(answer.status, 204);
        answer_finish(&answer);
        put_faults(s, json, 200);
        call(s, email_path, body, &answer);
        if (answer.result != cases[i].result || answer.status != cases[i].status) {
            fail_msg("%s: curl %d, status %ld", cases[i].kind, answer.result, answer.status);
        }
        assert_true(answer.status != 201 || answer.body.len == 0);
        stats = get(s, "/api/stats");
        assert_int_equal(json_integer_value(json_object_get(stats, "accepted")), cases[i].accepted);
        assert_int_equal(json_object_size(json_object_get(stats, "answers")), 1);
        json_decref(stats);
        answer_finish(&answer);
        /* struck once, as asked for */
        assert_int_equal(send_email(s, MID2, ""), 201);
        free(body);
        free(json);
    }
}

static void test_a_hanging_answer_is_ended_by_the_client(void **state)
{
    static const struct {
        const char *faults;
        int accepted;
    } cases[] = {
        {"{\"faults\":[{\"kind\":\"hang_before\",\"times\":1}]}", 0},
        {"{\"faults\":[{\"kind\":\"hang_after_accept\",\"times\":1}]}", 1},
    };
    struct sandbox *s = *state;
    char *url = xasprintf("%s%s", s->url, email_path);
    char *body = email_body(MID1, "");

    for (size_t i = 0; i < 2; i++) {
        struct curl_slist *headers = curl_slist_append(NULL, "api-key: any");
        CURL *curl = curl_easy_init();

        put_faults(s, cases[i].faults, 200);
        curl_easy_setopt(curl, CURLOPT_URL, url);
        curl_easy_setopt(curl, CURLOPT_PROXY, "");
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 300L);
        assert_int_equal(curl_easy_perform(curl), CURLE_OPERATION_TIMEDOUT);
        curl_easy_cleanup(curl);
        curl_slist_free_all(headers);
        assert_int_equal(stat_of(s, "accepted"), cases[i].accepted);
    }
    free(body);
    free(url);
}

static void test_a_delayed_call_is_accepted_before_it_is_answered(void **state)
{
    struct sandbox *s = *state;

    put_faults(s, "{\"faults\":[{\"kind\":\"delay\",\"ms\":20}],\"latency_ms\":10}", 200);
    assert_int_equal(send_email(s, MID1, KEY1), 201);
    assert_int_equal(send_email(s, MID1, KEY1), 400);
    assert_int_equal(stat_of(s, "accepted"), 1);
}

static void test_a_fault_of_one_channel_leaves_the_other_alone(void **state)
{
    static const char *const options[] = {"--fault", "http_503@sms=1", NULL};
    struct sandbox *s = *state;
    struct answer answer;

    restart(s, options);
    assert_int_equal(send_email(s, MID1, ""), 201);
    call(s, sms_path, "{\"sender\":\"Example\",\"recipient\":\"36301234567\",\"content\":\"x\"}", &answer);
    assert_int_equal(answer.status, 503);
    answer_finish(&answer);
}

static void test_faults_from_one_seed_strike_alike(void **state)
{
    struct sandbox *s = *state;
    long first[40];

    for (int run = 0; run < 2; run++) {
        put_faults(s, "{\"seed\":7,\"faults\":[{\"kind\":\"http_500\",\"probability\":0.5}]}", 200);
        for (size_t i = 0; i < 40; i++) {
            long status = send_email(s, MID1, "");

            if (run == 0) {
                first[i] = status;
            }
            assert_int_equal(status, first[i]);
        }
    }
    assert_true(stat_of(s, "accepted") > 0 && stat_of(s, "accepted") < 80);
}

static void test_wrong_faults_change_nothing(void **state)
{
    static const char *const cases[] = {
        "",
        "[]",
        "{}",
        "{\"faults\":1}",
        "{\"faults\":[1]}",
        "{\"faults\":[{\"kind\":\"none_such\"}]}",
        "{\"faults\":[{\"kind\":\"http_99\"}]}",
        "{\"faults\":[{\"kind\":\"http_500\",\"probability\":1.5}]}",
        "{\"faults\":[{\"kind\":\"http_500\",\"probability\":\"often\"}]}",
        "{\"faults\":[{\"kind\":\"http_500\",\"channel\":\"fax\"}]}",
        "{\"faults\":[{\"kind\":\"delay\"}]}",
        "{\"faults\":[],\"rate\":-1}",
        "{\"faults\":[],\"latency_ms\":1e9}",
    };
    struct sandbox *s = *state;
    json_t *faults;

    put_faults(s, "{\"faults\":[{\"kind\":\"http_503\",\"probability\":0.25,\"channel\":\"sms\"}]}", 200);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        put_faults(s, cases[i], 400);
    }
    faults = get(s, "/api/faults");
    assert_int_equal(json_array_size(json_object_get(faults, "faults")), 1);
    json_decref(faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        sandbox_test(test_each_fault_does_what_its_name_says),
        sandbox_test(test_a_hanging_answer_is_ended_by_the_client),
        sandbox_test(test_a_delayed_call_is_accepted_before_it_is_answered),
        sandbox_test(test_a_fault_of_one_channel_leaves_the_other_alone),
        sandbox_test(test_faults_from_one_seed_strike_alike),
        sandbox_test(test_wrong_faults_change_nothing),
    };
    int status;

    curl_global_init(CURL_GLOBAL_ALL);
    status = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return status;
}
