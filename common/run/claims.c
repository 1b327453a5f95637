/*
 * The calls: look-up, BEGIN and SETTLE, each kept until it is answered.
 */
#include "run/claims_inside.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/clock.h"
#include "base/crashpoint.h"
#include "base/embed.h"
#include "base/mem.h"
#include "base/number.h"

EMBED_FILE(begin_lua, "common/run/scripts/begin.lua")
EMBED_FILE(settle_lua, "common/run/scripts/settle.lua")

const struct redis_script claims_begin_script = {"begin", begin_lua_data, 2};
const struct redis_script claims_settle_script = {"settle", settle_lua_data, 2};

enum call_kind { CALL_LOOK_UP, CALL_BEGIN, CALL_SETTLE };

struct claims_call {
    enum call_kind kind;
    struct claims *claims;
    struct mid mid;
    bool is_sent;
    struct claims_call *prev, *next; /* list: claims->calls */

    union {
        claims_look_up_fn look_up;
        claims_begin_fn begin;
        claims_settle_fn settle;
    } fn;
    void *arg;

    struct claim *claim; /* BEGIN */
    char fingerprint[CLAIM_FINGERPRINT_SIZE];
    const struct claim_record *known; /* the caller's; NULL: nothing */
    bool has_claim; /* SETTLE */
    uint64_t fence;
    char state;
    char info[CLAIM_INFO_SIZE];
    int64_t ttl_ms, delay_ms;
};

/* --- sending ------------------------------------------------------------------------------------------------------ */

static void on_look_up(void *arg, enum redis_status status, const struct redis_reply *reply);
static void on_begin(void *arg, enum redis_status status, const struct redis_reply *reply);
static void on_settle(void *arg, enum redis_status status, const struct redis_reply *reply);

static void send_look_up(struct claims *claims, struct claims_call *call)
{
    char key[CLAIM_KEY_SIZE];
    const struct slice args[] = {SLICE("GET"), claims_record_key(claims, &call->mid, key)};

    redis_call(claims->redis, args, 2, on_look_up, call);
}

static void send_begin(struct claims *claims, struct claims_call *call)
{
    char record[CLAIM_KEY_SIZE], guard[CLAIM_KEY_SIZE], lease[NUMBER_TEXT_SIZE], ttl[NUMBER_TEXT_SIZE],
        wall[NUMBER_TEXT_SIZE], skew[NUMBER_TEXT_SIZE];
    struct buf known;

    buf_init(&known, 0);
    if (call->known) {
        claim_record_format_open(call->known->state, call->known->fence, call->known->deadline_ms, call->known->attempts,
                                 call->known->first_ms, "", call->known->fingerprint, &known);
    }
    const struct slice args[] = {
        claims_record_key(claims, &call->mid, record),
        claims_guard_key(claims, call->mid.bytes[0], guard),
        slice_of(claims->epoch),
        slice_of(call->claim->id),
        number_format(claims->settings.lease_ms, lease),
        slice_of(call->fingerprint),
        number_format(call->ttl_ms, ttl),
        number_format(clock_wall_ms(), wall),
        number_format(claims->settings.most_skew_ms, skew),
        buf_slice(&known),
    };

    CRASHPOINT("begin_not_asked");
    redis_eval(claims->redis, &claims_begin_script, args, sizeof(args) / sizeof(args[0]), on_begin, call);
    buf_finish(&known);
}

static void send_settle(struct claims *claims, struct claims_call *call)
{
    char record[CLAIM_KEY_SIZE], guard[CLAIM_KEY_SIZE], fence[24], ttl[24], delay[24];
    const struct slice args[] = {
        claims_record_key(claims, &call->mid, record),
        claims_guard_key(claims, call->mid.bytes[0], guard),
        number_format((int64_t)call->fence, fence),
        slice_make(&call->state, 1),
        slice_of(call->info),
        number_format(call->ttl_ms, ttl),
        number_format(call->delay_ms, delay),
        slice_of(claims->epoch),
        call->has_claim ? SLICE("1") : SLICE("0"),
    };

    CRASHPOINT("settle_not_asked");
    redis_eval(claims->redis, &claims_settle_script, args, sizeof(args) / sizeof(args[0]), on_settle, call);
}

