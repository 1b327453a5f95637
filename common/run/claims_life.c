/*
 * The life of the claims: open, close, states and who is told of them, names of keys.
 */
#include "run/claims_inside.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"

static const struct metric_family stale_family = {
    "perkline_claims_stale_total", METRIC_COUNTER, "Results that came too late: a younger claim stood already.", {0}};
static const struct metric_family stale_sent_family = {
    "perkline_claims_stale_sent_total", METRIC_COUNTER,
    "Messages sent under a claim that someone else had taken over: near-duplicates.", {0}};
static const struct metric_family amnesia_family = {
    "perkline_claims_amnesia_total", METRIC_COUNTER, "Times that Redis had forgotten its epoch.", {0}};
static const struct metric_family new_server_family = {
    "perkline_redis_server_changes_total", METRIC_COUNTER,
    "Times that another Redis server stood in the place of the one that was written to last: it is told again what it may lack.",
    {0}};
static const struct metric_family unknown_family = {
    "perkline_claims_unknown_version_total", METRIC_COUNTER,
    "Records of a later version met in Redis: deliveries that wait until all workers are of that version.", {0}};
static const struct metric_family broken_family = {
    "perkline_claims_unreadable_total", METRIC_COUNTER,
    "Records met in Redis that no version wrote: deliveries that wait until a person says what became of them.", {0}};
static const struct metric_family skew_family = {
    "perkline_claims_skew_total", METRIC_COUNTER, "Claims refused because clocks differ too much.", {0}};

static const struct metric_family state_family = {
    "perkline_redis_state", METRIC_GAUGE,
    "1 for the state that Redis is in: down, checking, recovering (being rebuilt from the outcomes topic), refused (not to "
    "be trusted), ready.",
    {"state", NULL}};
static const struct metric_family policy_family = {
    "perkline_redis_policy_wrong", METRIC_GAUGE, "1 while Redis is set up to evict records.", {0}};

static const struct metric_family latency_family = {"perkline_redis_command_seconds", METRIC_HISTOGRAM_FINE,
                                                    "Time from a command to the answer of Redis.", {0}};

static const char *const state_names[CLAIMS_STATE_COUNT] = {
    [CLAIMS_DOWN] = "down",       [CLAIMS_CHECKING] = "checking", [CLAIMS_RECOVERING] = "recovering",
    [CLAIMS_REFUSED] = "refused", [CLAIMS_READY] = "ready",
};

/* --- keys --------------------------------------------------------------------------------------------------------- */

struct slice claims_record_key(const struct claims *claims, const struct mid *mid, char text[CLAIM_KEY_SIZE])
{
    return claim_record_key(claims->environment, mid, text);
}

struct slice claims_guard_key(const struct claims *claims, unsigned shard, char text[CLAIM_KEY_SIZE])
{
    return claim_guard_key(claims->environment, shard, text);
}

/* --- states ------------------------------------------------------------------------------------------------------- */

static void show_state(const struct claims *claims)
{
    for (int state = 0; state < CLAIMS_STATE_COUNT; state++) {
        metric_set(metrics_get(claims->metrics, &state_family, (const char *const[]){state_names[state]}),
                   state == (int)claims->state);
    }
}

void claims_set_state(struct claims *claims, enum claims_state state, const char *format, ...)
{
    bool was_ready = claims->state == CLAIMS_READY;
    bool is_ready = state == CLAIMS_READY;
    va_list args;

    va_start(args, format);
    vsnprintf(claims->reason, sizeof(claims->reason), format, args);
    va_end(args);
    claims->state = state;
    show_state(claims);
    if (is_ready && !was_ready) {
        log_event(LOG_INFO, "claims_ready", "epoch", claims->epoch, NULL);
        claims->must_repeat = true;
        claims->told[0] = '\0';
    } else if (!is_ready && state != CLAIMS_CHECKING && strcmp(claims->told, claims->reason) != 0) {
        /* Checking is one moment between two others, each second while another worker rebuilds. */
        log_event(was_ready ? LOG_WARN : LOG_INFO, "claims_not_ready", "reason", claims->reason, NULL);
        memcpy(claims->told, claims->reason, sizeof(claims->told));
    }
    if (is_ready == was_ready) {
        return;
    }
    for (size_t i = 0; i < claims->listener_count; i++) {
        claims->listeners[i].fn(claims->listeners[i].arg);
    }
}

