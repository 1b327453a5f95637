/*
 * The rebuild of a Redis that has forgotten: all of it when an epoch is gone, its last moments when another server stands in
 * the place of the one that was written to last. One worker at a time, by a lease. It marks each shard with the name of its
 * rebuild and opens only shards that still bear it, so that a Redis that is emptied once more meanwhile does not pass for a
 * whole one. Under each new mark every worker puts back what it wrote lately, since the topics do not tell of what is on the
 * wire.
 */
#include "run/claims_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/crashpoint.h"
#include "base/embed.h"
#include "base/log.h"
#include "base/number.h"

EMBED_FILE(open_shard_lua, "common/run/scripts/open_shard.lua")
EMBED_FILE(note_server_lua, "common/run/scripts/note_server.lua")

const struct redis_script claims_open_shard_script = {"open_shard", open_shard_lua_data, 1};
const struct redis_script claims_note_server_script = {"note_server", note_server_lua_data, 1};

enum { RECOVERY_LEASE_MS = 15000, LOOK_MS = 1000 };

static struct slice recovery_key(const struct claims *claims, char text[CLAIM_KEY_SIZE])
{
    return slice_make(text, (size_t)snprintf(text, CLAIM_KEY_SIZE, "n:{%s.recovery}", claims->environment));
}

static struct slice server_key(const struct claims *claims, char text[CLAIM_KEY_SIZE])
{
    return slice_make(text, (size_t)snprintf(text, CLAIM_KEY_SIZE, "n:{%s.recovery}:server", claims->environment));
}

/* --- the server that was written to last -------------------------------------------------------------------------- */

void claims_ask_server(struct claims *claims, redis_fn fn, void *arg)
{
    char key[CLAIM_KEY_SIZE];
    const struct slice args[] = {SLICE("GET"), server_key(claims, key)};

    redis_call(claims->redis, args, 2, fn, arg);
}

int64_t claims_read_server(struct slice text, struct slice *run_id)
{
    const char *space = text.len ? memchr(text.data, ' ', text.len) : NULL;
    size_t len = space ? (size_t)(space - text.data) : 0;
    int64_t known_ms = 0;

    *run_id = slice_make(text.data, len);
    return space && number_parse(slice_make(space + 1, text.len - len - 1), &known_ms) && known_ms > 0 ? known_ms : 0;
}

void claims_note_server(struct claims *claims)
{
    char key[CLAIM_KEY_SIZE], ttl[NUMBER_TEXT_SIZE];
    const struct slice args[] = {server_key(claims, key), slice_of(claims->run_id),
                                 number_format(claims->settings.guard_ttl_ms, ttl)};

    if (claims->run_id[0]) {
        redis_eval(claims->redis, &claims_note_server_script, args, 3, NULL, NULL);
    }
}

/* --- the rebuild -------------------------------------------------------------------------------------------------- */

static void renew_lease(struct claims *claims)
{
    char key[CLAIM_KEY_SIZE], lease[NUMBER_TEXT_SIZE];
    const struct slice args[] = {SLICE("SET"), recovery_key(claims, key), slice_of(claims->boot_id), SLICE("PX"),
                                 number_format(RECOVERY_LEASE_MS, lease)};

    redis_call(claims->redis, args, 5, NULL, NULL);
    loop_timer_start(claims->lease_timer, LOOK_MS);
}

/* The mark of one shard tells of a rebuild. */
static void ask_mark(struct claims *claims, redis_fn fn)
{
    char guard[CLAIM_KEY_SIZE];
    const struct slice args[] = {SLICE("HGET"), claims_guard_key(claims, 0, guard), SLICE("r")};

    redis_call(claims->redis, args, 3, fn, claims_round_arg(claims));
}

/* Emptied again, and perhaps another worker is rebuilding it already, which does not have what we wrote. */
static void on_own_mark(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct claims *claims = claims_of_round(arg);

    if (!claims || claims->state != CLAIMS_RECOVERING || status != REDIS_OK) {
        return;
    }
    if (reply->type == REDIS_TEXT && slice_is(reply->text, claims->mark)) {
        renew_lease(claims);
    } else {
        claims_check_begin(claims);
    }
}

static void look(void *arg)
{
    struct claims *claims = arg;

    if (claims->state == CLAIMS_RECOVERING) {
        ask_mark(claims, on_own_mark);
    }
}

