/*
 * May Redis be trusted? Asked after every connect, and again when a script says that it may not:
 * clock -> policy -> epoch of all shards -> RESTORE of what we wrote lately -> ready, or without an epoch recovery, and again
 * from the beginning. What we wrote goes back before the recovery: the outcomes topic does not tell of what is on the wire.
 */
#include "run/claims_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crashpoint.h"
#include "base/embed.h"
#include "base/log.h"
#include "base/number.h"

EMBED_FILE(restore_lua, "common/run/scripts/restore.lua")
EMBED_FILE(open_shard_lua, "common/run/scripts/open_shard.lua")

const struct redis_script claims_restore_script = {"restore", restore_lua_data, 2};
const struct redis_script claims_open_shard_script = {"open_shard", open_shard_lua_data, 1};

enum { RECHECK_MS = 1000, READY_CHECK_MS = 60000, RECOVERY_LEASE_MS = 15000, RESTORE_BATCH = 512 };

static void refuse(struct claims *claims, const char *reason)
{
    claims_set_state(claims, CLAIMS_REFUSED, "%s", reason);
    loop_timer_start(claims->check_timer, RECHECK_MS);
}

/* Answers carry the round that asked, so that those of an earlier connection count for nothing. */
static void *round_arg(struct claims *claims)
{
    struct claims_round *round = &claims->rounds[claims->check_round % CLAIMS_ROUNDS];

    *round = (struct claims_round){claims, claims->check_round};
    return round;
}

/* The claims of an answer, or NULL when it belongs to an older round. */
static struct claims *current(void *arg)
{
    struct claims_round *round = arg;

    return round->claims->check_round == round->number ? round->claims : NULL;
}

/* Is the answer none? When the connection is gone the next one begins anew; when it stands, the check does after a
 * second. */
static bool is_unavailable(struct claims *claims, enum redis_status status, const struct redis_reply *reply)
{
    char text[128];

    if (status != REDIS_UNAVAILABLE) {
        return false;
    }
    if (claims->state != CLAIMS_DOWN) {
        snprintf(text, sizeof(text), "Redis cannot be used: %.*s", (int)(reply->text.len < 90 ? reply->text.len : 90),
                 reply->text.data ? reply->text.data : "");
        claims->check_round++;
        refuse(claims, text);
    }
    return true;
}

/* --- last step: RESTORE of the ring ------------------------------------------------------------------------------- */

static void restore_more(struct claims *claims);

static void begin_recovery(struct claims *claims);

static void become_ready(struct claims *claims)
{
    claims->has_put_back = false;
    claims_watch_begin(claims);
    claims_set_state(claims, CLAIMS_READY, "%s", "");
    loop_timer_start(claims->check_timer, READY_CHECK_MS);
}

static void on_ring_restored(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct claims *claims = current(arg);

    if (!claims || is_unavailable(claims, status, reply)) {
        return;
    }
    if (status == REDIS_ERROR) {
        refuse(claims, "Redis refuses RESTORE");
        claims->check_round++;
        log_event(LOG_ERROR, "restore_refused", "reason", reply->text.data, NULL);
        return;
    }
    if (--claims->check_open == 0) {
        restore_more(claims);
    }
}

static void send_restore(struct claims *claims, const struct mid *mid, const char *record, int64_t ttl_ms, redis_fn fn,
                         void *arg)
{
    char key[CLAIM_KEY_SIZE], guard[CLAIM_KEY_SIZE], ttl[24];
    const struct slice args[] = {
        claims_record_key(claims, mid, key),
        claims_guard_key(claims, mid->bytes[0], guard),
        slice_of(record),
        slice_make(ttl, (size_t)snprintf(ttl, sizeof(ttl), "%" PRId64, ttl_ms)),
    };

    redis_eval(claims->redis, &claims_restore_script, args, 4, fn, arg);
}

static void restore_more(struct claims *claims)
{
    size_t end = claims->ring_next + RESTORE_BATCH;

    if (claims->ring_next >= claims->ring.count) {
        if (claims->knows_nothing && !claims->settings.only_looks_up) {
            claims->has_put_back = true;
            begin_recovery(claims);
        } else {
            become_ready(claims);
        }
        return;
    }
    end = end < claims->ring.count ? end : claims->ring.count;
    claims->check_open = end - claims->ring_next;
    for (; claims->ring_next < end; claims->ring_next++) {
        const struct claims_ring_entry *entry = claims_ring_get(&claims->ring, claims->ring_next);

        CRASHPOINT("ring_restore");
        send_restore(claims, &entry->mid, entry->record, entry->ttl_ms, on_ring_restored, round_arg(claims));
    }
}

/* --- recovery ----------------------------------------------------------------------------------------------------- */