void claims_tell_strange(struct claims *claims, const struct mid *mid, char state)
{
    char text[MID_TEXT_SIZE];

    mid_format(mid, text);
    metric_add(state == '?' ? claims->unknown_count : claims->broken_count, 1);
    log_event(LOG_ERROR, state == '?' ? "record_of_unknown_version" : "record_unreadable", "mid", text, NULL);
}

static void on_connect(void *arg, const char *run_id, bool is_new_server)
{
    struct claims *claims = arg;

    if (is_new_server) {
        log_event(LOG_INFO, "redis_server", "run_id", run_id, NULL);
    }
    snprintf(claims->run_id, sizeof(claims->run_id), "%s", run_id);
    claims->has_put_back = false; /* the same mark may stand in an older copy */
    redis_set_ready(claims->redis); /* whether it may be trusted is asked here, and nobody is let through before */
    claims_check_begin(claims);
}

static void on_state(void *arg, bool is_ready, const char *reason)
{
    struct claims *claims = arg;

    if (!is_ready) {
        claims_set_state(claims, CLAIMS_DOWN, "Redis %s", reason);
    }
}

struct claims *claims_open(struct loop *loop, const struct redis_settings *redis_settings,
                           const struct claims_settings *settings, struct metrics *metrics, struct err *err)
{
    struct claims *claims = xcalloc(1, sizeof(*claims));
    const struct redis_events events = {.on_connect = on_connect,
                                        .on_state = on_state,
                                        .arg = claims,
                                        .latency = metrics_get(metrics, &latency_family, NULL)};
    uint8_t boot[8];

    claims->loop = loop;
    claims->settings = *settings;
    snprintf(claims->environment, sizeof(claims->environment), "%s", settings->environment);
    snprintf(claims->reason, sizeof(claims->reason), "Redis: connecting");
    random_bytes_from_system(boot, sizeof(boot));
    hex_format(boot, sizeof(boot), claims->boot_id);
    claims->metrics = metrics;
    claims->policy_gauge = metrics_get(metrics, &policy_family, NULL);
    show_state(claims);
    claims->stale_count = metrics_get(metrics, &stale_family, NULL);
    claims->stale_sent_count = metrics_get(metrics, &stale_sent_family, NULL);
    claims->amnesia_count = metrics_get(metrics, &amnesia_family, NULL);
    claims->new_server_count = metrics_get(metrics, &new_server_family, NULL);
    claims->unknown_count = metrics_get(metrics, &unknown_family, NULL);
    claims->broken_count = metrics_get(metrics, &broken_family, NULL);
    claims->skew_count = metrics_get(metrics, &skew_family, NULL);
    claims->redis = redis_open(loop, redis_settings, &events, err);
    if (!claims->redis) {
        free(claims);
        return NULL;
    }
    claims_check_init(claims);
    claims->hook = loop_hook_create(loop, claims_repeat_calls, claims);
    if (!settings->only_looks_up) {
        redis_add_script(claims->redis, &claims_begin_script);
        redis_add_script(claims->redis, &claims_settle_script);
        redis_add_script(claims->redis, &claims_restore_script);
        redis_add_script(claims->redis, &claims_open_shard_script);
        redis_add_script(claims->redis, &claims_note_server_script);
        redis_add_script(claims->redis, &claims_reopen_script);
    }
    return claims;
}

void claims_close(struct claims *claims)
{
    if (!claims) {
        return;
    }
    claims->listener_count = 0;
    redis_close(claims->redis);
    claims_forget_calls(claims);
    claims_check_finish(claims);
    loop_hook_destroy(claims->hook);
    claims_ring_finish(&claims->ring);
    free(claims);
}

bool claims_is_ready(const struct claims *claims)
{
    return claims->state == CLAIMS_READY;
}

bool claims_know_nothing(const struct claims *claims)
{
    return claims->knows_nothing;
}

const char *claims_state_reason(const struct claims *claims)
{
    return claims->state == CLAIMS_READY ? "" : claims->reason;
}

void claims_add_listener(struct claims *claims, loop_fn fn, void *arg)
{
    assert(claims->listener_count < CLAIMS_MOST_LISTENERS);
    claims->listeners[claims->listener_count].fn = fn;
    claims->listeners[claims->listener_count++].arg = arg;
}

struct redis *claims_redis(struct claims *claims)
{
    return claims->redis;
}

int64_t claims_lease_ms(const struct claims *claims)
{
    return claims->settings.lease_ms;
}
