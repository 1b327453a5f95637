#include "tests/chaos/history_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- I5 ----------------------------------------------------------------------------------------------------------- */

static int by_place(const void *a, const void *b)
{
    const struct history_event *left = a, *right = b;

    if (left->partition != right->partition) {
        return left->partition < right->partition ? -1 : 1;
    }
    return left->offset < right->offset ? -1 : left->offset > right->offset;
}

static int by_commit(const void *a, const void *b)
{
    const struct history_commit *left = a, *right = b;

    if (left->channel != right->channel) {
        return left->channel < right->channel ? -1 : 1;
    }
    if (left->partition != right->partition) {
        return left->partition < right->partition ? -1 : 1;
    }
    return left->at_ms < right->at_ms ? -1 : left->at_ms > right->at_ms;
}

/* When an event was done for a channel: outcome or parked; a record that is no event: on the DLQ. */
static int64_t done_at(struct history *history, const struct history_event *event, enum channel channel)
{
    struct delivery *delivery;
    int64_t parked;

    if (!event->name[0]) {
        for (size_t i = 0; i < history->asides.count; i++) {
            const struct history_aside *aside = &history->asides.items[i];

            if (aside->side == HISTORY_DEAD && aside->partition == event->partition && aside->offset == event->offset) {
                return aside->at_ms;
            }
        }
        return NEVER;
    }
    delivery = history_get_delivery(history, channel, event->name);
    parked = delivery->mid[0] ? history_get_mid(history, delivery->mid)->side_ms[HISTORY_PARKED] : NEVER;
    return delivery->outcome_ms < parked ? delivery->outcome_ms : parked;
}

/* Events of one partition lie together in order; what an earlier commit covered was done before that. */
void history_check_commits(struct history *history)
{
    size_t at = 0;

    history_sort(history->events.items, history->events.count, sizeof(*history->events.items), by_place);
    history_sort(history->commits.items, history->commits.count, sizeof(*history->commits.items), by_commit);
    for (size_t i = 0; i < history->commits.count; i++) {
        const struct history_commit *commit = &history->commits.items[i];
        const struct history_commit *before = i ? &history->commits.items[i - 1] : NULL;

        if (!before || before->channel != commit->channel || before->partition != commit->partition) {
            for (at = 0; at < history->events.count && history->events.items[at].partition < commit->partition; at++) {
            }
        }
        for (; at < history->events.count && history->events.items[at].partition == commit->partition &&
               history->events.items[at].offset < commit->offset;
             at++) {
            int64_t done = done_at(history, &history->events.items[at], commit->channel);

            if (done == NEVER || done > commit->at_ms + SLACK_MS) {
                history_complain(history, 5, "%s %d.%lld (%s): below the commit of %lld, done %s",
                                 channel_name(commit->channel), commit->partition,
                                 (long long)history->events.items[at].offset, history->events.items[at].name,
                                 (long long)commit->offset, done == NEVER ? "never" : "later");
            }
        }
    }
    history->figures->commits = history->commits.count;
}

/* --- I7 ----------------------------------------------------------------------------------------------------------- */

static bool is_loss_between(const struct history *history, int before, int after)
{
    for (size_t i = 0; i < history->losses.count; i++) {
        if (history->losses.items[i] > before && history->losses.items[i] <= after) {
            return true;
        }
    }
    return false;
}

struct last_seen {
    char key[HISTORY_MID_SIZE + 8];
    int snapshot;
    char state;
    uint64_t fence;
    UT_hash_handle hh;
};

static struct last_seen *see(struct last_seen **table, const struct history_stored *stored)
{
    char key[sizeof((*table)->key)];
    struct last_seen *last = NULL;

    if (stored->mid[0]) {
        snprintf(key, sizeof(key), "%s", stored->mid);
    } else {
        snprintf(key, sizeof(key), "shard %u", stored->shard);
    }
    HASH_FIND_STR(*table, key, last);
    if (!last) {
        last = xcalloc(1, sizeof(*last));
        memcpy(last->key, key, sizeof(key));
        HASH_ADD_STR(*table, key, last);
    }
    return last;
}

static void check_step(struct history *history, const struct last_seen *last, const struct history_stored *stored)
{
    if (last->snapshot == 0 || is_loss_between(history, last->snapshot, stored->snapshot)) {
        return;
    }
    if (last->state == 'S' && stored->state != 'S') {
        history_complain(history, 7, "%s: left S for %c", last->key, stored->state);
    }
    if (!stored->mid[0] && stored->fence < last->fence) {
        history_complain(history, 7, "%s: the fence fell", last->key);
    }
}

void history_check_stored(struct history *history)
{
    struct last_seen *table = NULL;
    struct last_seen *last, *next;
    int newest = 0;

    for (size_t i = 0; i < history->stored.count; i++) { /* added in the order of snapshots */
        const struct history_stored *stored = &history->stored.items[i];

        last = see(&table, stored);
        check_step(history, last, stored);
        last->snapshot = stored->snapshot;
        last->state = stored->state;
        last->fence = stored->fence;
        newest = stored->snapshot > newest ? stored->snapshot : newest;
    }
    history->figures->snapshots = (size_t)newest;
    HASH_ITER(hh, table, last, next)
    {
        history->figures->unsettled +=
            last->snapshot == newest && (last->state == 'W' || last->state == 'U' || last->state == 'P');
        if (last->state == 'S' && last->snapshot < newest && !is_loss_between(history, last->snapshot, newest)) {
            history_complain(history, 7, "%s: S, and then gone", last->key);
        }
    }
    for (struct delivery *d = history->deliveries; d && history->rules->last_snapshot; d = d->hh.next) {
        last = NULL;
        if (history_is(d, "sent")) {
            HASH_FIND_STR(table, d->mid, last);
            if (!last || last->state != 'S' || last->snapshot != history->rules->last_snapshot) {
                history_complain(history, 7, "%s: sent, and %c in Redis", d->key, last ? last->state : '-');
            }
        }
    }
    HASH_ITER(hh, table, last, next)
    {
        HASH_DEL(table, last);
        free(last);
    }
}

/* --- I8 ----------------------------------------------------------------------------------------------------------- */

static int by_time(const void *a, const void *b)
{
    const int64_t *left = a, *right = b;

    return *left < *right ? -1 : *left > *right;
}

void history_check_rate(struct history *history, enum channel channel)
{
    int64_t *times = xcalloc(history->requests.count + 1, sizeof(*times));
    size_t count = 0, first = 0;

    for (size_t i = 0; i < history->requests.count; i++) {
        if (history->requests.items[i].channel == channel) {
            times[count++] = history->requests.items[i].at_ms;
        }
    }
    qsort(times, count, sizeof(*times), by_time);
    for (size_t i = 0; i < count; i++) {
        while (times[i] - times[first] >= 1000) {
            first++;
        }
        if ((int64_t)(i - first + 1) > history->figures->busiest_second) {
            history->figures->busiest_second = (int64_t)(i - first + 1);
        }
    }
    free(times);
    if (history->rules->rate_per_s &&
        history->figures->busiest_second > history->rules->rate_per_s + history->rules->burst) {
        history_complain(history, 8, "%s: %lld requests in a second", channel_name(channel),
                         (long long)history->figures->busiest_second);
    }
}
