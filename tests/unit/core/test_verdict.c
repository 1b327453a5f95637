#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/verdict.h"

enum { S = VERDICT_SENT, P = VERDICT_NOT_SENT_PERMANENT, T = VERDICT_NOT_SENT_TRANSIENT, C = VERDICT_NOT_SENT_CHANNEL,
       A = VERDICT_AMBIGUOUS };

/* What can happen to an attempt, by the facts that the HTTP layer reports. */
static void each_situation_has_its_verdict(void **state)
{
    static const struct {
        const char *situation;
        int status;
        bool is_begun;
        const char *problem;
        bool is_permanent;
        int kind;
        const char *reason;
    } rows[] = {
        {"name not found", 0, false, "dns", false, T, "dns"},
        {"name of the proxy not found", 0, false, "proxy_dns", false, T, "proxy_dns"},
        {"refused, unreachable", 0, false, "connect", false, T, "connect"},
        {"connect or handshake timeout", 0, false, "timeout", false, T, "timeout"},
        {"TLS alert", 0, false, "tls", false, T, "tls"},
        {"certificate, CA, pin, cipher", 0, false, "certificate", true, C, "certificate"},
        {"bad URL, bad option", 0, false, "bad_url", true, C, "bad_url"},
        {"waited in the queue of the library", 0, false, "timeout", false, T, "timeout"},
        {"answer timeout after the request", 0, true, "timeout", false, A, "timeout"},
        {"100-continue, then silence", 100, true, "timeout", false, A, "timeout"},
        {"100-continue before the request began", 100, false, "timeout", false, T, "timeout"},
        {"closed after reading the request", 0, true, "empty", false, A, "empty"},
        {"half a status line, closed", 0, true, "empty", false, A, "empty"},
        {"reset", 0, true, "reset", false, A, "reset"},
        {"garbage answer", 0, true, "garbage", false, A, "garbage"},
        {"silent repeat stopped by the guard", 0, true, "repeat_stopped", false, A, "repeat_stopped"},
        {"stopped by us before it began: lease", 0, false, "lease_over", false, T, "lease_over"},
        {"stopped by us before it began: peer", 0, false, "peer_refused", true, C, "peer_refused"},
        {"HTTP/2 stream or framing error", 0, true, "http2", false, A, "http2"},
        {"rewind impossible on resend", 0, true, "rewind", false, A, "rewind"},
        {"certificate refused after the request", 0, true, "tls", true, A, "tls"},
        {"answer too large, by status: yes", 201, true, "too_large", false, S, "accepted"},
        {"answer too large, by status: no", 400, true, "too_large", false, P, "http_400"},
        {"201, then the body stalls", 201, true, "timeout", false, S, "accepted"},
        {"201, then the body closes", 201, true, "partial", false, S, "accepted"},
        {"429 while writing, then reset", 429, true, "reset", false, T, "http_429"},
        {"no problem word", 0, true, "", false, A, "no_answer"},
        {"no problem word at all", 0, false, NULL, false, T, "no_answer"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct attempt attempt = {.status = rows[i].status,
                                  .is_begun = rows[i].is_begun,
                                  .problem = rows[i].problem,
                                  .is_permanent_problem = rows[i].is_permanent};
        struct verdict verdict;

        memset(&verdict, 0xaa, sizeof(verdict));
        verdict_classify(&attempt, &verdict);
        if ((int)verdict.kind != rows[i].kind || strcmp(verdict.reason, rows[i].reason) != 0) {
            fail_msg("%s: %s %s", rows[i].situation, verdict_kind_name(verdict.kind), verdict.reason);
        }
        assert_string_equal(verdict.provider_id, "");
        assert_int_equal(verdict.retry_after_ms, 0);
        assert_int_equal(verdict.limit_per_s, -1);
        assert_int_equal(verdict.limit_remaining, -1);
        assert_int_equal(verdict.limit_reset_ms, -1);
    }
}

static void each_status_has_its_verdict(void **state)
{
    static const struct {
        int first, last, kind;
    } rows[] = {
        {200, 299, S}, {300, 399, C}, {400, 400, P}, {401, 403, C}, {404, 407, P}, {408, 409, A}, {410, 424, P},
        {425, 425, T}, {426, 428, P}, {429, 429, T}, {430, 499, P}, {500, 599, A}, {600, 999, A},
    };
    int status = 200;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(rows[i].first, status);
        for (; status <= rows[i].last; status++) {
            struct attempt attempt = {.status = status, .is_begun = true, .problem = ""};
            struct verdict verdict;
            char reason[16];

            verdict_classify(&attempt, &verdict);
            if ((int)verdict.kind != rows[i].kind) {
                fail_msg("%d: %s", status, verdict_kind_name(verdict.kind));
            }
            snprintf(reason, sizeof(reason), "http_%d", status);
            assert_string_equal(verdict.reason, status < 300 ? "accepted" : reason);
        }
    }
    assert_int_equal(status, 1000);
}

static void every_kind_has_its_name(void **state)
{
    (void)state;
    assert_string_equal(verdict_kind_name(VERDICT_SENT), "sent");
    assert_string_equal(verdict_kind_name(VERDICT_NOT_SENT_PERMANENT), "not_sent_permanent");
    assert_string_equal(verdict_kind_name(VERDICT_NOT_SENT_TRANSIENT), "not_sent_transient");
    assert_string_equal(verdict_kind_name(VERDICT_NOT_SENT_CHANNEL), "not_sent_channel");
    assert_string_equal(verdict_kind_name(VERDICT_AMBIGUOUS), "ambiguous");
}