static void send_call(struct claims *claims, struct claims_call *call)
{
    call->is_sent = true;
    switch (call->kind) {
    case CALL_LOOK_UP:
        send_look_up(claims, call);
        break;
    case CALL_BEGIN:
        send_begin(claims, call);
        break;
    case CALL_SETTLE:
        send_settle(claims, call);
        break;
    }
}

static struct claims_call *add_call(struct claims *claims, enum call_kind kind, const struct mid *mid, void *arg)
{
    struct claims_call *call = claims->spare_calls;

    if (call) {
        claims->spare_calls = call->next;
        claims->spare_count--;
    } else {
        call = xmalloc(sizeof(*call));
    }
    *call = (struct claims_call){.kind = kind, .claims = claims, .mid = *mid, .arg = arg};
    DL_APPEND(claims->calls, call);
    return call;
}

static void send_if_ready(struct claims *claims, struct claims_call *call)
{
    if (claims->state == CLAIMS_READY) {
        send_call(claims, call);
    }
}

/* At the end of a turn: sends what waited for readiness. */
void claims_repeat_calls(void *arg)
{
    struct claims *claims = arg;
    struct claims_call *call;

    if (!claims->must_repeat || claims->state != CLAIMS_READY) {
        return;
    }
    claims->must_repeat = false;
    DL_FOREACH(claims->calls, call)
    {
        if (!call->is_sent) {
            send_call(claims, call);
        }
    }
}

/* Not answered: the call stays and is repeated when Redis can be trusted again. */
static void keep_call(struct claims_call *call)
{
    call->is_sent = false;
    call->claims->must_repeat = true;
}

/* While the connection stands the server said why (full, say): asking again at once would only be more of it. */
static void keep_refused_call(struct claims_call *call, const struct redis_reply *reply)
{
    char text[128];

    snprintf(text, sizeof(text), "Redis cannot be used: %.*s", (int)(reply->text.len < 90 ? reply->text.len : 90),
             reply->text.data ? reply->text.data : "");
    keep_call(call);
    claims_distrust(call->claims, text);
}

static void end_call(struct claims_call *call)
{
    struct claims *claims = call->claims;

    DL_DELETE(claims->calls, call);
    if (claims->spare_count == CLAIMS_MOST_SPARES) {
        free(call);
        return;
    }
    call->next = claims->spare_calls;
    claims->spare_calls = call;
    claims->spare_count++;
}

void claims_forget_calls(struct claims *claims)
{
    struct claims_call *call, *next;

    DL_FOREACH_SAFE(claims->calls, call, next)
    {
        end_call(call);
    }
    while ((call = claims->spare_calls)) {
        claims->spare_calls = call->next;
        free(call);
    }
}

/* An answer that our own script cannot give: the server is not what we think it is. */
static void refuse_answer(struct claims_call *call, const char *what, const struct redis_reply *reply)
{
    char text[128];

    snprintf(text, sizeof(text), "unexpected answer to %s: %.*s", what, (int)(reply->text.len < 80 ? reply->text.len : 80),
             reply->text.data ? reply->text.data : "");
    keep_call(call);
    claims_distrust(call->claims, text);
}

/* --- look-up ------------------------------------------------------------------------------------------------------ */

void claims_look_up(struct claims *claims, const struct mid *mid, claims_look_up_fn fn, void *arg)
{
    struct claims_call *call = add_call(claims, CALL_LOOK_UP, mid, arg);

    call->fn.look_up = fn;
    send_if_ready(claims, call);
}

