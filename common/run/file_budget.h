/*
 * file_budget: how many connections to its provider a channel may have, since each is an open file, so that none takes what
 * the other channel, Kafka or Redis need. A limit that is too low for the settings lowers the connections; one that is too
 * low for a worker stops the start.
 */
#ifndef RUN_FILE_BUDGET_H
#define RUN_FILE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "run/worker_settings.h"

enum { FILE_BUDGET_LEAST = 256 };

struct file_budget {
    int64_t limit;       /* files that may be open at once */
    int64_t needed;      /* for all connections of the settings */
    int64_t connections; /* that fit, of one channel; 0: the limit is below FILE_BUDGET_LEAST */
};

/* `channels` at least 1, each with `connections` when there is room. */
struct file_budget file_budget_make(int64_t limit, int64_t channels, int64_t connections);
/* For these settings, under the limit of this process. */
struct file_budget file_budget_of(const struct worker_settings *settings);
/* Lowers the connections of the settings to what fits, with a warning. False: the limit is too low for a worker. */
bool file_budget_fit(struct worker_settings *settings, struct err *err);

#endif
