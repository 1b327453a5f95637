#include "workers/sandbox/statistics.h"

#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/number.h"

enum { LIMIT_DEFAULT = 50, LIMIT_MOST = 5000 };

static const struct {
    const char *path;
    enum channel channel;
} endpoints[] = {
    {"/v3/smtp/statistics/events", CHANNEL_EMAIL},
    {"/v3/transactionalSMS/statistics/events", CHANNEL_SMS},
};

static void refuse(struct http_exchange *exchange, int status, const char *code, const char *message)
{
    struct json_text j;
    struct buf body;

    buf_init(&body, 0);
    json_text_init(&j, &body);
    json_text_open(&j, '{');
    json_text_member(&j, "code", code);
    json_text_member(&j, "message", message);
    json_text_close(&j, '}');
    http_answer(exchange, status, "application/json", buf_slice(&body));
    buf_finish(&body);
}

static void print_event(const struct inbox_message *message, const char *tag, struct json_text *j)
{
    char date[CLOCK_ISO_SIZE];

    clock_format_iso(message->wall_ms, date);
    json_text_open(j, '{');
    json_text_member(j, "date", date);
    json_text_member(j, "tag", tag);
    if (message->channel == CHANNEL_EMAIL) {
        json_text_member(j, "event", "requests");
        json_text_member_if(j, "email", message->to);
        json_text_member_if(j, "from", message->from);
        json_text_member_if(j, "subject", message->subject);
        json_text_key(j, "messageId");
        buf_append_text(j->out, "\"<");
        json_escape_append(j->out, slice_of(message->provider_id));
        buf_append_text(j->out, ">\"");
        j->needs_comma = true;
    } else {
        json_text_member(j, "event", "sent");
        json_text_member_if(j, "phoneNumber", message->to);
        json_text_member(j, "messageId", message->provider_id);
    }
    json_text_close(j, '}');
}

/* Newest first. */
static void print_events(const struct statistics *statistics, enum channel channel, const char *tag, int64_t limit,
                         struct json_text *j)
{
    int64_t visible_until = clock_wall_ms() - statistics->visibility_lag_ms;

    for (uint64_t id = inbox_newest(statistics->inbox); id >= inbox_oldest(statistics->inbox) && id > 0 && limit > 0;
         id--) {
        const struct inbox_message *message = inbox_find(statistics->inbox, id);

        if (message && message->is_accepted && message->channel == channel && message->wall_ms <= visible_until &&
            inbox_has_tag(message, tag)) {
            print_event(message, tag, j);
            limit--;
        }
    }
}

static void tell(const struct statistics *statistics, struct http_exchange *exchange, enum channel channel,
                 const char *tag)
{
    const char *limit_text = http_exchange_query(exchange, "limit");
    int64_t limit = LIMIT_DEFAULT;
    struct json_text j;
    struct buf body;

    if (limit_text && (!number_parse(slice_of(limit_text), &limit) || limit < 1 || limit > LIMIT_MOST)) {
        refuse(exchange, 400, "out_of_range", "limit is out of range");
        return;
    }
    buf_init(&body, 0);
    json_text_init(&j, &body);
    json_text_open(&j, '{');
    json_text_key(&j, "events");
    json_text_open(&j, '[');
    print_events(statistics, channel, tag, limit, &j);
    json_text_close(&j, ']');
    json_text_close(&j, '}');
    http_answer(exchange, 200, "application/json", buf_slice(&body));
    buf_finish(&body);
}

static void answer(const struct statistics *statistics, struct http_exchange *exchange, enum channel channel)
{
    const char *tags_text = http_exchange_query(exchange, "tags");
    json_t *tags = tags_text ? json_loads(tags_text, 0, NULL) : NULL;
    const char *tag = json_string_value(json_array_get(tags, 0));

    if (!calls_has_good_key(statistics->calls, exchange)) {
        refuse(exchange, 401, "unauthorized", "Key not found");
    } else if (strcmp(http_exchange_method(exchange), "GET") != 0) {
        refuse(exchange, 405, "method_not_allowed", "method not allowed");
    } else if (!statistics->inbox) {
        refuse(exchange, 501, "not_implemented", "nothing is kept here");
    } else if (!tag || json_array_size(tags) != 1) {
        refuse(exchange, 400, "invalid_parameter", "tags must be a list with one tag");
    } else {
        tell(statistics, exchange, channel, tag);
    }
    json_decref(tags);
}

bool statistics_handle(const struct statistics *statistics, struct http_exchange *exchange)
{
    for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
        if (strcmp(http_exchange_path(exchange), endpoints[i].path) == 0) {
            if (statistics->is_off) {
                refuse(exchange, 404, "document_not_found", "document not found");
            } else {
                answer(statistics, exchange, endpoints[i].channel);
            }
            return true;
        }
    }
    return false;
}