static void a_problem_word_of_any_length_is_cut_to_fit(void **state)
{
    char problem[500];
    struct attempt attempt = {.is_begun = true, .problem = problem};
    struct verdict verdict;

    (void)state;
    memset(problem, 'x', sizeof(problem) - 1);
    problem[sizeof(problem) - 1] = '\0';
    verdict_classify(&attempt, &verdict);
    assert_int_equal(strlen(verdict.reason), VERDICT_REASON_SIZE - 1);
}

static void retry_after_is_seconds_or_a_date_against_the_answers_own_date(void **state)
{
    static const char *const now = "Sun, 06 Nov 1994 08:49:37 GMT";
    static const struct {
        const char *retry_after, *date;
        int64_t ms;
    } rows[] = {
        {NULL, "x", 0},
        {"", NULL, 0},
        {"3", NULL, 3000},
        {"0", NULL, 1000},
        {"1", NULL, 1000},
        {"3600", NULL, 3600000},
        {"3601", NULL, 3600000},
        {"9223372036854775807", NULL, 3600000},
        {"99999999999999999999999999", NULL, 3600000},
        {"-5", NULL, 0},
        {"1.5", NULL, 0},
        {"5 s", NULL, 0},
        {"soon", "Sun, 06 Nov 1994 08:49:37 GMT", 0},
        {"Sun, 06 Nov 1994 08:49:47 GMT", now, 10000},
        {"Sunday, 06-Nov-94 08:49:47 GMT", now, 10000},
        {"Sun Nov  6 08:49:47 1994", now, 10000},
        {"Sun, 06 Nov 1994 08:49:37 GMT", now, 1000},
        {"Sat, 05 Nov 1994 08:49:37 GMT", now, 1000},
        {"Mon, 07 Nov 1994 08:49:37 GMT", now, 3600000},
        {"Fri, 31 Dec 9999 23:59:59 GMT", now, 3600000},
        {"Sun, 06 Nov 1994 08:49:47 GMT", NULL, 0},
        {"Sun, 06 Nov 1994 08:49:47 GMT", "yesterday", 0},
        {"Sun, 06 Nov 1994 08:49:47 GMT+1", now, 0},
        {"Sun, 06 Nov 1994", now, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t ms = verdict_parse_retry_after_ms(rows[i].retry_after, rows[i].date);

        if (ms != rows[i].ms) {
            fail_msg("%s: %lld", rows[i].retry_after, (long long)ms);
        }
    }
}

static const char *find_header(void *arg, const char *name)
{
    if (strcmp(name, "retry-after") == 0) {
        return arg;
    }
    return strcmp(name, "date") == 0 ? "Sun, 06 Nov 1994 08:49:37 GMT" : NULL;
}

static void retry_after_is_taken_from_the_headers_of_a_refusal(void **state)
{
    struct attempt attempt = {
        .status = 429, .is_begun = true, .problem = "", .find_header = find_header, .header_arg = (void *)"7"};
    struct verdict verdict;

    (void)state;
    verdict_classify(&attempt, &verdict);
    assert_int_equal(verdict.retry_after_ms, 7000);
    attempt.status = 503;
    attempt.header_arg = (void *)"Sun, 06 Nov 1994 08:49:40 GMT";
    verdict_classify(&attempt, &verdict);
    assert_int_equal(verdict.retry_after_ms, 3000);
    attempt.status = 201;
    verdict_classify(&attempt, &verdict);
    assert_int_equal(verdict.retry_after_ms, 0);
    attempt.status = 429;
    attempt.header_arg = NULL;
    verdict_classify(&attempt, &verdict);
    assert_int_equal(verdict.retry_after_ms, 0);
}

static void an_id_is_taken_when_it_is_printable_and_short_enough(void **state)
{
    static const struct {
        const char *id, *expected;
    } rows[] = {
        {"<2026@smtp-relay>", "2026@smtp-relay"},
        {"plain", "plain"},
        {"<", "<"},
        {"<>", ""},
        {"<half", "<half"},
        {"<<x>>", "<x>"},
        {"", ""},
        {"with space", ""},
        {"line\nend", ""},
        {"caf\xc3\xa9", ""},
        {"del\x7f", ""},
        {"!~", "!~"},
    };
    struct verdict verdict;
    char longest[204];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        verdict = (struct verdict){0};
        verdict_set_provider_id(&verdict, slice_of(rows[i].id));
        assert_string_equal(verdict.provider_id, rows[i].expected);
    }
    memset(longest, 'i', sizeof(longest));
    verdict = (struct verdict){0};
    verdict_set_provider_id(&verdict, slice_make(longest, 201));
    assert_string_equal(verdict.provider_id, "");
    verdict_set_provider_id(&verdict, slice_make(longest, 200));
    assert_int_equal(strlen(verdict.provider_id), 200);
    longest[0] = '<';
    longest[201] = '>';
    verdict = (struct verdict){0};
    verdict_set_provider_id(&verdict, slice_make(longest, 202));
    assert_int_equal(strlen(verdict.provider_id), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_situation_has_its_verdict),
        cmocka_unit_test(each_status_has_its_verdict),
        cmocka_unit_test(every_kind_has_its_name),
        cmocka_unit_test(a_problem_word_of_any_length_is_cut_to_fit),
        cmocka_unit_test(retry_after_is_seconds_or_a_date_against_the_answers_own_date),
        cmocka_unit_test(retry_after_is_taken_from_the_headers_of_a_refusal),
        cmocka_unit_test(an_id_is_taken_when_it_is_printable_and_short_enough),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
