/*
 * Brevo's adapters against folders: tests/golden/brevo/<case>/input.json and `expected`.
 *
 * A case with "message" is a request to build: expected holds the request line, headers and body. A case with "answer"
 * is an answer to read: expected holds the verdict. "ask" and "found" are the same for the question whether Brevo has the
 * message. GOLDEN_UPDATE=1 rewrites `expected`.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/settings.h"
#include "core/provider.h"
#include "workers/email/brevo.h"
#include "workers/sms/brevo.h"

static const char folder[] = "tests/golden/brevo";

enum { CASES_MOST = 256, FILE_MOST = 1 << 20 };

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static char *copy_of(const json_t *object, const char *key)
{
    const char *text = text_of(object, key);

    return text ? xstrdup(text) : NULL;
}

/* {"times": N, "text": "..."} or a string: hostile bodies stay small in the tree. */
static void read_body(const json_t *value, struct buf *body)
{
    json_int_t times = json_is_object(value) ? json_integer_value(json_object_get(value, "times")) : 1;
    json_t *text = json_is_object(value) ? json_object_get(value, "text") : (json_t *)(uintptr_t)value;

    for (json_int_t i = 0; i < times; i++) {
        buf_append(body, json_string_value(text), json_string_length(text));
    }
}

static const struct provider *provider_of(const json_t *input)
{
    enum channel channel;
    const struct provider *provider;

    assert_true(channel_parse(slice_of(text_of(input, "channel")), &channel));
    provider = channel == CHANNEL_EMAIL ? &brevo_email : &brevo_sms;
    assert_non_null(provider);
    return provider;
}

static void build_case(const json_t *input, struct buf *out)
{
    const json_t *a = json_object_get(input, "account");
    const json_t *m = json_object_get(input, "message");
    const struct provider *provider = provider_of(input);
    struct provider_account account = {
        .base_url = text_of(a, "base_url"),
        .api_key = text_of(a, "api_key"),
        .from_address = text_of(a, "from_address"),
        .from_name = text_of(a, "from_name"),
        .reply_to = text_of(a, "reply_to"),
        .sms_from = text_of(a, "sms_from"),
    };
    struct message message = {
        .channel = provider->channel,
        .class = json_is_true(json_object_get(m, "marketing")) ? FLOW_MARKETING : FLOW_TRANSACTIONAL,
        .to = copy_of(m, "to"),
        .to_name = copy_of(m, "to_name"),
        .from_address = copy_of(m, "from_address"),
        .from_name = copy_of(m, "from_name"),
        .reply_to = copy_of(m, "reply_to"),
        .subject = copy_of(m, "subject"),
        .html = copy_of(m, "html"),
        .text = copy_of(m, "text"),
        .unsubscribe_url = copy_of(m, "unsubscribe_url"),
        .sms_sender = copy_of(m, "sms_sender"),
        .is_unicode = json_is_true(json_object_get(m, "unicode")),
    };
    struct provider_request request;
    struct err err = {{0}};
    struct mid mid;

    snprintf(message.flow, sizeof(message.flow), "%s", text_of(m, "flow"));
    assert_true(mid_parse(slice_of(text_of(input, "mid")), &mid));
    provider_request_init(&request);
    if (provider->check(&account, &err)) {
        provider->build(&account, &message, &mid, &mid, &request);
        buf_appendf(out, "%s %s\n", request.method, buf_text(&request.url));
        for (size_t i = 0; i < request.header_count; i++) {
            buf_appendf(out, "%s: %s\n", request.headers[i].name, request.headers[i].value);
        }
        buf_append_char(out, '\n');
        buf_append_slice(out, buf_slice(&request.body));
        buf_append_char(out, '\n');
    } else {
        buf_appendf(out, "refused: %s\n", err.text);
    }
    provider_request_finish(&request);
    message_finish(&message);
}

static const char *find_header(void *arg, const char *name)
{
    return text_of(json_object_get(arg, "headers"), name);
}

static void read_case(const json_t *input, struct buf *out)
{
    json_t *answer = json_object_get(input, "answer");
    const char *problem = text_of(answer, "problem");
    struct verdict verdict;
    struct attempt attempt;
    struct buf body;

    buf_init(&body, 0);
    read_body(json_object_get(answer, "body"), &body);
    attempt = (struct attempt){
        .status = (int)json_integer_value(json_object_get(answer, "status")),
        .is_begun = !json_is_false(json_object_get(answer, "begun")),
        .is_repeat = json_is_true(json_object_get(answer, "repeat")),
        .is_body_complete = !json_is_false(json_object_get(answer, "complete")),
        .problem = problem ? problem : "",
        .body = buf_slice(&body),
        .find_header = find_header,
        .header_arg = answer,
    };
    memset(&verdict, 0xee, sizeof(verdict));
    provider_of(input)->read(&attempt, &verdict);
    buf_appendf(out, "kind: %s\nreason: %s\nid: %s\nretry_after_ms: %" PRId64 "\n", verdict_kind_name(verdict.kind),
                verdict.reason, verdict.provider_id, verdict.retry_after_ms);
    buf_appendf(out, "limit: %" PRId64 "/s, %" PRId64 " left, resets in %" PRId64 " ms\n", verdict.limit_per_s,
                verdict.limit_remaining, verdict.limit_reset_ms);
    buf_finish(&body);
}

