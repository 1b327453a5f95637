/*
 * gate: may one more request leave now? That people have not paused the channel, a connection
 * slot, the circuit breaker and a rate token, asked in this order.
 *
 * A task that passed holds a slot until gate_leave(). What an attempt came to is reported here, so that an outage closes
 * the gate and burns no attempts.
 */
#ifndef RUN_GATE_H
#define RUN_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/breaker.h"
#include "core/verdict.h"
#include "run/limiter.h"
#include "run/pauses.h"

struct gate;
struct claims;

struct gate_settings {
    const char *name; /* "brevo-email": for metrics */
    enum channel channel;
    const char *provider; /* "brevo" */
    int64_t connections;
    struct limiter_settings limiter;
};

/* `fn`: something may pass again. */
struct gate *gate_create(struct loop *loop, struct claims *claims, struct pauses *pauses,
                         const struct gate_settings *settings, struct metrics *metrics, loop_fn fn, void *arg);
void gate_destroy(struct gate *gate);

/* True: passed, with a slot. `wanted`: how many more would like to. */
bool gate_enter(struct gate *gate, int64_t wanted);
/* The slot is free again; the waiting are woken at the end of the turn. */
void gate_leave(struct gate *gate);
void gate_report(struct gate *gate, const struct verdict *verdict);
enum breaker_state gate_breaker_state(const struct gate *gate);
/* Why the provider takes nothing: the reason of its last refusal (http_429, unauthorized, connect, ...), "" when it has
 * taken a message since, or when all has been still for a minute and the breaker is closed. */
const char *gate_trouble(const struct gate *gate);
int64_t gate_in_flight(const struct gate *gate);
/* Requests a second that all workers together may make; 0: no limit. */
int64_t gate_rate(const struct gate *gate);

#endif
