#include "tests/chaos/history_inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void history_complain(struct history *history, int invariant, const char *format, ...)
{
    char line[256];
    va_list args;

    if (history->violations[invariant]++ >= SHOWN_MOST) {
        return;
    }
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    buf_appendf(history->report, "I%d %s\n", invariant, line);
}

struct delivery *history_get_delivery(struct history *history, enum channel channel, const char *name)
{
    char key[sizeof(history->deliveries->key)];
    struct delivery *delivery = NULL;

    snprintf(key, sizeof(key), "%s %s", channel_name(channel), name);
    HASH_FIND_STR(history->deliveries, key, delivery);
    if (!delivery) {
        delivery = xcalloc(1, sizeof(*delivery));
        memcpy(delivery->key, key, sizeof(key));
        delivery->channel = channel;
        delivery->outcome_ms = delivery->parked_ms = NEVER;
        HASH_ADD_STR(history->deliveries, key, delivery);
    }
    return delivery;
}

struct known_mid *history_get_mid(struct history *history, const char *mid)
{
    struct known_mid *known = NULL;

    HASH_FIND_STR(history->mids, mid, known);
    if (!known) {
        known = xcalloc(1, sizeof(*known));
        snprintf(known->mid, sizeof(known->mid), "%s", mid);
        known->side_ms[0] = known->side_ms[1] = known->side_ms[2] = NEVER;
        HASH_ADD_STR(history->mids, mid, known);
    }
    return known;
}

/* I4: one mid, one delivery. */
static void tie(struct history *history, struct delivery *delivery, const char *mid)
{
    struct known_mid *known;

    if (!mid[0]) {
        history_complain(history, 4, "%s: a request or outcome without a mid", delivery->key);
        return;
    }
    known = history_get_mid(history, mid);
    if (!delivery->mid[0]) {
        snprintf(delivery->mid, sizeof(delivery->mid), "%s", mid);
    }
    if (strcmp(delivery->mid, mid) != 0 || (known->delivery && known->delivery != delivery)) {
        history_complain(history, 4, "%s: mids %s and %s", delivery->key, delivery->mid, mid);
    }
    known->delivery = delivery;
}

void history_sort(void *items, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    if (count > 0) {
        qsort(items, count, size, compare);
    }
}

static int by_number(const void *a, const void *b)
{
    const struct history_request *left = a, *right = b;

    return left->number < right->number ? -1 : left->number > right->number;
}

/* An explicit answer that comes late resolves what nobody could know: held may become sent, nothing else changes. */
static bool may_follow(const char *before, const char *after)
{
    return strcmp(before, after) == 0 || (strcmp(before, "held") == 0 && strcmp(after, "sent") == 0);
}

static void index_events(struct history *history)
{
    for (size_t i = 0; i < history->events.count; i++) {
        const struct history_event *event = &history->events.items[i];

        for (int channel = 0; channel < CHANNEL_COUNT && event->name[0]; channel++) {
            if (history->rules->is_channel_used[channel]) {
                struct delivery *delivery = history_get_delivery(history, (enum channel)channel, event->name);

                delivery->produced_ms = delivery->is_expected && delivery->produced_ms < event->at_ms
                                            ? delivery->produced_ms
                                            : event->at_ms;
                delivery->is_expected = true;
            }
        }
    }
}

void history_index(struct history *history)
{
    index_events(history);
    history_sort(history->requests.items, history->requests.count, sizeof(*history->requests.items), by_number);
    for (size_t i = 0; i < history->requests.count; i++) {
        const struct history_request *request = &history->requests.items[i];
        struct delivery *delivery = history_get_delivery(history, request->channel, request->name);

        LIST_ADD(delivery->requests, i);
        delivery->accepted += request->is_accepted;
        tie(history, delivery, request->mid);
    }
    for (size_t i = 0; i < history->outcomes.count; i++) {
        const struct history_outcome *outcome = &history->outcomes.items[i];
        struct delivery *delivery = history_get_delivery(history, outcome->channel, outcome->name);

        delivery->is_contradictory |= delivery->state[0] && !may_follow(delivery->state, outcome->state);
        delivery->outcome_ms = outcome->at_ms < delivery->outcome_ms ? outcome->at_ms : delivery->outcome_ms;
        memcpy(delivery->state, outcome->state, sizeof(delivery->state));
        memcpy(delivery->reason, outcome->reason, sizeof(delivery->reason));
        tie(history, delivery, outcome->mid);
    }
    for (size_t i = 0; i < history->asides.count; i++) {
        const struct history_aside *aside = &history->asides.items[i];
        struct known_mid *known = history_get_mid(history, aside->mid);

        known->side_ms[aside->side] =
            aside->at_ms < known->side_ms[aside->side] ? aside->at_ms : known->side_ms[aside->side];
    }
}

bool history_is(const struct delivery *delivery, const char *state)
{
    return strcmp(delivery->state, state) == 0;
}
