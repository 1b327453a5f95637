/*
 * scene_logs: the logs of a system as the history wants them: the input topic, the provider's own list of requests, the
 * outcomes, and what lies on the retry topics, the DLQ and the held topic.
 */
#ifndef CHAOS_SCENE_LOGS_H
#define CHAOS_SCENE_LOGS_H

#include "tests/chaos/history.h"
#include "tests/support/system.h"

void scene_logs_collect(struct system *system, struct history *history);

#endif
