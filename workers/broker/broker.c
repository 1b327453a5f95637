/*
 * broker: an embedded Kafka for development and tests, in memory, for as long as the command runs.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/args.h"
#include "base/mem.h"
#include "io/kafka_broker.h"
#include "io/loop.h"
#include "workers/commands.h"

enum { MOST_TOPICS = 100, MOST_PARTITIONS = 1000 };

/* The topics of the program, each after the prefix. */
static const char *const default_topics[] = {"events",   "outcomes", "retry.1m", "retry.10m", "retry.1h",
                                             "retry.6h", "dlq",      "held",     NULL};

struct options {
    const char *listen;
    const char *topics; /* comma list, or NULL */
    int64_t partitions;
};

struct topics {
    struct kafka_broker_topic items[MOST_TOPICS];
    int count;
};

/* --- topics ------------------------------------------------------------------------------------------------------- */

static bool is_topic_name(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= 249 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

/* Takes `name`. */
static bool add_topic(struct topics *topics, char *name, int64_t partitions, struct err *err)
{
    if (!is_topic_name(name)) {
        err_set(err, "\"%s\" is not the name of a topic", name);
    } else if (topics->count == MOST_TOPICS) {
        err_set(err, "more than %d topics", MOST_TOPICS);
    } else {
        topics->items[topics->count++] = (struct kafka_broker_topic){name, (int32_t)partitions};
        return true;
    }
    free(name);
    return false;
}

static bool add_list(struct topics *topics, const char *list, int64_t partitions, struct err *err)
{
    for (;;) {
        size_t len = strcspn(list, ",");

        if (!add_topic(topics, xmemdup(list, len), partitions, err)) {
            return false;
        }
        if (list[len] == '\0') {
            return true;
        }
        list += len + 1;
    }
}

static bool add_defaults(struct topics *topics, int64_t partitions, struct err *err)
{
    const char *prefix = getenv("KAFKA_TOPIC_PREFIX");

    if (!prefix || !*prefix) {
        prefix = "loyalty";
    }
    for (const char *const *name = default_topics; *name; name++) {
        if (!add_topic(topics, xasprintf("%s.%s", prefix, *name), partitions, err)) {
            return err_prefix(err, "KAFKA_TOPIC_PREFIX");
        }
    }
    return true;
}

static void finish_topics(struct topics *topics)
{
    for (int i = 0; i < topics->count; i++) {
        free((char *)topics->items[i].name);
    }
}

/* --- the command -------------------------------------------------------------------------------------------------- */

static void stop_loop(void *arg)
{
    loop_stop(arg);
}

static void print_limits(const struct kafka_broker *broker, const struct topics *topics)
{
    printf("bootstrap.servers=%s\n", kafka_broker_bootstrap(broker));
    for (int i = 0; i < topics->count; i++) {
        printf("topic %s, %d partitions\n", topics->items[i].name, (int)topics->items[i].partitions);
    }
    puts("In memory, on loopback, gone when this command ends. A partition keeps 5 MiB or 100000 records and drops\n"
         "older ones. A consumer group takes 3 s to form; when members come and go, as long as their session:\n"
         "KAFKA_SESSION_TIMEOUT=6s for the workers makes that short. Not there: look-up of offsets by time,\n"
         "transactions, admin requests, TLS. A topic that somebody asks for is created.");
    fflush(stdout);
}

static int serve(const struct options *options, const struct topics *topics)
{
    struct loop *loop = loop_create();
    struct err err = {""};
    struct kafka_broker *broker = kafka_broker_open(loop, options->listen, topics->items, topics->count, &err);

    if (broker) {
        struct loop_signal *on_int = loop_signal_create(loop, SIGINT, stop_loop, loop);
        struct loop_signal *on_term = loop_signal_create(loop, SIGTERM, stop_loop, loop);

        print_limits(broker, topics);
        loop_run(loop);
        loop_signal_destroy(on_int);
        loop_signal_destroy(on_term);
        kafka_broker_close(broker);
    } else {
        fprintf(stderr, "perkline broker: %s\n", err.text);
    }
    loop_destroy(loop);
    return err_is_set(&err) ? 1 : 0;
}

static bool fill_topics(struct topics *topics, const struct options *options, struct err *err)
{
    if (options->partitions < 1 || options->partitions > MOST_PARTITIONS) {
        return err_set(err, "--partitions: expected a number from 1 to %d", MOST_PARTITIONS);
    }
    return options->topics ? add_list(topics, options->topics, options->partitions, err)
                           : add_defaults(topics, options->partitions, err);
}

int broker_command(int argc, char **argv)
{
    struct options options = {.partitions = 4};
    const struct arg table[] = {
        {"listen", ARG_TEXT, &options.listen, "HOST:PORT", "Answer clients that start at this address, too."},
        {"partitions", ARG_INT, &options.partitions, "N", "Of each topic (4)."},
        {"topic", ARG_TEXT, &options.topics, "NAME,NAME", "Topics to create instead of the program's own."},
        {0},
    };
    const struct args_usage usage = {
        .command = "perkline broker",
        .positional = "",
        .summary = "An embedded Kafka broker for development and tests. The first line of output is\n"
                   "bootstrap.servers=HOST:PORT. KAFKA_TOPIC_PREFIX (loyalty) names the program's topics.",
    };
    struct topics topics = {.count = 0};
    struct err err = {""};
    int positional;
    int status = args_read(table, &usage, NULL, argc, argv, &positional);

    if (status != ARGS_GO_ON) {
        return status;
    }
    status = 2;
    if (fill_topics(&topics, &options, &err)) {
        status = serve(&options, &topics);
    } else {
        fprintf(stderr, "perkline broker: %s\n", err.text);
    }
    finish_topics(&topics);
    return status;
}
