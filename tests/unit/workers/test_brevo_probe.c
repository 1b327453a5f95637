#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "workers/brevo.h"

static void the_call_reads_the_account_and_sends_nothing(void **state)
{
    const struct provider_account account = {.base_url = "https://api.brevo.com/", .api_key = "k"};
    struct provider_request request;

    (void)state;
    provider_request_init(&request);
    brevo_probe.build(&account, &request);
    assert_string_equal(request.method, "GET");
    assert_string_equal(buf_text(&request.url), "https://api.brevo.com/v3/account");
    assert_int_equal(request.body.len, 0);
    assert_string_equal(request.headers[0].name, "api-key");
    assert_string_equal(request.headers[0].value, "k");
    provider_request_finish(&request);
}

static void an_answer_says_how_the_account_is(void **state)
{
    static const struct {
        int status;
        const char *problem, *body;
        enum provider_health health;
        const char *word;
    } rows[] = {
        {200, "", "{\"plan\":[{\"type\":\"free\",\"credits\":300}]}", PROVIDER_FINE, "good"},
        {200, "", "{\"plan\":[{\"type\":\"sms\",\"credits\":5000.5}]}", PROVIDER_FINE, "good"},
        {200, "", "{\"plan\":[{\"type\":\"sms\",\"credits\":12}]}", PROVIDER_DOUBTFUL, "12 SMS credits"},
        {200, "", "{\"plan\":[1,null,{}]}", PROVIDER_FINE, "good"},
        {200, "", "{}", PROVIDER_UNUSABLE, "not a Brevo"},
        {200, "", "<html>", PROVIDER_UNUSABLE, "not a Brevo"},
        {401, "", "{\"code\":\"unauthorized\",\"message\":\"Key not found\"}", PROVIDER_UNUSABLE, "refuses the key"},
        {403, "", "{\"code\":\"permission_denied\",\"message\":\"\"}", PROVIDER_UNUSABLE, "permission_denied"},
        {402, "", "{\"code\":\"not_enough_credits\"}", PROVIDER_UNUSABLE, "not_enough_credits"},
        {404, "", "", PROVIDER_UNUSABLE, "404"},
        {429, "", "", PROVIDER_DOUBTFUL, "429"},
        {503, "", "", PROVIDER_DOUBTFUL, "503"},
        {0, "certificate", "", PROVIDER_UNUSABLE, "certificate"},
        {0, "dns", "", PROVIDER_UNUSABLE, "dns"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct attempt attempt = {.status = rows[i].status,
                                        .is_begun = rows[i].status != 0,
                                        .is_body_complete = true,
                                        .problem = rows[i].problem,
                                        .body = slice_of(rows[i].body)};
        struct err says = {0};
        enum provider_health health = brevo_probe.read(&attempt, &says);

        if (health != rows[i].health || !strstr(says.text, rows[i].word)) {
            fail_msg("row %zu: %d %s", i, (int)health, says.text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_call_reads_the_account_and_sends_nothing),
        cmocka_unit_test(an_answer_says_how_the_account_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
