#include "tests/chaos/history_inside.h"

#include <stdlib.h>
#include <string.h>

struct history *history_create(void)
{
    return xcalloc(1, sizeof(struct history));
}

void history_destroy(struct history *history)
{
    struct delivery *delivery, *next_delivery;
    struct known_mid *mid, *next_mid;

    if (!history) {
        return;
    }
    HASH_ITER(hh, history->deliveries, delivery, next_delivery)
    {
        HASH_DEL(history->deliveries, delivery);
        free(delivery->requests.items);
        free(delivery);
    }
    HASH_ITER(hh, history->mids, mid, next_mid)
    {
        HASH_DEL(history->mids, mid);
        free(mid);
    }
    free(history->events.items);
    free(history->requests.items);
    free(history->outcomes.items);
    free(history->asides.items);
    free(history->commits.items);
    free(history->faults.items);
    free(history->stored.items);
    free(history->losses.items);
    free(history);
}

void history_add_event(struct history *history, const struct history_event *event)
{
    LIST_ADD(history->events, *event);
}

void history_add_request(struct history *history, const struct history_request *request)
{
    LIST_ADD(history->requests, *request);
}

void history_add_outcome(struct history *history, const struct history_outcome *outcome)
{
    LIST_ADD(history->outcomes, *outcome);
}

void history_add_aside(struct history *history, const struct history_aside *aside)
{
    LIST_ADD(history->asides, *aside);
}

void history_add_commit(struct history *history, const struct history_commit *commit)
{
    LIST_ADD(history->commits, *commit);
}

void history_add_fault(struct history *history, const char *what, int64_t from_ms, int64_t to_ms)
{
    const struct history_fault fault = {what, from_ms, to_ms};

    LIST_ADD(history->faults, fault);
}

void history_add_stored(struct history *history, const struct history_stored *stored)
{
    LIST_ADD(history->stored, *stored);
}

void history_add_redis_loss(struct history *history, int snapshot)
{
    LIST_ADD(history->losses, snapshot);
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

bool history_check(struct history *history, const struct history_rules *rules, struct history_figures *figures,
                   struct buf *report)
{
    bool is_fine = true;

    *figures = (struct history_figures){.requests = history->requests.count};
    history->rules = rules;
    history->figures = figures;
    history->report = report;
    memset(history->violations, 0, sizeof(history->violations));
    history_index(history);
    history_check_deliveries(history);
    history_check_totals(history);
    history_check_commits(history);
    history_check_stored(history);
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        history_check_rate(history, (enum channel)channel);
    }
    for (int i = 0; i < INVARIANTS; i++) {
        is_fine &= history->violations[i] == 0;
        if (history->violations[i] > SHOWN_MOST) {
            buf_appendf(report, "I%d ... %zu in all\n", i, history->violations[i]);
        }
    }
    return is_fine;
}

/* --- for figures -------------------------------------------------------------------------------------------------- */

size_t history_count_events(const struct history *history)
{
    return history->events.count;
}

const struct history_event *history_get_event(const struct history *history, size_t index)
{
    return &history->events.items[index];
}

size_t history_count_requests(const struct history *history)
{
    return history->requests.count;
}

const struct history_request *history_get_request(const struct history *history, size_t index)
{
    return &history->requests.items[index];
}

int64_t history_first_asked_ms(struct history *history, enum channel channel, const char *name)
{
    const struct delivery *delivery = history_get_delivery(history, channel, name);
    int64_t first_ms = -1;

    for (size_t i = 0; i < delivery->requests.count; i++) {
        int64_t at_ms = history->requests.items[delivery->requests.items[i]].at_ms;

        first_ms = first_ms < 0 || at_ms < first_ms ? at_ms : first_ms;
    }
    return first_ms;
}
