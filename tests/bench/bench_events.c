/*
 * bench_events: the events of a measurement.
 *
 *   bench_events serve    an embedded broker with filled topics: prints its address, then stays until it is ended
 *   bench_events fill     fills a topic of another broker
 *   bench_events steady   produces at a steady rate, each event stamped with its time
 *   bench_events topics   makes topics on another broker
 *   bench_events lines    prints the events of a topic, one in a line
 *
 * An event has 418 bytes. Serials count up from --first; a member's events are --members apart.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/args.h"
#include "base/clock.h"
#include "base/die.h"
#include "base/mem.h"
#include "io/kafka_broker.h"
#include "io/kafka_producer.h"
#include "tests/support/kafka_tool.h"

enum { EVENT_BYTES = 418, MOST_OPEN = 20000, MOST_TOPICS = 16, TICK_MS = 2 };

struct options {
    const char *brokers, *topic, *config;
    int64_t count, partitions, members, rate, first;
};

static struct {
    struct loop *loop;
    struct kafka_producer *producer;
    struct options options;
    const char *topic;
    int64_t next, done; /* serials begun, acknowledged */
    int64_t begun_at_us;
    char day[CLOCK_ISO_SIZE];
    struct loop_timer *timer;
} run;

/* --- one event ---------------------------------------------------------------------------------------------------- */

/* The type is the topic's name. The reference fills it up to EVENT_BYTES. */
static size_t format_event(int64_t serial, char text[EVENT_BYTES + 64])
{
    int64_t member = serial % run.options.members;
    int len = snprintf(text, EVENT_BYTES,
                       "{\"specversion\":\"1.0\",\"id\":\"e%" PRId64 "\",\"source\":\"/bench\",\"type\":\"%s\",\"time\":\"%s\","
                       "\"data\":{\"member\":{\"id\":\"%" PRId64 "\",\"first_name\":\"Ilona\",\"email\":\"ilona.%" PRId64
                       "@example.com\",\"phone\":\"+3630%07" PRId64 "\",\"locale\":\"en-GB\",\"tier\":\"gold\","
                       "\"consent\":{\"email\":true,\"sms\":true}},\"points\":{\"earned\":%d,\"balance\":%d},"
                       "\"order\":{\"serial\":%" PRId64 ",\"sent_us\":%" PRId64 ",\"reference\":\"",
                       serial, run.topic, run.day, member, member, member, 10 + (int)(serial % 90),
                       1000 + (int)(serial % 9000), serial, clock_mono_us());

    while (len < EVENT_BYTES - 4) {
        text[len] = (char)('a' + len % 26);
        len++;
    }
    memcpy(text + len, "\"}}}", 4);
    return (size_t)len + 4;
}

static void on_produced(void *arg, bool is_done, const char *problem);

static void produce_next(void)
{
    char key[24], text[EVENT_BYTES + 64];
    int64_t serial = run.options.first + run.next++;

    snprintf(key, sizeof(key), "%" PRId64, serial % run.options.members);
    kafka_produce(run.producer,
                  &(struct kafka_message){
                      .topic = run.topic,
                      .partition = -1,
                      .key = slice_of(key),
                      .value = slice_make(text, format_event(serial, text)),
                  },
                  on_produced, NULL);
}

