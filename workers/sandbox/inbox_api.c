#include "workers/sandbox/inbox_api.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/embed.h"
#include "base/number.h"
#include "workers/sandbox/inbox_json.h"

EMBED_FILE(inbox_html, "workers/sandbox/inbox.html")
EMBED_FILE(inbox_css, "workers/sandbox/inbox.css")
EMBED_FILE(inbox_js, "workers/sandbox/inbox.js")

enum { LIMIT_DEFAULT = 100, LIMIT_MOST = 100000, LATENCY_MOST_MS = 3600 * 1000 };

/* The page loads nothing but its own files; message HTML may not even do that. */
static const char page_policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
                                  "img-src 'self' data:; frame-src 'self'; base-uri 'none'; form-action 'none'; "
                                  "frame-ancestors 'none'";
static const char message_policy[] = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
                                     "base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

static void answer(struct http_exchange *exchange, int status, const char *content_type, const char *policy,
                   struct slice body)
{
    http_exchange_add_header(exchange, "cache-control", "no-store");
    http_exchange_add_header(exchange, "content-security-policy", policy);
    http_exchange_add_header(exchange, "x-content-type-options", "nosniff");
    http_exchange_add_header(exchange, "referrer-policy", "no-referrer");
    http_answer(exchange, status, content_type, body);
}

static void answer_json(struct http_exchange *exchange, int status, struct buf *body)
{
    buf_append_char(body, '\n');
    answer(exchange, status, "application/json", "default-src 'none'", buf_slice(body));
    buf_finish(body);
}

static void answer_error(struct http_exchange *exchange, int status, const char *text)
{
    struct json_text j;
    struct buf body;

    buf_init(&body, 0);
    json_text_init(&j, &body);
    json_text_open(&j, '{');
    json_text_member(&j, "error", text);
    json_text_close(&j, '}');
    answer_json(exchange, status, &body);
}

/* --- messages ----------------------------------------------------------------------------------------------------- */

struct filter {
    const char *channel;
    const char *mid;
    const char *tag;
    const char *to;
    const char *accepted;
    int64_t since_id;
    const char *since_time;
    int64_t limit;
};

static bool passes(const struct filter *filter, const struct inbox_message *message)
{
    char time[CLOCK_ISO_SIZE];

    if (filter->since_time) {
        clock_format_iso(message->wall_ms, time);
        if (strcmp(time, filter->since_time) < 0) {
            return false;
        }
    }
    return (strcmp(filter->accepted, "all") == 0 || message->is_accepted == (strcmp(filter->accepted, "true") == 0)) &&
           (!filter->channel || strcmp(filter->channel, channel_name(message->channel)) == 0) &&
           (!filter->mid || (message->mid && strcmp(filter->mid, message->mid) == 0)) &&
           (!filter->tag || inbox_has_tag(message, filter->tag)) &&
           (!filter->to || (message->to && strcasestr(message->to, filter->to)));
}

static const char *find_query(const struct http_exchange *exchange, const char *name)
{
    const char *value = http_exchange_query(exchange, name);

    return value && value[0] ? value : NULL;
}

static bool read_filter(const struct http_exchange *exchange, struct filter *filter, const char **problem)
{
    const char *since = find_query(exchange, "since");
    const char *limit = find_query(exchange, "limit");

    *filter = (struct filter){
        .channel = find_query(exchange, "channel"),
        .mid = find_query(exchange, "mid"),
        .tag = find_query(exchange, "tag"),
        .to = find_query(exchange, "to"),
        .accepted = find_query(exchange, "accepted"),
        .limit = LIMIT_DEFAULT,
    };
    filter->accepted = filter->accepted ? filter->accepted : "true";
    *problem = NULL;
    if (strcmp(filter->accepted, "all") != 0 && strcmp(filter->accepted, "true") != 0 &&
        strcmp(filter->accepted, "false") != 0) {
        *problem = "accepted is true, false or all";
    }
    if (limit && (!number_parse(slice_of(limit), &filter->limit) || filter->limit < 0 || filter->limit > LIMIT_MOST)) {
        *problem = "limit is a number between 0 and 100000";
    }
    if (since && strlen(since) >= 10 && since[4] == '-') {
        filter->since_time = since;
    } else if (since && (!number_parse(slice_of(since), &filter->since_id) || filter->since_id < 0)) {
        *problem = "since is an id, or a time such as 2026-11-21T10:00:00Z";
    }
    return *problem == NULL;
}

