#include "tests/chaos/history_inside.h"

#include <string.h>

/* --- I1, I2, I6 --------------------------------------------------------------------------------------------------- */

static bool is_aside(struct history *history, const struct delivery *delivery, enum history_side side)
{
    return delivery->mid[0] && history_get_mid(history, delivery->mid)->side_ms[side] != NEVER;
}

static void check_loss(struct history *history, const struct delivery *delivery)
{
    if (delivery->accepted > 0) {
        return;
    }
    if (!delivery->state[0] || history_is(delivery, "sent")) {
        history->figures->missing++;
        history_complain(history, 1, "%s: lost (outcome \"%s\")", delivery->key, delivery->state);
    } else if (!delivery->reason[0]) {
        history_complain(history, 1, "%s: %s without a reason", delivery->key, delivery->state);
    } else if (history_is(delivery, "dead") && !is_aside(history, delivery, HISTORY_DEAD)) {
        history_complain(history, 1, "%s: dead, and not on the DLQ", delivery->key);
    } else if (history_is(delivery, "held") && !is_aside(history, delivery, HISTORY_HELD)) {
        history_complain(history, 1, "%s: held, and not on the held topic", delivery->key);
    }
}

static void check_outcome(struct history *history, const struct delivery *delivery)
{
    if (!delivery->state[0]) {
        history_complain(history, 6, "%s: no outcome", delivery->key);
    } else if (delivery->is_contradictory) {
        history_complain(history, 6, "%s: two different outcomes", delivery->key);
    } else if (history_is(delivery, "sent") && delivery->accepted == 0) {
        history_complain(history, 6, "%s: sent, and the provider has nothing", delivery->key);
    } else if (!history_is(delivery, "sent") && !history_is(delivery, "held") && delivery->accepted > 0) {
        history_complain(history, 6, "%s: %s, and the provider has it", delivery->key, delivery->state);
    }
}

static void count_delivery(struct history *history, const struct delivery *delivery)
{
    struct history_figures *figures = history->figures;

    figures->expected++;
    figures->sent += history_is(delivery, "sent");
    figures->held[delivery->channel] += history_is(delivery, "held");
    figures->dead += history_is(delivery, "dead");
    figures->suppressed += history_is(delivery, "suppressed") || history_is(delivery, "expired");
}

static void check_duplicates(struct history *history, const struct delivery *delivery)
{
    if (delivery->accepted > 1) {
        history->figures->duplicates += delivery->accepted - 1;
        if (!history->rules->may_resend[delivery->channel]) {
            history_complain(history, 2, "%s: accepted %zu times", delivery->key, delivery->accepted);
        }
    }
}

void history_check_totals(struct history *history)
{
    const struct history_rules *rules = history->rules;
    const struct history_figures *figures = history->figures;
    size_t broken = 0, on_dlq = 0;

    if (figures->duplicates > rules->duplicates_most) {
        history_complain(history, 2, "%zu duplicates, %zu are the most", figures->duplicates, rules->duplicates_most);
    }
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        if (figures->held[channel] > rules->held_most[channel]) {
            history_complain(history, 3, "%s: %zu held, %zu are the most", channel_name((enum channel)channel),
                             figures->held[channel], rules->held_most[channel]);
        }
    }
    if (figures->dead > rules->dead_most || figures->suppressed > rules->suppressed_most) {
        history_complain(history, 6, "%zu dead and %zu suppressed, %zu and %zu are the most", figures->dead,
                         figures->suppressed, rules->dead_most, rules->suppressed_most);
    }
    if (rules->lag != 0) {
        history_complain(history, 6, "%lld records are not committed", (long long)rules->lag);
    }
    for (size_t i = 0; i < history->events.count; i++) {
        broken += !history->events.items[i].name[0];
    }
    for (struct known_mid *known = history->mids; known; known = known->hh.next) {
        on_dlq += !known->delivery && known->side_ms[HISTORY_DEAD] != NEVER;
    }
    if (broken != on_dlq) {
        history_complain(history, 1, "%zu records that are no events, and %zu of them on the DLQ", broken, on_dlq);
    }
}

/* --- I3, I4 ------------------------------------------------------------------------------------------------------- */

static bool is_spoilt(const struct history_request *request)
{
    return strcmp(request->answer, "201") != 0 && strcmp(request->answer, "400 duplicate_parameter") != 0;
}

static bool has_fault_between(const struct history *history, int64_t from_ms, int64_t to_ms)
{
    for (size_t i = 0; i < history->faults.count; i++) {
        const struct history_fault *fault = &history->faults.items[i];

        if (fault->from_ms <= to_ms + SLACK_MS && fault->to_ms >= from_ms - SLACK_MS) {
            return true;
        }
    }
    return false;
}

static void explain_requests(struct history *history, const struct delivery *delivery)
{
    for (size_t i = 1; i < delivery->requests.count; i++) {
        const struct history_request *before = &history->requests.items[delivery->requests.items[i - 1]];
        const struct history_request *request = &history->requests.items[delivery->requests.items[i]];

        history->figures->further++;
        if (delivery->outcome_ms != NEVER && request->at_ms > delivery->outcome_ms + SLACK_MS) {
            history->figures->unexplained++;
            history_complain(history, 3, "%s: asked for %lld ms after its outcome", delivery->key,
                             (long long)(request->at_ms - delivery->outcome_ms));
        } else if (!is_spoilt(before) && !has_fault_between(history, before->at_ms, request->at_ms)) {
            history->figures->unexplained++;
            history_complain(history, 3, "%s: asked for again without a fault (answered %s)", delivery->key,
                             before->answer);
        }
        if (strcmp(before->body_hash, request->body_hash) != 0) {
            history_complain(history, 4, "%s: asked for again with other bytes", delivery->key);
        }
    }
}

static void explain_held(struct history *history, const struct delivery *delivery)
{
    size_t count = delivery->requests.count;
    bool is_answer_bad = count && is_spoilt(&history->requests.items[delivery->requests.items[count - 1]]);

    if (history_is(delivery, "held") && !is_answer_bad &&
        !has_fault_between(history, delivery->produced_ms, delivery->outcome_ms)) {
        history->figures->unexplained++;
        history_complain(history, 3, "%s: held (%s) without a fault", delivery->key, delivery->reason);
    }
}

void history_check_deliveries(struct history *history)
{
    for (struct delivery *delivery = history->deliveries; delivery; delivery = delivery->hh.next) {
        if (!delivery->is_expected) {
            history_complain(history, 4, "%s: nobody asked for it", delivery->key);
            continue;
        }
        history->figures->accepted += delivery->accepted;
        count_delivery(history, delivery);
        check_loss(history, delivery);
        check_duplicates(history, delivery);
        check_outcome(history, delivery);
        explain_requests(history, delivery);
        explain_held(history, delivery);
    }
}
