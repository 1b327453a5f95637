/*
 * worker_trial: would the libraries take the settings? Asked by `worker --check`, which must name each mistake that a start would
 * end with. Kafka's properties are given to its clients, which ask nobody; the address to listen on is looked up and taken for a
 * moment with another port, so that a worker that runs there already does not matter.
 */
#ifndef RUN_WORKER_TRIAL_H
#define RUN_WORKER_TRIAL_H

#include "base/err.h"
#include "run/worker_settings.h"

/* False + err, which names the setting. */
bool worker_trial(const struct worker_settings *settings, struct err *err);

#endif
