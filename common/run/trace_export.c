#include "run/trace_export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/percent.h"
#include "base/random.h"
#include "core/backoff.h"
#include "io/http.h"

enum {
    FLUSH_MS = 1000,
    FLUSH_BYTES = 256 << 10,
    MOST_BYTES = 4 << 20, /* of the batch that is being filled */
    MOST_ATTEMPTS = 5,
    REQUEST_MS = 3000,
    MOST_HEADERS = 16,
    FIXED_HEADERS = 1,
};

static const struct metric_family spans_family = {
    "perkline_trace_spans_total", METRIC_COUNTER,
    "Spans by what became of them: exported, dropped_full (the collector was too slow), dropped_failed (it did not take "
    "them).",
    {"result", NULL}};

/* Spans on their way. */
struct batch {
    struct buf text;
    size_t count;
};

struct trace_export {
    struct loop *loop;
    struct http_client *http;
    struct loop_timer *timer; /* next batch, or the next attempt for this one */
    struct random random;
    char *url, *service, *environment;
    char instance[17];
    double part;
    struct http_header headers[FIXED_HEADERS + MOST_HEADERS];
    size_t header_count;
    struct batch filling, sending;
    int attempts; /* for the batch that is being sent */
    bool is_on_wire, is_failing, is_draining;
    struct metric *exported, *dropped_full, *dropped_failed;
};

/* --- batches ------------------------------------------------------------------------------------------------------ */

static void begin_batch(struct trace_export *export)
{
    const struct otlp_attribute resource[] = {
        {.key = "service.name", .text = export->service},
        {.key = "service.version", .text = PERKLINE_VERSION},
        {.key = "service.instance.id", .text = export->instance},
        {.key = "deployment.environment.name", .text = export->environment},
    };

    buf_clear(&export->filling.text);
    export->filling.count = 0;
    otlp_begin(&export->filling.text, resource, sizeof(resource) / sizeof(resource[0]), PERKLINE_VERSION);
}

static void on_reply(void *arg, const struct http_reply *reply);

static void post(struct trace_export *export)
{
    export->is_on_wire = true;
    export->attempts++;
    http_begin(export->http,
               &(struct http_request){
                   .method = "POST",
                   .url = export->url,
                   .headers = export->headers,
                   .header_count = export->header_count,
                   .body = buf_slice(&export->sending.text),
               },
               on_reply, export);
}

/* What was filled is sent, and the other buffer filled from now on. */
static void send_filled(struct trace_export *export)
{
    struct batch batch = export->filling;

    export->filling = export->sending;
    export->sending = batch;
    export->attempts = 0;
    otlp_end(&export->sending.text);
    begin_batch(export);
    post(export);
}