static struct slice recovery_key(const struct claims *claims, char text[CLAIM_KEY_SIZE])
{
    return slice_make(text, (size_t)snprintf(text, CLAIM_KEY_SIZE, "n:{%s.recovery}", claims->environment));
}

static void ignore_answer(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    (void)arg;
    (void)status;
    (void)reply;
}

static void renew_lease(void *arg)
{
    struct claims *claims = arg;
    char key[CLAIM_KEY_SIZE], lease[24];
    const struct slice args[] = {
        SLICE("SET"), recovery_key(claims, key), slice_of(claims->boot_id), SLICE("PX"),
        slice_make(lease, (size_t)snprintf(lease, sizeof(lease), "%d", RECOVERY_LEASE_MS)),
    };

    if (claims->state == CLAIMS_RECOVERING) {
        redis_call(claims->redis, args, 5, ignore_answer, NULL);
        loop_timer_start(claims->lease_timer, RECOVERY_LEASE_MS / 3);
    }
}

static void recover(struct claims *claims)
{
    claims_set_state(claims, CLAIMS_RECOVERING, "rebuilding Redis from the outcomes topic");
    loop_timer_start(claims->lease_timer, RECOVERY_LEASE_MS / 3);
    if (claims->recover) {
        claims->recover(claims->recover_arg);
    }
}

/* The lease may be our own, of a recovery that failed. */
static void on_lease_holder(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct claims *claims = current(arg);

    if (!claims || is_unavailable(claims, status, reply)) {
        return;
    }
    if (status == REDIS_OK && reply->type == REDIS_TEXT && slice_is(reply->text, claims->boot_id)) {
        recover(claims);
    } else {
        refuse(claims, "another worker is rebuilding Redis from the outcomes topic");
    }
}

static void on_lease(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct claims *claims = current(arg);
    char key[CLAIM_KEY_SIZE];

    if (!claims || is_unavailable(claims, status, reply)) {
        return;
    }
    if (status == REDIS_ERROR) {
        refuse(claims, "Redis refuses SET (check the user's rights)");
    } else if (reply->type == REDIS_NIL) {
        const struct slice args[] = {SLICE("GET"), recovery_key(claims, key)};

        redis_call(claims->redis, args, 2, on_lease_holder, round_arg(claims));
    } else {
        recover(claims);
    }
}

static void begin_recovery(struct claims *claims)
{
    char key[CLAIM_KEY_SIZE], lease[24];
    const struct slice args[] = {
        SLICE("SET"), recovery_key(claims, key), slice_of(claims->boot_id), SLICE("NX"), SLICE("PX"),
        slice_make(lease, (size_t)snprintf(lease, sizeof(lease), "%d", RECOVERY_LEASE_MS)),
    };

    redis_call(claims->redis, args, 6, on_lease, round_arg(claims));
}

void claims_set_recovery(struct claims *claims, loop_fn fn, void *arg)
{
    claims->recover = fn;
    claims->recover_arg = arg;
}

static void on_restored(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct claims *claims = arg;

    (void)reply;
    claims->restores_open--;
    if (status == REDIS_ERROR) {
        log_event(LOG_ERROR, "restore_refused", "reason", reply->text.data, NULL);
    }
    if (status != REDIS_OK && claims->state == CLAIMS_RECOVERING) {
        claims_recovery_failed(claims, "Redis did not take a record");
    }
}

void claims_restore(struct claims *claims, const struct mid *mid, char state, uint64_t fence, const char *info,
                    int64_t ttl_ms)
{
    char record[CLAIM_INFO_SIZE + 32];

    snprintf(record, sizeof(record), "%c|%" PRIu64 "|%s", state, fence, info);
    claims->restores_open++;
    send_restore(claims, mid, record, ttl_ms, on_restored, claims);
}

size_t claims_restore_open_count(const struct claims *claims)
{
    return claims->restores_open;
}

static void on_shard_open(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct claims *claims = current(arg);

    if (!claims || is_unavailable(claims, status, reply)) {
        return;
    }
    if (status == REDIS_ERROR) {
        claims_recovery_failed(claims, "Redis refuses the new epoch");
        return;
    }
    CRASHPOINT("rebuild_shard_open");
    if (--claims->check_open == 0) {
        log_event(LOG_INFO, "redis_recovered", NULL);
        claims_check_begin(claims);
    }
}

