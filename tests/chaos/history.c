#include "tests/chaos/history.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash_table.h"
#include "base/mem.h"

enum { INVARIANTS = 9, SHOWN_MOST = 8 };

/* The clocks of the parts are one, but their time stamps are taken a little before or after the fact. */
static const int64_t SLACK_MS = 50;

static const int64_t NEVER = INT64_MAX;

#define LIST(type)                                                                                                     \
    struct {                                                                                                           \
        type *items;                                                                                                   \
        size_t count, cap;                                                                                             \
    }

#define LIST_ADD(list, item)                                                                                           \
    do {                                                                                                               \
        if ((list).count == (list).cap) {                                                                              \
            (list).cap = (list).cap ? 2 * (list).cap : 256;                                                            \
            (list).items = xreallocarray((list).items, (list).cap, sizeof(*(list).items));                             \
        }                                                                                                              \
        (list).items[(list).count++] = (item);                                                                         \
    } while (0)

/* One message to one person. */
struct delivery {
    char key[HISTORY_NAME_SIZE + 8]; /* "email note-1-2" */
    enum channel channel;
    bool is_expected;
    int64_t produced_ms;
    char mid[HISTORY_MID_SIZE];
    LIST(size_t) requests; /* places in history->requests */
    size_t accepted;
    int64_t outcome_ms; /* of the first outcome; NEVER: none */
    int64_t parked_ms;  /* of the first time on a retry topic */
    char state[16], reason[HISTORY_WORD_SIZE];
    bool is_contradictory;
    UT_hash_handle hh;
};

/* By mid: what lies beside. */
struct known_mid {
    char mid[HISTORY_MID_SIZE];
    struct delivery *delivery;
    int64_t side_ms[3]; /* first time on each side topic; NEVER: never */
    UT_hash_handle hh;
};

struct history {
    LIST(struct history_event) events;
    LIST(struct history_request) requests;
    LIST(struct history_outcome) outcomes;
    LIST(struct history_aside) asides;
    LIST(struct history_commit) commits;
    LIST(struct history_fault) faults;
    LIST(struct history_stored) stored;
    LIST(int) losses;
    struct delivery *deliveries;
    struct known_mid *mids;
    /* of the check under way */
    const struct history_rules *rules;
    struct history_figures *figures;
    struct buf *report;
    size_t violations[INVARIANTS];
};

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
    HASH_ITER(hh, history->deliveries, delivery, next_delivery) {
        HASH_DEL(history->deliveries, delivery);
        free(delivery->requests.items);
        free(delivery);
    }
    HASH_ITER(hh, history->mids, mid, next_mid) {
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

/* --- tables ------------------------------------------------------------------------------------------------------- */

static void complain(struct history *history, int invariant, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void complain(struct history *history, int invariant, const char *format, ...)
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

static struct delivery *get_delivery(struct history *history, enum channel channel, const char *name)
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

static struct known_mid *get_mid(struct history *history, const char *mid)
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
        complain(history, 4, "%s: a request or outcome without a mid", delivery->key);
        return;
    }
    known = get_mid(history, mid);
    if (!delivery->mid[0]) {
        snprintf(delivery->mid, sizeof(delivery->mid), "%s", mid);
    }
    if (strcmp(delivery->mid, mid) != 0 || (known->delivery && known->delivery != delivery)) {
        complain(history, 4, "%s: mids %s and %s", delivery->key, delivery->mid, mid);
    }
    known->delivery = delivery;
}

/* A list without items has no array. */
static void sort(void *items, size_t count, size_t size, int (*compare)(const void *, const void *))
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
                struct delivery *delivery = get_delivery(history, (enum channel)channel, event->name);

                delivery->produced_ms =
                    delivery->is_expected && delivery->produced_ms < event->at_ms ? delivery->produced_ms : event->at_ms;
                delivery->is_expected = true;
            }
        }
    }
}

