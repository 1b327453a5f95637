/*
 * statistics: what the sandbox tells of the messages it took, as Brevo does: the events of those that bear a tag. A
 * message shows up some time after it was accepted.
 *
 *     GET /v3/smtp/statistics/events?tags=["TAG"]&limit=N
 *     GET /v3/transactionalSMS/statistics/events?tags=["TAG"]&limit=N
 */
#ifndef SANDBOX_STATISTICS_H
#define SANDBOX_STATISTICS_H

#include <stdbool.h>
#include <stdint.h>

#include "io/http_server.h"
#include "workers/sandbox/calls.h"
#include "workers/sandbox/inbox.h"

struct statistics {
    const struct calls *calls; /* borrowed */
    const struct inbox *inbox; /* borrowed; NULL: nothing is kept that could be told of */
    int64_t visibility_lag_ms;
    bool is_off;               /* a provider that cannot be asked */
};

/* False: not a question, and not answered. */
bool statistics_handle(const struct statistics *statistics, struct http_exchange *exchange);

#endif