static void recover(struct claims *claims)
{
    claims->has_put_back = true;
    if (claims->rebuild_from_ms) {
        claims_set_state(claims, CLAIMS_RECOVERING, "another Redis server: putting back what it may lack");
    } else {
        claims_set_state(claims, CLAIMS_RECOVERING, "rebuilding Redis from the outcomes topic");
    }
    claims->check_took_ms = clock_mono_ms() - claims->check_begun_ms;
    loop_timer_start(claims->lease_timer, LOOK_MS);
    if (claims->recover) {
        claims->recover(claims->recover_arg);
    }
}

static void on_marked(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct claims *claims = claims_of_round(arg);

    if (!claims || claims_is_unavailable(claims, status, reply)) {
        return;
    }
    if (status == REDIS_ERROR) {
        claims->check_round++;
        claims_refuse(claims, "Redis refuses HSET (check the user's rights)");
    } else if (--claims->check_open == 0) {
        claims_put_ring_back(claims, recover);
    }
}

static void mark_shards(struct claims *claims)
{
    snprintf(claims->mark, sizeof(claims->mark), "%s.%" PRIu64, claims->boot_id, ++claims->rebuilds);
    claims->has_put_back = false;
    claims->check_open = CLAIM_SHARDS;
    for (unsigned shard = 0; shard < CLAIM_SHARDS; shard++) {
        char guard[CLAIM_KEY_SIZE];
        const struct slice args[] = {SLICE("HSET"), claims_guard_key(claims, shard, guard), SLICE("r"),
                                     slice_of(claims->mark)};

        redis_call(claims->redis, args, 4, on_marked, claims_round_arg(claims));
    }
}

static void wait_for_other(struct claims *claims)
{
    if (claims->is_skewed) {
        claims_refuse_skew(claims);
        return;
    }
    claims_refuse(claims, claims->rebuild_from_ms ? "another worker is putting back what a new Redis server may lack"
                                                  : "another worker is rebuilding Redis from the outcomes topic");
}

static void on_ring_put_back(struct claims *claims)
{
    claims->has_put_back = true;
    wait_for_other(claims);
}

static void on_others_mark(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct claims *claims = claims_of_round(arg);

    if (!claims || claims_is_unavailable(claims, status, reply)) {
        return;
    }
    if (status != REDIS_OK || reply->type != REDIS_TEXT || reply->text.len >= sizeof(claims->mark) ||
        (claims->has_put_back && slice_is(reply->text, claims->mark))) {
        wait_for_other(claims);
        return;
    }
    snprintf(claims->mark, sizeof(claims->mark), "%.*s", (int)reply->text.len, reply->text.data);
    claims->has_put_back = false;
    claims_put_ring_back(claims, on_ring_put_back);
}

static void on_last_mark(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct claims *claims = claims_of_round(arg);

    if (!claims || claims_is_unavailable(claims, status, reply)) {
        return;
    }
    claims->goes_on = claims->has_put_back && status == REDIS_OK && reply->type == REDIS_TEXT &&
                      slice_is(reply->text, claims->mark);
    if (claims->goes_on) {
        recover(claims);
    } else {
        mark_shards(claims);
    }
}

void claims_put_ring_back_for_other(struct claims *claims)
{
    ask_mark(claims, on_others_mark);
}

/* The lease may be our own, of a rebuild that failed. */
static void on_lease_holder(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct claims *claims = claims_of_round(arg);

    if (!claims || claims_is_unavailable(claims, status, reply)) {
        return;
    }
    if (status == REDIS_OK && reply->type == REDIS_TEXT && slice_is(reply->text, claims->boot_id)) {
        ask_mark(claims, on_last_mark);
    } else {
        ask_mark(claims, on_others_mark);
    }
}

static void on_lease(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct claims *claims = claims_of_round(arg);
    char key[CLAIM_KEY_SIZE];

    if (!claims || claims_is_unavailable(claims, status, reply)) {
        return;
    }
    if (status == REDIS_ERROR) {
        claims_refuse(claims, "Redis refuses SET (check the user's rights)");
    } else if (reply->type == REDIS_NIL) {
        const struct slice args[] = {SLICE("GET"), recovery_key(claims, key)};

        redis_call(claims->redis, args, 2, on_lease_holder, claims_round_arg(claims));
    } else {
        mark_shards(claims);
    }
}

