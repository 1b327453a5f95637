#include "workers/status/status_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "workers/pool_view.h"

enum { NUMBER_SIZE = 32, VERSION_SHOWN = 8 };

static const char *const outcome_names[] = {"sent", "suppressed", "expired", "dead", "held", "parked"};
enum { OUTCOME_NAMES = sizeof(outcome_names) / sizeof(outcome_names[0]) };

/* --- numbers ------------------------------------------------------------------------------------------------------ */

/* "?" for what nobody knows. */
static const char *number_of(const json_t *object, const char *name, char text[NUMBER_SIZE])
{
    const json_t *value = json_object_get(object, name);

    if (json_is_integer(value)) {
        snprintf(text, NUMBER_SIZE, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else {
        snprintf(text, NUMBER_SIZE, "?");
    }
    return text;
}

static const char *share_of(const json_t *object, const char *used, const char *most, char text[NUMBER_SIZE])
{
    snprintf(text, NUMBER_SIZE, "%" PRId64 "/%" PRId64, pool_view_int(object, used), pool_view_int(object, most));
    return text;
}

static double rate_of(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(json_object_get(object, "rates"), name));
}

/* "45 s", "12m", "3h05m", "2d04h" */
static const char *age_of(int64_t ms, char text[NUMBER_SIZE])
{
    int64_t s = ms > 0 ? ms / 1000 : 0;

    if (s < 120) {
        snprintf(text, NUMBER_SIZE, "%" PRId64 " s", s);
    } else if (s < 3600) {
        snprintf(text, NUMBER_SIZE, "%" PRId64 "m", s / 60);
    } else if (s < 86400) {
        snprintf(text, NUMBER_SIZE, "%" PRId64 "h%02" PRId64 "m", s / 3600, s / 60 % 60);
    } else {
        snprintf(text, NUMBER_SIZE, "%" PRId64 "d%02" PRId64 "h", s / 86400, s / 3600 % 24);
    }
    return text;
}

/* --- parts of the page -------------------------------------------------------------------------------------------- */

static void write_store(const json_t *summary, const char *key, const char *name, struct buf *out)
{
    const json_t *store = json_object_get(summary, key);

    if (json_is_true(json_object_get(store, "is_ok"))) {
        buf_appendf(out, "  %s ok", name);
    } else {
        buf_appendf(out, "  %s DOWN", name);
    }
}

static void write_problem(const json_t *summary, const char *key, struct buf *out)
{
    const json_t *store = json_object_get(summary, key);

    if (!json_is_true(json_object_get(store, "is_ok"))) {
        buf_appendf(out, "%s\n", pool_view_text(store, "problem"));
    }
}

static void write_head(const json_t *summary, struct buf *out)
{
    const json_t *workers = json_object_get(summary, "workers");
    size_t count = json_array_size(workers);

    if (json_is_array(workers)) {
        buf_appendf(out, "%s  %zu worker%s", pool_view_text(summary, "environment"), count, count == 1 ? "" : "s");
    } else {
        buf_appendf(out, "%s  ? workers", pool_view_text(summary, "environment"));
    }
    write_store(summary, "redis", "Redis", out);
    write_store(summary, "kafka", "Kafka", out);
    buf_appendf(out, "  %s\n", pool_view_text(summary, "at"));
    write_problem(summary, "redis", out);
    write_problem(summary, "kafka", out);
}

static void write_pauses(const json_t *summary, struct buf *out)
{
    const json_t *pause;
    size_t i;

    json_array_foreach (json_object_get(summary, "paused"), i, pause) {
        const char *by = pool_view_text(pause, "by"), *reason = pool_view_text(pause, "reason");
        const char *name = pool_view_text(pause, "name");

        buf_appendf(out, "PAUSED %s%s%s since %s%s%s%s%s\n", pool_view_text(pause, "scope"), name[0] ? " " : "", name,
                    pool_view_text(pause, "since"), by[0] ? " by " : "", by, reason[0] ? ": " : "", reason);
    }
}

/* "closed", or "1 open, 2 closed" */
static void write_breakers(const json_t *channel, struct buf *out)
{
    static const char *const states[] = {"open", "half_open", "closed"};
    const json_t *breakers = json_object_get(channel, "breakers");
    size_t kinds = json_object_size(breakers), written = 0;

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        int64_t count = pool_view_int(breakers, states[i]);

        if (count > 0 && kinds == 1) {
            buf_append_text(out, states[i]);
        } else if (count > 0) {
            buf_appendf(out, "%s%" PRId64 " %s", written++ ? ", " : "", count, states[i]);
        }
    }
}

