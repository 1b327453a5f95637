/*
 * perkline demo: the whole system on this machine, nothing to set up: embedded broker, private Redis, sandbox, a worker
 * for each channel, and a stream of sample events, each published twice, plus a few broken ones.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/args.h"
#include "base/clock.h"
#include "base/duration.h"
#include "base/file_tree.h"
#include "base/log.h"
#include "base/progress.h"
#include "io/http.h"
#include "io/kafka_producer.h"
#include "io/loop.h"
#include "run/template_pack.h"
#include "workers/commands.h"
#include "workers/demo/demo_books.h"
#include "workers/demo/demo_events.h"
#include "workers/demo/demo_parts.h"

enum {
    TICK_MS = 50,
    READ_BOOKS_MS = 1000,
    REPEAT_BEHIND = 12, /* the second copy of an event follows so many later */
    START_LIMIT_MS = 15000,
    MOST_SPAN_MS = 7 * 86400 * 1000,
};

enum phase { PHASE_START, PHASE_PUBLISH, PHASE_WAIT, PHASE_COUNT, PHASE_BROWSE, PHASE_DRAIN };

struct demo_options {
    struct demo_parts_options parts;
    int64_t copies, rate, span_ms;
    bool is_once;
};

struct demo {
    const struct demo_options *options;
    struct loop *loop;
    struct loop_timer *timer;
    struct loop_signal *on_int, *on_term;
    struct file_tree *tree;
    struct catalog *catalog;
    struct demo_events events;
    struct demo_books *books;
    struct demo_parts *parts;
    struct topics topics;
    struct kafka_settings kafka;
    struct kafka_producer *producer;
    struct http_client *http;

    enum phase phase;
    bool is_once, is_asking;
    struct progress progress;
    int64_t limit_ms;
    int64_t phase_at, books_at;
    size_t published, refused;
    long accepted, duplicates;
    int status;
};

/* --- saying what happens ------------------------------------------------------------------------------------------ */

static void print_progress(struct demo *demo, bool is_last)
{
    if (progress_is_due(&demo->progress, is_last)) {
        progress_print(&demo->progress, is_last, "published %zu of %zu, messages in the sandbox %ld, outcomes %zu of %zu",
                       demo->published, 2 * demo->events.count, demo->accepted, demo_books_seen(demo->books),
                       demo_books_expected(demo->books));
    }
}

/* Where to look, and the line of a shell behind which other commands find this demo. */
static void print_places(const struct demo *demo)
{
    const char *settings = demo_parts_settings_file(demo->parts);

    printf("inbox    %s/\n", demo_parts_sandbox_url(demo->parts));
    printf("settings . %s%s\n", strchr(settings, '/') ? "" : "./", settings);
}

static void fail(struct demo *demo, const char *what, const char *why)
{
    fprintf(stderr, "\nperkline demo: %s%s\n", what, why);
    demo->status = 1;
    loop_stop(demo->loop);
}

static void on_lost(void *arg, const char *name)
{
    fail(arg, name, " ended by itself");
}

static void enter(struct demo *demo, enum phase phase)
{
    demo->phase = phase;
    demo->phase_at = clock_mono_ms();
}

/* --- what the sandbox says ---------------------------------------------------------------------------------------- */

static void on_stats(void *arg, const struct http_reply *reply)
{
    struct demo *demo = arg;
    json_t *stats = reply->status == 200 ? json_loadb(reply->body.data, reply->body.len, 0, NULL) : NULL;

    demo->is_asking = false;
    if (stats) {
        demo->accepted = (long)json_integer_value(json_object_get(stats, "accepted"));
        demo->duplicates = (long)json_integer_value(json_object_get(stats, "duplicates"));
    }
    json_decref(stats);
}