static void list_messages(const struct inbox_api *api, struct http_exchange *exchange)
{
    uint64_t id = inbox_newest(api->inbox);
    const struct inbox_message *message;
    struct filter filter;
    struct json_text j;
    const char *problem;
    struct buf body;

    if (!read_filter(exchange, &filter, &problem)) {
        answer_error(exchange, 400, problem);
        return;
    }
    buf_init(&body, 0);
    json_text_init(&j, &body);
    json_text_open(&j, '{');
    json_text_member_int(&j, "newest", (int64_t)id);
    json_text_member_int(&j, "oldest", (int64_t)inbox_oldest(api->inbox));
    json_text_key(&j, "messages");
    json_text_open(&j, '[');
    for (; id > (uint64_t)filter.since_id && filter.limit > 0 && (message = inbox_find(api->inbox, id)) != NULL; id--) {
        if (passes(&filter, message)) {
            json_text_open(&j, '{');
            inbox_json_summary(message, &j);
            json_text_close(&j, '}');
            filter.limit--;
        }
    }
    json_text_close(&j, ']');
    json_text_close(&j, '}');
    if (body.overflowed) {
        buf_finish(&body);
        answer_error(exchange, 400, "too much for one answer: lower the limit");
        return;
    }
    answer_json(exchange, 200, &body);
}

static void show_message(const struct inbox_message *message, struct http_exchange *exchange)
{
    struct json_text j;
    struct buf body;

    buf_init(&body, 0);
    json_text_init(&j, &body);
    json_text_open(&j, '{');
    inbox_json_summary(message, &j);
    inbox_json_content(message, &j);
    json_text_key(&j, "request");
    json_text_open(&j, '{');
    json_text_member_if(&j, "head", message->head);
    if (message->body) {
        json_text_member_slice(&j, "body", slice_make(message->body, message->body_len));
    }
    json_text_close(&j, '}');
    json_text_close(&j, '}');
    answer_json(exchange, 200, &body);
}

static void show_html(const struct inbox_message *message, struct http_exchange *exchange)
{
    json_t *body = inbox_json_load_body(message);
    const json_t *html = json_object_get(body, "htmlContent");

    if (json_is_string(html)) {
        answer(exchange, 200, "text/html; charset=utf-8", message_policy,
               slice_make(json_string_value(html), json_string_length(html)));
    } else {
        answer_error(exchange, 404, "this message has no HTML part, or its body is not kept any more");
    }
    json_decref(body);
}

/* "17" or "17/html" */
static void get_message(const struct inbox_api *api, struct http_exchange *exchange, const char *rest)
{
    size_t len = strcspn(rest, "/");
    const struct inbox_message *message = NULL;
    int64_t id;

    if (number_parse(slice_make(rest, len), &id) && id > 0) {
        message = inbox_find(api->inbox, (uint64_t)id);
    }
    if (message && rest[len] == '\0') {
        show_message(message, exchange);
    } else if (message && strcmp(rest + len, "/html") == 0) {
        show_html(message, exchange);
    } else {
        answer_error(exchange, 404, "there is no such message (any more)");
    }
}

static void clear(const struct inbox_api *api, struct http_exchange *exchange)
{
    inbox_clear(api->inbox);
    tally_clear(api->tally);
    calls_clear(api->calls);
    answer(exchange, 204, NULL, "default-src 'none'", SLICE(""));
}

/* --- counts and faults -------------------------------------------------------------------------------------------- */

static void get_stats(const struct inbox_api *api, struct http_exchange *exchange)
{
    struct json_text j;
    struct buf body;

    buf_init(&body, 0);
    json_text_init(&j, &body);
    tally_format(api->tally, &j);
    answer_json(exchange, 200, &body);
}

