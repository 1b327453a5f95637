/*
 * system: the whole thing as it runs in production, on free ports and in a folder of its own: a Kafka, a redis-server, a
 * sandbox for a provider, and any number of workers, all real processes, none of them left behind.
 *
 * The Kafka is the embedded broker, or, when KAFKA_BOOTSTRAP is set, the one that it names (KAFKA_REPLICAS copies of each
 * topic); every system has topics and groups of its own there. Two kinds of templates: the repository's, or the
 * small flow `note` (type test.note) whose messages show who they are for and in which order they were asked for.
 */
#ifndef SUPPORT_SYSTEM_H
#define SUPPORT_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "core/channel.h"
#include "tests/support/kafka_tool.h"
#include "tests/support/process.h"
#include "tests/support/redis_server.h"

enum { SYSTEM_MOST_WORKERS = 4, SYSTEM_PARTITIONS = 4 };

struct kafka_mock;

struct system_options {
    bool has_repository_templates;
    bool is_group;                  /* workers share the partitions by a consumer group; else by KAFKA_ASSIGN */
    const char *channels;           /* "email": the only one that workers serve; NULL: all */
    int partitions;                 /* of each topic; 0: SYSTEM_PARTITIONS */
    const char *const *worker_env;  /* more settings, NULL-terminated, or NULL */
    const char *const *sandbox_args;
    struct kafka_mock *mock;        /* the Kafka to use, borrowed; NULL: the embedded broker, or that of KAFKA_BOOTSTRAP */
    const char *const *redis_options; /* for redis-server; NULL: nothing on disk, and a user with the rules of deploy/redis.acl */
};

struct system {
    struct system_options options;
    char *dir;           /* everything of this system */
    char *templates_dir; /* may be written to unless it is the repository's */
    char *prefix;        /* of the topics; also the group */
    char *bootstrap;
    char *sandbox_url;
    char *sandbox_listen;
    struct process *broker; /* NULL: not ours */
    struct process *sandbox;
    struct redis_server *redis;
    struct kafka_tool *kafka;
    const char *worker_binary; /* of workers that are started from now on; NULL: the program under test. Borrowed */
    struct process *workers[SYSTEM_MOST_WORKERS];
};

/* Everything but workers. Never NULL. */
struct system *system_create(const struct system_options *options);
void system_destroy(struct system *system);
/* For cmocka: a system with nothing special about it, as the state of a test; and the end of any. */
int system_set_up(void **state);
int system_tear_down(void **state);

/* The binary under test: PERKLINE, or the one beside the test program. */
const char *system_binary(void);
/* "127.0.0.1:PORT" that nobody listens on; the caller frees it. */
char *system_free_address(void);

/* Takes place `index`; what ran there must have ended. `env`: more settings, or NULL. Does not wait. */
struct process *system_start_worker(struct system *system, int index, const char *const env[]);
/* The same, and waits until /readyz says 200. */
struct process *system_start_ready_worker(struct system *system, int index, const char *const env[]);
/* Runs a command to its end, with the settings of a worker; `words` end with NULL, `env` may be NULL. What it printed is
 * to be freed. */
char *system_run_command(struct system *system, const char *const words[], const char *const env[], int *status);
/* SIGTERM, and waits; its exit status. */
int system_stop_worker(struct system *system, int index);
/* Status of GET `path` of a worker; `answer` (may be NULL) is to be freed. 0: nobody answers. */
int system_ask_worker(const struct system *system, int index, const char *path, char **answer);
bool system_wait_ready(struct system *system, int index);
/* Sum of the samples whose name and labels contain both texts; -1 when there is no answer. */
double system_metric(const struct system *system, int index, const char *name, const char *label);

/* "<prefix>.<word>"; a static buffer for each of four calls. */
const char *system_topic(const struct system *system, const char *word);

/* Another topic; the embedded broker makes those that are asked for by itself. */
void system_make_topic(struct system *system, const char *word);

/* Records of a topic that are not committed, summed over the channels; -1 when Kafka gives no answer now. */
int64_t system_lag(struct system *system, const char *word);
/* Nothing is left to do: every group of a channel has committed all of the input and of the retry topics. */
bool system_is_idle(struct system *system);
/* False + what is missing on stderr. */
bool system_wait_idle(struct system *system);

/* Starts again on the same address, with nothing remembered. */
void system_start_sandbox(struct system *system);
/* PUT /api/faults; ends the program when it is refused. */
void system_set_faults(const struct system *system, const char *json);
/* GET below the sandbox's /api/; new reference. Never NULL. */
json_t *system_ask_sandbox(const struct system *system, const char *path);
/* Of /api/stats: "accepted", "duplicates", ... of one channel. */
int64_t system_sandbox_count(const struct system *system, enum channel channel, const char *what);

#endif
