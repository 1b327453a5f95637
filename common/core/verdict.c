#include "core/verdict.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/number.h"

enum { LEAST_RETRY_AFTER_MS = 1000, MOST_RETRY_AFTER_MS = 3600 * 1000 };

const char *verdict_kind_name(enum verdict_kind kind)
{
    static const char *const names[] = {"sent", "not_sent_permanent", "not_sent_transient", "not_sent_channel",
                                        "ambiguous"};

    return names[kind];
}

/* --- classification ----------------------------------------------------------------------------------------------- */

static enum verdict_kind kind_of_status(int status)
{
    switch (status) {
    case 401:
    case 402:
    case 403:
        return VERDICT_NOT_SENT_CHANNEL;
    case 408: /* a proxy may have forwarded the request before it gave up */
    case 409: /* the first attempt with this key is still running */
        return VERDICT_AMBIGUOUS;
    case 425:
    case 429:
        return VERDICT_NOT_SENT_TRANSIENT;
    default:
        break;
    }
    if (status < 300) {
        return VERDICT_SENT;
    }
    if (status < 400) { /* never followed; whoever moved did so for every message */
        return VERDICT_NOT_SENT_CHANNEL;
    }
    return status < 500 ? VERDICT_NOT_SENT_PERMANENT : VERDICT_AMBIGUOUS;
}

static enum verdict_kind kind_without_status(const struct attempt *attempt)
{
    if (attempt->is_begun) {
        return VERDICT_AMBIGUOUS;
    }
    return attempt->is_permanent_problem ? VERDICT_NOT_SENT_CHANNEL : VERDICT_NOT_SENT_TRANSIENT;
}

static const char *find_header(const struct attempt *attempt, const char *name)
{
    return attempt->find_header ? attempt->find_header(attempt->header_arg, name) : NULL;
}

void verdict_classify(const struct attempt *attempt, struct verdict *verdict)
{
    /* 1xx is not an answer. */
    bool has_status = attempt->status >= 200;

    *verdict = (struct verdict){
        .kind = has_status ? kind_of_status(attempt->status) : kind_without_status(attempt),
        .limit_per_s = -1,
        .limit_remaining = -1,
        .limit_reset_ms = -1,
    };
    if (!has_status) {
        snprintf(verdict->reason, sizeof(verdict->reason), "%s",
                 attempt->problem && attempt->problem[0] ? attempt->problem : "no_answer");
    } else if (verdict->kind == VERDICT_SENT) {
        snprintf(verdict->reason, sizeof(verdict->reason), "accepted");
    } else {
        snprintf(verdict->reason, sizeof(verdict->reason), "http_%d", attempt->status);
        verdict->retry_after_ms =
            verdict_parse_retry_after_ms(find_header(attempt, "retry-after"), find_header(attempt, "date"));
    }
}

/* --- parts of an answer ------------------------------------------------------------------------------------------- */

void verdict_set_provider_id(struct verdict *verdict, struct slice id)
{
    if (id.len >= 2 && id.data[0] == '<' && id.data[id.len - 1] == '>') {
        id = slice_make(id.data + 1, id.len - 2);
    }
    if (id.len == 0 || id.len >= sizeof(verdict->provider_id)) {
        return;
    }
    for (size_t i = 0; i < id.len; i++) {
        if (id.data[i] < 0x21 || id.data[i] > 0x7e) {
            return;
        }
    }
    memcpy(verdict->provider_id, id.data, id.len);
    verdict->provider_id[id.len] = '\0';
}

/* The three forms of RFC 9110, 5.6.7. */
static bool parse_http_date(const char *text, int64_t *seconds)
{
    static const char *const forms[] = {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                                        "%a %b %e %H:%M:%S %Y"};

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct tm tm = {0};
        const char *end = strptime(text, forms[i], &tm);

        if (end && *end == '\0') {
            *seconds = timegm(&tm);
            return true;
        }
    }
    return false;
}

static int64_t clamp_s(int64_t seconds)
{
    if (seconds > MOST_RETRY_AFTER_MS / 1000) {
        return MOST_RETRY_AFTER_MS;
    }
    return seconds > 0 ? seconds * 1000 : LEAST_RETRY_AFTER_MS;
}

int64_t verdict_parse_retry_after_ms(const char *retry_after, const char *date)
{
    int64_t seconds, now;

    if (!retry_after || !retry_after[0]) {
        return 0;
    }
    if (strspn(retry_after, "0123456789") == strlen(retry_after)) {
        return clamp_s(number_parse(slice_of(retry_after), &seconds) ? seconds : INT64_MAX);
    }
    if (!date || !parse_http_date(retry_after, &seconds) || !parse_http_date(date, &now)) {
        return 0;
    }
    return clamp_s(seconds - now);
}