static void get_faults(const struct inbox_api *api, struct http_exchange *exchange)
{
    const struct calls_settings *settings = calls_settings(api->calls);
    struct json_text j;
    struct buf body;

    buf_init(&body, 0);
    json_text_init(&j, &body);
    faults_format(api->faults, &j);
    buf_truncate(&body, body.len - 1); /* two more members behind those of the faults */
    json_text_member_int(&j, "latency_ms", settings->latency_ms);
    json_text_member_int(&j, "rate", settings->rate);
    json_text_close(&j, '}');
    answer_json(exchange, 200, &body);
}

static bool read_number(const json_t *json, const char *name, int64_t most, int64_t *number, struct err *err)
{
    const json_t *value = json_object_get(json, name);

    if (!value) {
        return true;
    }
    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > most) {
        return err_set(err, "%s is a whole number between 0 and %lld", name, (long long)most);
    }
    *number = json_integer_value(value);
    return true;
}

static void put_faults(const struct inbox_api *api, struct http_exchange *exchange)
{
    struct slice body = http_exchange_body(exchange);
    struct calls_settings *settings = calls_settings(api->calls);
    int64_t latency_ms = settings->latency_ms;
    int64_t rate = settings->rate;
    json_t *json = json_loadb(body.data, body.len, 0, NULL);
    struct err err = {{0}};

    if (read_number(json, "latency_ms", LATENCY_MOST_MS, &latency_ms, &err) &&
        read_number(json, "rate", INT32_MAX, &rate, &err) && faults_replace(api->faults, json, &err)) {
        settings->latency_ms = latency_ms;
        settings->rate = rate;
        get_faults(api, exchange);
    } else {
        answer_error(exchange, 400, err.text);
    }
    json_decref(json);
}

/* By which replay tells a sandbox from a provider: never to be answered by anything that delivers. */
static void get_identity(const struct inbox_api *api, struct http_exchange *exchange)
{
    struct json_text j;
    struct buf body;

    (void)api;
    buf_init(&body, 0);
    json_text_init(&j, &body);
    json_text_open(&j, '{');
    json_text_member(&j, "product", "perkline sandbox");
    json_text_member(&j, "version", PERKLINE_VERSION);
    json_text_close(&j, '}');
    answer_json(exchange, 200, &body);
}

static void delete_faults(const struct inbox_api *api, struct http_exchange *exchange)
{
    faults_init(api->faults, api->faults->seed);
    get_faults(api, exchange);
}

/* --- routes ------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *method;
    const char *path;
    void (*fn)(const struct inbox_api *api, struct http_exchange *exchange);
} routes[] = {
    {"GET", "/api/messages", list_messages}, {"DELETE", "/api/messages", clear},
    {"GET", "/api/stats", get_stats},        {"GET", "/api/faults", get_faults},
    {"PUT", "/api/faults", put_faults},      {"DELETE", "/api/faults", delete_faults},
    {"GET", "/api/identity", get_identity},
};

static bool serve_page(struct http_exchange *exchange, const char *path)
{
    if (strcmp(path, "/") == 0) {
        answer(exchange, 200, "text/html; charset=utf-8", page_policy, slice_make(inbox_html_data, inbox_html_len()));
    } else if (strcmp(path, "/inbox.css") == 0) {
        answer(exchange, 200, "text/css; charset=utf-8", page_policy, slice_make(inbox_css_data, inbox_css_len()));
    } else if (strcmp(path, "/inbox.js") == 0) {
        answer(exchange, 200, "text/javascript; charset=utf-8", page_policy, slice_make(inbox_js_data, inbox_js_len()));
    } else {
        return false;
    }
    return true;
}

void inbox_api_handle(const struct inbox_api *api, struct http_exchange *exchange)
{
    static const char one[] = "/api/messages/";
    const char *method = http_exchange_method(exchange);
    const char *path = http_exchange_path(exchange);
    bool is_get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    bool is_known = false;

    if (is_get && serve_page(exchange, path)) {
        return;
    }
    if (is_get && strncmp(path, one, strlen(one)) == 0) {
        get_message(api, exchange, path + strlen(one));
        return;
    }
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (strcmp(path, routes[i].path) == 0) {
            if (strcmp(method, routes[i].method) == 0) {
                routes[i].fn(api, exchange);
                return;
            }
            is_known = true;
        }
    }
    answer_error(exchange, is_known ? 405 : 404, is_known ? "not with this method" : "there is nothing here");
}