/* False: not what GET answers about a key of ours. What stands there may be broken: that is one delivery's trouble. */
static bool read_record(enum redis_status status, const struct redis_reply *reply, struct claim_record *record)
{
    bool is_other_type = status == REDIS_ERROR && slice_starts_with(reply->text, "WRONGTYPE");

    *record = (struct claim_record){0};
    if (!is_other_type && (status != REDIS_OK || (reply->type != REDIS_NIL && reply->type != REDIS_TEXT))) {
        return false;
    }
    if (is_other_type || (reply->type == REDIS_TEXT && !claim_record_parse(reply->text, record))) {
        *record = (struct claim_record){.state = '!'};
    }
    return true;
}

static void on_look_up(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct claims_call *call = arg;
    struct claim_record record;
    claims_look_up_fn fn = call->fn.look_up;
    void *fn_arg = call->arg;

    if (status == REDIS_UNAVAILABLE) {
        keep_refused_call(call, reply);
        return;
    }
    if (!read_record(status, reply, &record)) {
        refuse_answer(call, "GET", reply);
        return;
    }
    if (claim_record_is_strange(&record) && !call->claims->settings.only_looks_up) {
        claims_tell_strange(call->claims, &call->mid, record.state);
    }
    end_call(call);
    fn(fn_arg, &record);
}

/* --- begin -------------------------------------------------------------------------------------------------------- */

void claims_begin(struct claims *claims, const struct mid *mid, struct claim *claim, const char *fingerprint,
                  const struct claim_record *known, int64_t ttl_ms, claims_begin_fn fn, void *arg)
{
    struct claims_call *call = add_call(claims, CALL_BEGIN, mid, arg);

    if (!claim->id[0]) {
        snprintf(claim->id, sizeof(claim->id), "%s.%" PRIu64, claims->boot_id, ++claims->next_claim);
        claim->lease_until_ms = clock_mono_ms() + claims->settings.lease_ms;
    }
    call->fn.begin = fn;
    call->claim = claim;
    call->known = known && claim_record_is_open(known) ? known : NULL;
    call->ttl_ms = ttl_ms;
    snprintf(call->fingerprint, sizeof(call->fingerprint), "%s", fingerprint);
    send_if_ready(claims, call);
}

static void remember(struct claims_call *call, struct buf *text)
{
    claims_ring_add(&call->claims->ring, &call->mid, buf_take(text), call->ttl_ms, loop_now_ms(call->claims->loop));
}

/* In the time of Redis, which is that of all workers. */
static void remember_open(struct claims_call *call, char state, const struct claim_result *result, const char *fingerprint)
{
    struct buf text;

    claim_record_format_open(state, call->claim->fence,
                             result->first_ms + result->age_ms + call->claims->settings.lease_ms, call->claim->attempts,
                             result->first_ms, call->claim->id, fingerprint, &text);
    remember(call, &text);
}

/* What SETTLE wrote. U adds nothing to what BEGIN left here. */
static void remember_settled(struct claims_call *call)
{
    int64_t now = clock_wall_ms();
    struct buf text;

    if (call->state == 'U') {
        return;
    }
    if (call->state == 'P') {
        claim_record_format_open('P', call->fence, now + call->delay_ms, 0, now, "", "", &text);
    } else {
        claim_record_format_end(call->state, call->fence, call->info, &text);
    }
    remember(call, &text);
}

/* Of a call whose answer was lost, too: the Redis that has lost it may have lost what it did. */
static void remember_begun(struct claims_call *call, const struct claim_result *result)
{
    if (result->answer == CLAIM_GO) {
        remember_open(call, 'W', result, call->fingerprint);
    } else if (result->answer == CLAIM_AMBIGUOUS) {
        remember_open(call, 'U', result, result->fingerprint);
    }
}

