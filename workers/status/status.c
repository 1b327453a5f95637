/*
 * perkline status: one look at the whole pool, once or again and again.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/args.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/settings.h"
#include "io/kafka_depth.h"
#include "io/kafka_producer.h"
#include "run/setting_rows.h"
#include "run/topics.h"
#include "workers/commands.h"
#include "workers/pool_view.h"
#include "workers/status/backlogs.h"
#include "workers/status/status_text.h"
#include "workers/status/summary.h"

enum {
    DEFAULT_WATCH_S = 2,
    MOST_WATCH_S = 3600,
    KAFKA_WAIT_MS = 3000,
    KAFKA_EVERY_MS = 5000,
    LOOK_MS = 100,
    DEFAULT_COLUMNS = 80,
    DEFAULT_ROWS = 24
};

static const struct args_usage usage = {
    .command = "perkline status",
    .positional = "",
    .summary =
        "One look at all workers of the installation, as they tell in Redis: partitions and lag, what is in flight,\n"
        "rates, circuit breaker, rate limit, templates, what is paused, what waits in the retry, held and dead-letter\n"
        "topics. On a terminal it is drawn again and again (q ends it), elsewhere printed once. Exit status 1 when\n"
        "Redis or Kafka does not answer; the rest is shown.",
};

struct options {
    const char *redis_url, *environment, *kafka_brokers, *kafka_config, *kafka_topics, *kafka_group, *topic_prefix;
};

static const struct setting settings_table[] = {
    SETTING_ROW_REDIS_URL(struct options, redis_url),
    SETTING_ROW_ENVIRONMENT(struct options, environment),
    {"KAFKA_BROKERS", SETTING_TEXT, offsetof(struct options, kafka_brokers), NULL,
     "Bootstrap brokers; without them what is held and dead, and which partitions nobody has, stays unknown.", false, 0, 0},
    SETTING_ROW_KAFKA_CONFIG(struct options, kafka_config),
    SETTING_ROW_KAFKA_TOPICS(struct options, kafka_topics),
    SETTING_ROW_KAFKA_GROUP(struct options, kafka_group),
    SETTING_ROW_KAFKA_TOPIC_PREFIX(struct options, topic_prefix),
    {NULL, SETTING_TEXT, 0, NULL, NULL, false, 0, 0},
};

struct status {
    const struct options *options;
    bool is_json, is_screen;
    int64_t watch_ms; /* 0: once */
    struct topics topics;
    struct pool_keys keys;
    struct redis_ask *redis; /* NULL: opened anew at the next look */

    /* Kafka's part; NULL when no brokers are set */
    struct loop *loop;
    struct loop_timer *timer;
    struct kafka_producer *producer; /* writes nothing: the client that is asked through */
    struct kafka_depth *depth;
    struct backlogs backlogs;
    bool has_waited;
};

/* --- looking ------------------------------------------------------------------------------------------------------ */

static bool look_at_redis(struct status *status, struct pool_view *view, struct err *err)
{
    if (!status->redis) {
        status->redis = redis_ask_open(status->options->redis_url, err);
    }
    return status->redis && pool_view_look(status->redis, &status->keys, view, err);
}

static void ignore_time(void *arg)
{
    (void)arg;
}

static const char *kafka_problem(const struct status *status)
{
    const char *problem = kafka_depth_problem(status->depth);

    return problem[0] ? problem : backlogs_problem(&status->backlogs);
}

/* The first answer is waited for; later ones come when they come. */
static void wait_for_kafka(struct status *status)
{
    int64_t until = clock_mono_ms() + KAFKA_WAIT_MS;

    loop_turn(status->loop, false);
    while (!status->has_waited && kafka_problem(status)[0] && clock_mono_ms() < until) {
        loop_timer_start(status->timer, LOOK_MS);
        loop_turn(status->loop, true);
    }
    status->has_waited = true;
}

