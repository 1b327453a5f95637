#include "workers/demo/demo_parts.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/settings.h"
#include "core/channel.h"
#include "io/child.h"
#include "io/kafka_broker.h"
#include "run/topics.h"

enum { EVENT_PARTITIONS = 6, OTHER_PARTITIONS = 2, MOST_OUTPUT = 1 << 20 };

enum part { PART_REDIS, PART_SANDBOX, PART_WORKER, PART_COUNT = PART_WORKER + CHANNEL_COUNT };

struct demo_part {
    struct demo_parts *owner;
    char name[32];
    struct child *child;
};

struct demo_parts {
    struct loop *loop;
    char dir[64];
    char program[4096]; /* this binary */
    const struct demo_parts_options *options;
    char settings_file[4096];
    bool has_settings_file;
    struct kafka_broker *broker;
    struct demo_part parts[PART_COUNT];
    char sandbox_url[128];
    bool is_stopping;
    void (*on_lost)(void *arg, const char *name);
    void *arg;
};

static void on_exit_of_part(void *arg, int exit_status, int term_signal)
{
    struct demo_part *part = arg;

    (void)exit_status;
    (void)term_signal;
    if (!part->owner->is_stopping) {
        part->owner->on_lost(part->owner->arg, part->name);
    }
}

static bool start_part(struct demo_parts *parts, int index, const char *name, const char *const argv[],
                       const char *const env[], struct err *err)
{
    struct demo_part *part = &parts->parts[index];
    char output[128];

    part->owner = parts;
    snprintf(part->name, sizeof(part->name), "%s", name);
    snprintf(output, sizeof(output), "%s/%s.log", parts->dir, name);
    part->child = child_start(parts->loop, &(struct child_options){argv, env, output}, on_exit_of_part, part, err);
    return part->child ? true : err_prefix(err, "cannot start %s", name);
}

static bool start_broker(struct demo_parts *parts, struct err *err)
{
    struct kafka_broker_topic list[4 + PARK_TIER_COUNT];
    struct topics topics;
    int count = 0;

    if (!topics_init(&topics, "loyalty", err)) {
        return false;
    }
    list[count++] = (struct kafka_broker_topic){"loyalty.events", EVENT_PARTITIONS};
    list[count++] = (struct kafka_broker_topic){topics.outcomes, OTHER_PARTITIONS};
    list[count++] = (struct kafka_broker_topic){topics.dlq, OTHER_PARTITIONS};
    list[count++] = (struct kafka_broker_topic){topics.held, OTHER_PARTITIONS};
    for (int tier = 0; tier < PARK_TIER_COUNT; tier++) {
        list[count++] = (struct kafka_broker_topic){topics.retry[tier], OTHER_PARTITIONS};
    }
    parts->broker = kafka_broker_open(parts->loop, NULL, list, count, err);
    return parts->broker != NULL;
}

static bool start_redis(struct demo_parts *parts, struct err *err)
{
    char socket[96];
    const char *const argv[] = {"redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no",
                                "--maxmemory-policy", "noeviction", "--dir", parts->dir, NULL};

    snprintf(socket, sizeof(socket), "%s/redis.sock", parts->dir);
    return start_part(parts, PART_REDIS, "redis-server", argv, NULL, err);
}

static bool start_sandbox(struct demo_parts *parts, struct err *err)
{
    const char *const argv[] = {parts->program, "sandbox", "--listen", "127.0.0.1:0", NULL};

    return start_part(parts, PART_SANDBOX, "sandbox", argv, NULL, err);
}

struct demo_parts *demo_parts_start(struct loop *loop, const struct demo_parts_options *options,
                                    void (*on_lost)(void *arg, const char *name), void *arg, struct err *err)
{
    struct demo_parts *parts = xcalloc(1, sizeof(*parts));
    ssize_t len = readlink("/proc/self/exe", parts->program, sizeof(parts->program) - 1);

    parts->loop = loop;
    parts->options = options;
    parts->on_lost = on_lost;
    parts->arg = arg;
    snprintf(parts->dir, sizeof(parts->dir), "/tmp/perkline-demo-XXXXXX");
    if (len <= 0 || !mkdtemp(parts->dir)) {
        err_set(err, "cannot make a folder in /tmp: %s", strerror(errno));
        free(parts);
        return NULL;
    }
    snprintf(parts->settings_file, sizeof(parts->settings_file), "%s%s", options->settings_file ? "" : parts->dir,
             options->settings_file ? options->settings_file : "/settings");
    if (!start_broker(parts, err) || !start_redis(parts, err) || !start_sandbox(parts, err)) {
        demo_parts_stop(parts);
        return NULL;
    }
    return parts;
}

