/*
 * calls: one call of the provider's API from request to answer. In this order, as Brevo does: faults that come before
 * everything, rate limit, key, validation, idempotency; then the message is accepted, which means recorded; then the
 * answer, late or spoilt when a fault says so. A delay never postpones the acceptance: what a client that lost patience
 * takes for a failure has been accepted.
 */
#ifndef SANDBOX_CALLS_H
#define SANDBOX_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "io/http_server.h"
#include "io/loop.h"
#include "workers/sandbox/faults.h"
#include "workers/sandbox/inbox.h"
#include "workers/sandbox/tally.h"

struct calls_settings {
    const char *api_key; /* NULL: any key is good */
    int64_t latency_ms;
    int64_t rate; /* requests per second and channel; 0: unlimited */
    int64_t key_ttl_ms;
    bool is_keyless;  /* idempotency keys are ignored */
    bool is_fast;     /* bodies are scanned, not parsed; nothing goes to the inbox */
    bool is_bodyless; /* the inbox keeps no requests */
};

struct calls;

/* The rest is borrowed and must live longer. */
struct calls *calls_create(struct loop *loop, const struct calls_settings *settings, struct faults *faults,
                           struct inbox *inbox, struct tally *tally);
/* Before the server is closed. Answers not given yet are not given. */
void calls_destroy(struct calls *calls);
/* Forgets the idempotency keys. */
void calls_clear(struct calls *calls);
/* May be changed while running. */
struct calls_settings *calls_settings(struct calls *calls);

/* Does the request bear a good key of the account? */
bool calls_has_good_key(const struct calls *calls, const struct http_exchange *exchange);
/* Answers requests below /v3/. */
void calls_handle(struct calls *calls, struct http_exchange *exchange);

#endif
