/*
 * Fuzzing of what a provider answers. The input is a line with what the HTTP layer knows of the attempt, in words (begun,
 * permanent, whole; a problem's name), the lines of the head, an empty line, and the body. It is read as the answer to
 * an e-mail, to an SMS, to both questions and to doctor's probe.
 *
 * What holds for every answer: only a 2xx is SENT, and a 400 with one of the codes that say "I had this key before", which
 * e-mail alone has; without a status a request that had begun is AMBIGUOUS, and one that had not is proved not sent; "not
 * there" is said only by a complete 200. And no word that reaches logs quotes the body.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "io/http_answer.h"
#include "workers/brevo.h"
#include "workers/email/brevo.h"
#include "workers/sms/brevo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct slice take_line(struct slice *rest)
{
    const char *end = rest->len ? memchr(rest->data, '\n', rest->len) : NULL;
    size_t len = end ? (size_t)(end - rest->data) : rest->len;
    struct slice line = slice_make(rest->data, len);

    *rest = slice_make(rest->data + len + (end != NULL), rest->len - len - (end != NULL));
    return line;
}

static bool has_word(struct slice line, const char *word)
{
    return line.len && memmem(line.data, line.len, word, strlen(word));
}

static const char *problem_of(struct slice line)
{
    static const char *const problems[] = {"timeout", "connect", "certificate", "partial", "too_large"};

    for (size_t i = 0; i < sizeof(problems) / sizeof(problems[0]); i++) {
        if (has_word(line, problems[i])) {
            return problems[i];
        }
    }
    return "";
}

static const char *find_header(void *arg, const char *name)
{
    return http_find_header(arg, name);
}

/* As io/http.c does: a status is one of 200 to 599, of a request that has begun. */
static void read_input(struct slice rest, struct http_answer *answer, struct http_reply *reply)
{
    struct slice facts = take_line(&rest);
    bool is_whole = true;

    while (rest.len) {
        struct slice line = take_line(&rest);

        if (line.len == 0) {
            is_whole = http_answer_add_body(answer, rest.data, rest.len);
            break;
        }
        http_answer_add_line(answer, line.data, line.len);
    }
    *reply = (struct http_reply){
        .is_begun = has_word(facts, "begun"),
        .is_permanent = has_word(facts, "permanent"),
        .problem = problem_of(facts),
    };
    if (reply->is_begun && answer->status >= 200 && answer->status <= 599) {
        reply->status = answer->status;
        reply->is_body_complete = is_whole && has_word(facts, "whole");
        reply->headers = answer->headers;
        reply->header_count = answer->header_count;
        reply->body = buf_slice(&answer->body);
    }
}

/* --- what must hold ----------------------------------------------------------------------------------------------- */

static bool is_word(const char *text)
{
    return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(text);
}

static bool is_visible(const char *text)
{
    for (; *text; text++) {
        if (*text < 0x21 || *text > 0x7e) {
            return false;
        }
    }
    return true;
}

static bool is_duplicate_row(const struct provider *provider, const struct attempt *attempt, const struct verdict *verdict)
{
    return provider->channel == CHANNEL_EMAIL && attempt->status == 400 &&
           (strcmp(verdict->reason, "duplicate_parameter") == 0 || strcmp(verdict->reason, "duplicate_request") == 0 ||
            strcmp(verdict->reason, "request_already_processed") == 0);
}

static void check_wait(int64_t ms)
{
    assert(ms == 0 || (ms >= 1000 && ms <= 3600 * 1000));
}

static void check_sending(const struct provider *provider, const struct attempt *attempt)
{
    struct verdict verdict;

    provider->read(attempt, &verdict);
    assert((unsigned)verdict.kind <= VERDICT_AMBIGUOUS && verdict_kind_name(verdict.kind)[0]);
    if (verdict.kind == VERDICT_SENT) {
        assert((attempt->status >= 200 && attempt->status < 300) || is_duplicate_row(provider, attempt, &verdict));
    } else {
        assert(attempt->status < 200 || attempt->status >= 300);
        assert(!verdict.provider_id[0]);
    }
    if (!attempt->status) {
        assert(attempt->is_begun == (verdict.kind == VERDICT_AMBIGUOUS));
    }
    if (attempt->status >= 500 || attempt->status == 408 || attempt->status == 409) {
        assert(verdict.kind == VERDICT_AMBIGUOUS);
    }
    assert(verdict.reason[0] && is_word(verdict.reason) && is_visible(verdict.provider_id));
    assert(verdict.limit_per_s >= -1 && verdict.limit_remaining >= -1 && verdict.limit_reset_ms >= -1);
    check_wait(verdict.retry_after_ms);
}

/* However it was escaped: the tag stands somewhere in the answer. */
static bool names_tag(struct slice body, const struct mid *mid)
{
    json_t *answer = json_loadb(body.data, body.len, 0, NULL);
    char tag[MID_TEXT_SIZE];
    char *text = json_dumps(answer, 0);
    bool does = false;

    mid_format(mid, tag);
    does = text && strstr(text, tag);
    free(text);
    json_decref(answer);
    return does;
}

static void check_question(const struct provider *provider, const struct attempt *attempt)
{
    static const struct mid mid = {{0x12, 0x34, 0x56, 0x78}};
    struct provider_finding finding;

    provider->read_query(attempt, &mid, &finding);
    assert((unsigned)finding.found <= PROVIDER_UNKNOWN && provider_found_name(finding.found)[0]);
    assert((finding.found == PROVIDER_UNKNOWN) == (finding.reason[0] != '\0'));
    assert(finding.found == PROVIDER_UNKNOWN || (attempt->status == 200 && attempt->is_body_complete));
    assert(finding.found != PROVIDER_FOUND || names_tag(attempt->body, &mid));
    assert(finding.found == PROVIDER_FOUND || !finding.provider_id[0]);
    assert(is_word(finding.reason) && is_visible(finding.provider_id));
    check_wait(finding.retry_after_ms);
}

static void check_probe(const struct attempt *attempt)
{
    struct err says = {0};
    enum provider_health health = brevo_probe.read(attempt, &says);

    assert((unsigned)health <= PROVIDER_UNUSABLE && err_is_set(&says) && utf8_is_valid(slice_of(says.text)));
    assert(health != PROVIDER_FINE || attempt->status == 200);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_answer answer;
    struct http_reply reply;
    struct attempt attempt;

    http_answer_init(&answer);
    read_input(slice_make((const char *)data, size), &answer, &reply);
    attempt = (struct attempt){
        .status = reply.status,
        .is_begun = reply.is_begun,
        .is_body_complete = reply.is_body_complete,
        .problem = reply.problem,
        .is_permanent_problem = reply.is_permanent,
        .body = reply.body,
        .find_header = find_header,
        .header_arg = &reply,
    };
    check_sending(&brevo_email, &attempt);
    check_sending(&brevo_sms, &attempt);
    check_question(&brevo_email, &attempt);
    check_question(&brevo_sms, &attempt);
    check_probe(&attempt);
    http_answer_finish(&answer);
    return 0;
}