bool demo_parts_look(struct demo_parts *parts)
{
    static const char word[] = "listening on ";
    char path[128];
    char *output;
    const char *at;

    snprintf(path, sizeof(path), "%s/sandbox.log", parts->dir);
    output = settings_read_file(path, MOST_OUTPUT, NULL, NULL);
    at = output ? strstr(output, word) : NULL;
    if (at && strchr(at, '\n')) {
        at += sizeof(word) - 1;
        snprintf(parts->sandbox_url, sizeof(parts->sandbox_url), "%.*s", (int)strcspn(at, " \n"), at);
    }
    free(output);
    return parts->sandbox_url[0] != '\0';
}

/* "NAME=value" becomes export NAME='value', whatever stands in the value. */
static void write_setting(FILE *to, const char *setting)
{
    const char *value = strchr(setting, '=') + 1;

    fprintf(to, "export %.*s'", (int)(value - setting), setting);
    for (; *value; value++) {
        fprintf(to, *value == '\'' ? "'\\%c'" : "%c", *value);
    }
    fputs("'\n", to);
}

static bool write_settings(struct demo_parts *parts, const char *const env[], struct err *err)
{
    FILE *to = fopen(parts->settings_file, "w");
    bool is_written;

    if (!to) {
        return err_set(err, "cannot write %s: %s", parts->settings_file, strerror(errno));
    }
    parts->has_settings_file = true;
    for (size_t i = 0; env[i]; i++) {
        write_setting(to, env[i]);
    }
    is_written = ferror(to) == 0;
    is_written = fclose(to) == 0 && is_written;
    return is_written || err_set(err, "cannot write %s: %s", parts->settings_file, strerror(errno));
}

bool demo_parts_start_workers(struct demo_parts *parts, struct err *err)
{
    char brokers[160], redis[128], url[160], templates[4200];
    const char *const env[] = {brokers, redis, url, templates, "BREVO_API_KEY=demo",
                               "EMAIL_FROM=Loyalty <loyalty@example.com>", "SMS_FROM=Loyalty", "ENVIRONMENT=demo",
                               "KAFKA_SESSION_TIMEOUT=6s", "HTTP_LISTEN=127.0.0.1:0", NULL};

    snprintf(brokers, sizeof(brokers), "KAFKA_BROKERS=%s", demo_parts_bootstrap(parts));
    snprintf(redis, sizeof(redis), "REDIS_URL=unix://%s/redis.sock", parts->dir);
    snprintf(url, sizeof(url), "BREVO_URL=%s", parts->sandbox_url);
    snprintf(templates, sizeof(templates), "TEMPLATES_DIR=%s", parts->options->templates_dir);
    if (!write_settings(parts, env, err)) {
        return false;
    }
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        const char *name = channel_name((enum channel)channel);
        const char *const argv[] = {parts->program, "worker", "--channels", name, NULL};
        char part_name[32];

        snprintf(part_name, sizeof(part_name), "worker-%s", name);
        if (!start_part(parts, PART_WORKER + channel, part_name, argv, env, err)) {
            return false;
        }
    }
    return true;
}

void demo_parts_stop_workers(struct demo_parts *parts)
{
    parts->is_stopping = true;
    for (int i = PART_WORKER; i < PART_COUNT; i++) {
        if (parts->parts[i].child) {
            child_signal(parts->parts[i].child, SIGTERM);
        }
    }
}

bool demo_parts_workers_run(const struct demo_parts *parts)
{
    for (int i = PART_WORKER; i < PART_COUNT; i++) {
        if (parts->parts[i].child && child_is_running(parts->parts[i].child)) {
            return true;
        }
    }
    return false;
}

static void remove_dir(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        char file[512];

        snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
        unlink(file);
    }
    if (dir) {
        closedir(dir);
    }
    rmdir(path);
}

void demo_parts_stop(struct demo_parts *parts)
{
    if (!parts) {
        return;
    }
    parts->is_stopping = true;
    for (int i = PART_COUNT - 1; i >= 0; i--) {
        child_destroy(parts->parts[i].child);
    }
    kafka_broker_close(parts->broker);
    if (parts->has_settings_file) {
        unlink(parts->settings_file);
    }
    remove_dir(parts->dir);
    free(parts);
}

const char *demo_parts_bootstrap(const struct demo_parts *parts)
{
    return kafka_broker_bootstrap(parts->broker);
}

const char *demo_parts_sandbox_url(const struct demo_parts *parts)
{
    return parts->sandbox_url;
}

const char *demo_parts_dir(const struct demo_parts *parts)
{
    return parts->dir;
}

const char *demo_parts_settings_file(const struct demo_parts *parts)
{
    return parts->settings_file;
}
