/*
 * May Redis be trusted? Asked after every connect, and again when a script says that it may not:
 * clock -> policy -> epoch of all shards -> the server that was written to last -> RESTORE of what we wrote lately -> ready.
 * Without an epoch, and on another server than that, it is rebuilt first (claims_rebuild.c), and all is asked again.
 */
#include "run/claims_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crashpoint.h"
#include "base/embed.h"
#include "base/log.h"

EMBED_FILE(restore_lua, "common/run/scripts/restore.lua")

const struct redis_script claims_restore_script = {"restore", restore_lua_data, 2};

enum { RECHECK_MS = 1000, READY_CHECK_MS = 60000, RESTORE_BATCH = 512 };

void claims_refuse(struct claims *claims, const char *reason)
{
    claims_set_state(claims, CLAIMS_REFUSED, "%s", reason);
    loop_timer_start(claims->check_timer, RECHECK_MS);
}

/* Answers carry the round that asked, so that those of an earlier connection count for nothing. */
void *claims_round_arg(struct claims *claims)
{
    struct claims_round *round = &claims->rounds[claims->check_round % CLAIMS_ROUNDS];

    *round = (struct claims_round){claims, claims->check_round};
    return round;
}

/* The claims of an answer, or NULL when it belongs to an older round. */
struct claims *claims_of_round(void *arg)
{
    struct claims_round *round = arg;

    return round->claims->check_round == round->number ? round->claims : NULL;
}

/* Is the answer none? When the connection is gone the next one begins anew; when it stands, the check does after a
 * second. */
bool claims_is_unavailable(struct claims *claims, enum redis_status status, const struct redis_reply *reply)
{
    char text[128];

    if (status != REDIS_UNAVAILABLE) {
        return false;
    }
    if (claims->state != CLAIMS_DOWN) {
        snprintf(text, sizeof(text), "Redis cannot be used: %.*s", (int)(reply->text.len < 90 ? reply->text.len : 90),
                 reply->text.data ? reply->text.data : "");
        claims->check_round++;
        claims_refuse(claims, text);
    }
    return true;
}

/* --- RESTORE of the ring ------------------------------------------------------------------------------------------ */

static void restore_more(struct claims *claims);

static void on_ring_restored(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct claims *claims = claims_of_round(arg);

    if (!claims || claims_is_unavailable(claims, status, reply)) {
        return;
    }
    if (status == REDIS_ERROR) {
        claims_refuse(claims, "Redis refuses RESTORE");
        claims->check_round++;
        log_event(LOG_ERROR, "restore_refused", "reason", reply->text.data, NULL);
        return;
    }
    if (--claims->check_open == 0) {
        restore_more(claims);
    }
}

void claims_send_restore(struct claims *claims, const struct mid *mid, struct slice record, int64_t ttl_ms, redis_fn fn,
                         void *arg)
{
    char key[CLAIM_KEY_SIZE], guard[CLAIM_KEY_SIZE], ttl[24];
    const struct slice args[] = {
        claims_record_key(claims, mid, key),
        claims_guard_key(claims, mid->bytes[0], guard),
        record,
        slice_make(ttl, (size_t)snprintf(ttl, sizeof(ttl), "%" PRId64, ttl_ms)),
    };

    redis_eval(claims->redis, &claims_restore_script, args, 4, fn, arg);
}

static void restore_more(struct claims *claims)
{
    size_t end = claims->ring_next + RESTORE_BATCH;

    if (claims->ring_next >= claims->ring.count) {
        claims->ring_done(claims);
        return;
    }
    end = end < claims->ring.count ? end : claims->ring.count;
    claims->check_open = end - claims->ring_next;
    for (; claims->ring_next < end; claims->ring_next++) {
        const struct claims_ring_entry *entry = claims_ring_get(&claims->ring, claims->ring_next);

        CRASHPOINT("ring_restore");
        claims_send_restore(claims, &entry->mid, slice_of(entry->record), entry->ttl_ms, on_ring_restored,
                            claims_round_arg(claims));
    }
}

void claims_put_ring_back(struct claims *claims, void (*done)(struct claims *claims))
{
    claims->ring_next = 0;
    claims->ring_done = done;
    restore_more(claims);
}