/* "    the provider takes nothing: http_503 (2 workers), timeout (1)", or nothing */
static void write_troubles(const json_t *channel, struct buf *out)
{
    const char *reason;
    json_t *count;
    bool is_first = true;

    json_object_foreach (json_object_get(channel, "troubles"), reason, count) {
        buf_appendf(out, "%s %s (%" JSON_INTEGER_FORMAT " worker%s)",
                    is_first ? "    the provider's last answer, or why there was none:" : ",", reason,
                    json_integer_value(count), json_integer_value(count) == 1 ? "" : "s");
        is_first = false;
    }
    if (!is_first) {
        buf_append_char(out, '\n');
    }
}

static void write_channels(const json_t *summary, struct buf *out)
{
    const json_t *channels = json_object_get(summary, "channels"), *channel;
    char lag[NUMBER_SIZE], flight[NUMBER_SIZE], wire[NUMBER_SIZE], limit[NUMBER_SIZE];
    size_t i;

    if (json_array_size(channels) > 0) {
        buf_appendf(out, "\n%-8s %7s %9s %11s %11s %9s %8s  %s\n", "channel", "workers", "lag", "in flight", "on wire",
                    "sent/s", "limit/s", "breaker");
    }
    json_array_foreach (channels, i, channel) {
        if (pool_view_int(channel, "rate_limit") > 0) {
            number_of(channel, "rate_limit", limit);
        } else {
            snprintf(limit, sizeof(limit), "none");
        }
        buf_appendf(out, "%-8s %7" PRId64 " %9s %11s %11s %9.1f %8s  ", pool_view_text(channel, "channel"),
                    pool_view_int(channel, "workers"), number_of(channel, "lag", lag),
                    share_of(channel, "in_flight", "window", flight), share_of(channel, "on_wire", "connections", wire),
                    rate_of(channel, "sent"), limit);
        write_breakers(channel, out);
        buf_append_char(out, '\n');
        write_troubles(channel, out);
    }
}

static void write_outcomes(const json_t *summary, struct buf *out)
{
    const json_t *channels = json_object_get(summary, "channels"), *channel;
    size_t i;

    if (json_array_size(channels) > 0) {
        buf_appendf(out, "\n%-14s", "since start");
        for (size_t k = 0; k < OUTCOME_NAMES; k++) {
            buf_appendf(out, " %10s", outcome_names[k]);
        }
        buf_append_char(out, '\n');
    }
    json_array_foreach (channels, i, channel) {
        buf_appendf(out, "%-14s", pool_view_text(channel, "channel"));
        for (size_t k = 0; k < OUTCOME_NAMES; k++) {
            buf_appendf(out, " %10" PRId64, pool_view_int(json_object_get(channel, "totals"), outcome_names[k]));
        }
        buf_appendf(out, "\n%-14s", "  per second");
        for (size_t k = 0; k < OUTCOME_NAMES; k++) {
            buf_appendf(out, " %10.1f", rate_of(channel, outcome_names[k]));
        }
        buf_append_char(out, '\n');
    }
}

enum { MOST_NAMED = 8 };

/* "  nobody has 2, 3 (40 behind)" */
static void write_unowned(const json_t *topic, struct buf *out)
{
    const json_t *unowned = json_object_get(topic, "unowned");
    size_t count = json_array_size(unowned);

    for (size_t i = 0; i < count && i < MOST_NAMED; i++) {
        buf_appendf(out, "%s%" JSON_INTEGER_FORMAT, i ? ", " : "  nobody has ",
                    json_integer_value(json_array_get(unowned, i)));
    }
    if (count > MOST_NAMED) {
        buf_appendf(out, " and %zu more", count - MOST_NAMED);
    }
    if (count > 0) {
        buf_appendf(out, " (%" PRId64 " behind)", pool_view_int(topic, "unowned_lag"));
    }
}

/* A retry topic where nothing waits says nothing. */
static bool is_silent(const json_t *topic)
{
    return json_array_size(json_object_get(topic, "unowned")) == 0 && strstr(pool_view_text(topic, "topic"), ".retry.") && pool_view_int(topic, "open") == 0 &&
           pool_view_int(topic, "lag") == 0;
}

static void write_topics(const json_t *summary, struct buf *out)
{
    const json_t *topics = json_object_get(summary, "topics"), *topic;
    char lag[NUMBER_SIZE];
    size_t i;

    if (json_array_size(topics) > 0) {
        buf_appendf(out, "\n%-24s %-8s %10s %7s %9s %9s  %s\n", "topic", "channel", "partitions", "paused", "open",
                    "lag", "most behind");
    }
    json_array_foreach (topics, i, topic) {
        if (is_silent(topic)) {
            continue;
        }
        buf_appendf(out, "%-24s %-8s %10" PRId64 " %7" PRId64 " %9" PRId64 " %9s", pool_view_text(topic, "topic"),
                    pool_view_text(topic, "channel"), pool_view_int(topic, "partitions"),
                    pool_view_int(topic, "paused_partitions"), pool_view_int(topic, "open"),
                    number_of(topic, "lag", lag));
        if (pool_view_int(topic, "largest_lag") > 0) {
            buf_appendf(out, "  %" PRId64 " on %" PRId64, pool_view_int(topic, "largest_lag"),
                        pool_view_int(topic, "largest_partition"));
        }
        write_unowned(topic, out);
        buf_append_char(out, '\n');
    }
}