/* AMNESIA and SKEW say something about Redis, not about the delivery. */
static bool is_about_redis(struct claims_call *call, const struct redis_reply *reply)
{
    struct slice word = reply->type == REDIS_TEXT ? reply->text : slice_of("");

    if (reply->type == REDIS_ARRAY && reply->count > 0) {
        word = reply->items[0].text;
    }

    if (slice_is(word, "AMNESIA")) {
        metric_add(call->claims->amnesia_count, 1);
        keep_call(call);
        claims_distrust(call->claims, "Redis has forgotten its epoch");
        return true;
    }
    if (slice_is(word, "SKEW")) {
        metric_add(call->claims->skew_count, 1);
        keep_call(call);
        claims_distrust(call->claims, "the clocks of this machine and of Redis differ too much");
        return true;
    }
    return false;
}

static void on_begin(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct claims_call *call = arg;
    struct claim_result result = {0};
    claims_begin_fn fn = call->fn.begin;
    void *fn_arg = call->arg;

    if (status == REDIS_UNAVAILABLE) {
        keep_refused_call(call, reply);
        return;
    }
    if (status == REDIS_OK && is_about_redis(call, reply)) {
        return;
    }
    if (status != REDIS_OK || !claims_read_begin(call->claims, &call->mid, reply, call->claim, &result)) {
        refuse_answer(call, "BEGIN", reply);
        return;
    }
    remember_begun(call, &result);
    CRASHPOINT("begin_answered");
    if (result.answer != CLAIM_GO && result.answer != CLAIM_AMBIGUOUS) {
        call->claim->id[0] = '\0'; /* the next BEGIN is a new one */
    }
    end_call(call);
    fn(fn_arg, &result);
}

/* --- settle ------------------------------------------------------------------------------------------------------- */

void claims_settle(struct claims *claims, const struct mid *mid, bool has_claim, uint64_t fence, char state,
                   const char *info, int64_t ttl_ms, int64_t delay_ms, claims_settle_fn fn, void *arg)
{
    struct claims_call *call = add_call(claims, CALL_SETTLE, mid, arg);

    assert(strchr("SXDHPU", state));
    call->fn.settle = fn;
    call->has_claim = has_claim;
    call->fence = fence;
    call->state = state;
    call->ttl_ms = ttl_ms;
    call->delay_ms = delay_ms;
    snprintf(call->info, sizeof(call->info), "%s", info ? info : "");
    send_if_ready(claims, call);
}

static void on_settle(void *arg, enum redis_status status, const struct redis_reply *reply)
{
    struct claims_call *call = arg;
    struct claims *claims = call->claims;
    claims_settle_fn fn = call->fn.settle;
    void *fn_arg = call->arg;
    enum claim_settled settled;

    if (status == REDIS_UNAVAILABLE) {
        keep_refused_call(call, reply);
        return;
    }
    if (status == REDIS_OK && is_about_redis(call, reply)) {
        return;
    }
    if (status == REDIS_OK && slice_is(reply->text, "UNKNOWN")) {
        /* What was sent was sent, and the outcome says so; the record of a later version stands. The rest is looked up again. */
        settled = call->state == 'S' ? CLAIM_SETTLED_OK : CLAIM_SETTLED_STRANGE;
        if (call->state == 'S') {
            claims_tell_strange(claims, &call->mid, '?');
        }
    } else if (status == REDIS_OK && slice_is(reply->text, "OK")) {
        settled = CLAIM_SETTLED_OK;
    } else if (status == REDIS_OK && slice_is(reply->text, "KEEP")) {
        settled = CLAIM_SETTLED_WAS_SENT;
    } else if (status == REDIS_OK && slice_is(reply->text, "STALE_SENT")) {
        settled = CLAIM_SETTLED_OK;
        metric_add(claims->stale_sent_count, 1);
    } else if (status == REDIS_OK && slice_is(reply->text, "STALE")) {
        settled = CLAIM_SETTLED_STALE;
        metric_add(claims->stale_count, 1);
    } else {
        refuse_answer(call, "SETTLE", reply);
        return;
    }
    if (settled == CLAIM_SETTLED_OK) {
        remember_settled(call);
    }
    CRASHPOINT("settle_answered");
    end_call(call);
    fn(fn_arg, settled);
}
