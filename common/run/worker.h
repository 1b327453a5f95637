/*
 * worker: the process that consumes and sends. Start, run, drain, end.
 */
#ifndef RUN_WORKER_H
#define RUN_WORKER_H

#include "core/provider.h"
#include "run/worker_settings.h"

/* Runs until SIGTERM or SIGINT. Exit status: 0 drained, 1 cannot start, 3 must be restarted. `providers` ends in NULL. */
int worker_run(struct worker_settings *settings, const struct provider *const providers[]);

/* Loads the templates and says what is wrong with them, or "ok". Exit status 0 or 1. */
int worker_check(struct worker_settings *settings);

#endif
