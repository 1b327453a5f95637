#include "core/policy.h"

#include <string.h>

/* --- consent ---------------------------------------------------------------------------------------------------- */

/* "no_consent", "no_marketing_consent" or NULL. */
static const char *find_refused_consent(const struct flow *flow, enum channel channel,
                                        const struct event *event)
{
    json_t *consent = event_find(event, "member.consent");
    json_t *for_channel = json_object_get(consent, channel_name(channel));
    bool is_marketing = flow->class == FLOW_MARKETING;

    if (consent && !json_is_object(consent)) {
        return "no_consent";
    }
    if (for_channel ? !json_is_true(for_channel) : is_marketing) {
        return "no_consent";
    }
    if (is_marketing && !json_is_true(json_object_get(consent, "marketing"))) {
        return "no_marketing_consent";
    }
    return NULL;
}

/* --- addresses -------------------------------------------------------------------------------------------------- */

enum {
    MOST_EMAIL_BYTES = 254, /* RFC 5321: a path of 256 with its angle brackets */
    MOST_LOCAL_BYTES = 64,  /* RFC 5321, 4.5.3.1.1 */
    MOST_LABEL_BYTES = 63,  /* RFC 1035 */
    LEAST_PHONE_DIGITS = 7,
    MOST_PHONE_DIGITS = 15, /* E.164 */
};

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Visible ASCII without what separates, quotes or comments addresses in a header. */
static bool is_local_part(struct slice text)
{
    if (text.len == 0 || text.len > MOST_LOCAL_BYTES) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (c <= ' ' || c > '~' || strchr("()<>[]@,;:\\\"", c)) {
            return false;
        }
    }
    return true;
}

/* Labels of letters, digits and inner hyphens; one label is enough. */
static bool is_domain(struct slice text)
{
    size_t label_len = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool is_last = i + 1 == text.len || text.data[i + 1] == '.';

        if (c == '.') {
            if (label_len == 0) {
                return false;
            }
            label_len = 0;
            continue;
        }
        if (!is_alnum(c) && (c != '-' || label_len == 0 || is_last)) {
            return false;
        }
        if (++label_len > MOST_LABEL_BYTES) {
            return false;
        }
    }
    return label_len > 0;
}

static bool is_email(struct slice text)
{
    const char *at = memchr(text.data, '@', text.len);
    size_t local_len;

    if (!at || text.len > MOST_EMAIL_BYTES) {
        return false;
    }
    local_len = (size_t)(at - text.data);
    return is_local_part(slice_make(text.data, local_len)) &&
           is_domain(slice_make(at + 1, text.len - local_len - 1));
}

/* No country code begins with 0. */
static bool is_phone(struct slice text)
{
    size_t digits = text.len - 1;

    if (text.data[0] != '+' || digits < LEAST_PHONE_DIGITS || digits > MOST_PHONE_DIGITS ||
        text.data[1] == '0') {
        return false;
    }
    for (size_t i = 1; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    return true;
}

static const struct {
    const char *path;
    bool (*is_address)(struct slice text);
} addresses[CHANNEL_COUNT] = {
    [CHANNEL_EMAIL] = {"member.email", is_email},
    [CHANNEL_SMS] = {"member.phone", is_phone},
};

const char *policy_find_address(enum channel channel, const struct event *event,
                                const char **reason)
{
    json_t *value = event_find(event, addresses[channel].path);
    struct slice text = {json_string_value(value), json_string_length(value)};

    *reason = "no_address";
    if (!value || json_is_null(value) || (json_is_string(value) && text.len == 0)) {
        return NULL;
    }
    *reason = "bad_address";
    if (!json_is_string(value) || !addresses[channel].is_address(text)) {
        return NULL;
    }
    *reason = NULL;
    return text.data;
}

/* --- all of it -------------------------------------------------------------------------------------------------- */

enum policy_answer policy_check(const struct flow *flow, enum channel channel,
                                const struct event *event, int64_t wall_ms, const char **reason)
{
    *reason = find_refused_consent(flow, channel, event);
    if (*reason || !policy_find_address(channel, event, reason)) {
        return POLICY_SUPPRESS;
    }
    if (flow->max_age_ms > 0 && event->time_ms != 0 &&
        wall_ms - event->time_ms > flow->max_age_ms) {
        *reason = "too_old";
        return POLICY_EXPIRE;
    }
    return POLICY_ALLOW;
}