static void on_timer(void *arg)
{
    struct trace_export *export = arg;

    if (export->is_on_wire) {
        return;
    }
    if (export->sending.count > 0) {
        post(export);
    } else if (export->filling.count > 0) {
        send_filled(export);
    }
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void end_batch(struct trace_export *export, struct metric *count)
{
    metric_add(count, (double)export->sending.count);
    export->sending.count = 0;
    if (export->filling.count > 0) {
        bool is_urgent = export->is_draining || export->filling.text.len >= FLUSH_BYTES;

        loop_timer_start(export->timer, is_urgent ? 0 : FLUSH_MS);
    }
}

/* As OTLP says: only these may be tried again. */
static bool is_worth_another(const struct http_reply *reply)
{
    return reply->status == 0 || reply->status == 429 || (reply->status >= 502 && reply->status <= 504);
}

static void fail(struct trace_export *export, const struct http_reply *reply)
{
    if (!export->is_failing) {
        export->is_failing = true;
        log_event(LOG_WARN, "traces_not_exported", "status", log_int(reply->status), "problem", reply->problem, NULL);
    }
    if (is_worth_another(reply) && export->attempts < MOST_ATTEMPTS && !export->is_draining) {
        loop_timer_start(export->timer, backoff_delay_ms(&export->random, export->attempts));
    } else {
        end_batch(export, export->dropped_failed);
    }
}

static void on_reply(void *arg, const struct http_reply *reply)
{
    struct trace_export *export = arg;

    export->is_on_wire = false;
    if (reply->status / 100 != 2) {
        fail(export, reply);
        return;
    }
    if (export->is_failing) {
        export->is_failing = false;
        log_event(LOG_INFO, "traces_exported_again", NULL);
    }
    end_batch(export, export->exported);
}

/* --- open and close ----------------------------------------------------------------------------------------------- */

static bool is_token(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!#$&'*+^`|~";

    return text[0] && strspn(text, allowed) == strlen(text);
}

/* One "name=value". The value is a secret and stands in no error. */
static bool add_header(struct trace_export *export, struct slice item, struct err *err)
{
    const char *equals = memchr(item.data, '=', item.len);
    struct http_header *header = &export->headers[export->header_count];

    if (!equals || export->header_count == FIXED_HEADERS + MOST_HEADERS) {
        return err_set(err, "OTEL_EXPORTER_OTLP_HEADERS: must be name=value,name=value, at most %d", MOST_HEADERS);
    }
    header->name = xmemdup(item.data, (size_t)(equals - item.data));
    header->value = percent_decode(slice_make(equals + 1, item.len - (size_t)(equals - item.data) - 1));
    export->header_count++;
    return (is_token(header->name) && header->value) ||
           err_set(err, "OTEL_EXPORTER_OTLP_HEADERS: header %zu is malformed", export->header_count - FIXED_HEADERS);
}

static bool add_headers(struct trace_export *export, const char *text, struct err *err)
{
    export->headers[export->header_count++] = (struct http_header){"content-type", "application/json"};
    while (text && *text) {
        size_t blank = strspn(text, " ,");
        size_t len = strcspn(text + blank, ",");
        struct slice item = slice_make(text + blank, len);

        text += blank + len;
        while (item.len && item.data[item.len - 1] == ' ') {
            item.len--;
        }
        if (item.len && !add_header(export, item, err)) {
            return false;
        }
    }
    return true;
}

static bool open_http(struct trace_export *export, const struct trace_export_settings *settings, struct err *err)
{
    /* A collector is often on this host or in this network, and spans name nobody: plain HTTP will do. */
    const struct http_settings http = {
        .connections = 1,
        .connect_timeout_ms = REQUEST_MS,
        .request_timeout_ms = REQUEST_MS,
        .ca_file = settings->ca_file,
        .is_plain_allowed = true,
        .user_agent = "perkline/" PERKLINE_VERSION,
    };
    size_t len = strlen(settings->endpoint);

    while (len > 0 && settings->endpoint[len - 1] == '/') {
        len--;
    }
    export->url = xasprintf("%.*s/v1/traces", (int)len, settings->endpoint);
    export->http = http_check_url(&http, export->url, err) ? http_open(export->loop, &http, err) : NULL;
    return export->http || err_prefix(err, "OTEL_EXPORTER_OTLP_ENDPOINT");
}

void trace_export_declare(struct metrics *metrics)
{
    metrics_declare(metrics, &spans_family);
}

struct trace_export *trace_export_open(struct loop *loop, const struct trace_export_settings *settings,
                                       struct metrics *metrics, struct err *err)
{
    struct trace_export *export = xcalloc(1, sizeof(*export));
    uint8_t instance[8];

    export->loop = loop;
    export->part = settings->part;
    export->service = xstrdup(settings->service);
    export->environment = xstrdup(settings->environment);
    random_init(&export->random, random_seed_from_system());
    random_bytes_from_system(instance, sizeof(instance));
    hex_format(instance, sizeof(instance), export->instance);
    export->timer = loop_timer_create(loop, on_timer, export);
    export->exported = metrics_get(metrics, &spans_family, (const char *const[]){"exported"});
    export->dropped_full = metrics_get(metrics, &spans_family, (const char *const[]){"dropped_full"});
    export->dropped_failed = metrics_get(metrics, &spans_family, (const char *const[]){"dropped_failed"});
    buf_init(&export->filling.text, 0);
    buf_init(&export->sending.text, 0);
    begin_batch(export);
    if (!add_headers(export, settings->headers, err) || !open_http(export, settings, err)) {
        trace_export_close(export);
        return NULL;
    }
    return export;
}

void trace_export_close(struct trace_export *export)
{
    if (!export) {
        return;
    }
    export->is_draining = true;
    if (export->http) {
        http_close(export->http);
    }
    loop_timer_destroy(export->timer);
    for (size_t i = FIXED_HEADERS; i < export->header_count; i++) {
        char *value = (char *)export->headers[i].value;

        if (value) {
            explicit_bzero(value, strlen(value));
        }
        free((char *)export->headers[i].name);
        free(value);
    }
    buf_finish(&export->filling.text);
    buf_finish(&export->sending.text);
    free(export->url);
    free(export->service);
    free(export->environment);
    free(export);
}

/* --- spans -------------------------------------------------------------------------------------------------------- */

bool trace_export_wants(const struct trace_export *export, const uint8_t trace_id[TRACE_ID_SIZE])
{
    return trace_is_chosen(trace_id, export->part);
}

void trace_export_make_id(struct trace_export *export, uint8_t span_id[TRACE_SPAN_SIZE])
{
    uint64_t number;

    do {
        number = random_next(&export->random);
    } while (number == 0); /* W3C: no span */
    memcpy(span_id, &number, TRACE_SPAN_SIZE);
}

void trace_export_add(struct trace_export *export, const struct otlp_span *span)
{
    bool is_idle = !export->is_on_wire && export->sending.count == 0;

    if (export->filling.text.len >= MOST_BYTES) {
        metric_add(export->dropped_full, 1);
        return;
    }
    otlp_add(&export->filling.text, span, export->filling.count == 0);
    export->filling.count++;
    if (is_idle && export->filling.text.len >= FLUSH_BYTES) {
        loop_timer_start(export->timer, 0);
    } else if (is_idle && export->filling.count == 1) {
        loop_timer_start(export->timer, FLUSH_MS);
    }
}

bool trace_export_is_drained(struct trace_export *export)
{
    export->is_draining = true;
    if (!export->is_on_wire && (export->sending.count > 0 || export->filling.count > 0)) {
        on_timer(export);
    }
    return export->sending.count == 0 && export->filling.count == 0;
}