void claims_recovered(struct claims *claims)
{
    char epoch[24], least[24], ttl[NUMBER_TEXT_SIZE];
    int64_t now = clock_wall_ms();

    if (claims->state != CLAIMS_RECOVERING) {
        return;
    }
    loop_timer_stop(claims->lease_timer);
    snprintf(epoch, sizeof(epoch), "%" PRId64, now);
    snprintf(least, sizeof(least), "%" PRId64, now * 1000);
    claims->check_open = CLAIM_SHARDS;
    for (unsigned shard = 0; shard < CLAIM_SHARDS; shard++) {
        char guard[CLAIM_KEY_SIZE];
        const struct slice args[] = {claims_guard_key(claims, shard, guard), slice_of(epoch), slice_of(least),
                                     number_format(claims->settings.guard_ttl_ms, ttl)};

        redis_eval(claims->redis, &claims_open_shard_script, args, 4, on_shard_open, round_arg(claims));
    }
}

void claims_recovery_failed(struct claims *claims, const char *reason)
{
    if (claims->state == CLAIMS_RECOVERING) {
        claims->check_round++;
        loop_timer_stop(claims->lease_timer);
        refuse(claims, reason);
    }
}

/* --- epoch -------------------------------------------------------------------------------------------------------- */

static void on_epochs_known(struct claims *claims)
{
    bool is_whole = claims->shards_with_epoch == CLAIM_SHARDS && !claims->has_mixed_epochs;

    claims->knows_nothing = !is_whole;
    if (claims->knows_nothing && claims->has_put_back) {
        begin_recovery(claims);
    } else {
        claims->ring_next = 0;
        restore_more(claims);
    }
}

static void on_epoch(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct claims *claims = current(arg);

    if (!claims || is_unavailable(claims, status, reply)) {
        return;
    }
    if (status == REDIS_ERROR) {
        claims->check_round++;
        refuse(claims, "Redis refuses HGET (check the user's rights)");
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

        redis_call(claims->redis, args, 3, on_epoch, round_arg(claims));
    }
}

/* --- policy ------------------------------------------------------------------------------------------------------- */

/* A server that may evict records would make us forget what was sent. One that does not let us ask (managed Redis) is
 * taken at its operator's word, with a warning. */
static bool is_policy_fine(struct claims *claims, enum redis_status status, const struct redis_reply *reply)
{
    static bool is_warned;

    if (status == REDIS_OK && reply->type == REDIS_ARRAY && reply->count == 2) {
        bool is_fine = slice_is(reply->items[1].text, "noeviction");

        metric_set(claims->policy_gauge, !is_fine);
        if (is_fine) {
            return true;
        }
        claims->check_round++;
        refuse(claims, "Redis may evict records: set maxmemory-policy to noeviction");
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
    struct claims *claims = current(arg);

    if (claims && !is_unavailable(claims, status, reply) && is_policy_fine(claims, status, reply) &&
        claims->state == CLAIMS_CHECKING) {
        ask_epochs(claims);
    }
}

static void ask_policy(struct claims *claims)
{
    const struct slice args[] = {SLICE("CONFIG"), SLICE("GET"), SLICE("maxmemory-policy")};

    redis_call(claims->redis, args, 3, on_policy, round_arg(claims));
    claims_ask_persistence(claims);
}

/* --- clock -------------------------------------------------------------------------------------------------------- */

static void on_time(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct claims *claims = current(arg);
    int64_t seconds, skew_ms;

    if (!claims || is_unavailable(claims, status, reply)) {
        return;
    }
    if (status == REDIS_ERROR || reply->type != REDIS_ARRAY || reply->count != 2) {
        refuse(claims, "Redis refuses TIME (check the user's rights)");
        return;
    }
    if (!number_parse(reply->items[0].text, &seconds) || seconds < 0 || seconds > INT64_MAX / 2000) {
        refuse(claims, "unexpected answer to TIME");
        return;
    }
    skew_ms = seconds * 1000 - clock_wall_ms();
    if (skew_ms > claims->settings.most_skew_ms || -skew_ms > claims->settings.most_skew_ms) {
        metric_add(claims->skew_count, 1);
        refuse(claims, "the clocks of this machine and of Redis differ too much");
        return;
    }
    ask_policy(claims);
}

static void ask_time(struct claims *claims)
{
    const struct slice args[] = {SLICE("TIME")};

    redis_call(claims->redis, args, 1, on_time, round_arg(claims));
}

/* --- begin -------------------------------------------------------------------------------------------------------- */

void claims_check_begin(struct claims *claims)
{
    claims->check_round++;
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
        refuse(claims, reason);
    }
}

void claims_check_init(struct claims *claims)
{
    claims->check_timer = loop_timer_create(claims->loop, on_check_timer, claims);
    claims->lease_timer = loop_timer_create(claims->loop, renew_lease, claims);
    claims_watch_init(claims);
}

void claims_check_finish(struct claims *claims)
{
    loop_timer_destroy(claims->check_timer);
    loop_timer_destroy(claims->lease_timer);
    claims_watch_finish(claims);
}
