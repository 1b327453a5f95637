/*
 * What BEGIN answers: hostile until it is held to what the script says.
 */
#include "run/claims_inside.h"

#include <limits.h>
#include <stdio.h>

/* Our own call had been executed before, its answer was lost: the record says what it would have been. */
static bool read_mine(const struct claims *claims, struct slice text, struct claim *claim, struct claim_result *result)
{
    struct claim_record record;
    int64_t begun_ms; /* when it was executed, by Redis' clock as all in the record */

    if (!claim_record_parse(text, &record) || (record.state != 'W' && record.state != 'U') || record.fence == 0) {
        return false;
    }
    claim->fence = record.fence;
    claim->attempts = record.attempts;
    result->answer = record.state == 'W' ? CLAIM_GO : CLAIM_AMBIGUOUS;
    begun_ms = record.deadline_ms - claims_lease_ms(claims);
    result->age_ms = begun_ms > record.first_ms ? begun_ms - record.first_ms : 0;
    result->first_ms = record.first_ms;
    snprintf(result->fingerprint, sizeof(result->fingerprint), "%s", record.fingerprint);
    return true;
}

static bool has_items(const struct redis_reply *reply, size_t count)
{
    return reply->count >= count;
}

/* Fence and attempts, as BEGIN counts them. */
static bool take_claim(const struct redis_reply *fence, const struct redis_reply *attempts, struct claim *claim)
{
    if (fence->type != REDIS_INT || fence->number < 1 || attempts->type != REDIS_INT || attempts->number < 0 ||
        attempts->number > INT_MAX) {
        return false;
    }
    claim->fence = (uint64_t)fence->number;
    claim->attempts = (int)attempts->number;
    return true;
}

/* A span between two time stamps of Redis, or one of them, since 1970: its clock may have been set back, and somebody may
 * have made the record. */
static int64_t read_ms(const struct redis_reply *item)
{
    int64_t ms = item->number;

    return ms < 0 ? 0 : ms > CLAIM_FOREVER_MS ? CLAIM_FOREVER_MS : ms;
}

bool claims_read_begin(struct claims *claims, const struct mid *mid, const struct redis_reply *reply, struct claim *claim,
                       struct claim_result *result)
{
    const struct redis_reply *items = reply->items;
    struct slice word;

    if (reply->type != REDIS_ARRAY || !has_items(reply, 1) || items[0].type != REDIS_TEXT) {
        return false;
    }
    word = items[0].text;
    if (slice_is(word, "GO") && has_items(reply, 4) && take_claim(&items[1], &items[2], claim)) {
        result->answer = CLAIM_GO;
        result->first_ms = read_ms(&items[3]);
        return true;
    }
    if (slice_is(word, "MINE") && has_items(reply, 2)) {
        return read_mine(claims, items[1].text, claim, result);
    }
    if ((slice_is(word, "BUSY") || slice_is(word, "LATER")) && has_items(reply, 2)) {
        result->answer = slice_is(word, "BUSY") ? CLAIM_BUSY : CLAIM_LATER;
        result->wait_ms = read_ms(&items[1]);
        return true;
    }
    if (slice_is(word, "AMBIG") && has_items(reply, 6) && take_claim(&items[1], &items[2], claim)) {
        result->answer = CLAIM_AMBIGUOUS;
        result->age_ms = read_ms(&items[3]);
        result->first_ms = read_ms(&items[5]);
        snprintf(result->fingerprint, sizeof(result->fingerprint), "%.*s", (int)items[4].text.len,
                 items[4].text.data ? items[4].text.data : "");
        return true;
    }
    if (slice_is(word, "UNKNOWN") && has_items(reply, 2)) { /* later, when somebody has dealt with it */
        claims_tell_strange(claims, mid,
                            claim_record_parse(items[1].text, &result->record) && result->record.state == '?' ? '?' : '!');
        result->answer = CLAIM_LATER;
        result->wait_ms = CLAIM_STRANGE_WAIT_MS;
        return true;
    }
    if (slice_is(word, "DONE") && has_items(reply, 2)) {
        result->answer = CLAIM_DONE;
        return claim_record_parse(items[1].text, &result->record) && claim_record_is_terminal(&result->record);
    }
    return false;
}