static void write_waiting(const json_t *summary, struct buf *out)
{
    const json_t *waiting = json_object_get(summary, "waiting");
    const char *name;
    json_t *value;
    char number[NUMBER_SIZE], other[NUMBER_SIZE];

    buf_append_text(out, "\nwaiting");
    json_object_foreach ((json_t *)waiting, name, value) {
        if (strncmp(name, "retry.", strlen("retry.")) == 0) {
            buf_appendf(out, "  %s %s", name, number_of(waiting, name, number));
        }
    }
    /* Closing one adds nothing and takes nothing away: it stays in its topic until the retention ends. */
    buf_appendf(out, "\nkept     held %s  dlq %s, dealt with or not (perkline held, perkline dlq: what is open)\n",
                number_of(waiting, "held", number), number_of(waiting, "dlq", other));
}

static void write_problems_of(const json_t *worker, struct buf *out)
{
    const char *at = pool_view_text(worker, "problems");
    const json_t *templates = json_object_get(worker, "templates");

    while (*at) {
        size_t len = strcspn(at, "\n");

        buf_appendf(out, "    %.*s\n", (int)len, at);
        at += len + (at[len] == '\n');
    }
    if (!json_is_true(json_object_get(worker, "has_heard"))) {
        buf_append_text(out, "    has not heard yet what was paused or resumed last\n");
    }
    if (pool_view_text(templates, "refused")[0]) {
        buf_appendf(out, "    refused the last change of the templates: %s\n", pool_view_text(templates, "refused"));
    }
}

static void write_workers(const json_t *summary, int64_t now_ms, struct buf *out)
{
    const json_t *workers = json_object_get(summary, "workers"), *worker, *channel;
    char age[NUMBER_SIZE];
    size_t i, k;

    if (json_array_size(workers) > 0) {
        buf_appendf(out, "\n%-22s %-8s %8s %8s %-9s %s\n", "worker", "version", "up", "memory", "templates",
                    "in flight, sent/s");
    }
    json_array_foreach (workers, i, worker) {
        buf_appendf(out, "%-22s %-8s %8s %4" PRId64 " MiB %-9.*s", pool_view_text(worker, "worker"),
                    pool_view_text(worker, "version"), age_of(now_ms - pool_view_int(worker, "started"), age),
                    pool_view_int(worker, "memory") >> 20, VERSION_SHOWN,
                    pool_view_text(json_object_get(worker, "templates"), "version"));
        json_array_foreach (json_object_get(worker, "channels"), k, channel) {
            buf_appendf(out, " %s %" PRId64 ", %.1f", pool_view_text(channel, "name"),
                        pool_view_int(channel, "in_flight"), rate_of(channel, "sent"));
        }
        buf_append_char(out, '\n');
        write_problems_of(worker, out);
    }
}

void status_text_write(const json_t *summary, struct buf *out)
{
    const json_t *workers = json_object_get(summary, "workers");

    write_head(summary, out);
    write_pauses(summary, out);
    write_channels(summary, out);
    write_outcomes(summary, out);
    write_topics(summary, out);
    write_waiting(summary, out);
    write_workers(summary, pool_view_int(summary, "now_ms"), out);
    if (!json_is_array(workers)) {
        buf_append_text(out, "\nWorkers tell about themselves in Redis: until it is back they send nothing, and nothing is lost.\n");
    } else if (json_array_size(workers) == 0) {
        buf_append_text(out, "\nno worker runs\n");
    }
    utf8_blank_controls(out->data, out->len, true);
}

/* --- the terminal ------------------------------------------------------------------------------------------------- */

/* At most so many code points: good enough for names, which are Latin as a rule. */
static size_t cut(struct slice line, int columns)
{
    size_t at = 0;

    for (int i = 0; i < columns && at < line.len; i++) {
        utf8_next(line, &at, NULL);
    }
    return at;
}

void status_text_draw(struct slice page, int columns, int rows, struct buf *out)
{
    buf_append_text(out, "\x1b[H");
    for (int row = 0; page.len > 0 && row < rows - 1; row++) {
        const char *end = memchr(page.data, '\n', page.len);
        size_t len = end ? (size_t)(end - page.data) : page.len;

        buf_append(out, page.data, cut(slice_make(page.data, len), columns));
        buf_append_text(out, "\x1b[K\r\n");
        len += end != NULL;
        page = slice_make(page.data + len, page.len - len);
    }
    buf_append_text(out, "\x1b[J");
}
