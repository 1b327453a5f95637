/*
 * books: what the system says it did (outcomes topic) held against what the provider has (sandbox), delivery by
 * delivery. The judge of "each message exactly once".
 */
#ifndef SUPPORT_BOOKS_H
#define SUPPORT_BOOKS_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "core/channel.h"
#include "tests/support/system.h"

struct book_entry {
    char mid[64];
    enum channel channel;
    int outcomes;             /* records on the outcomes topic */
    bool is_contradictory;    /* two of them say different things */
    const char *state;        /* of the last; "" when there is none */
    const char *reason;
    json_t *outcome;          /* the last; owned */
    int accepted;             /* how often the sandbox took it */
    long long first_id;       /* of the sandbox: in the order of arrival */
};

struct books {
    struct book_entry *entries;
    size_t count;
};

/* Reads everything anew. */
struct books *books_read(struct system *system);
void books_destroy(struct books *books);

struct book_entry *books_find(const struct books *books, const char *mid);
/* Deliveries of a channel in a state ("sent"), by their outcome. */
size_t books_count(const struct books *books, enum channel channel, const char *state);
size_t books_count_all(const struct books *books, const char *state);

/* One line for each thing that does not fit: sent and not at the provider, at the provider and not sent (or held), taken
 * twice, two different outcomes. Nothing when the books balance. The caller frees it. */
char *books_find_faults(const struct books *books);
/* Messages the provider holds for members in another order than they were asked for (test.note), counted. */
size_t books_count_disorder(struct system *system);

#endif
