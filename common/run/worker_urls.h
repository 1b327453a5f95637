/*
 * worker_urls: are the addresses in the settings such that a worker would use them? Asked before anything is opened, so that
 * a wrong one is told at once, by `worker --check` too, and not after Redis was waited for. Asks nobody.
 */
#ifndef RUN_WORKER_URLS_H
#define RUN_WORKER_URLS_H

#include "base/err.h"
#include "run/worker_settings.h"

/* False + err, which names the setting. */
bool worker_urls_check(const struct worker_settings *settings, struct err *err);

#endif