static void ask_case(const json_t *input, struct buf *out)
{
    const json_t *a = json_object_get(input, "ask");
    const struct provider_account account = {.base_url = text_of(a, "base_url"), .api_key = text_of(a, "api_key")};
    struct provider_request request;
    struct mid mid;

    assert_true(mid_parse(slice_of(text_of(input, "mid")), &mid));
    provider_request_init(&request);
    provider_of(input)->build_query(&account, &mid, &request);
    buf_appendf(out, "%s %s\n", request.method, buf_text(&request.url));
    for (size_t i = 0; i < request.header_count; i++) {
        buf_appendf(out, "%s: %s\n", request.headers[i].name, request.headers[i].value);
    }
    assert_int_equal(request.body.len, 0);
    provider_request_finish(&request);
}

static void found_case(const json_t *input, struct buf *out)
{
    json_t *answer = json_object_get(input, "found");
    const char *problem = text_of(answer, "problem");
    struct provider_finding finding;
    struct attempt attempt;
    struct buf body;
    struct mid mid;

    assert_true(mid_parse(slice_of(text_of(input, "mid")), &mid));
    buf_init(&body, 0);
    read_body(json_object_get(answer, "body"), &body);
    attempt = (struct attempt){
        .status = (int)json_integer_value(json_object_get(answer, "status")),
        .is_begun = !json_is_false(json_object_get(answer, "begun")),
        .is_body_complete = !json_is_false(json_object_get(answer, "complete")),
        .problem = problem ? problem : "",
        .body = buf_slice(&body),
        .find_header = find_header,
        .header_arg = answer,
    };
    memset(&finding, 0xee, sizeof(finding));
    provider_of(input)->read_query(&attempt, &mid, &finding);
    buf_appendf(out, "%s\nreason: %s\nid: %s\nretry_after_ms: %" PRId64 "\n", provider_found_name(finding.found),
                finding.reason, finding.provider_id, finding.retry_after_ms);
    buf_finish(&body);
}

static void compare(const char *name, struct slice actual)
{
    char *path = xasprintf("%s/%s/expected", folder, name);
    struct err err = {{0}};
    char *expected;
    size_t len;

    if (getenv("GOLDEN_UPDATE")) {
        FILE *file = fopen(path, "w");

        assert_non_null(file);
        assert_int_equal(fwrite(actual.data, 1, actual.len, file), actual.len);
        assert_int_equal(fclose(file), 0);
    }
    expected = settings_read_file(path, FILE_MOST, &len, &err);
    if (!expected) {
        fail_msg("%s", err.text);
    }
    if (!slice_equal(slice_make(expected, len), actual)) {
        print_error("--- %s\n%s+++ now\n%.*s", path, expected, (int)actual.len, actual.data);
        fail();
    }
    free(expected);
    free(path);
}

static void test_case(void **state)
{
    const char *name = *state;
    char *path = xasprintf("%s/%s/input.json", folder, name);
    json_error_t error;
    json_t *input = json_load_file(path, 0, &error);
    struct buf out;

    if (!input) {
        fail_msg("%s:%d: %s", path, error.line, error.text);
    }
    buf_init(&out, 0);
    if (json_object_get(input, "message")) {
        build_case(input, &out);
    } else if (json_object_get(input, "ask")) {
        ask_case(input, &out);
    } else if (json_object_get(input, "found")) {
        found_case(input, &out);
    } else {
        read_case(input, &out);
    }
    compare(name, buf_slice(&out));
    buf_finish(&out);
    json_decref(input);
    free(path);
}

static int is_case(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(void)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_case, alphasort);
    struct CMUnitTest tests[CASES_MOST] = {{0}};
    int status;

    if (count <= 0 || count > CASES_MOST) {
        fprintf(stderr, "no cases in %s\n", folder);
        return 1;
    }
    for (int i = 0; i < count; i++) {
        tests[i] = (struct CMUnitTest){
            .name = entries[i]->d_name, .test_func = test_case, .initial_state = entries[i]->d_name};
    }
    status = _cmocka_run_group_tests("brevo", tests, (size_t)count, NULL, NULL);
    for (int i = 0; i < count; i++) {
        free(entries[i]);
    }
    free(entries);
    return status;
}