void claims_rebuild(struct claims *claims, int64_t from_ms)
{
    char key[CLAIM_KEY_SIZE], lease[NUMBER_TEXT_SIZE];
    const struct slice args[] = {SLICE("SET"), recovery_key(claims, key), slice_of(claims->boot_id), SLICE("NX"),
                                 SLICE("PX"), number_format(RECOVERY_LEASE_MS, lease)};

    claims->rebuild_from_ms = from_ms;
    claims->goes_on = false;
    redis_call(claims->redis, args, 6, on_lease, claims_round_arg(claims));
}

/* --- its owner's part --------------------------------------------------------------------------------------------- */

void claims_set_recovery(struct claims *claims, loop_fn fn, void *arg)
{
    claims->recover = fn;
    claims->recover_arg = arg;
}

int64_t claims_recovery_from_ms(const struct claims *claims)
{
    return claims->rebuild_from_ms;
}

bool claims_recovery_goes_on(const struct claims *claims)
{
    return claims->goes_on;
}

/* Of another server all learn at once, since their connections broke. Else they look once a second (claims_watch.c), and
 * again after a second when somebody else has the lease; then they ask what we asked, which took as long as the server
 * let it. */
int64_t claims_recovery_wait_ms(const struct claims *claims, bool is_topic_empty)
{
    if (!claims->knows_nothing || (is_topic_empty && !claims->was_ready)) {
        return 0;
    }
    return 3 * (LOOK_MS + claims->check_took_ms);
}

bool claims_recovery_is_ours(const struct claims *claims)
{
    return claims->state == CLAIMS_RECOVERING;
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

void claims_restore(struct claims *claims, const struct mid *mid, struct slice record, int64_t ttl_ms)
{
    claims->restores_open++;
    claims_send_restore(claims, mid, record, ttl_ms, on_restored, claims);
}

size_t claims_restore_open_count(const struct claims *claims)
{
    return claims->restores_open;
}

static void on_shard_open(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct claims *claims = claims_of_round(arg);

    if (!claims || claims_is_unavailable(claims, status, reply)) {
        return;
    }
    if (status == REDIS_ERROR) {
        claims_recovery_failed(claims, "Redis refuses the new epoch");
        return;
    }
    if (reply->number == 0) {
        claims_recovery_failed(claims, "Redis was emptied while it was rebuilt");
        return;
    }
    CRASHPOINT("rebuild_shard_open");
    if (--claims->check_open == 0) {
        log_event(LOG_INFO, "redis_recovered", NULL);
        claims_check_begin(claims);
    }
}

/* The server is named first: whoever finds the epoch finds it as well. */
void claims_recovered(struct claims *claims)
{
    char epoch[NUMBER_TEXT_SIZE], least[NUMBER_TEXT_SIZE], ttl[NUMBER_TEXT_SIZE];
    int64_t now = clock_wall_ms();

    if (claims->state != CLAIMS_RECOVERING) {
        return;
    }
    loop_timer_stop(claims->lease_timer);
    if (claims->knows_nothing) {
        snprintf(claims->epoch, sizeof(claims->epoch), "%s", number_format(now, epoch).data);
    }
    claims_note_server(claims);
    claims->check_open = CLAIM_SHARDS;
    for (unsigned shard = 0; shard < CLAIM_SHARDS; shard++) {
        char guard[CLAIM_KEY_SIZE];
        const struct slice args[] = {claims_guard_key(claims, shard, guard), slice_of(claims->epoch),
                                     number_format(now * 1000, least),
                                     number_format(claims->settings.guard_ttl_ms, ttl), slice_of(claims->mark)};

        redis_eval(claims->redis, &claims_open_shard_script, args, 5, on_shard_open, claims_round_arg(claims));
    }
}

void claims_recovery_failed(struct claims *claims, const char *reason)
{
    if (claims->state == CLAIMS_RECOVERING) {
        claims->check_round++;
        loop_timer_stop(claims->lease_timer);
        claims_refuse(claims, reason);
    }
}

void claims_rebuild_init(struct claims *claims)
{
    claims->lease_timer = loop_timer_create(claims->loop, look, claims);
}

void claims_rebuild_finish(struct claims *claims)
{
    loop_timer_destroy(claims->lease_timer);
}
