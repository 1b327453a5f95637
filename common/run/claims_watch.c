/*
 * Does Redis still know what was sent? Asked once a second while it may be trusted, so that a worker with nothing to begin
 * notices an emptied Redis as well, and puts back what it wrote lately before another one ends the recovery. In the same
 * breath it is written down that this server is the one in use.
 */
#include "run/claims_inside.h"

enum { LOOK_MS = 1000 };

static void on_epoch(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct claims *claims = arg;

    if (status == REDIS_OK && claims->state == CLAIMS_READY && claims->watched_round == claims->check_round &&
        !(reply->type == REDIS_TEXT && slice_is(reply->text, claims->epoch))) {
        claims_check_begin(claims);
    }
}

static void look(void *arg)
{
    struct claims *claims = arg;
    char guard[CLAIM_KEY_SIZE];
    const struct slice args[] = {SLICE("HGET"), claims_guard_key(claims, claims->watched_shard, guard), SLICE("e")};

    if (claims->state == CLAIMS_READY) {
        claims->watched_shard = (claims->watched_shard + 1) % CLAIM_SHARDS;
        claims->watched_round = claims->check_round;
        redis_call(claims->redis, args, 3, on_epoch, claims);
        claims_note_server(claims);
        loop_timer_start(claims->watch_timer, LOOK_MS);
    }
}

void claims_watch_begin(struct claims *claims)
{
    if (!claims->settings.only_looks_up) {
        loop_timer_start(claims->watch_timer, LOOK_MS);
    }
}

void claims_watch_init(struct claims *claims)
{
    claims->watch_timer = loop_timer_create(claims->loop, look, claims);
}

void claims_watch_finish(struct claims *claims)
{
    loop_timer_destroy(claims->watch_timer);
}
