#include "run/gate.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "run/claims.h"

enum { TOO_MANY_DEFAULT_MS = 1000, TROUBLE_SHOWN_MS = 60000 };

static const struct metric_family breaker_family = {
    "perkline_breaker_state", METRIC_GAUGE, "0 closed, 1 open, 2 half open (one probe a second).", {"provider", NULL}};
static const struct metric_family in_flight_family = {"perkline_requests_in_flight", METRIC_GAUGE,
                                                      "Requests to the provider on the wire.", {"provider", NULL}};
static const struct metric_family connections_family = {"perkline_connections", METRIC_GAUGE,
                                                        "Most requests to the provider at once, of this process.",
                                                        {"provider", NULL}};

struct gate {
    struct loop *loop;
    const char *name;
    struct claims *claims;
    struct pauses *pauses;
    enum channel channel;
    const char *provider;
    struct breaker breaker;
    struct limiter *limiter;
    struct loop_timer *probe_timer;
    struct loop_hook *hook;
    bool must_wake;
    int64_t connections, in_flight;
    char trouble[VERDICT_REASON_SIZE]; /* what the provider said when it took nothing last; "" when it has taken since */
    int64_t trouble_at;
    loop_fn fn;
    void *arg;
    struct metric *breaker_gauge, *in_flight_gauge;
};

static void wake(void *arg)
{
    struct gate *gate = arg;

    gate->must_wake = true;
}

static void on_turn_end(void *arg)
{
    struct gate *gate = arg;

    if (gate->must_wake) {
        gate->must_wake = false;
        gate->fn(gate->arg);
    }
}

static void on_probe_time(void *arg)
{
    struct gate *gate = arg;

    gate->fn(gate->arg);
}

struct gate *gate_create(struct loop *loop, struct claims *claims, struct pauses *pauses,
                         const struct gate_settings *settings, struct metrics *metrics, loop_fn fn, void *arg)
{
    struct gate *gate = xcalloc(1, sizeof(*gate));
    const char *const labels[] = {settings->name};

    gate->loop = loop;
    gate->name = settings->name;
    gate->claims = claims;
    gate->pauses = pauses;
    gate->channel = settings->channel;
    gate->provider = settings->provider;
    gate->connections = settings->connections;
    gate->fn = fn;
    gate->arg = arg;
    breaker_init(&gate->breaker);
    gate->limiter = limiter_create(loop, claims_redis(claims), &settings->limiter, metrics, wake, gate);
    gate->probe_timer = loop_timer_create(loop, on_probe_time, gate);
    gate->hook = loop_hook_create(loop, on_turn_end, gate);
    gate->breaker_gauge = metrics_get(metrics, &breaker_family, labels);
    gate->in_flight_gauge = metrics_get(metrics, &in_flight_family, labels);
    metric_set(metrics_get(metrics, &connections_family, labels), (double)settings->connections);
    claims_add_listener(claims, wake, gate);
    pauses_add_listener(pauses, wake, gate);
    return gate;
}

void gate_destroy(struct gate *gate)
{
    if (!gate) {
        return;
    }
    limiter_destroy(gate->limiter);
    loop_timer_destroy(gate->probe_timer);
    loop_hook_destroy(gate->hook);
    free(gate);
}

bool gate_enter(struct gate *gate, int64_t wanted)
{
    int64_t now = loop_now_ms(gate->loop);

    if (!claims_is_ready(gate->claims) || gate->in_flight >= gate->connections ||
        pauses_stop(gate->pauses, gate->channel, gate->provider)) {
        return false; /* woken by the listeners, or by gate_leave() */
    }
    if (breaker_wait_ms(&gate->breaker, now) > 0) {
        loop_timer_start(gate->probe_timer, breaker_wait_ms(&gate->breaker, now));
        return false;
    }
    if (!limiter_take(gate->limiter, wanted)) {
        return false;
    }
    if (!breaker_allows(&gate->breaker, now)) {
        limiter_give_back(gate->limiter);
        return false;
    }
    gate->in_flight++;
    metric_set(gate->in_flight_gauge, (double)gate->in_flight);
    metric_set(gate->breaker_gauge, (double)gate->breaker.state);
    return true;
}

void gate_leave(struct gate *gate)
{
    assert(gate->in_flight > 0);
    gate->in_flight--;
    metric_set(gate->in_flight_gauge, (double)gate->in_flight);
    gate->must_wake = true;
}

/* Did the provider fail as a whole? What it says about one message, or about too many, is no failure. */
static bool is_failure(const struct verdict *verdict)
{
    return verdict->kind == VERDICT_NOT_SENT_CHANNEL || verdict->kind == VERDICT_AMBIGUOUS ||
           (verdict->kind == VERDICT_NOT_SENT_TRANSIENT && strcmp(verdict->reason, "http_429") != 0);
}

/* A probe that failed as the one before is nothing new: that would be a line a second for hours. */
static enum log_level log_level_of(enum breaker_state before, enum breaker_state after, bool is_news)
{
    if (after == BREAKER_CLOSED) {
        return LOG_INFO;
    }
    return before == BREAKER_HALF_OPEN && !is_news ? LOG_DEBUG : LOG_WARN;
}

/* True: another trouble than before. */
static bool note_trouble(struct gate *gate, const struct verdict *verdict, int64_t now)
{
    bool is_news = false;

    if (verdict->kind == VERDICT_SENT) {
        gate->trouble[0] = '\0';
    } else if (is_failure(verdict) || strcmp(verdict->reason, "http_429") == 0) {
        is_news = strcmp(gate->trouble, verdict->reason) != 0;
        snprintf(gate->trouble, sizeof(gate->trouble), "%s", verdict->reason);
        gate->trouble_at = now;
    }
    return is_news;
}

void gate_report(struct gate *gate, const struct verdict *verdict)
{
    enum breaker_state before = gate->breaker.state;
    int64_t now = loop_now_ms(gate->loop);
    bool is_news;

    limiter_learn(gate->limiter, verdict);
    if (strcmp(verdict->reason, "http_429") == 0) {
        limiter_block(gate->limiter, verdict->retry_after_ms > 0 ? verdict->retry_after_ms : TOO_MANY_DEFAULT_MS);
    }
    if (strcmp(verdict->reason, "lease_over") == 0) {
        return; /* our own doing */
    }
    is_news = note_trouble(gate, verdict, now);
    breaker_report(&gate->breaker, now, is_failure(verdict), verdict->kind == VERDICT_NOT_SENT_CHANNEL);
    if (gate->breaker.state != before) {
        log_event(log_level_of(before, gate->breaker.state, is_news), "breaker", "provider", gate->name, "from",
                  breaker_state_name(before), "to", breaker_state_name(gate->breaker.state), "reason", verdict->reason,
                  NULL);
        gate->must_wake = true;
    }
    metric_set(gate->breaker_gauge, (double)gate->breaker.state);
}

enum breaker_state gate_breaker_state(const struct gate *gate)
{
    return gate->breaker.state;
}

const char *gate_trouble(const struct gate *gate)
{
    bool is_old = loop_now_ms(gate->loop) - gate->trouble_at > TROUBLE_SHOWN_MS;

    return gate->breaker.state == BREAKER_CLOSED && is_old ? "" : gate->trouble;
}

int64_t gate_in_flight(const struct gate *gate)
{
    return gate->in_flight;
}

int64_t gate_rate(const struct gate *gate)
{
    return limiter_rate(gate->limiter);
}