static void ask_sandbox(struct demo *demo)
{
    char url[160];

    if (demo->is_asking) {
        return;
    }
    demo->is_asking = true;
    snprintf(url, sizeof(url), "%s/api/stats", demo_parts_sandbox_url(demo->parts));
    http_begin(demo->http, &(struct http_request){.method = "GET", .url = url}, on_stats, demo);
}

/* --- phases ------------------------------------------------------------------------------------------------------- */

static void start_workers(struct demo *demo)
{
    struct err err = {0};

    if (!demo_parts_look(demo->parts)) {
        if (clock_mono_ms() - demo->phase_at > START_LIMIT_MS) {
            fail(demo, "the sandbox", " does not start");
        }
        return;
    }
    demo->kafka = (struct kafka_settings){.brokers = demo_parts_bootstrap(demo->parts),
                                          .client_id = "perkline-demo",
                                          .session_timeout_ms = 6000,
                                          .queue_kib = 4096};
    demo->producer = kafka_producer_open(demo->loop, &demo->kafka, &err);
    if (!demo->producer || !demo_parts_start_workers(demo->parts, &err)) {
        fail(demo, err.text, "");
        return;
    }
    printf("broker   %s (embedded)\n", demo_parts_bootstrap(demo->parts));
    print_places(demo);
    printf("logs     %s (until the end)\n\n", demo_parts_dir(demo->parts));
    enter(demo, PHASE_PUBLISH);
}

static void on_published(void *arg, bool is_done, const char *problem)
{
    struct demo *demo = arg;

    (void)problem;
    demo->refused += !is_done;
}

/* The n-th record of the stream: every event once, and again REPEAT_BEHIND events later. */
static const struct demo_event *nth_event(const struct demo *demo, size_t n)
{
    size_t count = demo->events.count;
    size_t head = count < REPEAT_BEHIND ? count : REPEAT_BEHIND;
    size_t index;

    if (n < head) {
        index = n;
    } else if (n >= 2 * count - head) {
        index = n - count;
    } else {
        index = (n - head) % 2 == 0 ? head + (n - head) / 2 : (n - head) / 2;
    }
    return &demo->events.items[index];
}

static void publish(struct demo *demo)
{
    size_t due = (size_t)((clock_mono_ms() - demo->phase_at) * demo->options->rate / 1000) + 1;

    for (; demo->published < due && demo->published < 2 * demo->events.count; demo->published++) {
        const struct demo_event *item = nth_event(demo, demo->published);

        kafka_produce(demo->producer,
                      &(struct kafka_message){.topic = "loyalty.events",
                                              .partition = -1,
                                              .timestamp_ms = item->at_ms,
                                              .key = slice_of(item->key),
                                              .value = slice_make(item->value, item->len)},
                      on_published, demo);
    }
    if (demo->published == 2 * demo->events.count && kafka_producer_open_count(demo->producer) == 0) {
        if (demo->refused) {
            fail(demo, "the broker", " did not take all events");
            return;
        }
        enter(demo, PHASE_WAIT);
    }
}

static void read_books(struct demo *demo)
{
    struct err err = {0};

    if (clock_mono_ms() - demo->books_at < READ_BOOKS_MS) {
        return;
    }
    demo->books_at = clock_mono_ms();
    if (!demo_books_read(demo->books, &demo->kafka, &demo->topics, &err)) {
        fail(demo, err.text, "");
    }
}

static void finish_books(struct demo *demo)
{
    print_progress(demo, true);
    demo_books_set_sandbox(demo->books, demo->accepted, demo->duplicates);
    demo->status = demo_books_print(demo->books, stdout) ? 0 : 1;
    fflush(stdout);
    if (demo->is_once) {
        demo_parts_stop_workers(demo->parts);
        enter(demo, PHASE_DRAIN);
        return;
    }
    print_places(demo);
    puts("Open the inbox in a browser; with the settings, all commands work in another terminal. The workers go on.");
    puts("Ctrl-C ends the demo and leaves nothing behind.");
    fflush(stdout);
    enter(demo, PHASE_BROWSE);
}