static void index_all(struct history *history)
{
    index_events(history);
    sort(history->requests.items, history->requests.count, sizeof(*history->requests.items), by_number);
    for (size_t i = 0; i < history->requests.count; i++) {
        const struct history_request *request = &history->requests.items[i];
        struct delivery *delivery = get_delivery(history, request->channel, request->name);

        LIST_ADD(delivery->requests, i);
        delivery->accepted += request->is_accepted;
        tie(history, delivery, request->mid);
    }
    for (size_t i = 0; i < history->outcomes.count; i++) {
        const struct history_outcome *outcome = &history->outcomes.items[i];
        struct delivery *delivery = get_delivery(history, outcome->channel, outcome->name);

        delivery->is_contradictory |= delivery->state[0] && !may_follow(delivery->state, outcome->state);
        delivery->outcome_ms = outcome->at_ms < delivery->outcome_ms ? outcome->at_ms : delivery->outcome_ms;
        memcpy(delivery->state, outcome->state, sizeof(delivery->state));
        memcpy(delivery->reason, outcome->reason, sizeof(delivery->reason));
        tie(history, delivery, outcome->mid);
    }
    for (size_t i = 0; i < history->asides.count; i++) {
        const struct history_aside *aside = &history->asides.items[i];
        struct known_mid *known = get_mid(history, aside->mid);

        known->side_ms[aside->side] = aside->at_ms < known->side_ms[aside->side] ? aside->at_ms : known->side_ms[aside->side];
    }
}

static bool is(const struct delivery *delivery, const char *state)
{
    return strcmp(delivery->state, state) == 0;
}

static bool is_aside(struct history *history, const struct delivery *delivery, enum history_side side)
{
    return delivery->mid[0] && get_mid(history, delivery->mid)->side_ms[side] != NEVER;
}

/* --- I1, I2, I6 --------------------------------------------------------------------------------------------------- */

static void check_loss(struct history *history, const struct delivery *delivery)
{
    if (delivery->accepted > 0) {
        return;
    }
    if (!delivery->state[0] || is(delivery, "sent")) {
        history->figures->missing++;
        complain(history, 1, "%s: lost (outcome \"%s\")", delivery->key, delivery->state);
    } else if (!delivery->reason[0]) {
        complain(history, 1, "%s: %s without a reason", delivery->key, delivery->state);
    } else if (is(delivery, "dead") && !is_aside(history, delivery, HISTORY_DEAD)) {
        complain(history, 1, "%s: dead, and not on the DLQ", delivery->key);
    } else if (is(delivery, "held") && !is_aside(history, delivery, HISTORY_HELD)) {
        complain(history, 1, "%s: held, and not on the held topic", delivery->key);
    }
}

static void check_outcome(struct history *history, const struct delivery *delivery)
{
    if (!delivery->state[0]) {
        complain(history, 6, "%s: no outcome", delivery->key);
    } else if (delivery->is_contradictory) {
        complain(history, 6, "%s: two different outcomes", delivery->key);
    } else if (is(delivery, "sent") && delivery->accepted == 0) {
        complain(history, 6, "%s: sent, and the provider has nothing", delivery->key);
    } else if (!is(delivery, "sent") && !is(delivery, "held") && delivery->accepted > 0) {
        complain(history, 6, "%s: %s, and the provider has it", delivery->key, delivery->state);
    }
}

static void count_delivery(struct history *history, const struct delivery *delivery)
{
    struct history_figures *figures = history->figures;

    figures->expected++;
    figures->sent += is(delivery, "sent");
    figures->held[delivery->channel] += is(delivery, "held");
    figures->dead += is(delivery, "dead");
    figures->suppressed += is(delivery, "suppressed") || is(delivery, "expired");
}

static void check_duplicates(struct history *history, const struct delivery *delivery)
{
    if (delivery->accepted > 1) {
        history->figures->duplicates += delivery->accepted - 1;
        if (!history->rules->may_resend[delivery->channel]) {
            complain(history, 2, "%s: accepted %zu times", delivery->key, delivery->accepted);
        }
    }
}

static void check_totals(struct history *history)
{
    const struct history_rules *rules = history->rules;
    const struct history_figures *figures = history->figures;
    size_t broken = 0, on_dlq = 0;

    if (figures->duplicates > rules->duplicates_most) {
        complain(history, 2, "%zu duplicates, %zu are the most", figures->duplicates, rules->duplicates_most);
    }
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        if (figures->held[channel] > rules->held_most[channel]) {
            complain(history, 3, "%s: %zu held, %zu are the most", channel_name((enum channel)channel),
                     figures->held[channel], rules->held_most[channel]);
        }
    }
    if (figures->dead > rules->dead_most || figures->suppressed > rules->suppressed_most) {
        complain(history, 6, "%zu dead and %zu suppressed, %zu and %zu are the most", figures->dead, figures->suppressed,
                 rules->dead_most, rules->suppressed_most);
    }
    if (rules->lag != 0) {
        complain(history, 6, "%lld records are not committed", (long long)rules->lag);
    }
    for (size_t i = 0; i < history->events.count; i++) {
        broken += !history->events.items[i].name[0];
    }
    for (struct known_mid *known = history->mids; known; known = known->hh.next) {
        on_dlq += !known->delivery && known->side_ms[HISTORY_DEAD] != NEVER;
    }
    if (broken != on_dlq) {
        complain(history, 1, "%zu records that are no events, and %zu of them on the DLQ", broken, on_dlq);
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
            complain(history, 3, "%s: asked for %lld ms after its outcome", delivery->key,
                     (long long)(request->at_ms - delivery->outcome_ms));
        } else if (!is_spoilt(before) && !has_fault_between(history, before->at_ms, request->at_ms)) {
            history->figures->unexplained++;
            complain(history, 3, "%s: asked for again without a fault (answered %s)", delivery->key, before->answer);
        }
        if (strcmp(before->body_hash, request->body_hash) != 0) {
            complain(history, 4, "%s: asked for again with other bytes", delivery->key);
        }
    }
}