void claims_refuse_skew(struct claims *claims)
{
    claims_refuse(claims, "the clocks of this machine and of Redis differ too much");
}

static void on_skewed_put_back(struct claims *claims)
{
    claims->has_put_back = true;
    claims_refuse_skew(claims);
}

static void become_ready(struct claims *claims)
{
    claims->was_ready = true;
    claims_watch_begin(claims);
    claims_set_state(claims, CLAIMS_READY, "%s", "");
    loop_timer_start(claims->check_timer, READY_CHECK_MS);
}

/* --- the server that was written to last -------------------------------------------------------------------------- */

/* Records on topics bear the time of the workers that wrote them, whose clocks may be wrong. */
enum { BEFORE_LOSS_MS = 300000 };

static void on_server(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct claims *claims = claims_of_round(arg);
    struct slice run_id;
    int64_t known_ms;

    if (!claims || claims_is_unavailable(claims, status, reply)) {
        return;
    }
    known_ms = claims_read_server(status == REDIS_OK ? reply->text : slice_of(""), &run_id);
    if (slice_is(run_id, claims->run_id)) {
        claims_put_ring_back(claims, become_ready);
    } else {
        metric_add(claims->new_server_count, 1);
        claims_rebuild(claims, known_ms > BEFORE_LOSS_MS ? known_ms - BEFORE_LOSS_MS : 0);
    }
}

/* --- epoch --------------------------------------------------------------------------------------------------------- */

/* A server that hides which one it is was always the same. */
static void on_epochs_known(struct claims *claims)
{
    claims->knows_nothing = claims->shards_with_epoch < CLAIM_SHARDS || claims->has_mixed_epochs;
    if (claims->settings.only_looks_up) {
        become_ready(claims);
    } else if (claims->is_skewed && claims->knows_nothing) {
        claims_put_ring_back_for_other(claims);
    } else if (claims->is_skewed && claims->has_put_back) {
        claims_refuse_skew(claims);
    } else if (claims->is_skewed) {
        claims_put_ring_back(claims, on_skewed_put_back);
    } else if (claims->knows_nothing) {
        claims_rebuild(claims, 0);
    } else if (claims->run_id[0]) {
        claims_ask_server(claims, on_server, claims_round_arg(claims));
    } else {
        claims_put_ring_back(claims, become_ready);
    }
}

static void on_epoch(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct claims *claims = claims_of_round(arg);

    if (!claims || claims_is_unavailable(claims, status, reply)) {
        return;
    }
    if (status == REDIS_ERROR) {
        claims->check_round++;
        claims_refuse(claims, "Redis refuses HGET (check the user's rights)");
        return;
    }
    if (reply->type == REDIS_TEXT && reply->text.len < sizeof(claims->epoch)) {
        if (claims->shards_with_epoch == 0) {
            snprintf(claims->epoch, sizeof(claims->epoch), "%.*s", (int)reply->text.len, reply->text.data);
        } else if (!slice_is(reply->text, claims->epoch)) {
            claims->has_mixed_epochs = true;
        }
        claims->shards_with_epoch++;
    }
    if (--claims->check_open == 0) {
        on_epochs_known(claims);
    }
}

static void ask_epochs(struct claims *claims)
{
    claims->shards_with_epoch = 0;
    claims->has_mixed_epochs = false;
    claims->check_open = CLAIM_SHARDS;
    for (unsigned shard = 0; shard < CLAIM_SHARDS; shard++) {
        char guard[CLAIM_KEY_SIZE];
        const struct slice args[] = {SLICE("HGET"), claims_guard_key(claims, shard, guard), SLICE("e")};

        redis_call(claims->redis, args, 3, on_epoch, claims_round_arg(claims));
    }
}

/* --- policy ------------------------------------------------------------------------------------------------------- */

/* A server that may evict records would make us forget what was sent. One that does not let us ask (managed Redis) is
 * taken at its operator's word, with a warning. */