static bool look_at_kafka(struct status *status, struct summary_parts *parts, struct err *err)
{
    const char *problem;

    parts->held = parts->dlq = -1;
    if (!status->depth) {
        return err_set(err, "Kafka: KAFKA_BROKERS is not set");
    }
    wait_for_kafka(status);
    problem = kafka_depth_problem(status->depth);
    if (problem[0]) {
        return err_set(err, "Kafka: %s", problem);
    }
    parts->held = kafka_depth_records(status->depth, status->topics.held);
    parts->dlq = kafka_depth_records(status->depth, status->topics.dlq);
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        parts->backlogs[channel] = backlogs_take(&status->backlogs, (enum channel)channel);
    }
    problem = backlogs_problem(&status->backlogs);
    return !problem[0] || err_set(err, "Kafka: %s", problem);
}

/* A new reference. *is_fine: Redis and Kafka have answered. */
static json_t *look(struct status *status, bool *is_fine)
{
    struct pool_view view = {.now_ms = 0};
    struct err redis_err = {0}, kafka_err = {0};
    struct summary_parts parts = {
        .environment = status->options->environment, .now_ms = clock_wall_ms(), .topics = &status->topics};
    bool has_view = look_at_redis(status, &view, &redis_err);
    json_t *summary;

    *is_fine = look_at_kafka(status, &parts, &kafka_err) && has_view;
    parts.view = has_view ? &view : NULL;
    parts.redis_problem = redis_err.text;
    parts.kafka_problem = kafka_err.text;
    summary = summary_make(&parts);
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        free((void *)parts.backlogs[channel].items);
    }
    pool_view_finish(&view);
    return summary;
}

/* --- showing ------------------------------------------------------------------------------------------------------ */

static void write_all(struct slice text)
{
    while (text.len > 0) {
        ssize_t written = write(STDOUT_FILENO, text.data, text.len);

        if (written < 0 && errno != EINTR) {
            return;
        }
        written = written < 0 ? 0 : written;
        text = slice_make(text.data + written, text.len - (size_t)written);
    }
}

static void draw(struct slice page)
{
    struct winsize size = {.ws_col = 0};
    struct buf text;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
        size = (struct winsize){.ws_col = DEFAULT_COLUMNS, .ws_row = DEFAULT_ROWS};
    }
    buf_init(&text, 0);
    status_text_draw(page, size.ws_col, size.ws_row, &text);
    write_all(buf_slice(&text));
    buf_finish(&text);
}

static void show(const struct status *status, const json_t *summary)
{
    struct buf page;

    if (status->is_json) {
        /* One line each when there are more to come. */
        json_dumpf(summary, stdout, status->watch_ms ? JSON_COMPACT : JSON_INDENT(2));
        putchar('\n');
        fflush(stdout);
        return;
    }
    buf_init(&page, 0);
    status_text_write(summary, &page);
    if (status->is_screen) {
        draw(buf_slice(&page));
    } else {
        write_all(buf_slice(&page));
    }
    buf_finish(&page);
}

/* --- again and again ---------------------------------------------------------------------------------------------- */

static struct termios terminal_before;
static volatile sig_atomic_t is_terminal_changed;
static volatile sig_atomic_t is_ended;

static void restore_terminal(void)
{
    if (is_terminal_changed) {
        is_terminal_changed = 0;
        tcsetattr(STDIN_FILENO, TCSANOW, &terminal_before);
    }
}

/* The second one does not wait for an answer of Redis or Kafka. */
static void on_interrupt(int signum)
{
    (void)signum;
    if (is_ended) {
        restore_terminal();
        _exit(0);
    }
    is_ended = 1;
}

/* Keys arrive one by one, and are not shown. */
static void prepare_terminal(void)
{
    const struct sigaction action = {.sa_handler = on_interrupt};
    struct termios keys;

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &terminal_before) == 0) {
        keys = terminal_before;
        keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        is_terminal_changed = 1;
        atexit(restore_terminal);
        tcsetattr(STDIN_FILENO, TCSANOW, &keys);
    }
}

static bool is_end_wanted(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    char key = '\0';

    if (is_terminal_changed && poll(&input, 1, 0) == 1 && read(STDIN_FILENO, &key, 1) == 1) {
        is_ended |= key == 'q' || key == 'Q';
    }
    return is_ended;
}