static void explain_held(struct history *history, const struct delivery *delivery)
{
    size_t count = delivery->requests.count;
    bool is_answer_bad = count && is_spoilt(&history->requests.items[delivery->requests.items[count - 1]]);

    if (is(delivery, "held") && !is_answer_bad &&
        !has_fault_between(history, delivery->produced_ms, delivery->outcome_ms)) {
        history->figures->unexplained++;
        complain(history, 3, "%s: held (%s) without a fault", delivery->key, delivery->reason);
    }
}

static void check_deliveries(struct history *history)
{
    for (struct delivery *delivery = history->deliveries; delivery; delivery = delivery->hh.next) {
        if (!delivery->is_expected) {
            complain(history, 4, "%s: nobody asked for it", delivery->key);
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
    delivery = get_delivery(history, channel, event->name);
    parked = delivery->mid[0] ? get_mid(history, delivery->mid)->side_ms[HISTORY_PARKED] : NEVER;
    return delivery->outcome_ms < parked ? delivery->outcome_ms : parked;
}

/* Events of one partition lie together in order; what an earlier commit covered was done before that. */
static void check_commits(struct history *history)
{
    size_t at = 0;

    sort(history->events.items, history->events.count, sizeof(*history->events.items), by_place);
    sort(history->commits.items, history->commits.count, sizeof(*history->commits.items), by_commit);
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
                complain(history, 5, "%s %d.%lld (%s): below the commit of %lld, done %s", channel_name(commit->channel),
                         commit->partition, (long long)history->events.items[at].offset,
                         history->events.items[at].name, (long long)commit->offset, done == NEVER ? "never" : "later");
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
        complain(history, 7, "%s: left S for %c", last->key, stored->state);
    }
    if (!stored->mid[0] && stored->fence < last->fence) {
        complain(history, 7, "%s: the fence fell", last->key);
    }
}

static void check_stored(struct history *history)
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
    HASH_ITER(hh, table, last, next) {
        history->figures->unsettled +=
            last->snapshot == newest && (last->state == 'W' || last->state == 'U' || last->state == 'P');
        if (last->state == 'S' && last->snapshot < newest && !is_loss_between(history, last->snapshot, newest)) {
            complain(history, 7, "%s: S, and then gone", last->key);
        }
    }
    for (struct delivery *d = history->deliveries; d && history->rules->last_snapshot; d = d->hh.next) {
        last = NULL;
        if (is(d, "sent")) {
            HASH_FIND_STR(table, d->mid, last);
            if (!last || last->state != 'S' || last->snapshot != history->rules->last_snapshot) {
                complain(history, 7, "%s: sent, and %c in Redis", d->key, last ? last->state : '-');
            }
        }
    }
    HASH_ITER(hh, table, last, next) {
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

static void check_rate(struct history *history, enum channel channel)
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
    if (history->rules->rate_per_s && history->figures->busiest_second > history->rules->rate_per_s + history->rules->burst) {
        complain(history, 8, "%s: %lld requests in a second", channel_name(channel),
                 (long long)history->figures->busiest_second);
    }
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
    index_all(history);
    check_deliveries(history);
    check_totals(history);
    check_commits(history);
    check_stored(history);
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        check_rate(history, (enum channel)channel);
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
    const struct delivery *delivery = get_delivery(history, channel, name);
    int64_t first_ms = -1;

    for (size_t i = 0; i < delivery->requests.count; i++) {
        int64_t at_ms = history->requests.items[delivery->requests.items[i]].at_ms;

        first_ms = first_ms < 0 || at_ms < first_ms ? at_ms : first_ms;
    }
    return first_ms;
}