static bool is_policy_fine(struct claims *claims, enum redis_status status, const struct redis_reply *reply)
{
    static bool is_warned;
    char reason[128];

    if (status == REDIS_OK && reply->type == REDIS_ARRAY && reply->count == 2) {
        bool is_fine = slice_is(reply->items[1].text, "noeviction");

        metric_set(claims->policy_gauge, !is_fine);
        if (is_fine) {
            return true;
        }
        claims->check_round++;
        snprintf(reason, sizeof(reason), "Redis may evict records: maxmemory-policy is %.*s; set maxmemory-policy to noeviction",
                 (int)(reply->items[1].text.len < 32 ? reply->items[1].text.len : 32), reply->items[1].text.data);
        claims_refuse(claims, reason);
        return false;
    }
    if (!is_warned) {
        is_warned = true;
        log_event(LOG_WARN, "redis_policy_unknown", "reason",
                  "CONFIG GET is not allowed; make sure that maxmemory-policy is noeviction", NULL);
    }
    return true;
}

static void on_policy(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct claims *claims = claims_of_round(arg);

    if (claims && !claims_is_unavailable(claims, status, reply) && is_policy_fine(claims, status, reply) &&
        claims->state == CLAIMS_CHECKING) {
        ask_epochs(claims);
    }
}

static void ask_policy(struct claims *claims)
{
    const struct slice args[] = {SLICE("CONFIG"), SLICE("GET"), SLICE("maxmemory-policy")};

    redis_call(claims->redis, args, 3, on_policy, claims_round_arg(claims));
    claims_ask_persistence(claims);
}

/* --- clock -------------------------------------------------------------------------------------------------------- */

static void on_time(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct claims *claims = claims_of_round(arg);
    int64_t now_ms, skew_ms;

    if (!claims || claims_is_unavailable(claims, status, reply)) {
        return;
    }
    if (status == REDIS_ERROR || reply->type != REDIS_ARRAY || reply->count != 2) {
        claims_refuse(claims, "Redis refuses TIME (check the user's rights)");
        return;
    }
    if (!redis_time_of(reply->items[0].text, reply->items[1].text, &now_ms)) {
        claims_refuse(claims, "unexpected answer to TIME");
        return;
    }
    skew_ms = now_ms - clock_wall_ms();
    claims->is_skewed = skew_ms > claims->settings.most_skew_ms || -skew_ms > claims->settings.most_skew_ms;
    if (claims->is_skewed) {
        metric_add(claims->skew_count, 1);
        ask_epochs(claims); /* nothing is begun here, but what we wrote is not to be forgotten */
        return;
    }
    ask_policy(claims);
}

static void ask_time(struct claims *claims)
{
    const struct slice args[] = {SLICE("TIME")};

    redis_call(claims->redis, args, 1, on_time, claims_round_arg(claims));
}

/* --- begin -------------------------------------------------------------------------------------------------------- */

void claims_check_begin(struct claims *claims)
{
    claims->check_round++;
    claims->check_begun_ms = clock_mono_ms();
    loop_timer_stop(claims->check_timer);
    claims_set_state(claims, CLAIMS_CHECKING, "checking Redis");
    if (claims->settings.only_looks_up) {
        ask_epochs(claims);
    } else {
        ask_time(claims);
    }
}

static void on_check_timer(void *arg)
{
    struct claims *claims = arg;

    if (claims->state == CLAIMS_READY && claims->settings.only_looks_up) {
        return;
    }
    if (claims->state == CLAIMS_READY) {
        ask_policy(claims);
        loop_timer_start(claims->check_timer, READY_CHECK_MS);
    } else if (claims->state == CLAIMS_REFUSED) {
        claims_check_begin(claims);
    }
}

void claims_distrust(struct claims *claims, const char *reason)
{
    if (claims->state == CLAIMS_READY) {
        claims_refuse(claims, reason);
    }
}

void claims_check_init(struct claims *claims)
{
    claims->check_timer = loop_timer_create(claims->loop, on_check_timer, claims);
    claims_rebuild_init(claims);
    claims_watch_init(claims);
}

void claims_check_finish(struct claims *claims)
{
    loop_timer_destroy(claims->check_timer);
    claims_rebuild_finish(claims);
    claims_watch_finish(claims);
}