static void wait_for_outcomes(struct demo *demo)
{
    bool is_late = clock_mono_ms() - demo->phase_at > demo->limit_ms;

    read_books(demo);
    if ((demo_books_are_complete(demo->books) || is_late) && !demo->is_asking && demo->phase == PHASE_WAIT) {
        if (is_late) {
            fputs("\nnot everything has its outcome in time\n", stdout);
        }
        ask_sandbox(demo); /* what it said last may be older than the last outcome */
        enter(demo, PHASE_COUNT);
    }
}

static void on_tick(void *arg)
{
    struct demo *demo = arg;

    switch (demo->phase) {
    case PHASE_START:
        start_workers(demo);
        break;
    case PHASE_PUBLISH:
        publish(demo);
        read_books(demo);
        break;
    case PHASE_WAIT:
        wait_for_outcomes(demo);
        break;
    case PHASE_COUNT:
        if (!demo->is_asking) {
            finish_books(demo);
        }
        break;
    case PHASE_BROWSE:
        break;
    case PHASE_DRAIN:
        if (!demo_parts_workers_run(demo->parts)) {
            loop_stop(demo->loop);
            return;
        }
        break;
    }
    if (demo->phase == PHASE_PUBLISH || demo->phase == PHASE_WAIT) {
        ask_sandbox(demo);
        print_progress(demo, false);
    }
    loop_timer_start(demo->timer, TICK_MS);
}

static void on_signal(void *arg)
{
    struct demo *demo = arg;

    if (demo->phase == PHASE_DRAIN) {
        loop_stop(demo->loop);
        return;
    }
    if (demo->phase != PHASE_BROWSE) {
        puts("\ninterrupted");
        demo->status = 1;
    }
    if (demo->phase == PHASE_START) {
        loop_stop(demo->loop);
        return;
    }
    demo_parts_stop_workers(demo->parts);
    enter(demo, PHASE_DRAIN);
}

/* --- start and end ------------------------------------------------------------------------------------------------ */

static bool load(struct demo *demo, struct err *err)
{
    const struct catalog_options options = {.default_locale = "en"};
    const struct demo_time time = {clock_wall_ms(), demo->options->span_ms};
    const char *templates_dir = demo->options->parts.templates_dir;
    struct diag_list diags;
    struct buf text;

    demo->tree = template_pack_read(templates_dir, err);
    if (!demo->tree) {
        return false;
    }
    diag_list_init(&diags);
    demo->catalog = catalog_build(demo->tree, &options, &diags);
    buf_init(&text, 0);
    for (size_t i = 0; !demo->catalog && i < diags.count; i++) {
        buf_clear(&text);
        diag_format(&diags.items[i], &text);
        fprintf(stderr, "%s\n", buf_text(&text));
    }
    buf_finish(&text);
    diag_list_finish(&diags);
    if (!demo->catalog) {
        return err_set(err, "the templates in %s have errors", templates_dir);
    }
    if (!topics_init(&demo->topics, "loyalty", err) ||
        !demo_events_make(&demo->events, demo->tree, (int)demo->options->copies, time, err)) {
        return false;
    }
    demo->books = demo_books_create(demo->catalog, &demo->events);
    return true;
}

static bool open_parts(struct demo *demo, struct err *err)
{
    const struct http_settings http = {.connections = 4,
                                       .connect_timeout_ms = 1000,
                                       .request_timeout_ms = 2000,
                                       .is_plain_allowed = true,
                                       .user_agent = "perkline-demo"};

    demo->http = http_open(demo->loop, &http, err);
    demo->parts = demo->http ? demo_parts_start(demo->loop, &demo->options->parts, on_lost, demo, err) : NULL;
    return demo->parts != NULL;
}