/* False: the user has had enough. */
static bool wait_for_next(const struct status *status)
{
    int64_t until = clock_mono_ms() + status->watch_ms;

    while (!is_end_wanted() && clock_mono_ms() < until) {
        int64_t left = until - clock_mono_ms();

        left = left < LOOK_MS ? left : LOOK_MS;
        if (status->redis) {
            redis_ask_sleep_ms(status->redis, left);
        } else {
            poll(NULL, 0, (int)left);
        }
    }
    return !is_ended;
}

static bool run(struct status *status)
{
    bool is_fine;

    if (status->watch_ms) {
        prepare_terminal();
    }
    if (status->is_screen) {
        write_all(SLICE("\x1b[2J"));
    }
    do {
        json_t *summary = look(status, &is_fine);

        if (!is_ended) {
            show(status, summary);
        }
        json_decref(summary);
    } while (status->watch_ms && wait_for_next(status));
    return is_fine;
}

/* --- the command -------------------------------------------------------------------------------------------------- */

static bool open_all(struct status *status, struct err *err)
{
    const struct kafka_settings kafka = {.brokers = status->options->kafka_brokers,
                                         .properties_file = status->options->kafka_config,
                                         .client_id = "perkline-status"};

    if (!topics_init(&status->topics, status->options->topic_prefix, err)) {
        return false;
    }
    pool_keys_init(&status->keys, status->options->environment);
    if (!status->options->kafka_brokers) {
        return true;
    }
    status->loop = loop_create();
    status->timer = loop_timer_create(status->loop, ignore_time, NULL);
    status->producer = kafka_producer_open(status->loop, &kafka, err);
    if (!status->producer) {
        return err_prefix(err, "%s", status->options->kafka_config ? "KAFKA_CONFIG" : "KAFKA_BROKERS");
    }
    status->depth = kafka_depth_open(status->loop, status->producer,
                                     (const char *const[]){status->topics.held, status->topics.dlq, NULL},
                                     KAFKA_EVERY_MS, err);
    return status->depth && backlogs_open(&status->backlogs, status->loop, &kafka, status->options->kafka_topics,
                                          status->options->kafka_group, &status->topics, KAFKA_EVERY_MS, err);
}

static void close_all(struct status *status)
{
    redis_ask_close(status->redis);
    backlogs_close(&status->backlogs);
    kafka_depth_close(status->depth);
    if (status->producer) {
        kafka_producer_close(status->producer, 0);
    }
    loop_timer_destroy(status->timer);
    loop_destroy(status->loop);
}

int status_command(int argc, char **argv)
{
    struct options options = {.redis_url = NULL};
    int64_t watch_s = -1;
    struct status status = {.options = &options};
    const struct arg table[] = {
        {"json", ARG_FLAG, &status.is_json, NULL, "Print one JSON object; with --watch one line each time."},
        {"watch", ARG_INT, &watch_s, "SECONDS", "Look again so often (2 on a terminal); 0: once."},
        {NULL, ARG_FLAG, NULL, NULL, NULL},
    };
    struct err err = {0};
    int positional = 0;
    bool is_fine = false;
    int result = args_read(table, &usage, settings_table, argc, argv, &positional);

    if (result != ARGS_GO_ON) {
        return result;
    }
    if (watch_s < -1 || watch_s > MOST_WATCH_S) {
        fprintf(stderr, "perkline status: --watch takes 0 to %d seconds\n", MOST_WATCH_S);
        return 2;
    }
    if (watch_s == -1) {
        watch_s = isatty(STDOUT_FILENO) && !status.is_json ? DEFAULT_WATCH_S : 0;
    }
    log_set_level(LOG_ERROR); /* what matters is on the page */
    status.watch_ms = watch_s * 1000;
    status.is_screen = watch_s > 0 && !status.is_json && isatty(STDOUT_FILENO);
    if (!settings_load(settings_table, &options, &err)) {
        fprintf(stderr, "perkline status: %s\n", err.text);
        return 1;
    }
    if (setting_rows_check_environment(options.environment, &err) && open_all(&status, &err)) {
        is_fine = run(&status);
    } else {
        fprintf(stderr, "perkline status: %s\n", err.text);
    }
    close_all(&status);
    settings_finish(settings_table, &options);
    return is_fine ? 0 : 1;
}