static void on_produced(void *arg, bool is_done, const char *problem)
{
    (void)arg;
    if (!is_done) {
        die("bench_events: an event was not taken: %s", problem);
    }
    if (++run.done == run.options.count) {
        loop_stop(run.loop);
    } else if (run.options.rate > 0 && run.done == 1) {
        run.begun_at_us = clock_mono_us();
        loop_timer_start(run.timer, 0);
    } else if (run.options.rate == 0 && run.next < run.options.count) {
        produce_next();
    }
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

static void on_tick(void *arg)
{
    int64_t due = 1 + (clock_mono_us() - run.begun_at_us) * run.options.rate / 1000000;

    (void)arg;
    while (run.next < due && run.next < run.options.count) {
        produce_next();
    }
    if (run.next < run.options.count) {
        loop_timer_start(run.timer, TICK_MS);
    }
}

static void begin_topic(const char *topic)
{
    run.topic = topic;
    run.next = run.done = 0;
    clock_format_iso(clock_wall_ms(), run.day);
    run.day[10] = '\0'; /* room for the day only: the time is midnight */
    snprintf(run.day + 10, sizeof(run.day) - 10, "T00:00:00Z");
}

static void print_lines(void)
{
    begin_topic(run.options.topic);
    while (run.next < run.options.count) {
        char text[EVENT_BYTES + 64];
        size_t len = format_event(run.options.first + run.next++, text);

        printf("%.*s\n", (int)len, text);
    }
}

static void fill_topic(const char *topic)
{
    begin_topic(topic);
    if (run.options.rate > 0) {
        produce_next(); /* the others follow when it is acknowledged: connecting is not what is measured */
    } else {
        while (run.next < run.options.count && run.next < MOST_OPEN) {
            produce_next();
        }
    }
    loop_run(run.loop);
}

static void open_producer(const char *brokers)
{
    const struct kafka_settings settings = {
        .brokers = brokers,
        .properties_file = run.options.config,
        .client_id = "bench",
        .session_timeout_ms = 30000,
        .queue_kib = 16384,
    };
    struct err err = {{0}};

    run.producer = kafka_producer_open(run.loop, &settings, &err);
    if (!run.producer) {
        die("bench_events: %s", err.text);
    }
}

static void produce(const char *brokers, const char *topics)
{
    char *names = xstrdup(topics), *rest = names, *topic;

    open_producer(brokers);
    while ((topic = strsep(&rest, ","))) {
        fill_topic(topic);
    }
    kafka_producer_close(run.producer, 10000);
    free(names);
}

static void make_topics(void)
{
    struct kafka_tool *tool = kafka_tool_create(run.options.brokers);
    const char *names[MOST_TOPICS + 1];
    char *all = xstrdup(run.options.topic), *rest = all;
    size_t count = 0;

    while (count < MOST_TOPICS && (names[count] = strsep(&rest, ","))) {
        count++;
    }
    names[count] = NULL;
    kafka_tool_make_topics(tool, names, (int)run.options.partitions, 1);
    kafka_tool_destroy(tool);
    free(all);
}

static void on_signal(void *arg)
{
    (void)arg;
    loop_stop(run.loop);
}

static void serve(void)
{
    struct kafka_broker_topic topics[MOST_TOPICS];
    struct loop_signal *signals[] = {loop_signal_create(run.loop, SIGTERM, on_signal, NULL),
                                     loop_signal_create(run.loop, SIGINT, on_signal, NULL)};
    char *names = xstrdup(run.options.topic), *rest = names, *topic;
    struct kafka_broker *broker;
    struct err err = {{0}};
    int count = 0;

    while ((topic = strsep(&rest, ",")) && count < MOST_TOPICS) {
        topics[count++] = (struct kafka_broker_topic){topic, (int32_t)run.options.partitions};
    }
    broker = kafka_broker_open(run.loop, NULL, topics, count, &err);
    if (!broker) {
        die("bench_events: %s", err.text);
    }
    produce(kafka_broker_bootstrap(broker), run.options.topic);
    printf("%s\n", kafka_broker_bootstrap(broker));
    fflush(stdout);
    loop_run(run.loop);
    kafka_broker_close(broker);
    loop_signal_destroy(signals[0]);
    loop_signal_destroy(signals[1]);
    free(names);
}

int main(int argc, char **argv)
{
    struct options *o = &run.options;
    const struct arg table[] = {
        {"brokers", ARG_TEXT, &o->brokers, "HOST:PORT", "where (not for serve)"},
        {"topic", ARG_TEXT, &o->topic, "NAME,...", "topics; the name is the type of its events"},
        {"config", ARG_TEXT, &o->config, "FILE", "properties of the producer"},
        {"count", ARG_INT, &o->count, "N", "events in each topic"},
        {"partitions", ARG_INT, &o->partitions, "N", "serve, topics: of each topic"},
        {"members", ARG_INT, &o->members, "N", "different members"},
        {"rate", ARG_INT, &o->rate, "N", "steady: events a second"},
        {"first", ARG_INT, &o->first, "N", "first serial"},
        {NULL, ARG_FLAG, NULL, NULL, NULL},
    };
    const struct args_usage usage = {"bench_events", "serve|fill|steady|topics|lines", "Events for measurements.", 1};
    struct err err = {{0}};
    int positional = 0;
    enum args_result result;

    *o = (struct options){.partitions = 1, .members = 5000, .count = 1000};
    result = args_parse(table, &usage, argc, argv, &positional, &err);
    if (result == ARGS_HELP) {
        args_print_help(table, &usage, stdout);
        return 0;
    }
    if (result != ARGS_OK || positional != 1 || !o->topic || o->members < 1 || o->count < 1) {
        fprintf(stderr, "bench_events: %s\n", err.text[0] ? err.text : "serve, fill, steady, topics or lines, with --topic");
        return 2;
    }
    run.loop = loop_create();
    run.timer = loop_timer_create(run.loop, on_tick, NULL);
    if (strcmp(argv[1], "serve") == 0) {
        serve();
    } else if (strcmp(argv[1], "lines") == 0) {
        print_lines();
    } else if (o->brokers && strcmp(argv[1], "topics") == 0) {
        make_topics();
    } else if (o->brokers) {
        produce(o->brokers, o->topic);
    } else {
        die("bench_events: --brokers is missing");
    }
    loop_timer_destroy(run.timer);
    loop_destroy(run.loop);
    return 0;
}