static void finish(struct demo *demo)
{
    if (demo->producer) {
        kafka_producer_close(demo->producer, 0);
    }
    demo_parts_stop(demo->parts);
    http_close(demo->http);
    demo_books_destroy(demo->books);
    demo_events_finish(&demo->events);
    catalog_unref(demo->catalog);
    file_tree_destroy(demo->tree);
    loop_signal_destroy(demo->on_int);
    loop_signal_destroy(demo->on_term);
    loop_timer_destroy(demo->timer);
    loop_destroy(demo->loop);
}

static int run(struct demo *demo)
{
    struct err err = {0};

    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_ERROR);
    progress_init(&demo->progress, stdout);
    demo->is_once = demo->options->is_once || !demo->progress.is_tty;
    demo->loop = loop_create();
    demo->timer = loop_timer_create(demo->loop, on_tick, demo);
    demo->on_int = loop_signal_create(demo->loop, SIGINT, on_signal, demo);
    demo->on_term = loop_signal_create(demo->loop, SIGTERM, on_signal, demo);
    if (!load(demo, &err) || !open_parts(demo, &err)) {
        fprintf(stderr, "perkline demo: %s\n", err.text);
        demo->status = 1;
    } else {
        enter(demo, PHASE_START);
        loop_timer_start(demo->timer, 0);
        loop_run(demo->loop);
    }
    finish(demo);
    return demo->status;
}

static const struct args_usage usage = {
    .command = "perkline demo",
    .positional = "",
    .summary = "Runs the whole system on this machine with embedded parts: broker, a private redis-server, sandbox, one\n"
               "worker for each channel, and sample events of all flows and languages, each published twice, plus a few\n"
               "broken ones. Ends with a table of outcomes; on a terminal it then stays up until Ctrl-C, so that you can\n"
               "look at the inbox, edit templates, and try the other commands in another terminal. Exit status 0 only\n"
               "when the books balance.",
};

/* False: the usage is wrong, which was said. */
static bool check_options(struct demo_options *options, const char *span)
{
    struct err err = {0};

    if (options->copies < 1 || options->copies > 1000 || options->rate < 1 || options->rate > 10000) {
        err_set(&err, "--copies takes 1 to 1000, --rate 1 to 10000");
    } else if (span && !duration_parse_ms(slice_of(span), &options->span_ms, &err)) {
        err_prefix(&err, "--span");
    } else if (options->span_ms > MOST_SPAN_MS) {
        err_set(&err, "--span takes at most 7d");
    } else {
        return true;
    }
    fprintf(stderr, "perkline demo: %s\n", err.text);
    return false;
}

int demo_command(int argc, char **argv)
{
    struct demo_options options = {.parts.templates_dir = getenv("TEMPLATES_DIR"), .copies = 3, .rate = 100};
    struct demo demo = {.options = &options, .limit_ms = 60000};
    const char *span = NULL;
    const struct arg table[] = {
        {"once", ARG_FLAG, &options.is_once, NULL, "End by itself (as without a terminal)."},
        {"span", ARG_TEXT, &span, "DURATION", "The events happened in the time before, like 1h; not now."},
        {"copies", ARG_INT, &options.copies, "N", "Members for each sample event, 1 to 1000 (3)."},
        {"rate", ARG_INT, &options.rate, "N", "Records published per second, 1 to 10000 (100)."},
        {"templates", ARG_TEXT, &options.parts.templates_dir, "DIR", "Folder with the flows (templates)."},
        {"settings", ARG_TEXT, &options.parts.settings_file, "FILE",
         "Where the settings for commands in another terminal go, until the end."},
        {NULL, ARG_FLAG, NULL, NULL, NULL},
    };
    int positional = 0;
    int status = args_read(table, &usage, NULL, argc, argv, &positional);

    if (status != ARGS_GO_ON) {
        return status;
    }
    if (!options.parts.templates_dir || !options.parts.templates_dir[0]) {
        options.parts.templates_dir = "templates";
    }
    return check_options(&options, span) ? run(&demo) : 2;
}
