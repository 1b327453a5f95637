/*
 * inbox_api: what people and tests see of the sandbox: the page, and the JSON behind it.
 *
 *     GET    /api/messages          newest first; channel= mid= tag= to= since= (id or time) accepted= limit=
 *     GET    /api/messages/N        everything of one
 *     GET    /api/messages/N/html   its HTML part alone, for a frame that may do nothing
 *     DELETE /api/messages          starts again: messages, counts and idempotency keys are forgotten
 *     GET    /api/stats
 *     GET    /api/faults
 *     PUT    /api/faults            {"faults": [...], "seed", "latency_ms", "rate"}
 *     DELETE /api/faults
 */
#ifndef SANDBOX_INBOX_API_H
#define SANDBOX_INBOX_API_H

#include "io/http_server.h"
#include "workers/sandbox/calls.h"

/* Borrowed. */
struct inbox_api {
    struct inbox *inbox;
    struct tally *tally;
    struct faults *faults;
    struct calls *calls;
};

/* Answers everything that is no call of the provider's API. */
void inbox_api_handle(const struct inbox_api *api, struct http_exchange *exchange);

#endif
