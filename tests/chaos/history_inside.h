/*
 * history_inside: what the files of the history checker share: everything that was added, by delivery and by mid, and how a
 * violation is reported.
 */
#ifndef TESTS_CHAOS_HISTORY_INSIDE_H
#define TESTS_CHAOS_HISTORY_INSIDE_H

#include "base/hash_table.h"
#include "base/mem.h"
#include "tests/chaos/history.h"

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

/* --- history_tables.c --------------------------------------------------------------------------------------------- */

void history_complain(struct history *history, int invariant, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Made when it is not there. */
struct delivery *history_get_delivery(struct history *history, enum channel channel, const char *name);
struct known_mid *history_get_mid(struct history *history, const char *mid);
/* A list without items has no array. */
void history_sort(void *items, size_t count, size_t size, int (*compare)(const void *, const void *));
/* Makes the tables of what was added. */
void history_index(struct history *history);
bool history_is(const struct delivery *delivery, const char *state);

/* --- history_deliveries.c: I1 to I4, I6 --------------------------------------------------------------------------- */

void history_check_deliveries(struct history *history);
void history_check_totals(struct history *history);

/* --- history_order.c: I5, I7, I8 ---------------------------------------------------------------------------------- */

void history_check_commits(struct history *history);
void history_check_stored(struct history *history);
void history_check_rate(struct history *history, enum channel channel);

#endif
