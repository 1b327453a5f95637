/*
 * demo_parts: the processes of the demo: embedded broker (in this process), a private redis-server, the sandbox, one
 * worker for each channel. All in one folder that is removed at the end; all on free ports or unix sockets; none outlives
 * this process.
 */
#ifndef WORKERS_DEMO_PARTS_H
#define WORKERS_DEMO_PARTS_H

#include <stdbool.h>

#include "base/err.h"
#include "io/loop.h"

struct demo_parts;

struct demo_parts_options {
    const char *templates_dir;
    const char *settings_file; /* NULL: one in the folder of the parts */
};

/* Starts the broker, redis-server and the sandbox. `on_lost` is told when a part ended by itself. `options` outlives the
 * parts. */
struct demo_parts *demo_parts_start(struct loop *loop, const struct demo_parts_options *options,
                                    void (*on_lost)(void *arg, const char *name), void *arg, struct err *err);
/* Asks the sandbox for its address; true when it is known. Then the workers can be started. */
bool demo_parts_look(struct demo_parts *parts);
/* Writes the file of settings, too, for commands in another terminal. */
bool demo_parts_start_workers(struct demo_parts *parts, struct err *err);
/* SIGTERM to the workers: they drain. */
void demo_parts_stop_workers(struct demo_parts *parts);
bool demo_parts_workers_run(const struct demo_parts *parts);
/* Ends everything, removes the folder and the file of settings. */
void demo_parts_stop(struct demo_parts *parts);

const char *demo_parts_bootstrap(const struct demo_parts *parts);
/* "http://127.0.0.1:40321" */
const char *demo_parts_sandbox_url(const struct demo_parts *parts);
/* Where logs are, while it runs. */
const char *demo_parts_dir(const struct demo_parts *parts);
/* Of lines that a shell reads: export KAFKA_BROKERS='127.0.0.1:40123' */
const char *demo_parts_settings_file(const struct demo_parts *parts);

#endif
